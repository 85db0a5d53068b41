"""The steps after a time was chosen: details, a little more time, giving it back. See routes.py for those before."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.bookings import service as bookings
from discuno.bookings.forms import DetailsForm
from discuno.bookings.models import Booking, BookingStatus
from discuno.bookings.routes import bp, policy_sentences, step, time_step
from discuno.bookings.visitor import clock as chosen_clock
from discuno.bookings.visitor import visitor
from discuno.edges.stripe import StripeDown, StripeRefused
from discuno.kit import limits
from discuno.kit.errors import DomainError, NotFound
from discuno.mentors import profiles
from discuno.payments import checkout
from discuno.payments import service as payments

__all__ = ["bp", "held_step"]  # the one blueprint of all steps

FORM = "bookings-form"  # the id of the form with the details
OVER = "This time is no longer held for you. What you have typed is kept: go on, or choose another time."
RAN_OUT = "That time is no longer held for you. What you typed is kept for the time you choose now."
GONE = "That time is no longer held for you. Please choose a time again."


def held_step(booking: Booking) -> dict[str, Any]:
    """What details and payment share: where their links lead, and whether more time may still be asked for."""
    which: dict[str, Any] = {"username": booking.mentor.username, "public_id": booking.public_id}
    may_extend = booking.extended_at is None and bookings.seconds_left(booking) > 0
    return {
        "booking": booking,
        "details_url": url_for("bookings.details", **which),
        "release_url": url_for("bookings.release", **which),
        "more_time_url": url_for("bookings.more_time", **which) if may_extend else None,
        "more_minutes": policy.MORE_TIME // timedelta(minutes=1),
        "policy_sentences": policy_sentences(booking, booking.starts_at),
        "zone": booking.attendee_zone,
        "clock": chosen_clock(),
    }


@bp.get("/details/<public_id>")
def details(username: str, public_id: str) -> AnyResponse:
    """Who the session is for."""
    booking = _mine(username, public_id)
    if booking.status != BookingStatus.HELD:
        return _where_it_stands(booking)
    if not bookings.seconds_left(booking):
        return _lost(booking, GONE)
    return _details_step(booking, _known(booking), {})


def _known(booking: Booking) -> dict[str, str]:
    """What was typed for this time, or a moment ago for one that came to nothing."""
    known = booking if booking.has_details else bookings.typed_before(booking.visitor) or booking
    return {
        "name": known.attendee_name or "",
        "email": known.attendee_email or "",
        "phone": known.attendee_phone or "",
        "note": known.note,
    }


def _details_step(
    booking: Booking, typed: dict[str, str], errors: dict[str, str], status: int = 200, **shown: str
) -> Response:
    given = {"part": "details", **shown}
    return step(
        name="details",
        status=status,
        form=typed,
        errors=errors,
        seconds_left=bookings.seconds_left(booking),
        over=OVER,
        typed_in=FORM,
        **given,
        **held_step(booking),
    )


@bp.post("/details/<public_id>")
@limits.at_most(*policy.CHECKOUTS)
def give_details(username: str, public_id: str) -> AnyResponse:
    """Take the details; then to the payment, or, for a free session, straight to the end."""
    booking = _mine(username, public_id)
    if booking.status != BookingStatus.HELD and booking.has_details:
        return _where_it_stands(booking)
    form = DetailsForm()
    if not form.validate():
        return _details_step(booking, form.typed(), form.sentences(), 422)
    if not bookings.seconds_left(booking):
        checkout.came_too_late(booking.id, form.attendee())
        return _lost(booking, RAN_OUT)
    try:
        checkout.take_details(booking.id, form.attendee())
    except bookings.TimeTaken as lost:
        return _lost(booking, lost.message, lost.status)
    return _where_it_stands(booking)


def _lost(booking: Booking, words: str, status: int = 410) -> Response:
    """Its time is gone: the step before, with the times nearest to it."""
    return time_step(booking.event_type, status=status, taken=words, around=booking.starts_at)


def _where_it_stands(booking: Booking) -> AnyResponse:
    """The step a booking is at."""
    where: dict[str, Any] = {"username": booking.mentor.username}
    payment = payments.of_booking(booking)
    if booking.status == BookingStatus.HELD and payment is not None and payment.status.is_waiting:
        return redirect(url_for("payments.pay", public_id=booking.public_id, **where), 303)
    if booking.status in (BookingStatus.EXPIRED, BookingStatus.RELEASED) and payment is None:
        return _lost(booking, GONE)
    return redirect(url_for("payments.complete", booking=booking.public_id, **where), 303)


@bp.get("/more-time/<public_id>")
def time_left(username: str, public_id: str) -> AnyResponse:
    """How long the time is kept, alone or with the details around it: the answer to the form below, reloaded."""
    booking = _mine(username, public_id)
    if booking.has_details or booking.status != BookingStatus.HELD:
        return _where_it_stands(booking)
    return _details_step(booking, _known(booking), {}, part="hold", page="held")


@bp.post("/more-time/<public_id>")
@limits.at_most(*policy.CHECKOUTS)
def more_time(username: str, public_id: str) -> AnyResponse:
    """Keep the time a little longer, once. What is being typed stays: it comes along and is shown again."""
    booking = _mine(username, public_id)
    try:
        checkout.more_time(booking.id)
    except bookings.TimeTaken as lost:
        return _lost(booking, lost.message, lost.status)
    if booking.has_details:
        return _where_it_stands(booking)
    return _details_step(booking, DetailsForm().typed(), {}, part="hold", page="held")


@bp.post("/release/<public_id>")
@limits.at_most(*policy.HOLDS)
def release(username: str, public_id: str) -> AnyResponse:
    """Give the time back and choose another. A booking that was paid meanwhile is shown instead."""
    booking = _mine(username, public_id)
    if booking.status == BookingStatus.HELD:
        try:
            checkout.let_go(booking.id)
        except (StripeDown, StripeRefused) as error:
            raise DomainError(
                "We could not reach Stripe to end this payment, so the time is still held. Please try again.",
                status=503,
            ) from error
    if booking.status.is_live:
        return _where_it_stands(booking)
    zone = booking.attendee_zone
    day = booking.starts_at.astimezone(ZoneInfo(zone)).date()
    shown: dict[str, Any] = {"month": f"{day:%Y-%m}", "day": day.isoformat(), "zone": zone}
    return redirect(
        url_for(".choose_time", username=booking.mentor.username, type_id=booking.event_type_id, **shown), 303
    )


def _mine(username: str, public_id: str) -> Booking:
    """This browser's booking, under its mentor's address, or an older one of theirs. Raises NotFound."""
    booking = bookings.visitors_booking(public_id, visitor())
    if profiles.is_anothers(username, booking.mentor):
        raise NotFound
    return booking
