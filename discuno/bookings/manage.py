"""The attendee's own page of a booking, by the link they were sent: how it stands, and what may be done about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.bookings import changes, links
from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.bookings.visitor import clock as chosen_clock
from discuno.disputes import reports
from discuno.kit import clock, limits, security
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.kit.text import one_line
from discuno.kit.web import show, wants_part
from discuno.notifications import booking_letters
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payments.states import State, returned_at, state_of, what_goes_back
from discuno.payments.timeline import timeline


def private(name: str) -> Blueprint:
    """A blueprint whose addresses are keys."""
    return security.private("anybody", name, __name__, "/booking")


bp = private("manage")

CHANGED = (
    "This booking has changed since the page was opened, so nothing was done. This is how it stands now."
)
MAX_REASON = 500  # characters


def page(part: str, title: str, booking: Booking, status: int = 200, **context: Any) -> Response:
    """One of the pages about a booking, in the attendee's zone."""
    return drawn(part, status, title=title, **_about(booking), **context)


def drawn(part: str, status: int = 200, **context: Any) -> Response:
    """A part, and for a browser the page around it."""
    return show("bookings/manage.html", f"bookings/_{part}.html", status, **context)


def _about(booking: Booking) -> dict[str, Any]:
    return {
        "booking": booking,
        "token": links.manage_token(booking),
        "zone": booking.attendee_zone,
        "clock": chosen_clock(),
    }


def managed(token: str) -> Booking:
    """Load and authorize in one. Raises NotFound, LinkReplaced."""
    return changes.managed(links.read(links.ATTENDEE, token))


def home(booking: Booking) -> AnyResponse:
    """To the booking's page, under its present link."""
    return redirect(links.manage_path(booking), 303)


def as_it_is(booking_id: int) -> Booking:
    """The booking after what was just done to it."""
    with transaction():
        return payments.locked_booking(booking_id)


# How it stands


@bp.get("/<token>")
def show_booking(token: str) -> Response:
    """The booking's page."""
    return overview(managed(token))


def overview(booking: Booking, status: int = 200, notice: str | None = None) -> Response:
    """How it stands; `notice` says why what was asked for was not done."""
    return page("manage", "Your booking", booking, status, notice=notice, **_how_it_stands(booking))


@bp.get("/<token>/state")
def state(token: str) -> AnyResponse:
    """How it stands, polled while something is under way; nothing is sent while nothing has changed."""
    booking = managed(token)
    if not wants_part():
        return home(booking)
    shown = _how_it_stands(booking)
    if request.args.get("seen") == shown["seen"]:
        return make_response("", 204)
    return page("manage_state", "Your booking", booking, **shown)


@dataclass(frozen=True)
class Choices:
    """What the attendee may do now; a `why_not` says why they may not."""

    why_not_moved: str | None
    why_not_cancelled: str | None
    may_report: bool
    report_until: datetime | None
    is_reported: bool
    may_join: bool
    has_receipt: bool


def choices_of(booking: Booking, payment: Payment | None) -> Choices:
    """What policy and the rows let the attendee do now."""
    ends = payment.dispute_period_ends if payment is not None else None
    case = reports.latest(payment) if payment is not None else None
    is_made = booking.status == BookingStatus.CONFIRMED
    now = clock.now()
    return Choices(
        why_not_moved=journey.why_not_moved(booking),
        why_not_cancelled=journey.why_not_cancelled(booking, Party.ATTENDEE),
        may_report=is_made and policy.may_report(now=now, dispute_period_ends=ends),
        report_until=ends,
        is_reported=case is not None,
        may_join=is_made and booking.starts_at - policy.JOIN_FROM <= now < booking.ends_at,
        has_receipt=_has_receipt(booking, payment),
    )


def _how_it_stands(booking: Booking) -> dict[str, Any]:
    payment = payments.of_booking(booking)
    found: State = state_of(booking, payment, just_booked=False)
    token, seen = links.manage_token(booking), _fingerprint(found, booking)
    return {
        "payment": payment,
        "state": found,
        "choices": choices_of(booking, payment),
        "timeline": timeline(booking, payment),
        "state_url": url_for("manage.state", token=token, seen=seen),
        "seen": seen,
        "support": current_app.config["ADMIN_EMAIL"],
    }


