"""Doors that carry a change of ours to the mentor's Cal.com: cancelled, moved, somebody did not come."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from discuno import journey, policy
from discuno.bookings import changes
from discuno.bookings import service as bookings
from discuno.bookings.acting import acting_for
from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.edges import calcom
from discuno.edges.calcom import CalcomDown, CalcomRefused, Place
from discuno.kit import clock, outbox
from discuno.kit.db import locked, session, transaction
from discuno.payments import service as payments

log = structlog.get_logger()

STILL_ASKING = timedelta(seconds=25)  # longer than any call: until then somebody may be asking for the same
HOPELESS_AFTER = timedelta(
    hours=2
)  # without even a look-up; what has become of it is learned when calendars compare


class StillAsking(CalcomDown, outbox.Later):
    """Another process is asking for the same move just now: a page says so, a job comes again."""


@outbox.task("cancel_at_calendar")
def cancel_at_calendar(booking_id: int) -> None:
    """Take a cancelled session out of the mentor's calendar. If Cal.com keeps it, an admin hears of it."""
    with transaction():
        booking = locked(Booking, booking_id)
        uid, is_cancelled = booking.calcom_booking_uid, booking.status == BookingStatus.CANCELLED
        why = f"Cancelled at Discuno by the {booking.cancelled_by or Party.HOUSE}."
        as_mentor = acting_for(booking.mentor)
    if uid is not None and is_cancelled:
        with as_mentor:
            take_out(uid, why)


def take_out(uid: str, why: str) -> None:
    """Cancel a booking at Cal.com. Raises CalcomDown, and GiveUp when Cal.com keeps it: then a person must."""
    try:
        calcom.cancel(uid, why)
    except CalcomRefused as refusal:
        raise outbox.GiveUp(
            f"Cal.com keeps booking {uid}, which has to be cancelled there: {refusal}"
        ) from refusal


@outbox.task("mark_absent_at_calendar")
def mark_absent_at_calendar(booking_id: int) -> None:
    """Tell the mentor's calendar that the attendee has not come. If it does not want to know, that is no harm."""
    with transaction():
        booking = locked(Booking, booking_id)
        uid, email = booking.calcom_booking_uid, booking.attendee_email
        is_absent = booking.attendee_absent_at is not None
        as_mentor = acting_for(booking.mentor)
    if uid is not None and email is not None and is_absent:
        with as_mentor:
            _mark_absent(uid, email)


def _mark_absent(uid: str, email: str) -> None:
    place = calcom.get(uid)
    if place is None or any(a.absent for a in place.attendees):
        return
    try:
        calcom.mark_absent(uid, email)
    except CalcomRefused as refusal:
        log.warning("absence_not_taken", uid=uid, why=str(refusal))


# A move


@dataclass(frozen=True)
class Move:
    """A move that is being asked for. `too_late` to ask again, but not to look; `hopeless` when not even that."""

    uid: str
    start: datetime
    by: str
    tried_before: bool
    too_late: bool
    hopeless: bool


@outbox.task("move_at_calendar")
def move_at_calendar(booking_id: int) -> None:
    """Ask Cal.com for the other time and follow its answer. Safe to run twice and at once. Raises CalcomDown.

    A page may call it right after the wish was committed; what it does not get done, the job does.
    """
    with transaction():
        move = _begin(booking_id)
        as_mentor = acting_for(session().get_one(Booking, booking_id).mentor)
    if move is None:
        return
    try:
        with as_mentor:
            place = _moved(move)
    except CalcomRefused:
        _refuse(booking_id)
    except CalcomDown:
        if not move.hopeless:
            raise
        _refuse(booking_id)
    else:
        _record(booking_id, place)


def _begin(booking_id: int) -> Move | None:
    """The move, ours to ask for during the next seconds; None when it is over."""
    booking = payments.locked_booking(booking_id)
    if booking.move_hold_id is None or booking.calcom_booking_uid is None:
        return None
    wanted, now = locked(Booking, booking.move_hold_id), clock.now()
    tried = wanted.calcom_attempted_at
    if tried is not None and now < tried + STILL_ASKING:
        raise StillAsking(tried + STILL_ASKING)
    wanted.calcom_attempted_at = now
    bookings.keep_until(wanted, now + policy.CONFIRM_DEADLINE)  # for as long as it may be ours there
    return Move(
        uid=booking.calcom_booking_uid,
        start=wanted.starts_at,
        by=booking.attendee_email or "",
        tried_before=tried is not None,
        too_late=now >= min(wanted.created_at + policy.CONFIRM_DEADLINE, wanted.starts_at),
        hopeless=now >= wanted.created_at + HOPELESS_AFTER,
    )


def _moved(move: Move) -> Place:
    """The booking where it is now. Raises CalcomRefused when it was not moved."""
    if move.tried_before or move.too_late:
        found = calcom.latest(move.uid)
        if found is None or not found.is_live:
            raise CalcomRefused("it is not in the calendar any more")
        if found.uid != move.uid:
            return _accepted(found)
        if move.too_late:
            raise CalcomRefused("Cal.com could not be asked in time")
    return _accepted(calcom.reschedule(move.uid, move.start, by=move.by))


def _accepted(place: Place) -> Place:
    """It was confirmed and paid for before it was moved, so the host's consent is ours to give again."""
    if place.is_pending:
        with suppress(CalcomRefused):
            return calcom.accept(place.uid)
    return place


def _record(booking_id: int, place: Place) -> None:
    """Take what Cal.com has made of it. An hour that it took elsewhere, and we have promised, is a person's."""
    try:
        with transaction():
            booking = payments.locked_booking(booking_id)
            wanted = changes.wanted_start(booking)
            if wanted is not None and place.is_live:
                take_place(booking, place)
                by = Party.ATTENDEE if place.start == wanted else Party.CALENDAR
                journey.moved(booking, place.start, by)
                return
    except sa.exc.IntegrityError as error:
        if not bookings.is_taken(error):
            raise
    _refuse(booking_id)


def take_place(booking: Booking, place: Place) -> None:
    """What Cal.com calls the booking now, and where it takes place; what calendars know it by stays."""
    booking.calcom_booking_uid = place.uid
    booking.meeting_url = place.link or booking.meeting_url
    booking.calendar_uid = booking.calendar_uid or place.ics_uid


def _refuse(booking_id: int) -> None:
    """It stays as it was. Whatever else Cal.com may have done to it is looked at next."""
    with transaction():
        booking = payments.locked_booking(booking_id)
        if changes.is_moving(booking):
            journey.move_refused(booking)
            outbox.add("follow_booking", booking_id=booking.id, unique_key=f"follow:{booking.id}")
