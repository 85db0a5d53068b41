"""A mentor's calendar at Cal.com is linked, asked again, and left; what was sold there is followed to its end."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.bookings.models import LIVE, Booking
from discuno.kit import clock, outbox
from discuno.kit.db import rows
from discuno.kit.errors import DomainError
from discuno.mentors import calendars
from discuno.mentors.calendars import Seen
from discuno.mentors.models import Calendar, EventType, Mentor
from discuno.notifications import service as letters

AFTERWARDS = timedelta(days=1)  # within which somebody may still say who has not come


def sessions_there(mentor: Mentor) -> list[Booking]:
    """Sessions that are, or may become, bookings in the mentor's Cal.com calendar and are not long over."""
    may_be_there = sa.or_(Booking.status.in_(LIVE), Booking.calcom_attempted_at.is_not(None))
    statement = sa.select(Booking).where(
        Booking.mentor_id == mentor.id,
        Booking.calcom_event_type_id.is_not(None),
        may_be_there,
        sa.func.upper(Booking.during) > clock.now() - AFTERWARDS,
    )
    return rows(statement.order_by(sa.func.upper(Booking.during)))


def link_calendar(actor: Actor, mentor: Mentor, key: str, username: str, types: Sequence[Seen]) -> None:
    """Free times come from this calendar, under the mentor's lock. Said twice it is done once. Raises DomainError."""
    calendars.require_nobody_elses(mentor, username, types)
    _require_sessions_stay(mentor, username, types)
    is_known = (
        calendars.is_linked(mentor) and mentor.calcom_username == username and calendars.key_of(mentor) == key
    )
    if is_known:
        calendar_told(actor, mentor, username, types)
        return
    before = _facts(mentor)
    calendars.link(mentor, key, username, types)
    audit.note(actor, "link Cal.com", f"mentor:{mentor.id}", before=before, after=_facts(mentor))
    outbox.add("subscribe_at_calcom", mentor_id=mentor.id, unique_key=f"subscribe:{mentor.id}")


def _require_sessions_stay(mentor: Mentor, username: str, types: Sequence[Seen]) -> None:
    """Another calendar must not be linked while sessions to come live in the one before it."""
    there = sessions_there(mentor)
    is_same = mentor.calcom_username == username or any(
        b.calcom_event_type_id in {t.calcom_id for t in types}
        for b in there  # renamed, or linked by the platform
    )
    if there and not is_same:
        raise DomainError(
            "You have sessions in the Cal.com calendar you had before, so we still need its key. "
            "You can link another one when the last of them is over.",
            status=409,
        )


def unlink_calendar(actor: Actor, mentor: Mentor) -> None:
    """Back to the built-in calendar at once; the key goes when no session needs it. Said twice it is done once."""
    if mentor.calendar != Calendar.CALCOM:
        return
    before = _facts(mentor)
    calendars.unlink(mentor)
    audit.note(actor, "unlink Cal.com", f"mentor:{mentor.id}", before=before, after=_facts(mentor))
    let_key_go(mentor)


def let_key_go(mentor: Mentor) -> None:
    """Forget the key of a calendar that was unlinked, once nothing of it is still to come."""
    if mentor.calendar == Calendar.BUILTIN and not sessions_there(mentor):
        calendars.forget_key(mentor)


def looked_at_type(actor: Actor, event_type: EventType) -> None:
    """The mentor has looked at what changed about a type at Cal.com. Said twice it is done once."""
    if calendars.looked_at(event_type):
        audit.note(actor, "looked at a change at Cal.com", f"event_type:{event_type.id}")


def calendar_told(actor: Actor, mentor: Mentor, username: str, types: Sequence[Seen]) -> None:
    """Take what Cal.com has now, under the mentor's lock, and write down what that changed."""
    mentor.calcom_username = username  # people rename themselves; the key is theirs all the same
    changed = calendars.learn(mentor, types)
    if changed:
        audit.note(actor, "session types at Cal.com", f"mentor:{mentor.id}", after={"changed": changed})


def calendar_silent(actor: str | Actor, mentor: Mentor, problem: str) -> None:
    """Cal.com has told nothing. A key that it does not accept any more needs the mentor, who is told once a key."""
    known = calendars.needs_key(mentor)
    calendars.could_not_ask(mentor, problem)
    if calendars.needs_key(mentor) and not known:
        audit.note(actor, "key refused by Cal.com", f"mentor:{mentor.id}")
        event = f"calendar:{mentor.id}:key:{calendars.key_mark(mentor)}"
        letters.tell(event, mentor.user.email, "calendar_needs_you", mentor_id=mentor.id)


def _facts(mentor: Mentor) -> dict[str, str | None]:
    """What is written down of a link: never the key."""
    return {"calendar": mentor.calendar.value, "calcom_username": mentor.calcom_username}
