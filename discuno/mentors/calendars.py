"""A mentor's calendar at Cal.com: whose it is, what it says of their session types, and what has changed there.

Title, description and length are Cal.com's; price, break, notice and whether it is offered are the mentor's, here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

import sqlalchemy as sa

from discuno.kit import clock, vault
from discuno.kit.db import one_or_none, rows, session
from discuno.kit.errors import DomainError
from discuno.kit.lifecycle import Status
from discuno.mentors.models import Calendar, EventType, Mentor
from discuno.mentors.notices import Notice

PURPOSE = "calcom-key"
PAGE = "/dashboard/calendar"
SHORTEST, LONGEST = 5, 480  # minutes that we sell
DOWN = "Cal.com did not answer when we asked for your session types. We ask again by ourselves."
KEY_REFUSED = "Cal.com does not accept your key any more. Paste a new one."
TAKEN = "This Cal.com calendar is linked to another mentor here already."
LINK = 1_381_190_002  # of the advisory lock: one link at a time, so that no calendar goes to two mentors


class Seen(Protocol):
    """A session type as Cal.com has it."""

    @property
    def calcom_id(self) -> int: ...

    @property
    def title(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def minutes(self) -> int: ...

    @property
    def is_hidden(self) -> bool: ...

    @property
    def is_recurring(self) -> bool: ...

    @property
    def has_seats(self) -> bool: ...

    @property
    def asks_host(self) -> bool: ...


class AtCalcom(Status):
    """Whether a session type can be sold as Cal.com has it, in words for its mentor."""

    THERE = ("there", "At Cal.com", "ok", "Cal.com has it, and asks for nothing that we cannot do.")
    GONE = ("gone", "Gone", "bad", "Cal.com does not have it any more, so nobody can book it.")
    HIDDEN = ("hidden", "Hidden", "wait", "It is hidden at Cal.com, so nobody can book it here either.")
    RECURRING = ("recurring", "Left out", "plain", "It repeats, and we sell one session at a time.")
    SEATS = ("seats", "Left out", "plain", "It has several seats, and we sell sessions for one.")
    ASKS_HOST = (
        "asks_host",
        "Left out",
        "plain",
        "You confirm each booking of it by hand, and a session that is paid for has to be sure at once.",
    )
    LENGTH = ("length", "Left out", "plain", "We sell sessions of 5 minutes to 8 hours.")


A = AtCalcom
WORDS = {"title": "Its title", "description": "Its description", "minutes": "Its length"}


# Whose calendar it is


def key_of(mentor: Mentor) -> str | None:
    """The mentor's own key, or None where calls go by the platform's; "" for one that cannot be read any more."""
    return None if mentor.calcom_key is None else vault.unseal(PURPOSE, mentor.calcom_key) or ""


def key_ending(mentor: Mentor) -> str:
    """The last signs of the key, so that its owner knows it again."""
    return (key_of(mentor) or "")[-4:]


def key_mark(mentor: Mentor) -> str:
    """What tells this key from the next one, and nothing else of it."""
    return sha256((mentor.calcom_key or "").encode()).hexdigest()[:16]


def is_linked(mentor: Mentor) -> bool:
    """Whether their free times come from Cal.com, by their own key."""
    return mentor.calendar == Calendar.CALCOM and mentor.calcom_key is not None


def linked() -> list[Mentor]:
    """Everybody whose own key we have: linked, or unlinked with sessions still to come there."""
    return rows(sa.select(Mentor).where(Mentor.calcom_key.is_not(None)).order_by(Mentor.id))


def require_nobody_elses(mentor: Mentor, username: str, types: Sequence[Seen]) -> None:
    """Raise DomainError when another mentor has this calendar. Holds until the unit of work ends."""
    session().execute(sa.select(sa.func.pg_advisory_xact_lock(LINK)))
    theirs = sa.exists().where(
        EventType.mentor_id == Mentor.id, EventType.calcom_event_type_id.in_([t.calcom_id for t in types])
    )
    has_it = sa.or_(
        sa.and_(Mentor.calcom_key.is_not(None), Mentor.calcom_username == username),
        sa.and_(sa.or_(Mentor.calcom_key.is_not(None), Mentor.calendar == Calendar.CALCOM), theirs),
    )
    if one_or_none(sa.select(Mentor).where(Mentor.id != mentor.id, has_it).limit(1)) is not None:
        raise DomainError(TAKEN, status=409)


def link(mentor: Mentor, key: str, username: str, types: Sequence[Seen]) -> None:
    """Free times come from this calendar from now on, under the mentor's lock; what was booked there before stays."""
    now = clock.now()
    was_built_in = mentor.calendar == Calendar.BUILTIN
    is_new = not is_linked(mentor) or mentor.calcom_username != username
    mentor.calcom_key, mentor.calcom_username = vault.seal(PURPOSE, key), username
    mentor.calendar = Calendar.CALCOM
    if is_new:
        mentor.calcom_linked_at = now
    if was_built_in:
        for event_type in of_calcom(mentor):  # known from before: what was booked there meanwhile is not ours
            event_type.calcom_linked_at = now
    learn(mentor, types)


