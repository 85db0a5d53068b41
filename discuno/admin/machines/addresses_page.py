"""/admin/emails/addresses: who gets no optional letters because of what became of an earlier one, and ending that."""

import sqlalchemy as sa
from flask import Response, redirect, request, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access
from discuno.admin import desk, lists
from discuno.admin.forms import ReasonForm
from discuno.kit import limits
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import NotFound
from discuno.kit.web import row_number
from discuno.notifications import addresses
from discuno.notifications.models import MailAddress, OptionalKind

bp = desk.private("admin_addresses", __name__, "/admin/emails/addresses")
FILTERS = ("q",)
STOPPED = MailAddress.stopped_at.is_not(None)


def how_many() -> str:
    """How many there are, counted as far as it matters."""
    return lists.count(sa.select(MailAddress.id).where(STOPPED))


@bp.get("")
def index() -> Response:
    """The newest first, with the letter by which each was stopped; the filter is in the address."""
    wanted = lists.chosen(request.args, FILTERS)
    statement = sa.select(MailAddress).where(STOPPED).options(joinedload(MailAddress.stopped_by))
    if "q" in wanted:
        statement = statement.where(MailAddress.address.startswith(wanted["q"].lower(), autoescape=True))
    found = lists.newest(statement, MailAddress.id, row_number(request.args.get("before")))
    return desk.page(
        "admin/_addresses.html",
        "Addresses without optional letters",
        addresses=found.lines,
        older=found.older(url_for(".index"), wanted),
        wanted=wanted,
        why=addresses.STOPPED,
    )


@bp.get("/<int:address_id>")
def show(address_id: int) -> Response:
    """One of them: why it gets none, and what its reader has declined."""
    return _show(address_id)


@bp.post("/<int:address_id>")
@limits.at_most(*policy.LEVERS)
def resume(address_id: int) -> AnyResponse:
    """Somebody knows that it takes letters again. Pressed twice it is done once."""
    form = ReasonForm()
    if not form.validate():
        return _show(address_id, 422, form.typed(), form.sentences())
    with transaction():
        addresses.resume(locked(MailAddress, address_id), access.actor(), form.reason.data)
    return redirect(url_for(".show", address_id=address_id, resumed=1), 303)


def _show(
    address_id: int,
    status: int = 200,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    address = session().get(MailAddress, address_id)
    if address is None:
        raise NotFound
    return desk.page(
        "admin/_address.html",
        address.address,
        status,
        address=address,
        declined=[kind for kind in OptionalKind if kind in address.declined],
        why=addresses.STOPPED,
        is_resumed="resumed" in request.args,
        typed=typed or {},
        errors=errors or {},
    )
