"""The way back to a booking when its link was lost or replaced. Links go to the booking's own address alone."""

import sqlalchemy as sa
from flask import Response, make_response, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.bookings import changes, links
from discuno.bookings.changes import LinkReplaced
from discuno.bookings.links import Claim
from discuno.bookings.manage import drawn, managed, private
from discuno.bookings.models import Booking, ChangeKind, LinkRequest, Party
from discuno.bookings.visitor import visitor
from discuno.kit import clock, db, limits, outbox
from discuno.kit.db import transaction
from discuno.kit.forms import Form, email_field
from discuno.kit.web import wants_part
from discuno.notifications import service as letters
from discuno.payments import service as payments

bp = private("find")


# A link that is replaced


@bp.post("/<token>/new-link")
@limits.at_most(*policy.MAIL)
def new_link(token: str) -> Response:
    """Replace the link: whoever has the old one has nothing from now on, the person who asks included."""
    booking_id = managed(token).id
    with transaction():
        booking = payments.locked_booking(booking_id)
        changes.managed(
            links.read(links.ATTENDEE, token)
        )  # under the lock: a second click replaces nothing more
        journey.replace_link(booking, Party.ATTENDEE)
    return _sent(booking, is_new=True)


@bp.post("/<token>/send-link")
@limits.at_most(*policy.MAIL)
def send_link(token: str) -> Response:
    """Send the present link to the booking's own address, for somebody who has an old one."""
    booking_id = changes.ever_managed(links.read(links.ATTENDEE, token)).id
    with transaction():
        booking = payments.locked_booking(booking_id)
        journey.send_link(booking)
    return _sent(booking, is_new=False)


def _sent(booking: Booking, *, is_new: bool) -> Response:
    address = masked(booking.attendee_email or "")
    return drawn("manage_sent", title="Look into your mailbox", is_new=is_new, address=address)


def masked(address: str) -> str:
    """j…@example.com: enough to know one's own address again, and not to learn another's."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}…@{domain}"


@bp.app_errorhandler(LinkReplaced)
def replaced(error: LinkReplaced) -> AnyResponse:
    """An old link opens nothing, but it may send for the present one; who booked in this browser is led to it."""
    token = str((request.view_args or {}).get("token", ""))
    claim = links.read(links.ATTENDEE, token)
    booking = changes.ever_managed(claim)
    if booking.visitor == visitor() or _has_moved_it(booking, claim):
        return _to_the_present(booking)
    if _is_polled():
        return _empty({"HX-Refresh": "true"})
    address = masked(booking.attendee_email or "")
    url = url_for("find.send_link", token=token)
    return drawn("manage_replaced", error.status, title=error.heading, address=address, send_url=url)


def _has_moved_it(booking: Booking, claim: Claim | None) -> bool:
    """Whether this browser asked for the very move that replaced the link, while the other calendar was asked."""
    if claim is None or session.get("moving") != [claim.public_id, claim.version]:
        return False
    kinds = [change.kind for change in booking.changes]
    told = len(kinds) - 1 - kinds[::-1].index(ChangeKind.LINK_REPLACED)
    once = booking.manage_token_version == claim.version + 1
    return once and told > 0 and kinds[told - 1] == ChangeKind.MOVED


def _to_the_present(booking: Booking) -> AnyResponse:
    path = links.manage_path(booking)
    if _is_polled():
        return _empty({"HX-Redirect": path})
    if request.method != "GET" or request.endpoint is None:
        return redirect(path, 303)
    given = {**(request.view_args or {}), **request.args.to_dict(), "token": links.manage_token(booking)}
    return redirect(url_for(request.endpoint, **given), 302)


def _is_polled() -> bool:
    """Whether only the state's part is asked for, which cannot hold another page."""
    return wants_part() and request.endpoint == "manage.state"


def _empty(headers: dict[str, str]) -> Response:
    return make_response("", 204, headers)


# A link that is lost


class FindForm(Form):
    """Whose bookings."""

    email = email_field()


@bp.get("/find")
def find() -> Response:
    """Ask for the address."""
    return drawn("find", title="Find my booking", email="", errors={})


@bp.post("/find")
@limits.at_most(*policy.MAIL)
def ask() -> AnyResponse:
    """The same answer and the same work for every address; what there is goes there by letter."""
    form = FindForm()
    if not form.validate():
        return drawn("find", 422, title="Find my booking", errors=form.sentences(), **form.typed())
    with transaction():
        request_ = LinkRequest(email=form.email.data.lower(), asked_at=clock.now())
        db.session().add(request_)
        db.session().flush()  # its id is the job's
        outbox.add("send_links", request_id=request_.id)
    return redirect(url_for(".asked"), 303)


@bp.get("/find/sent")
def asked() -> Response:
    """What is said to everybody."""
    return drawn("find_sent", title="Look into your mailbox")


@outbox.task("send_links", queue="mail")
def send_links(request_id: int) -> None:
    """Owe a letter with the links of an address that has bookings, once in ten minutes; forget old requests."""
    with transaction() as unit:
        now = clock.now()
        unit.execute(sa.delete(LinkRequest).where(LinkRequest.asked_at < now - policy.FORGET_REQUESTS))
        asked_for = unit.get(LinkRequest, request_id)
        if asked_for is not None and changes.of_address(asked_for.email, now - policy.FIND_BACK):
            event = f"links:{now:%Y%m%dT%H%M}"[:-1]
            letters.tell(event, asked_for.email, "your_bookings", request_id=request_id)
