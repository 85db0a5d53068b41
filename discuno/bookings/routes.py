"""The steps of a booking up to its payment: session, time, details. Each is a part with a URL of its own."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.bookings import month
from discuno.bookings import service as bookings
from discuno.bookings.calendar import CalendarView
from discuno.bookings.forms import DetailsForm
from discuno.bookings.free import free_starts
from discuno.bookings.models import Booking, BookingStatus
from discuno.bookings.service import Besides
from discuno.bookings.visitor import clock as chosen_clock
from discuno.bookings.visitor import new_visitor, visitor
from discuno.edges.calcom import CalcomDown, CalcomRefused
from discuno.edges.stripe import StripeDown, StripeRefused
from discuno.kit import clock, security
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.web import show, zone_of
from discuno.mentors import service as mentors
from discuno.mentors.models import Calendar, EventType
from discuno.payments import checkout
from discuno.payments import service as payments
from discuno.payouts import service as payouts

bp = security.open_to("anybody", Blueprint("bookings", __name__, url_prefix="/mentor/<username>/book"))


def _step(part: str, step: str, status: int = 200, **context: Any) -> Response:
    return show(
        "bookings/book.html",
        f"bookings/_{part}.html",
        status,
        step=step,
        policy_sentences=policy.policy_sentences(policy.terms),
        **context,
    )


# Session


@bp.get("")
def choose_session(username: str) -> AnyResponse:
    """Which session; a mentor's only one is chosen already."""
    mentor = mentors.by_username(username)
    offers = payouts.bookable(mentor)
    if len(offers) == 1:
        return redirect(url_for(".choose_time", username=mentor.username, type_id=offers[0].id))
    return _step("session", "session", mentor=mentor, event_types=offers)


def _offer(username: str, type_id: int) -> EventType:
    """A bookable session type. Raises NotFound, or DomainError when it cannot be paid out."""
    mentor = mentors.by_username(username)
    event_type = mentors.offered_type(mentor, type_id)
    if event_type not in payouts.bookable(mentor):
        raise DomainError(
            f"{mentor.name} cannot take paid bookings right now. Nothing was charged.",
            status=409,
            heading="Not bookable right now",
        )
    return event_type


# Time


@bp.get("/<int:type_id>")
def choose_time(username: str, type_id: int) -> Response:
    """The month and the times of a day, in the attendee's zone."""
    return _time_step(_offer(username, type_id))


@bp.get("/<int:type_id>/calendar")
def calendar(username: str, type_id: int) -> Response:
    """The calendar alone, for turning it."""
    event_type = _offer(username, type_id)
    view = _calendar(event_type)
    response = show(
        "bookings/book.html",
        "bookings/_calendar.html",
        step="time",
        mentor=event_type.mentor,
        event_type=event_type,
        calendar=view,
        choose_url=_choose_url(event_type),
    )
    query = urlencode({"zone": view.zone, **view.kept})
    response.headers["HX-Replace-Url"] = (
        f"{url_for('.choose_time', username=username, type_id=type_id)}?{query}"
    )
    return response


def _choose_url(event_type: EventType) -> str:
    return url_for(".choose_time", username=event_type.mentor.username, type_id=event_type.id)


def _time_step(
    event_type: EventType, *, status: int = 200, taken: str | None = None, around: datetime | None = None
) -> Response:
    view = _calendar(event_type, around)
    return _step(
        "time",
        "time",
        status,
        mentor=event_type.mentor,
        event_type=event_type,
        calendar=view,
        choose_url=_choose_url(event_type),
        part_url=url_for(".calendar", username=event_type.mentor.username, type_id=event_type.id),
        taken=taken,
        zone=view.zone,
        clock=view.clock,
    )


def _calendar(event_type: EventType, around: datetime | None = None) -> CalendarView:
    whose: dict[str, Any] = {"username": event_type.mentor.username, "type_id": event_type.id}

    def link(**shown: str) -> tuple[str, str]:
        return url_for(".choose_time", **whose, **shown), url_for(".calendar", **whose, **shown)

    return month.view(event_type, link, around=around)


@bp.post("/<int:type_id>")
def hold(username: str, type_id: int) -> AnyResponse:
    """Keep the chosen time for this browser. The price, the length and the mentor come from our row."""
    event_type = _offer(username, type_id)
    start, zone = _instant(request.form.get("start", "")), request.form.get("zone", "")
    if start is None or zone_of(zone) is None:
        raise DomainError(
            "We could not read that time or time zone. Please choose one of those shown.", status=400
        )
    me = new_visitor()
    try:
        _require_offered(event_type, start, me)
        _let_others_go(me, event_type, start)
        booking = _hold(event_type, start, me, zone)
    except (bookings.TimeTaken, bookings.NotOffered) as lost:
        return _time_step(event_type, status=lost.status, taken=lost.message, around=start)
    return redirect(url_for(".details", username=username, public_id=booking.public_id), 303)


