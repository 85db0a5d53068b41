"""Doors for what happened in a mentor's Cal.com calendar. What is told is a hint: Cal.com is asked, and believed."""

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from discuno import journey, policy
from discuno.accounts import audit
from discuno.accounts.models import AuditEntry
from discuno.bookings import changes
from discuno.bookings import service as bookings
from discuno.bookings.acting import acting_for
from discuno.bookings.calendar_jobs import take_out, take_place
from discuno.bookings.models import Booking, BookingStatus, ChangeKind, Party
from discuno.edges import calcom
from discuno.edges.calcom import OUR_KEY, Place, Told
from discuno.kit import clock, outbox
from discuno.kit.db import one_or_none, rows, session, transaction
from discuno.kit.errors import DomainError
from discuno.mentors import calendars
from discuno.mentors.models import EventType
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind
from discuno.payments import service as payments
from discuno.policy import ReportReason

OLD = timedelta(days=7)  # what is told later than this was replayed, or is of no use any more
MOST_STEPS = 20  # back to the booking that we made
NOT_OURS = "not ours"
NOTHING_TO_DO = "nothing to do"
MAY_STAND = "a booking that may be made at Cal.com: free, not sold here, or older than the link"
NOBODY_CAME = "Cal.com's video call saw nobody join as the host."
SOLD_AT_DISCUNO = "This session is sold at Discuno only. Please book it there."
FOREIGN = "cancel a booking not sold here"


class NotYet(LookupError):
    """What was found cannot be taken yet: it is tried again, and at last told to a person."""


def hear(told: Told, door: Callable[[Told], str]) -> str:
    """Let a message knock at its door, unless it is too old; what was learned of free times is out of date."""
    if told.at is not None and clock.now() - told.at > OLD:
        return "told more than a week late, passed over"
    if told.event_type_id is not None:
        calcom.forget_slots(told.event_type_id)
    return door(told)


def arrived(told: Told) -> str:
    """A booking was made at Cal.com: ours, or one that we have not sold."""
    with transaction():
        known = _row_of(told.uid)
    return f"booking {known}" if known is not None else follow(told.uid)


def changed(told: Told) -> str:
    """A booking was moved, cancelled or declined at Cal.com."""
    with transaction():
        known = _row_of(told.former_uid) if told.former_uid is not None else None
    return follow_ours(known) if known is not None else follow(told.uid)


# How a booking stands there


def follow(uid: str) -> str:
    """See how a booking at Cal.com stands, and let ours follow it. Safe at any time. Raises CalcomDown, NotYet."""
    place = calcom.get(uid)
    known = _ours(uid, place)
    if known is not None:
        return follow_ours(known)
    if place is None or not place.is_live:
        return NOTHING_TO_DO
    return _stranger(place)


@outbox.task("follow_stranger")
def follow_stranger(uid: str) -> None:
    """A booking was found at Cal.com that no row of ours knows."""
    follow(uid)


@outbox.task("follow_booking")
def follow_booking(booking_id: int) -> None:
    """A booking of ours was not found at Cal.com as it should be."""
    follow_ours(booking_id)


def follow_ours(booking_id: int) -> str:
    """See what Cal.com has made of a booking of ours, and follow. Raises CalcomDown, NotYet."""
    with transaction():
        booking = session().get_one(Booking, booking_id)
        uid, is_moving = booking.calcom_booking_uid, changes.is_moving(booking)
        is_made = booking.status == BookingStatus.CONFIRMED
        as_mentor = acting_for(booking.mentor)
    if uid is None or not is_made:
        return f"booking {booking_id}: {booking.status}"
    if is_moving:
        raise NotYet(f"booking {booking_id} is just being moved by us")
    with as_mentor:
        place = calcom.latest(uid)
    if place is None or not place.is_live:
        return _cancelled(booking_id, uid, place)
    return _moved(booking_id, uid, place)


