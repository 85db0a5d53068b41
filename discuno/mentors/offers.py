"""Session types as their mentor sees them: how each stands, in which order, and what it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from discuno.kit.db import one_or_none, rows
from discuno.kit.errors import NotFound
from discuno.kit.lifecycle import Status
from discuno.mentors.models import Calendar, EventType, Mentor

MOST_TYPES = 30  # of one mentor
FACTS = (
    *("title", "description", "duration_minutes", "price", "currency"),
    *("buffer_minutes", "notice_minutes", "enabled"),
)


class OfferState(Status):
    """Whether a session type can be booked, in words for its mentor."""

    BOOKABLE = ("bookable", "Bookable", "ok", "Attendees can book it.")
    OFF = ("off", "Off", "plain", "Attendees do not see it until you switch it on.")
    WAITS = (
        "waits",
        "Waits for Stripe",
        "wait",
        "It is switched on, and can be booked as soon as Stripe lets you be paid.",
    )
    GONE = (
        "gone",
        "Not bookable at Cal.com",
        "bad",
        "As it is at Cal.com now, nobody can book it. Your calendar's page says why.",
    )
    NOT_THERE = (
        "not_there",
        "Not at Cal.com",
        "plain",
        "Your free times come from Cal.com, which does not know this session type.",
    )
    ELSEWHERE = (
        "elsewhere",
        "At Cal.com",
        "plain",
        "It comes from Cal.com, and your free times do not any more, so nobody can book it.",
    )
    SUSPENDED = ("suspended", "Suspended", "bad", "Nobody can book while your account is suspended.")


S = OfferState


@dataclass(frozen=True)
class Wanted:
    """A session type as its mentor wants it, checked. `price` is in minor units of `currency`; 0 is free."""

    title: str
    description: str
    duration_minutes: int
    price: int
    currency: str
    buffer_minutes: int
    notice_minutes: int
    enabled: bool


def state(event_type: EventType, *, payable: bool) -> OfferState:
    """How it stands, given whether money can reach its mentor."""
    mentor, at_calcom = event_type.mentor, event_type.calcom_event_type_id is not None
    lives_there = mentor.calendar == Calendar.CALCOM
    checks = (
        (S.GONE, lives_there and at_calcom and event_type.calcom_gone_at is not None),
        (S.NOT_THERE, lives_there and not at_calcom),
        (S.ELSEWHERE, at_calcom and not lives_there),
        (S.OFF, not event_type.enabled),
        (S.SUSPENDED, mentor.suspended_at is not None),
        (S.WAITS, not event_type.is_free and not payable),
    )
    return next((found for found, holds in checks if holds), S.BOOKABLE)


def of_mentor(mentor: Mentor) -> list[EventType]:
    """All of a mentor's, in the order in which attendees see them."""
    mine = sa.select(EventType).where(EventType.mentor_id == mentor.id)
    return rows(mine.order_by(EventType.position, EventType.id))


def mine(mentor: Mentor, type_id: int) -> EventType:
    """Load and authorize in one: a session type of this mentor. Raises NotFound for anybody else's."""
    found = one_or_none(sa.select(EventType).where(EventType.id == type_id, EventType.mentor_id == mentor.id))
    if found is None:
        raise NotFound("You have no such session type.")
    return found


def is_from_calcom(event_type: EventType) -> bool:
    """Whether its title, description and duration are Cal.com's to say."""
    return event_type.calcom_event_type_id is not None


def facts(event_type: EventType) -> dict[str, Any]:
    """What it is made of, for the audit log."""
    return {name: getattr(event_type, name) for name in FACTS}


def move(types: Sequence[EventType], event_type: EventType, by: int) -> bool:
    """One place up (-1) or down (1); False at the end of the list. All are numbered anew, from 0."""
    order = list(types)
    at = order.index(event_type)
    to = at + by
    if not 0 <= to < len(order):
        return False
    order[at], order[to] = order[to], order[at]
    for position, each in enumerate(order):
        each.position = position
    return True