def unlink(mentor: Mentor) -> None:
    """Back to the built-in calendar. The key stays until `forget_key`: sessions booked there are still followed."""
    mentor.calendar = Calendar.BUILTIN
    mentor.calcom_linked_at = mentor.calcom_problem = None


def forget_key(mentor: Mentor) -> None:
    """Nothing is left for which the key of a calendar that is unlinked would be needed."""
    mentor.calcom_key = mentor.calcom_username = mentor.calcom_checked_at = mentor.calcom_problem = None


# What Cal.com says of their session types


def learn(mentor: Mentor, types: Sequence[Seen]) -> list[str]:
    """Take what Cal.com has now, under the mentor's lock: new types come switched off. What changed, in words."""
    now = clock.now()
    mentor.calcom_checked_at, mentor.calcom_problem = now, None
    known = {t.calcom_event_type_id or 0: t for t in of_calcom(mentor)}
    there = {seen.calcom_id: seen for seen in types}
    told = [_take(known.get(number) or _new(mentor, seen), seen, now) for number, seen in there.items()]
    told += [_stand(known[number], A.GONE, now) for number in known.keys() - there.keys()]
    return [words for each in told for words in each]


def could_not_ask(mentor: Mentor, problem: str) -> None:
    """Why Cal.com has told nothing: what it told before stays."""
    mentor.calcom_problem = problem


def needs_key(mentor: Mentor) -> bool:
    """Whether their free times come from Cal.com, and their key opens it no more."""
    return is_linked(mentor) and mentor.calcom_problem == KEY_REFUSED


def of_calcom(mentor: Mentor) -> list[EventType]:
    """The mentor's types that are, or were, Cal.com's."""
    mine = sa.select(EventType).where(
        EventType.mentor_id == mentor.id, EventType.calcom_event_type_id.is_not(None)
    )
    return rows(mine.order_by(EventType.position, EventType.id))


def _new(mentor: Mentor, seen: Seen) -> EventType:
    """One of ours for one of theirs: free until it has a price, and offered by nobody's oversight."""
    last = sa.select(sa.func.max(EventType.position)).where(EventType.mentor_id == mentor.id)
    currency = sa.select(EventType.currency).where(EventType.mentor_id == mentor.id, EventType.price > 0)
    event_type = EventType(
        mentor_id=mentor.id,
        title=seen.title,
        description=seen.description,
        duration_minutes=_sellable(seen.minutes),
        price=0,
        currency=session().execute(currency.limit(1)).scalar_one_or_none() or "usd",
        enabled=False,
        position=(session().execute(last).scalar_one_or_none() or 0) + 1,
        calcom_event_type_id=seen.calcom_id,
        calcom_linked_at=clock.now(),
        calcom_seen={"new": True},
    )
    session().add(event_type)
    session().flush()
    return event_type


def _take(event_type: EventType, seen: Seen, now: datetime) -> list[str]:
    """Let ours follow theirs, remembering what the mentor has not looked at. Sold sessions keep their own copy."""
    ours = {
        "title": event_type.title,
        "description": event_type.description,
        "minutes": event_type.duration_minutes,
    }
    theirs = {"title": seen.title, "description": seen.description, "minutes": _sellable(seen.minutes)}
    found = [
        {"what": what, "from": ours[what], "to": theirs[what], "at": now.isoformat()}
        for what in WORDS
        if ours[what] != theirs[what]
    ]
    event_type.title, event_type.description = seen.title, seen.description
    event_type.duration_minutes = _sellable(seen.minutes)
    if not is_sold(event_type):
        event_type.calcom_linked_at = now if event_type.calcom_linked_at is not None else None
    before = event_type.calcom_seen or {}
    changes = [*before.get("changes", []), *([] if before.get("new") else found)]
    event_type.calcom_seen = {**before, "minutes": seen.minutes, "changes": _first_to_last(changes)}
    told = [f"{event_type.id}: {change['what']} {change['from']!r} → {change['to']!r}" for change in found]
    return told + _stand(event_type, _standing(seen), now)