def _ours(uid: str, place: Place | None) -> int | None:
    """The booking that we made, however often it was rescheduled since."""
    for _ in range(MOST_STEPS):
        with transaction():
            known = _row_of(uid)
        if known is not None or place is None or place.rescheduled_from_uid is None:
            return known
        uid = place.rescheduled_from_uid
        place = calcom.get(uid)
    return None


def _row_of(uid: str) -> int | None:
    return (
        session().execute(sa.select(Booking.id).where(Booking.calcom_booking_uid == uid)).scalar_one_or_none()
    )


def _as_seen(booking_id: int, uid: str) -> Booking | None:
    """The booking, locked; None when something has happened to it while Cal.com was asked."""
    booking = payments.locked_booking(booking_id)
    stands = booking.status == BookingStatus.CONFIRMED and not changes.is_moving(booking)
    return booking if stands and booking.calcom_booking_uid == uid else None


def _cancelled(booking_id: int, uid: str, place: Place | None) -> str:
    with transaction():
        booking = _as_seen(booking_id, uid)
        if booking is None:
            return NOTHING_TO_DO
        payment = payments.of_booking(booking)
        if place is None and payment is not None:
            journey.needs_a_person(payment, f"Cal.com does not know the booking {uid} any more")
            return f"booking {booking_id}: unknown there"
        by = _who(booking, place) if place is not None else Party.CALENDAR
        journey.cancel(booking, by, place.cancellation_reason[:500] if place is not None else "")
        return f"booking {booking_id}: cancelled by the {by}"


def _who(booking: Booking, place: Place) -> Party:
    """Who has cancelled. Only hosts decline. Who cancels is not proved: when money hangs on it, it is nobody."""
    if place.status == "rejected" and journey.cancel_answer(booking, Party.MENTOR).allowed:
        return Party.MENTOR
    who = place.cancelled_by_email
    if not who or booking.starts_at - clock.now() < policy.FREE_CANCELLATION:
        return Party.CALENDAR
    if any(host.is_called(who) for host in place.hosts):
        return Party.MENTOR
    is_attendee = who.lower() == booking.attendee_email or any(a.is_called(who) for a in place.attendees)
    return Party.ATTENDEE if is_attendee else Party.CALENDAR


def _moved(booking_id: int, uid: str, place: Place) -> str:
    try:
        with transaction():
            booking = _as_seen(booking_id, uid)
            if booking is None or (place.uid == uid and place.start == booking.starts_at):
                return f"booking {booking_id}: as it was"
            take_place(booking, place)
            journey.moved(booking, place.start, Party.CALENDAR)
            return f"booking {booking_id}: moved"
    except sa.exc.IntegrityError as error:
        if not bookings.is_taken(error):
            raise
        there = f"booking {booking_id} was moved at Cal.com to {place.start.isoformat()}"
        raise NotYet(f"{there}, an hour that somebody else has here") from error


# Bookings that we have not sold


def _stranger(place: Place) -> str:
    with transaction():
        types = rows(sa.select(EventType).where(EventType.calcom_event_type_id == place.event_type_id))
        if not types:
            return NOT_OURS
        ours = _being_made(place)
        if ours is not None:
            return ours
        guarded = [t for t in types if calendars.is_sold_here_alone(t, place.created_at)]
        if not guarded:
            return MAY_STAND
        is_old = place.created_at is not None and clock.now() - place.created_at > OLD
        _tell_of_stranger(place, guarded[0], is_old)
        as_mentor = acting_for(guarded[0].mentor)
    if is_old:
        return f"{place.uid}: not sold by us, but older than a week: left to a person"
    with as_mentor:
        take_out(place.uid, SOLD_AT_DISCUNO)
    with transaction():
        alerts.over(AlertKind.CALENDAR, f"calcom:{place.uid}")
    return f"{place.uid}: not sold by us, cancelled"


def _being_made(place: Place) -> str | None:
    """What is said of a booking that our own confirmation has just made; metadata alone proves nothing."""
    booking = one_or_none(sa.select(Booking).where(Booking.public_id == str(place.metadata.get(OUR_KEY))))
    if booking is None or booking.calcom_attempted_at is None or booking.calcom_booking_uid is not None:
        return None
    if (booking.starts_at, booking.calcom_event_type_id) != (place.start, place.event_type_id):
        return None
    if booking.status == BookingStatus.REFUSED:
        raise NotYet(f"booking {booking.id} was refused, and is being taken back at Cal.com")
    return f"booking {booking.id}: being confirmed" if journey.may_confirm(booking) else None