def _fingerprint(found: State, booking: Booking) -> str:
    """What a polling page has seen, so that the same is not drawn again under somebody's fingers."""
    return f"{crc32(repr((found, booking.sequence)).encode()):08x}"


# Cancelled


@bp.get("/<token>/cancel")
def ask_to_cancel(token: str) -> AnyResponse:
    """What would go back and why, before anything is done."""
    booking = managed(token)
    return home(booking) if booking.status == BookingStatus.CANCELLED else _cancel_page(booking)


def _cancel_page(booking: Booking, status: int = 200, notice: str | None = None) -> Response:
    payment, answer = payments.of_booking(booking), journey.cancel_answer(booking, Party.ATTENDEE)
    return page(
        "cancel",
        "Cancel the session",
        booking,
        status,
        notice=notice,
        why_not=journey.why_not_cancelled(booking, Party.ATTENDEE),
        goes_back=what_goes_back(payment, answer),
        answer=answer,
        payment=payment,
        choices=choices_of(booking, payment),
    )


@bp.post("/<token>/cancel")
@limits.at_most(*policy.CHANGES)
def cancel(token: str) -> AnyResponse:
    """Cancel, if what would go back is still what was shown."""
    booking_id = managed(token).id
    with transaction():
        booking = payments.locked_booking(booking_id)
        stale = is_outdated(booking) or request.form.get("agreed") != _agreed(booking)
        if not stale and journey.why_not_cancelled(booking, Party.ATTENDEE) is None:
            journey.cancel(booking, Party.ATTENDEE, _reason())
    if booking.status == BookingStatus.CANCELLED:
        return home(booking)
    return _cancel_page(booking, 409, notice=CHANGED if stale else None)


def _agreed(booking: Booking) -> str:
    return journey.cancel_answer(booking, Party.ATTENDEE).refund.value


def _reason() -> str:
    return one_line(request.form.get("reason"))[:MAX_REASON]


def is_outdated(booking: Booking) -> bool:
    """Whether the form was made for an earlier state of the booking."""
    return request.form.get("sequence") != str(booking.sequence)


# Papers


@bp.get("/<token>/calendar.ics")
def calendar_file(token: str) -> Response:
    """The session for the attendee's calendar, as it stands now."""
    booking = managed(token)
    if booking.confirmed_at is None:
        raise DomainError("This session was not confirmed, so there is nothing for a calendar.", status=409)
    made = booking_letters.for_attendee(booking)
    response = make_response(made.content)
    response.headers["Content-Type"] = made.content_type
    response.headers["Content-Disposition"] = f'attachment; filename="{made.filename}"'
    return response


@bp.get("/<token>/receipt")
def receipt(token: str) -> Response:
    """What was paid and what was returned, to be printed; for a free session, that it was booked."""
    booking = managed(token)
    payment = payments.of_booking(booking)
    if not _has_receipt(booking, payment):
        raise DomainError(
            "Nothing was paid for this booking, so there is no receipt.", status=409, heading="No receipt"
        )
    paid = payment if payment is not None and payment.paid_at is not None else None
    title = "Receipt" if paid is not None else "Confirmation"
    refunds = [(returned_at(r), r) for r in payment.refunds] if payment is not None else []
    return page("receipt", title, booking, payment=paid, refunds=refunds, number=_number(booking, paid))


def _has_receipt(booking: Booking, payment: Payment | None) -> bool:
    return payment.paid_at is not None if payment is not None else booking.confirmed_at is not None


def _number(booking: Booking, paid: Payment | None) -> str:
    """What the paper is quoted by: the year and the number of the payment, or of the booking if it was free."""
    kind, at, number = (
        ("F", booking.created_at, booking.id)
        if paid is None
        else ("R", paid.paid_at or paid.created_at, paid.id)
    )
    return f"{kind}-{at:%Y}-{number:06d}"
