"""Doors to the mentor's calendar: reserve, confirm, give back. For built-in calendars no one is called."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from discuno import journey, policy
from discuno.bookings import service as bookings
from discuno.bookings.acting import acting_for
from discuno.bookings.free import near
from discuno.bookings.models import Booking, BookingStatus
from discuno.bookings.service import Besides
from discuno.edges import calcom
from discuno.edges.calcom import CalcomDown, CalcomRefused, Place
from discuno.kit import clock, outbox
from discuno.kit.db import locked, session, transaction
from discuno.payments import service as payments

A_LITTLE = timedelta(minutes=1)  # by which a reservation outlives a hold that was given more time


@outbox.task("lapse_hold")
def lapse_hold(booking_id: int) -> None:
    """Give a hold back that ran out before anybody said who it is for; later ones end with their payment."""
    with transaction():
        booking = locked(Booking, booking_id)
        if booking.status == BookingStatus.HELD and not booking.has_details:
            if booking.held_until > clock.now():
                raise outbox.Later(booking.held_until)
            journey.give_back(booking, BookingStatus.EXPIRED)


def reserve(booking_id: int) -> None:
    """Keep the slot in a Cal.com mentor's calendar while the attendee pays. Raises TimeTaken, CalcomDown."""
    with transaction():
        booking = locked(Booking, booking_id)
        type_id, start = booking.calcom_event_type_id, booking.starts_at
        kept = booking.calcom_reservation_uid
        lasting = max(policy.CALENDAR_RESERVATION, booking.held_until - clock.now() + A_LITTLE)
        as_mentor = acting_for(booking.mentor)
    if type_id is None:
        return
    try:
        with as_mentor:
            if kept is not None:
                calcom.drop_reservation(type_id, kept)
            uid = calcom.reserve(type_id, start, lasting)
    except CalcomRefused as refusal:
        with transaction():
            journey.slot_lost(payments.locked_booking(booking_id))
        raise bookings.TimeTaken from refusal
    with transaction():
        locked(Booking, booking_id).calcom_reservation_uid = uid


@outbox.task("drop_reservation")
def drop_reservation(booking_id: int) -> None:
    """Give the reserved slot back to the mentor's calendar."""
    with transaction():
        booking = locked(Booking, booking_id)
        type_id, uid = booking.calcom_event_type_id, booking.calcom_reservation_uid
        as_mentor = acting_for(booking.mentor)
    if type_id is not None and uid is not None:
        with as_mentor:
            calcom.drop_reservation(type_id, uid)


@outbox.task("remind", queue="news")
def remind(booking_id: int, lead: str) -> None:
    """Remind both sides of a session that draws near, if it still takes place."""
    with transaction():
        journey.remind(payments.locked_booking(booking_id), lead)


@outbox.task("undo_at_calendar")
def undo_at_calendar(booking_id: int) -> None:
    """Take back what a refused booking may have left in the mentor's calendar."""
    with transaction():
        booking = locked(Booking, booking_id)
        as_mentor = acting_for(booking.mentor)
    with as_mentor:
        place = _find(booking)
        if place is not None:
            calcom.cancel(place.uid, "It was not booked at Discuno after all.")


@outbox.task("confirm_booking", queue="money")
def confirm_booking(booking_id: int) -> None:
    """Make the booking for good, or refuse it so that its money goes back. Safe to run twice."""
    with transaction():
        booking = locked(Booking, booking_id)
        if not journey.may_confirm(booking):
            return
        returned = journey.was_returned(booking)
        at_calcom = booking.calcom_event_type_id is not None
        tried_before = booking.calcom_attempted_at is not None
        as_mentor = acting_for(booking.mentor)
        if not returned:
            booking.calcom_attempted_at = booking.calcom_attempted_at or clock.now()
    if returned:
        _refuse(booking_id, "the payment was returned before it could be booked")
    elif not at_calcom:
        _record(booking_id, None)
    else:
        with as_mentor:
            _confirm_at_calcom(booking_id, booking, tried_before)


def _confirm_at_calcom(booking_id: int, booking: Booking, tried_before: bool) -> None:
    try:
        place = (_find(booking) if tried_before else None) or _book(booking)
        if place.is_pending:  # it was paid for, so the host's consent is ours to give
            place = calcom.accept(place.uid)
    except CalcomRefused as refusal:
        _refuse(booking_id, str(refusal))
    except CalcomDown:
        if not _too_late(booking):
            raise
        _refuse(booking_id, "the mentor's calendar could not be reached")
    else:
        _record(booking_id, place)


def _find(booking: Booking) -> Place | None:
    return calcom.find_booking(
        booking.calcom_event_type_id or 0,
        booking.starts_at,
        email=booking.attendee_email or "",
        booking_id=booking.public_id,
    )


def _book(booking: Booking) -> Place:
    return calcom.book(
        booking.calcom_event_type_id or 0,
        booking.starts_at,
        name=booking.attendee_name or "",
        email=booking.attendee_email or "",
        zone=booking.attendee_zone,
        booking_id=booking.public_id,
        reservation=booking.calcom_reservation_uid if booking.status == BookingStatus.HELD else None,
    )


def _too_late(booking: Booking) -> bool:
    """Whether we have tried for long enough: half an hour, or until shortly before the session."""
    began = booking.calcom_attempted_at or clock.now()
    return clock.now() >= min(began + policy.CONFIRM_DEADLINE, booking.starts_at)


def _record(booking_id: int, place: Place | None) -> None:
    """Confirm; a late payment's hour that somebody else has meanwhile is refused by the database."""
    try:
        with transaction() as unit:
            booking = payments.locked_booking(booking_id)
            if place is not None:
                booking.calcom_booking_uid = place.uid
                booking.meeting_url = place.link
                booking.calendar_uid = place.ics_uid
            journey.booking_confirmed(booking)
            unit.flush()
    except sa.exc.IntegrityError as error:
        if not bookings.is_taken(error):
            raise
        _refuse(booking_id, "the time was booked by somebody else meanwhile")


def _refuse(booking_id: int, why: str) -> None:
    near = _near_times(booking_id)
    with transaction():
        journey.booking_refused(payments.locked_booking(booking_id), why, near)


def _near_times(booking_id: int) -> list[datetime]:
    """What else the attendee could have; that the calendar does not say is no reason to keep money."""
    with transaction():
        booking = session().get_one(Booking, booking_id)
    return near(booking.event_type, booking.starts_at, Besides(booking_id=booking_id))
