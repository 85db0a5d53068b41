"""The first page of who looks after money: what waits for somebody, and how things are."""

from typing import Any

from flask import Response

from discuno.admin import desk, outlook
from discuno.admin.people import auditing
from discuno.kit.db import transaction

bp = desk.private("admin", __name__, "/admin")


@bp.get("", strict_slashes=False)
def overview() -> Response:
    """What waits, what money did and will do, and what was done last."""
    with transaction():
        acts = outlook.latest_acts()
        context: dict[str, Any] = {
            "waits": outlook.waits(),
            "purses": outlook.purses(),
            "acts": acts,
            "places": auditing.places(acts),
        }
    return desk.page("admin/_overview.html", "Overview", changes=auditing.changes, **context)