def _require_offered(event_type: EventType, start: datetime, me: str) -> None:
    """Raise TimeTaken or NotOffered for a time that the calendar does not offer this visitor."""
    if _is_own(event_type, start, me):
        return
    try:
        if start not in free_starts(event_type, start, start, Besides(visitor=me)):
            raise _why_not(event_type, start, me)
    except (CalcomDown, CalcomRefused) as error:
        raise DomainError(month.UNREADABLE, status=503) from error


def _hold(event_type: EventType, start: datetime, me: str, zone: str) -> Booking:
    """Refused or granted by the database, whatever was offered."""
    try:
        with transaction():
            return journey.choose_time(event_type, start, visitor=me, zone=zone)
    except sa.exc.IntegrityError as error:
        if bookings.is_taken(error):
            raise bookings.TimeTaken from error
        raise


def _is_own(event_type: EventType, start: datetime, me: str) -> bool:
    return any(
        b.starts_at == start and b.event_type_id == event_type.id
        for b in bookings.held_by(me, event_type.mentor_id)
    )


def _why_not(event_type: EventType, start: datetime, me: str) -> DomainError:
    """Taken, as far as we can tell: a time of another calendar that is gone was most likely there a moment ago."""
    earliest, latest = bookings.window(event_type, clock.now())
    elsewhere = event_type.mentor.calendar == Calendar.CALCOM and earliest <= start <= latest
    taken = bookings.busy(event_type.mentor_id, start, start + bookings.kept(event_type), Besides(visitor=me))
    return bookings.TimeTaken() if taken or elsewhere else bookings.NotOffered()


def _let_others_go(me: str, event_type: EventType, start: datetime) -> None:
    """Choosing another time with the same mentor gives back the one held before."""
    with transaction():
        others = [
            b.id
            for b in bookings.held_by(me, event_type.mentor_id)
            if b.starts_at != start or b.event_type_id != event_type.id
        ]
    for booking_id in others:
        try:
            checkout.let_go(booking_id)
        except (StripeDown, StripeRefused):
            continue  # it ends by itself when its checkout does


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None and 2000 <= found.year <= 2100 else None


# Details


@bp.get("/details/<public_id>")
def details(username: str, public_id: str) -> AnyResponse:
    """Who the session is for."""
    booking = _mine(username, public_id)
    if booking.status != BookingStatus.HELD:
        return _where_it_stands(booking)
    bookings.require_held(booking)
    typed = {
        "name": booking.attendee_name or "",
        "email": booking.attendee_email or "",
        "phone": booking.attendee_phone or "",
        "note": booking.note,
    }
    return _details_step(booking, typed, {})


def _details_step(
    booking: Booking, typed: dict[str, str], errors: dict[str, str], status: int = 200
) -> Response:
    return _step(
        "details",
        "details",
        status,
        booking=booking,
        form=typed,
        errors=errors,
        seconds_left=bookings.seconds_left(booking),
        release_url=url_for(".release", username=booking.mentor.username, public_id=booking.public_id),
        zone=booking.attendee_zone,
        clock=chosen_clock(),
    )


@bp.post("/details/<public_id>")
def give_details(username: str, public_id: str) -> AnyResponse:
    """Take the details; then to the payment, or, for a free session, straight to the end."""
    booking = _mine(username, public_id)
    if booking.status != BookingStatus.HELD:
        return _where_it_stands(booking)
    bookings.require_held(booking)
    form = DetailsForm()
    if not form.validate():
        return _details_step(booking, form.typed(), form.sentences(), 422)
    try:
        checkout.take_details(booking.id, form.attendee())
    except bookings.TimeTaken as lost:
        return _time_step(
            booking.event_type, status=lost.status, taken=lost.message, around=booking.starts_at
        )
    return _where_it_stands(booking)


def _where_it_stands(booking: Booking) -> AnyResponse:
    """The step a booking is at."""
    where: dict[str, Any] = {"username": booking.mentor.username}
    payment = payments.of_booking(booking)
    if booking.status == BookingStatus.HELD and payment is not None and payment.status.is_waiting:
        return redirect(url_for("payments.pay", public_id=booking.public_id, **where), 303)
    if booking.status in (BookingStatus.EXPIRED, BookingStatus.RELEASED) and payment is None:
        bookings.require_held(booking)
    return redirect(url_for("payments.complete", booking=booking.public_id, **where), 303)


@bp.post("/release/<public_id>")
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
    if booking.status == BookingStatus.CONFIRMED:
        return _where_it_stands(booking)
    return redirect(url_for(".choose_time", username=username, type_id=booking.event_type_id), 303)


def _mine(username: str, public_id: str) -> Booking:
    """This browser's booking, under its mentor's address. Raises NotFound."""
    booking = bookings.visitors_booking(public_id, visitor())
    if booking.mentor.username != username.lower():
        raise NotFound
    return booking
