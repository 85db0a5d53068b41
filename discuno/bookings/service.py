"""Holding an hour, keeping it, giving it back."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from discuno import policy
from discuno.bookings.models import LIVE, Booking, BookingStatus
from discuno.kit import clock
from discuno.kit.db import one_or_none, rows, session
from discuno.kit.errors import DomainError, NotFound
from discuno.mentors import service as mentors
from discuno.mentors.availability import Stretch, is_free, starts_within
from discuno.mentors.models import EventType

ONE_HOUR_ONCE = "ex_discuno_booking_one_hour_once"


class TimeTaken(DomainError):
    """Somebody else has that hour."""

    def __init__(self) -> None:
        super().__init__("That time was just taken. Here are the times that are still free.", status=409)


class NotOffered(DomainError):
    """A time that was never on the page: past, off the schedule, or made up."""

    def __init__(self) -> None:
        super().__init__("That time cannot be booked. Please choose one of the times shown.", status=422)


class TooManyHolds(DomainError):
    """One visitor keeps too many hours."""

    def __init__(self) -> None:
        super().__init__(
            "You are already keeping several times. Finish or give back one of them first.", status=429
        )


@dataclass(frozen=True)
class Attendee:
    """Who the session is for, as typed and checked."""

    name: str
    email: str
    phone: str
    note: str


def window(now: datetime) -> Stretch:
    """The earliest and latest start that may be booked."""
    return now + policy.MINIMUM_NOTICE, now + policy.BOOKING_WINDOW


def length(event_type: EventType) -> timedelta:
    """How long a session of this type is."""
    return timedelta(minutes=event_type.duration_minutes)


def busy(mentor_id: int, starts: datetime, ends: datetime, besides: str | None = None) -> list[Stretch]:
    """The mentor's live hours that meet this stretch; holds that ran out unpaid no longer count.

    `besides` is a visitor whose own holds are passed over: they give way when another time is chosen.
    """
    statement = sa.select(Booking).where(
        Booking.mentor_id == mentor_id,
        Booking.status.in_(LIVE),
        Booking.during.overlaps(Range(starts, ends)),
        sa.not_(_may_lapse(clock.now())),
        sa.or_(Booking.status != BookingStatus.HELD, Booking.visitor != (besides or "")),
    )
    return [(b.starts_at, b.ends_at) for b in rows(statement)]


def own_starts(
    event_type: EventType, first: datetime, last: datetime, besides: str | None = None
) -> list[datetime]:
    """Free starting times between two instants, by the built-in calendar."""
    earliest, latest = window(clock.now())
    return starts_within(
        mentors.open_hours(event_type.mentor, first.date(), last.date()),
        length(event_type),
        busy(event_type.mentor_id, first, last + length(event_type), besides),
        earliest=max(first, earliest),
        latest=min(last, latest),
    )


def still_free(
    event_type: EventType, starts: Sequence[datetime], besides: str | None = None
) -> list[datetime]:
    """Of another calendar's free times, those that we have not promised to somebody ourselves."""
    earliest, latest = window(clock.now())
    inside = [start for start in sorted(starts) if earliest <= start <= latest]
    if not inside:
        return []
    span = length(event_type)
    taken = busy(event_type.mentor_id, inside[0], inside[-1] + span, besides)
    return [start for start in inside if is_free(start, start + span, taken)]


def hold(event_type: EventType, start: datetime, *, visitor: str, zone: str) -> Booking:
    """Keep an hour for a visitor. The database refuses a second one: see `is_taken`. Raises TooManyHolds."""
    now = clock.now()
    end = start + length(event_type)
    again = _own_hold(event_type, start, visitor)
    if again is not None:
        return again
    if _live_holds(visitor) >= policy.MAX_LIVE_HOLDS:
        raise TooManyHolds
    _lapse_overlapping(event_type.mentor_id, start, end, now)
    booking = Booking(
        public_id=secrets.token_urlsafe(16),
        visitor=visitor,
        mentor_id=event_type.mentor_id,
        event_type_id=event_type.id,
        during=Range(start, end),
        status=BookingStatus.HELD,
        held_until=now + policy.HOLD_TO_CHOOSE,
        created_at=now,
        title=event_type.title,
        duration_minutes=event_type.duration_minutes,
        price=event_type.price,
        currency=event_type.currency,
        requires_payment=not event_type.is_free,
        attendee_zone=zone,
        calcom_event_type_id=event_type.calcom_event_type_id,
        mentor=event_type.mentor,
        event_type=event_type,
    )
    session().add(booking)
    session().flush()  # the exclusion constraint speaks here, inside the caller's try
    return booking


