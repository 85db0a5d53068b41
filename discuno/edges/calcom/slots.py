"""Free times at Cal.com, asked for as seldom as will do, and reservations of them.

Its 120 calls a minute are for all of us together, or for all who call by one mentor's own key. Whoever only looks
gets what was learned within the last minute; one caller at a time asks anew; when Cal.com does not answer, or the
minute's share is used up, an older copy is shown with its age. Without Redis nothing is kept, and each process has a
small share of its own.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from discuno.edges import pace
from discuno.edges.calcom import shelf
from discuno.edges.calcom.client import SLOTS, CalcomDown, CalcomRefused, ask, caller, in_path
from discuno.edges.calcom.shelf import Copy

CALLS = 80  # of the 120 a minute; bookings always have the rest
CALLS_TO_LOOK = 60  # of those; whoever has chosen a time always has the rest
ALONE = 0.25  # of either: two web processes, a worker and a scheduler
FRESH = timedelta(seconds=60)
PATIENCE = 3.0  # seconds to wait for another caller's answer when there is nothing older to show
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Slots:
    """Free starting times in UTC, in order. `as_of` is when they were learned, if Cal.com would not say it now."""

    starts: list[datetime]
    as_of: datetime | None = None


def slots(event_type_id: int, first: datetime, last: datetime) -> list[datetime]:
    """Free starting times between two instants, in UTC, asked for now. Raises CalcomDown, CalcomRefused."""
    _take_call(CALLS)
    return _learn(event_type_id, first, last)


def known_slots(event_type_id: int, first: datetime, last: datetime) -> Slots:
    """Free starting times of all UTC days between two instants, at most a minute old unless `as_of` says otherwise.

    Raises CalcomDown when nothing can be shown, CalcomRefused.
    """
    days = _midnight(first), _midnight(last) + DAY
    giving_up = time.monotonic() + PATIENCE
    while True:
        copy = shelf.look(event_type_id, days)
        if copy is not None and _is_fresh(copy):
            return Slots(copy.starts)
        if shelf.may_ask(event_type_id, days):
            try:
                return _renewed(event_type_id, days)
            finally:
                shelf.asked(event_type_id, days)
        if copy is not None:  # somebody else is asking just now
            return Slots(copy.starts, None if copy.age < 2 * FRESH else copy.asked_at)
        if time.monotonic() > giving_up:
            raise CalcomDown("somebody has asked already and waits for the answer")
        time.sleep(0.05)


def _renewed(event_type_id: int, days: shelf.Days) -> Slots:
    copy = shelf.look(event_type_id, days)  # once more: another may have asked while we took our turn
    if copy is not None and _is_fresh(copy):
        return Slots(copy.starts)
    changes = shelf.changes(event_type_id)  # before asking: what changes meanwhile is not in the answer
    try:
        _take_call(CALLS_TO_LOOK)
        starts = _learn(event_type_id, *days)
    except CalcomDown:
        if copy is None:
            raise
        return Slots(copy.starts, copy.asked_at)
    shelf.keep(event_type_id, days, starts, changes)
    return Slots(starts)


def _is_fresh(copy: Copy) -> bool:
    return copy.is_unchanged and copy.age < FRESH


def _take_call(most: int) -> None:
    if not pace.may(f"calcom-slots:{caller()}", most, seconds=60, alone=int(most * ALONE)):
        raise CalcomDown("Cal.com was asked for free times as often as we allow ourselves in a minute")


def _learn(event_type_id: int, first: datetime, last: datetime) -> list[datetime]:
    query = {"eventTypeId": str(event_type_id), "start": utc(first), "end": utc(last), "timeZone": "UTC"}
    data = ask("GET", "/slots", SLOTS, params=query)
    try:
        return sorted(
            datetime.fromisoformat(s["start"]).astimezone(UTC) for day in data.values() for s in day
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CalcomDown("slots in a shape that we do not know") from error


def forget_slots(event_type_id: int) -> None:
    """Something of this type has changed: what was learned of it is no longer fresh."""
    shelf.changed(event_type_id)


def reserve(event_type_id: int, start: datetime, lasting: timedelta) -> str:
    """Keep a slot while somebody pays; returns the reservation's uid."""
    wanted = {
        "eventTypeId": event_type_id,
        "slotStart": utc(start),
        "reservationDuration": int(lasting.total_seconds() // 60),
    }
    try:
        return str(ask("POST", "/slots/reservations", SLOTS, json=wanted)["reservationUid"])
    finally:
        forget_slots(event_type_id)


def drop_reservation(event_type_id: int, uid: str) -> None:
    """Give a reserved slot back; one that is gone already is no trouble."""
    try:
        ask("DELETE", f"/slots/reservations/{in_path(uid)}", SLOTS)
    except CalcomRefused:
        return
    finally:
        forget_slots(event_type_id)


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def utc(instant: datetime) -> str:
    """An instant as Cal.com reads it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
