"""When a host can be booked: working hours less bookings and reservations."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from discuno.sandbox.calcom.answers import Refusal
from discuno.sandbox.world import Record, World

Span = tuple[int, int]  # unix seconds, the end not included
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def event_type(world: World, number: int) -> Record:
    """The event type of that id; 404 if there is none, or none any more."""
    found = world.get("calcom_event_type", str(number))
    if found is None or found.get("removed"):
        raise Refusal(404, f"Event type with id {number} not found.")
    return found


def type_of(world: World, booking: Record) -> Record:
    """The event type that a booking was made of, though it may have been removed since."""
    return world.get("calcom_event_type", str(booking["event_type"])) or {}


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share a second."""
    return one[0] < other[1] and other[0] < one[1]


def booked(world: World, host: str, span: Span, except_uid: str | None = None) -> bool:
    """Whether an accepted booking of the host, in any event type, lies in the span.

    Pending bookings do not count: Cal.com keeps only accepted ones apart.
    """
    rows = world.find("calcom_booking", username=host, status="accepted")
    return any(overlap(span, (r["start"], r["end"])) for r in rows if r["id"] != except_uid)


def reserved(world: World, host: str, span: Span, except_uid: str | None = None) -> Record | None:
    """The oldest living reservation of the host's time in the span, other than the named one."""
    now = world.now()
    for row in world.find("calcom_reservation", username=host):
        if row["until"] > now and row["id"] != except_uid and overlap(span, (row["start"], row["end"])):
            return row
    return None


def opening(kind: Record, day: date) -> Span | None:
    """The working hours of an event type on a day of its own time zone; overrides go first."""
    hours = kind.get("overrides", {}).get(day.isoformat(), kind["hours"].get(DAYS[day.weekday()]))
    if not hours or hours[0] == hours[1]:
        return None
    zone = ZoneInfo(kind["timeZone"])
    first, last = (datetime.combine(day, time.fromisoformat(clock), zone) for clock in hours)
    return int(first.timestamp()), int(last.timestamp())


def within_hours(kind: Record, span: Span) -> bool:
    """Whether the whole span lies in the working hours."""
    day = datetime.fromtimestamp(span[0], ZoneInfo(kind["timeZone"])).date()
    hours = opening(kind, day)
    return hours is not None and hours[0] <= span[0] and span[1] <= hours[1]


def free_slots(world: World, kind: Record, window: Span, moving_uid: str | None = None) -> Iterator[Span]:
    """Slots that start in the window, in the future, neither booked nor reserved, in order."""
    length = kind["lengthInMinutes"] * 60
    for day in _days(window, kind["timeZone"]):
        opens, closes = opening(kind, day) or (0, 0)
        for start in range(opens, closes - length + 1, length):
            span = (start, start + length)
            if window[0] <= start < window[1] and _free(world, kind["username"], span, moving_uid):
                yield span


def _free(world: World, host: str, span: Span, moving_uid: str | None) -> bool:
    return (
        span[0] > world.now()
        and not booked(world, host, span, moving_uid)
        and not reserved(world, host, span)
    )


def _days(window: Span, zone: str) -> Iterator[date]:
    day = datetime.fromtimestamp(window[0], ZoneInfo(zone)).date()
    last = datetime.fromtimestamp(window[1], ZoneInfo(zone)).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def day_or_moment(text: str, end: bool) -> int:
    """Unix seconds of a UTC date (its start, or its end) or of a date with time, UTC unless it says."""
    if len(text) == len("2026-11-03"):
        day = datetime.combine(date.fromisoformat(text), time(), UTC)
        return int((day + timedelta(days=1 if end else 0)).timestamp())
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