def is_taken(error: sa.exc.IntegrityError) -> bool:
    """Whether the database refused because the hour is somebody else's."""
    return ONE_HOUR_ONCE in str(error.orig)


def visitors_booking(public_id: str, visitor: str | None) -> Booking:
    """Load and authorize in one: the booking this browser began. Anybody else's does not exist. Raises NotFound."""
    statement = sa.select(Booking).where(Booking.public_id == public_id, Booking.visitor == visitor)
    found = one_or_none(statement)
    if visitor is None or found is None:
        raise NotFound("This booking was begun in another browser, or not at all.")
    return found


def take_details(booking: Booking, attendee: Attendee) -> None:
    """Write down who it is for. Raises DomainError when the hold has ended."""
    require_held(booking)
    booking.attendee_name = attendee.name
    booking.attendee_email = attendee.email
    booking.attendee_phone = attendee.phone or None
    booking.note = attendee.note


def require_held(booking: Booking) -> None:
    """Raise DomainError unless the hour is still kept for this visitor."""
    if booking.status != BookingStatus.HELD or booking.held_until <= clock.now():
        raise DomainError(
            "We could keep that time only for a while, and it has run out. Please choose a time again.",
            status=410,
            heading="This time is no longer held",
        )


def keep_until(booking: Booking, until: datetime) -> None:
    """Let the hold last longer; it is never shortened."""
    booking.held_until = max(booking.held_until, until)


def seconds_left(booking: Booking) -> int:
    """How much longer the hour is kept, in whole seconds, never negative."""
    return max(0, int((booking.held_until - clock.now()).total_seconds()))


def _may_lapse(now: datetime) -> sa.ColumnElement[bool]:
    """A hold that ran out before anybody could have paid for it: no details yet, so no payment."""
    return sa.and_(
        Booking.status == BookingStatus.HELD, Booking.held_until <= now, Booking.attendee_email.is_(None)
    )


def _lapse_overlapping(mentor_id: int, start: datetime, end: datetime, now: datetime) -> None:
    statement = (
        sa.select(Booking)
        .where(Booking.mentor_id == mentor_id, Booking.during.overlaps(Range(start, end)), _may_lapse(now))
        .with_for_update(of=Booking, skip_locked=True)
    )
    for stale in rows(statement):
        stale.move_to(BookingStatus.EXPIRED)
    session().flush()


def _own_hold(event_type: EventType, start: datetime, visitor: str) -> Booking | None:
    statement = sa.select(Booking).where(
        Booking.visitor == visitor,
        Booking.status == BookingStatus.HELD,
        Booking.event_type_id == event_type.id,
        sa.func.lower(Booking.during) == start,
        Booking.held_until > clock.now(),
    )
    return one_or_none(statement)


def _live_holds(visitor: str) -> int:
    statement = sa.select(sa.func.count()).where(
        Booking.visitor == visitor, Booking.status == BookingStatus.HELD, Booking.held_until > clock.now()
    )
    return session().execute(statement).scalar_one()


def held_by(visitor: str, mentor_id: int) -> list[Booking]:
    """The live holds of a visitor with one mentor, oldest first."""
    statement = (
        sa.select(Booking)
        .where(
            Booking.visitor == visitor, Booking.mentor_id == mentor_id, Booking.status == BookingStatus.HELD
        )
        .order_by(Booking.id)
    )
    return rows(statement)
