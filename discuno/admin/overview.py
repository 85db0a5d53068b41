"""The first page of who looks after money: what waits for somebody, and how things are."""

from flask import Response

from discuno.admin import desk

bp = desk.private("admin", __name__, "/admin")


@bp.get("")
def overview() -> Response:
    """What waits, and how things are."""
    return desk.page("admin/_overview.html", "Overview")
