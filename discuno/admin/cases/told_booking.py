"""What happened to the booking of a payment: made, moved, cancelled, somebody absent, the hour itself."""

from collections.abc import Iterator
from datetime import datetime

from discuno import policy
from discuno.admin.cases.told import Event, Hours, name_of
from discuno.bookings import changes
from discuno.bookings.models import Booking, BookingChange, BookingStatus, ChangeKind
from discuno.kit import clock
from discuno.payments.models import Payment

LABELS = {
    ChangeKind.CANCELLED: ("Cancelled", "bad"),
    ChangeKind.MENTOR_ABSENT: ("The mentor is said not to have come", "bad"),
    ChangeKind.ATTENDEE_ABSENT: ("The attendee is said not to have come", "bad"),
    ChangeKind.STARTED: ("The meeting began, says the calendar", "ok"),
    ChangeKind.ENDED: ("The meeting ended, says the calendar", "plain"),
    ChangeKind.LINK_REPLACED: ("The attendee’s link was replaced", "plain"),
}


def of_booking(payment: Payment, hours: Hours) -> Iterator[Event]:
    """Everything from the choice of the time to the end of the hour."""
    booking = payment.booking
    start = first_start(booking)
    yield Event(
        booking.created_at, "A time was chosen", f"{booking.title}, {hours.at(start)}.", kind="booking"
    )
    yield Event(payment.created_at, "Terms shown before paying", shown_terms(payment, start), kind="booking")
    if booking.confirmed_at is not None:
        yield Event(booking.confirmed_at, "Confirmed", _calendar(booking), "ok", kind="booking")
    yield from (_changed(booking, change, hours) for change in booking.changes)
    for hour in changes.moves_refused(booking):
        words = f"{hours.at(hour.starts_at)} was asked for; it stayed."
        yield Event(hour.created_at, "A move was not possible", words, "bad", kind="booking")
    if booking.status == BookingStatus.CONFIRMED:
        is_to_come = booking.starts_at > clock.now()
        words = f"{booking.duration_minutes} minutes."
        yield Event(booking.starts_at, "The session", words, "note", kind="booking", is_to_come=is_to_come)


def first_start(booking: Booking) -> datetime:
    """When the session was to begin when it was sold."""
    moved = (change.before for change in booking.changes if change.kind == ChangeKind.MOVED)
    return next((before for before in moved if before is not None), booking.starts_at)


def shown_terms(payment: Payment, start: datetime) -> str:
    """What the attendee was told before paying; where that was not kept, what today's rules would have said."""
    ahead = start - payment.created_at
    return " ".join(payment.terms_shown or policy.policy_sentences(policy.terms, ahead=ahead))


def _calendar(booking: Booking) -> str:
    where = f"Meeting at {booking.meeting_url}." if booking.meeting_url else "No meeting link is known."
    return f"{where} Cal.com {booking.calcom_booking_uid}." if booking.calcom_booking_uid else where


def _changed(booking: Booking, change: BookingChange, hours: Hours) -> Event:
    who = name_of(change.by, booking)
    if change.kind == ChangeKind.MOVED and change.before is not None and change.after is not None:
        words = f"From {hours.at(change.before)} to {hours.at(change.after)}."
        return Event(change.at, "Moved", words, "note", who=who, kind="booking")
    label, tone = LABELS.get(change.kind, (str(change.kind), "plain"))
    return Event(change.at, label, change.words, tone, who=who, kind="booking")
