"""What happens to a booking after it was made: moved, cancelled, somebody did not come, its link replaced."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from discuno import policy
from discuno.bookings import service as bookings
from discuno.bookings.links import Claim
from discuno.bookings.models import Booking, BookingChange, BookingStatus, ChangeKind, Party
from discuno.kit import clock
from discuno.kit.db import locked, one_or_none, rows, session
from discuno.kit.errors import DomainError, NotFound

GONE = "We know of no booking at this address. The link in your newest letter from us is the one that works."


class LinkReplaced(DomainError):
    """The link was good once; a newer one was sent to the booking's address."""

    def __init__(self) -> None:
        super().__init__(
            "This link was replaced by a newer one, which is in our latest letter to you.",
            status=410,
            heading="This link is no longer used",
        )


def managed(claim: Claim | None) -> Booking:
    """Load and authorize in one: the attendee's booking of a link. Raises NotFound, LinkReplaced."""
    booking = _claimed(claim)
    if claim is None or booking.manage_token_version != claim.version:
        raise LinkReplaced
    return booking


def hosted(claim: Claim | None) -> Booking:
    """The booking of a link in a mentor's older letter; whose it is, is asked where it leads. Raises NotFound."""
    booking = _claimed(claim)
    if claim is None or booking.host_token_version != claim.version:
        raise NotFound(GONE)
    return booking


def ever_managed(claim: Claim | None) -> Booking:
    """The booking of a link whether or not it was replaced: enough to send the present one to its address."""
    return _claimed(claim)


def _claimed(claim: Claim | None) -> Booking:
    found = one_or_none(sa.select(Booking).where(Booking.public_id == (claim.public_id if claim else "")))
    if found is None or not found.has_details or found.ends_at + policy.MANAGE_LINK_LIFE < clock.now():
        raise NotFound(GONE)
    return found


def of_address(email: str, since: datetime) -> list[Booking]:
    """The bookings made with an address whose sessions end after an instant, the next one first."""
    ended = sa.func.upper(Booking.during) > since
    statement = sa.select(Booking).where(
        Booking.attendee_email == email.lower(),
        Booking.status.in_([BookingStatus.CONFIRMED, BookingStatus.CANCELLED]),
        ended,
    )
    return rows(statement.order_by(sa.func.lower(Booking.during)).limit(20))


def record(
    booking: Booking,
    by: Party,
    kind: ChangeKind,
    words: str = "",
    *,
    before: datetime | None = None,
    after: datetime | None = None,
) -> None:
    """Write down what happened, for the page's timeline and for whoever has to decide later."""
    session().add(
        BookingChange(
            booking=booking, at=clock.now(), by=by, kind=kind, words=words, before=before, after=after
        )
    )


def was(booking: Booking, kind: ChangeKind) -> bool:
    """Whether this has happened to it."""
    return any(change.kind == kind for change in booking.changes)


def replace_link(booking: Booking, by: Party) -> None:
    """From now on another link opens the attendee's page; whoever has an old one has nothing."""
    booking.manage_token_version += 1
    record(booking, by, ChangeKind.LINK_REPLACED)


def _changed(booking: Booking) -> None:
    booking.sequence += 1
    booking.changed_at = clock.now()


# Cancelled


def cancel(booking: Booking, by: Party, reason: str) -> None:
    """It will not take place, and the hour is free again."""
    booking.move_to(BookingStatus.CANCELLED)
    booking.cancelled_at, booking.cancelled_by, booking.cancel_reason = clock.now(), by, reason or None
    _changed(booking)
    record(booking, by, ChangeKind.CANCELLED, reason)


# Moved


def is_moving(booking: Booking) -> bool:
    """Whether the mentor's other calendar is just being asked for another time."""
    return booking.move_hold_id is not None


def wanted_start(booking: Booking) -> datetime | None:
    """The start that is being asked for, if it is being moved."""
    if booking.move_hold_id is None:
        return None
    return session().get_one(Booking, booking.move_hold_id).starts_at


def hold_new_hour(booking: Booking, start: datetime) -> None:
    """Keep the new hour while the other calendar is asked; the old one stays kept too. The database may refuse."""
    wanted = bookings.hold(
        booking.event_type,
        start,
        visitor=_mover(booking),
        zone=booking.attendee_zone,
        besides=bookings.Besides(booking_id=booking.id),
    )
    wanted.duration_minutes = booking.duration_minutes
    wanted.during, wanted.keeps = _hours(booking, start)
    bookings.keep_until(wanted, clock.now() + policy.CONFIRM_DEADLINE)
    session().flush()
    booking.move_hold_id = wanted.id


def moves_refused(booking: Booking) -> list[Booking]:
    """The hours that were kept for a move which the other calendar did not make, in the order they were asked for."""
    if booking.calcom_booking_uid is None:
        return []
    asked = sa.select(Booking).where(
        Booking.mentor_id == booking.mentor_id,  # its index finds them
        Booking.visitor == _mover(booking),
        Booking.status == BookingStatus.RELEASED,
    )
    made = {change.after: change.at for change in booking.changes if change.kind == ChangeKind.MOVED}
    tried = rows(asked.order_by(Booking.id))
    return [hour for hour in tried if made.get(hour.starts_at, hour.created_at) <= hour.created_at]


def _mover(booking: Booking) -> str:
    return f"move:{booking.id}"


def let_new_hour_go(booking: Booking) -> None:
    """The hour that was kept for a move is free again, or becomes the booking's own in the same transaction."""
    if booking.move_hold_id is not None:
        wanted = locked(Booking, booking.move_hold_id)
        if wanted.status == BookingStatus.HELD:
            wanted.move_to(BookingStatus.RELEASED)
        booking.move_hold_id = None
        session().flush()  # before the booking takes the hour: the database looks at each row as it is written


def move(booking: Booking, start: datetime, by: Party) -> None:
    """It takes place at another time. The database refuses an hour that is somebody else's: see `is_taken`."""
    before = booking.starts_at
    let_new_hour_go(booking)
    during, keeps = _hours(booking, start)
    besides = bookings.Besides(booking_id=booking.id) if by == Party.ATTENDEE else None
    bookings.make_way(booking.mentor, (start, start + (booking.kept_stretch[1] - before)), besides)
    booking.during, booking.keeps = during, keeps
    booking.moves += by == Party.ATTENDEE
    booking.mentor_absent_at = booking.attendee_absent_at = None
    _changed(booking)
    record(booking, by, ChangeKind.MOVED, before=before, after=start)
    session().flush()


def _hours(booking: Booking, start: datetime) -> tuple[Range[datetime], Range[datetime]]:
    """The hour and what it keeps: as long as was sold, whatever the session type has become since."""
    end = start + timedelta(minutes=booking.duration_minutes)
    rest = booking.kept_stretch[1] - booking.ends_at
    return Range(start, end), Range(start, end + rest)


# Somebody did not come


def mentor_absent(booking: Booking, by: Party) -> bool:
    """The mentor is said not to have come; False when it was said before."""
    if booking.mentor_absent_at is not None:
        return False
    booking.mentor_absent_at = clock.now()
    record(booking, by, ChangeKind.MENTOR_ABSENT)
    return True


def attendee_absent(booking: Booking, by: Party) -> bool:
    """The attendee is said not to have come; False when it was said before."""
    if booking.attendee_absent_at is not None:
        return False
    booking.attendee_absent_at = clock.now()
    record(booking, by, ChangeKind.ATTENDEE_ABSENT)
    return True
