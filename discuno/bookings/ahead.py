"""A mentor's sessions to come that their own hours would no longer allow."""

import sqlalchemy as sa

from discuno.bookings.models import Booking, BookingStatus
from discuno.kit import clock
from discuno.kit.db import rows
from discuno.mentors import service as mentors
from discuno.mentors.availability import Stretch
from discuno.mentors.models import Calendar, Mentor


def outside_hours(mentor: Mentor) -> list[Booking]:
    """Confirmed sessions to come that lie outside the mentor's own hours: they stay, and the mentor should know."""
    found = _to_come(mentor) if mentor.calendar == Calendar.BUILTIN else []
    if not found:
        return []
    first, last = found[0].starts_at.date(), max(b.ends_at for b in found).date()
    open_hours = mentors.open_hours(mentor, first, last)
    return [booking for booking in found if not _lies_within(booking, open_hours)]


def _lies_within(booking: Booking, open_hours: list[Stretch]) -> bool:
    return any(opens <= booking.starts_at and booking.ends_at <= closes for opens, closes in open_hours)


def _to_come(mentor: Mentor) -> list[Booking]:
    statement = sa.select(Booking).where(
        Booking.mentor_id == mentor.id,
        Booking.status == BookingStatus.CONFIRMED,
        sa.func.lower(Booking.during) > clock.now(),
    )
    return rows(statement.order_by(sa.func.lower(Booking.during)))