def _tell_of_stranger(place: Place, event_type: EventType, is_old: bool) -> None:
    """Write down, once, what was found and what is done about it, and tell an admin before it is done."""
    about = f"calcom:{place.uid}"
    known = sa.select(AuditEntry).where(AuditEntry.about == about, AuditEntry.action == FOREIGN)
    if rows(known):
        return
    audit.record(Party.HOUSE.value, FOREIGN, about, _description(place, event_type, is_old))
    session().flush()
    [entry] = rows(known)
    path, template = f"/admin/alerts?kind={AlertKind.CALENDAR}", "foreign_booking_admin"
    alerts.begin(AlertKind.CALENDAR, about, entry.reason, path, template, audit_id=entry.id)


def _description(place: Place, event_type: EventType, is_old: bool) -> str:
    person = next((a.display_email or a.email for a in place.attendees), "") or "nobody who is named"
    done = (
        "It was made over a week ago, so it is left for you to look at." if is_old else "We cancel it there."
    )
    when = f"{place.start:%d %B %Y, %H:%M} UTC"
    return f"{event_type.title} with {event_type.mentor.name}, {when}, by {person}. {done}"


# What happened in the session itself


def host_absent(told: Told) -> str:
    """Nobody joined as the host: with a payment that is a report, which the mentor may answer."""
    return _in_session(told, _mentor_absent) if told.host_absent else NOTHING_TO_DO


def guest_absent(told: Told) -> str:
    """Cal.com's video call saw the attendee not join."""
    if not told.absent:
        return NOTHING_TO_DO

    def note(booking: Booking) -> None:
        if told.says_absent(booking.attendee_email or ""):
            journey.attendee_absent(booking, Party.CALENDAR)

    return _in_session(told, note)


def absence_updated(told: Told) -> str:
    """The host has said who came and who did not; Cal.com's booking says it too."""
    place = calcom.get(told.uid)
    if place is None or not any(a.absent for a in place.attendees):
        return NOTHING_TO_DO
    return _in_session(told, lambda booking: journey.attendee_absent(booking, Party.CALENDAR))


def _in_session(told: Told, note: Callable[[Booking], None]) -> str:
    """Note something of a session that was to take place, but not earlier than anybody may say it."""
    outcome = follow(told.uid)
    with transaction():
        known = _row_of(told.uid)
        booking = payments.locked_booking(known) if known is not None else None
        if booking is None or booking.status != BookingStatus.CONFIRMED:
            return outcome
        if not policy.may_say_absent(now=clock.now(), starts_at=booking.starts_at):
            raise outbox.Later(booking.starts_at + policy.ABSENT_AFTER, "they may still come")
        try:
            note(booking)
        except DomainError as no:
            return f"booking {booking.id}: {no.message}"
        return f"booking {booking.id}"


def _mentor_absent(booking: Booking) -> None:
    payment = payments.of_booking(booking)
    if booking.mentor_absent_at is not None:
        return
    if payment is None:
        changes.mentor_absent(booking, Party.CALENDAR)
    else:
        journey.report(payment, ReportReason.MENTOR_ABSENT, NOBODY_CAME, (), Party.CALENDAR)


def meeting_started(told: Told) -> str:
    """The meeting has begun."""
    return _note_once(told, ChangeKind.STARTED)


def meeting_ended(told: Told) -> str:
    """The meeting is over."""
    return _note_once(told, ChangeKind.ENDED)


def _note_once(told: Told, kind: ChangeKind) -> str:
    with transaction():
        known = _row_of(told.uid)
        if known is None:
            return NOT_OURS
        booking = payments.locked_booking(known)
        if not changes.was(booking, kind):
            changes.record(booking, Party.CALENDAR, kind)
        return f"booking {known}"
