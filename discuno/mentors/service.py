"""Finding mentors and what they offer."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from discuno.accounts.models import User
from discuno.kit.db import one_or_none, rows
from discuno.kit.errors import NotFound
from discuno.mentors.availability import DayHours, Stretch, WeekHours, joined, stretches
from discuno.mentors.models import Calendar, DateOverride, EventType, Mentor, WeeklyHours

NOT_OFFERED = "This mentor does not offer that session."


def directory(query: str = "") -> list[Mentor]:
    """Mentors who offer something, whose name, headline or topics contain every word of the query."""
    statement = (
        sa.select(Mentor)
        .join(User, User.id == Mentor.user_id)
        .where(Mentor.suspended_at.is_(None))
        .where(
            sa.exists().where(
                EventType.mentor_id == Mentor.id, EventType.enabled, *_lives_in_their_calendar()
            )
        )
        .options(selectinload(Mentor.event_types))
        .order_by(User.name, Mentor.id)
    )
    for word in query.split()[:5]:
        like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        text = User.name + " " + Mentor.headline + " " + sa.func.array_to_string(Mentor.topics, " ")
        statement = statement.where(text.ilike(like))
    return rows(statement)


def by_username(username: str) -> Mentor:
    """The mentor of a public page. Raises NotFound."""
    found = one_or_none(sa.select(Mentor).where(Mentor.username == username.lower()))
    if found is None:
        raise NotFound("There is no mentor at this address.")
    return found


def offered(mentor: Mentor) -> list[EventType]:
    """What may be booked with a mentor now; nothing while they are suspended."""
    if mentor.suspended_at is not None:
        return []
    return [t for t in mentor.event_types if t.enabled and t.is_in_calendar]


def _lives_in_their_calendar() -> tuple[sa.ColumnElement[bool], ...]:
    """`EventType.is_in_calendar`, as the database says it."""
    at_calcom = EventType.calcom_event_type_id.is_not(None)
    return at_calcom == (Mentor.calendar == Calendar.CALCOM), EventType.calcom_gone_at.is_(None)


def offered_type(mentor: Mentor, type_id: int) -> EventType:
    """One offered session type of this mentor. Raises NotFound for anybody else's, and for disabled ones."""
    found = next((t for t in offered(mentor) if t.id == type_id), None)
    if found is None:
        raise NotFound(NOT_OFFERED)
    return found


def open_hours(mentor: Mentor, first: date, last: date) -> list[Stretch]:
    """The mentor's own open stretches for these days and one to each side, whatever zone is asked from."""
    weekly = rows(sa.select(WeeklyHours).where(WeeklyHours.mentor_id == mentor.id))
    overrides = rows(sa.select(DateOverride).where(DateOverride.mentor_id == mentor.id))
    return joined(
        stretches(
            [WeekHours(h.weekday, h.starts, h.ends) for h in weekly],
            [DayHours(o.day, o.starts, o.ends) for o in overrides],
            ZoneInfo(mentor.zone),
            first - timedelta(days=1),
            last + timedelta(days=1),
        )
    )
