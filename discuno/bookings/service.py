"""Holding an hour, keeping it, giving it back."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from discuno import policy
from discuno.bookings.models import LIVE, Booking, BookingStatus
from discuno.kit import clock
from discuno.kit.db import locked, one_or_none, rows, session
from discuno.kit.errors import DomainError, NotFound
from discuno.mentors import service as mentors
from discuno.mentors.availability import Stretch, is_free, starts_within, with_room
from discuno.mentors.models import EventType, Mentor

ONE_HOUR_ONCE = "ex_discuno_booking_one_hour_once"
OF_A_TYPE = "fk_discuno_booking_event_type_id"


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


@dataclass(frozen=True)
class Besides:
    """What is passed over when free times are sought: a visitor's own holds, or a booking that is to be moved.

    They give way when another time is chosen.
    """

    visitor: str | None = None
    booking_id: int | None = None


NOBODY = Besides()


def window(event_type: EventType, now: datetime) -> Stretch:
    """The earliest and latest start that may be booked."""
    notice = timedelta(minutes=event_type.notice_minutes)
    return now + notice, now + timedelta(days=event_type.mentor.booking_window_days)


def length(event_type: EventType) -> timedelta:
    """How long a session of this type is."""
    return timedelta(minutes=event_type.duration_minutes)


def kept(event_type: EventType) -> timedelta:
    """How long a session keeps its mentor: itself and the break after it."""
    return length(event_type) + timedelta(minutes=event_type.buffer_minutes)


def busy(mentor_id: int, starts: datetime, ends: datetime, besides: Besides = NOBODY) -> list[Stretch]:
    """What the mentor's live bookings keep of this stretch; holds that ran out unpaid no longer count."""
    statement = sa.select(Booking).where(
        Booking.mentor_id == mentor_id,
        Booking.status.in_(LIVE),
        Booking.keeps.overlaps(Range(starts, ends)),
        sa.not_(_may_lapse(clock.now())),
        sa.not_(_gives_way(besides.visitor or "")),
        Booking.id != (besides.booking_id or 0),
    )
    return [b.kept_stretch for b in rows(statement)]


def _gives_way(visitor: str) -> sa.ColumnElement[bool]:
    """A visitor's own hold, unless it is a free session that waits for nothing but its confirmation."""
    waits = sa.and_(sa.not_(Booking.requires_payment), Booking.attendee_email.is_not(None))
    return sa.and_(Booking.status == BookingStatus.HELD, Booking.visitor == visitor, sa.not_(waits))


def own_starts(
    event_type: EventType, first: datetime, last: datetime, besides: Besides = NOBODY
) -> list[datetime]:
    """Free starting times between two instants, by the built-in calendar."""
    earliest, latest = window(event_type, clock.now())
    found = starts_within(
        mentors.open_hours(event_type.mentor, first.date(), last.date()),
        length(event_type),
        busy(event_type.mentor_id, first, last + kept(event_type), besides),
        earliest=max(first, earliest),
        latest=min(last, latest),
        rest=timedelta(minutes=event_type.buffer_minutes),
    )
    return _on_days_with_room(event_type.mentor, found, besides)


def still_free(
    event_type: EventType, starts: Sequence[datetime], besides: Besides = NOBODY
) -> list[datetime]:
    """Of another calendar's free times, those that we have not promised to somebody ourselves."""
    earliest, latest = window(event_type, clock.now())
    inside = [start for start in sorted(starts) if earliest <= start <= latest]
    if not inside:
        return []
    span = kept(event_type)
    taken = busy(event_type.mentor_id, inside[0], inside[-1] + span, besides)
    free = [start for start in inside if is_free(start, start + span, taken)]
    return _on_days_with_room(event_type.mentor, free, besides)


def _on_days_with_room(mentor: Mentor, starts: Sequence[datetime], besides: Besides) -> list[datetime]:
    """Those on days of the mentor's zone on which they have not been booked as often as they wish."""
    if mentor.daily_maximum is None or not starts:
        return list(starts)
    days = timedelta(days=2)  # a day of a clock change is longer than one
    taken = busy(mentor.id, starts[0] - days, starts[-1] + days, besides)
    return with_room(starts, taken, zone=ZoneInfo(mentor.zone), maximum=mentor.daily_maximum)


def has_room(mentor: Mentor, start: datetime, besides: Besides) -> bool:
    """Whether the mentor's day may take one more session. Under a lock on their row two cannot both be the last."""
    return bool(_on_days_with_room(mentor, [start], besides))