def _first_to_last(changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One change a thing, from what the mentor last looked at to what it is; there and back is none."""
    merged: dict[str, dict[str, Any]] = {}
    for change in changes:
        first = merged.get(change["what"], change)
        merged[change["what"]] = {**change, "from": first["from"]}
    return [change for change in merged.values() if change["from"] != change["to"]]


def _stand(event_type: EventType, found: AtCalcom, now: datetime) -> list[str]:
    before = standing(event_type)
    event_type.calcom_seen = {**(event_type.calcom_seen or {}), "standing": found.value}
    event_type.calcom_gone_at = None if found == A.THERE else event_type.calcom_gone_at or now
    return [f"{event_type.id}: {before} → {found}"] if before != found else []


def _standing(seen: Seen) -> AtCalcom:
    checks = (
        (A.RECURRING, seen.is_recurring),
        (A.SEATS, seen.has_seats),
        (A.ASKS_HOST, seen.asks_host),
        (A.LENGTH, not SHORTEST <= seen.minutes <= LONGEST),
        (A.HIDDEN, seen.is_hidden),
    )
    return next((found for found, holds in checks if holds), A.THERE)


def _sellable(minutes: int) -> int:
    """What the table takes; a length beyond it is not sold."""
    return min(max(minutes, SHORTEST), LONGEST)


# What the mentor sees of it


def standing(event_type: EventType) -> AtCalcom:
    """How it stands at Cal.com, as far as is known."""
    told = (event_type.calcom_seen or {}).get("standing")
    unsaid = A.GONE if event_type.calcom_gone_at else A.THERE
    return next((each for each in AtCalcom if each.value == told), unsaid)


def is_news(event_type: EventType) -> bool:
    """Whether something about it changed at Cal.com that the mentor has not looked at."""
    seen = event_type.calcom_seen or {}
    return bool(seen.get("new") or seen.get("changes")) and standing(event_type) == A.THERE


def news(event_type: EventType) -> list[tuple[str, datetime]]:
    """What changed since the mentor looked: sentences without their end, and when each was seen."""
    seen = event_type.calcom_seen or {}
    return [(_sentence(change), datetime.fromisoformat(change["at"])) for change in seen.get("changes", [])]


def _sentence(change: dict[str, Any]) -> str:
    what = WORDS[change["what"]]
    if change["what"] == "minutes":
        return f"{what} changed from {change['from']} to {change['to']} min"
    return f"{what} changed from “{change['from']}”" if change["what"] == "title" else f"{what} changed"


def looked_at(event_type: EventType) -> bool:
    """The mentor has seen what changed; False when there was nothing to see."""
    seen = dict(event_type.calcom_seen or {})
    had = bool(seen.pop("new", False)) | bool(seen.pop("changes", []))
    event_type.calcom_seen = seen or None
    return had


def notices(mentor: Mentor) -> list[Notice]:
    """What needs the mentor about their calendar at Cal.com."""
    if not is_linked(mentor):
        return []
    if needs_key(mentor):
        words = f"{KEY_REFUSED} Until then nobody can book you."
        return [Notice("bad", words, "Paste a new key", PAGE)]
    gone = [t for t in of_calcom(mentor) if t.enabled and t.calcom_gone_at is not None]
    if gone:
        words = (
            "A session type that you offer" if len(gone) == 1 else f"{len(gone)} session types that you offer"
        )
        return [Notice("wait", f"{words} cannot be booked at Cal.com any more.", "See what changed", PAGE)]
    return []


# Which bookings there are ours to guard


def is_sold(event_type: EventType) -> bool:
    """Whether somebody has to pay for it here."""
    return event_type.enabled and not event_type.is_free


def is_sold_here_alone(event_type: EventType, made_at: datetime | None) -> bool:
    """Whether a booking made at Cal.com then, without us, passes the till: then it is taken back there.

    Not one that was made before the mentor linked their calendar, or began to sell this type; nor one whose age
    nobody tells. A type that was linked by the platform has no such time: it was never booked in another way.
    """
    if event_type.is_free:
        return False
    since = event_type.calcom_linked_at
    if since is None:
        return event_type.mentor.calendar == Calendar.CALCOM
    at_calcom = event_type.mentor.calendar == Calendar.CALCOM and event_type.calcom_gone_at is None
    return at_calcom and event_type.enabled and made_at is not None and made_at >= since


def saved(event_type: EventType, *, was_sold: bool) -> None:
    """Its mentor has looked at it; and if it is sold from now on, what was booked at Cal.com until now was theirs."""
    looked_at(event_type)
    if event_type.calcom_linked_at is not None and is_sold(event_type) and not was_sold:
        event_type.calcom_linked_at = clock.now()