def hold(
    event_type: EventType, start: datetime, *, visitor: str, zone: str, besides: Besides | None = None
) -> Booking:
    """Keep an hour for a visitor. The database refuses a second one: see `is_taken`.

    Raises TooManyHolds, and TimeTaken when the mentor's day is full.
    """
    again = _own_hold(event_type, start, visitor)
    if again is not None:
        return again
    if _live_holds(visitor) >= policy.MAX_LIVE_HOLDS:
        raise TooManyHolds
    make_way(event_type.mentor, (start, start + kept(event_type)), besides or Besides(visitor=visitor))
    booking = _begun(event_type, start, visitor, zone)
    session().add(booking)
    session().flush()  # the exclusion constraint speaks here, inside the caller's try
    return booking


def make_way(mentor: Mentor, stretch: Stretch, besides: Besides | None) -> None:
    """Before an hour is taken: holds that ran out give way. Raises TimeTaken when the mentor's day is full.

    Two who want one hour queue at the mentor's row; in the constraint they could wait for each other for ever.
    Without `besides` the day may be fuller than they wish: it is the mentor's own doing.
    """
    locked(Mentor, mentor.id)
    if besides is not None and not has_room(mentor, stretch[0], besides):
        raise TimeTaken
    _lapse_overlapping(mentor.id, *stretch, clock.now())


def _begun(event_type: EventType, start: datetime, visitor: str, zone: str) -> Booking:
    """What is sold is copied, so that a later change of the session type rewrites nothing."""
    now = clock.now()
    return Booking(
        public_id=secrets.token_urlsafe(16),
        visitor=visitor,
        mentor_id=event_type.mentor_id,
        event_type_id=event_type.id,
        during=Range(start, start + length(event_type)),
        keeps=Range(start, start + kept(event_type)),
        status=BookingStatus.HELD,
        held_until=now + policy.HOLD_TO_CHOOSE,
        created_at=now,
        changed_at=now,
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


def is_taken(error: sa.exc.IntegrityError) -> bool:
    """Whether the database refused because the hour is somebody else's."""
    return ONE_HOUR_ONCE in str(error.orig)


def is_removed(error: sa.exc.IntegrityError) -> bool:
    """Whether the database refused because the session type was removed a moment ago."""
    return OF_A_TYPE in str(error.orig)


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
    _write_down(booking, attendee)


def _write_down(booking: Booking, attendee: Attendee) -> None:
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


def extend(booking: Booking) -> None:
    """More time to finish, once (WCAG 2.2.1). Raises DomainError when it was given before, or is too late."""
    require_held(booking)
    if booking.extended_at is not None:
        raise DomainError("You have had more time for this booking already.", status=409)
    booking.extended_at = clock.now()
    keep_until(booking, booking.held_until + policy.MORE_TIME)


def run_out(booking: Booking, attendee: Attendee) -> None:
    """What was typed when the hold was over already is kept with it: the visitor's next hold begins with it."""
    if not booking.status.is_live and not booking.has_details:
        _write_down(booking, attendee)


def typed_before(visitor: str) -> Booking | None:
    """The visitor's newest booking that came to nothing after its details were typed, if that was a moment ago."""
    statement = (
        sa.select(Booking)
        .where(
            Booking.visitor == visitor,
            Booking.status.in_([BookingStatus.EXPIRED, BookingStatus.RELEASED]),
            Booking.attendee_email.is_not(None),
            Booking.held_until > clock.now() - policy.TYPED_IS_KEPT,
        )
        .order_by(Booking.id.desc())
        .limit(1)
    )
    return one_or_none(statement)


def seconds_left(booking: Booking) -> int:
    """How much longer the hour is kept, in whole seconds, never negative; nothing when it is kept no more."""
    kept_for = booking.held_until - clock.now()
    return max(0, int(kept_for.total_seconds())) if booking.status == BookingStatus.HELD else 0


def _may_lapse(now: datetime) -> sa.ColumnElement[bool]:
    """A hold that ran out before anybody could have paid for it: no details yet, so no payment."""
    return sa.and_(
        Booking.status == BookingStatus.HELD, Booking.held_until <= now, Booking.attendee_email.is_(None)
    )


def _lapse_overlapping(mentor_id: int, start: datetime, end: datetime, now: datetime) -> None:
    statement = (
        sa.select(Booking)
        .where(Booking.mentor_id == mentor_id, Booking.keeps.overlaps(Range(start, end)), _may_lapse(now))
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
    """The holds of a visitor with one mentor that may be given back, oldest first."""
    statement = (
        sa.select(Booking)
        .where(Booking.mentor_id == mentor_id, _gives_way(visitor), sa.not_(_may_lapse(clock.now())))
        .order_by(Booking.id)
    )
    return rows(statement)
