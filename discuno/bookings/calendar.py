"""The month and the day as an attendee sees them: free starting times laid out in a chosen zone. No I/O."""

import calendar as months
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from discuno.kit import clock, web

WEEKDAYS = [(name[:2], name) for name in months.day_name]
Link = Callable[[date, date | None, str], tuple[str, str]]  # first of month, day, clock → page URL, part URL


@dataclass(frozen=True)
class Turn:
    """A link that turns the calendar: for everybody, and for htmx."""

    url: str
    part_url: str
    label: str = ""


@dataclass(frozen=True)
class Day(Turn):
    """One day of the grid. `label` is what a screen reader says."""

    date: date = date.min
    count: int = 0
    is_today: bool = False
    is_chosen: bool = False

    @property
    def number(self) -> int:
        """The day of the month."""
        return self.date.day


@dataclass(frozen=True)
class Slot:
    """One starting time. `mentor_label` tells the mentor's own hour when it differs."""

    start: datetime
    label: str
    mentor_label: str | None


@dataclass(frozen=True)
class Asked:
    """What the attendee wants to see."""

    month: date  # its first day
    day: date | None
    zone: str
    clock: str  # "12" or "24"
    zone_is_guess: bool

    def span(self) -> tuple[datetime, datetime]:
        """The instants the month covers in this zone."""
        zone = ZoneInfo(self.zone)
        return (
            datetime.combine(self.month, time.min, zone).astimezone(UTC),
            datetime.combine(next_month(self.month), time.min, zone).astimezone(UTC) - timedelta(seconds=1),
        )


@dataclass(frozen=True)
class CalendarView:
    """Everything the calendar's part needs."""

    month_label: str
    weekday_names: list[tuple[str, str]]
    weeks: list[list[Day | None]]
    previous: Turn | None
    next: Turn | None
    chosen_day_label: str | None
    slots: list[Slot]
    next_available: Turn | None
    zone: str
    zone_is_guess: bool
    zones: list[tuple[str, str]]
    clock: str
    clock_switch: Turn
    unavailable: str | None
    kept: dict[str, str]


def next_month(first: date) -> date:
    """The first day of the month after."""
    return (first + timedelta(days=32)).replace(day=1)


def previous_month(first: date) -> date:
    """The first day of the month before."""
    return (first - timedelta(days=1)).replace(day=1)


def lay_out(
    asked: Asked,
    starts: Sequence[datetime],
    *,
    now: datetime,
    until: datetime,
    mentor_zone: str,
    mentor_name: str,
    link: Link,
    later: datetime | None = None,
    unavailable: str | None = None,
) -> CalendarView:
    """Lay free times out as a month, a day and its slots. `later` is the next free time after this month.

    Until a day is chosen, the first that has times is shown.
    """
    zone = ZoneInfo(asked.zone)
    by_day: dict[date, list[datetime]] = {}
    for start in starts:
        by_day.setdefault(start.astimezone(zone).date(), []).append(start)
    asked = replace(asked, day=asked.day or min(by_day, default=None))
    today = now.astimezone(zone).date()
    previous, following = _turns(asked, today, until.astimezone(zone).date(), link)
    return CalendarView(
        month_label=asked.month.strftime("%B %Y"),
        weekday_names=WEEKDAYS,
        weeks=_weeks(asked, by_day, today, link),
        previous=previous,
        next=following,
        chosen_day_label=_spoken(asked.day) if asked.day is not None else None,
        slots=_slots(by_day.get(asked.day, []) if asked.day else [], asked, mentor_zone, mentor_name),
        next_available=_next_available(asked, by_day, later, zone, link),
        zone=asked.zone,
        zone_is_guess=asked.zone_is_guess,
        zones=zone_choices(asked.zone),
        clock=asked.clock,
        clock_switch=_clock_switch(asked, link),
        unavailable=unavailable,
        kept=_kept(asked),
    )


def _weeks(
    asked: Asked, by_day: dict[date, list[datetime]], today: date, link: Link
) -> list[list[Day | None]]:
    weeks = months.Calendar(firstweekday=0).monthdatescalendar(asked.month.year, asked.month.month)

    def cell(day: date) -> Day | None:
        if day.month != asked.month.month:
            return None
        count = len(by_day.get(day, []))
        url, part_url = link(asked.month, day, asked.clock)
        words = f"{count} time{'s' if count != 1 else ''} available" if count else "no times"
        return Day(url, part_url, f"{_spoken(day)}, {words}", day, count, day == today, day == asked.day)

    return [[cell(day) for day in week] for week in weeks]


def _spoken(day: date) -> str:
    return f"{day.strftime('%A')} {day.day} {day.strftime('%B')}"


def _slots(starts: Sequence[datetime], asked: Asked, mentor_zone: str, mentor_name: str) -> list[Slot]:
    def mentors_hour(start: datetime) -> str | None:
        here, there = (start.astimezone(ZoneInfo(z)).replace(tzinfo=None) for z in (asked.zone, mentor_zone))
        return None if here == there else f"{web.hour(start, mentor_zone, asked.clock)} for {mentor_name}"

    return [Slot(start, web.hour(start, asked.zone, asked.clock), mentors_hour(start)) for start in starts]


def _turns(asked: Asked, today: date, last_day: date, link: Link) -> tuple[Turn | None, Turn | None]:
    """Back and on, no further than there can be times."""
    after = next_month(asked.month)
    back = _turn(link, previous_month(asked.month), asked) if asked.month > today.replace(day=1) else None
    return back, _turn(link, after, asked) if after <= last_day else None


def _turn(link: Link, month: date, asked: Asked) -> Turn:
    return Turn(*link(month, None, asked.clock), label=month.strftime("%B %Y"))


def _next_available(
    asked: Asked, by_day: dict[date, list[datetime]], later: datetime | None, zone: ZoneInfo, link: Link
) -> Turn | None:
    """The next day that has times, offered when the chosen one, or the whole month, has none."""
    if asked.day is not None and by_day.get(asked.day):
        return None
    after = asked.day or date.min
    day = next((d for d in sorted(by_day) if d > after), later.astimezone(zone).date() if later else None)
    if day is None:
        return None
    return Turn(*link(day.replace(day=1), day, asked.clock), label=f"Next free day: {_spoken(day)}")


def _clock_switch(asked: Asked, link: Link) -> Turn:
    other = "12" if asked.clock == "24" else "24"
    return Turn(*link(asked.month, asked.day, other), label=f"Use the {other}-hour clock")


def _kept(asked: Asked) -> dict[str, str]:
    """What a change of zone carries along."""
    kept = {"month": asked.month.strftime("%Y-%m"), "clock": asked.clock}
    if asked.day is not None:
        kept["day"] = asked.day.isoformat()
    return kept


def zone_choices(chosen: str) -> list[tuple[str, str]]:
    """Every zone with its present offset, the chosen one among them whatever it is."""
    this_hour = clock.now().replace(minute=0, second=0, microsecond=0)  # no clock change falls within one
    known = dict(_zones_as_of(this_hour))
    if chosen not in known:
        known[chosen] = f"{chosen.replace('_', ' ')} — {web.offset_name(chosen)}"
    return sorted(known.items())


@lru_cache(maxsize=2)
def _zones_as_of(_hour: datetime) -> tuple[tuple[str, str], ...]:
    """Some six hundred zone files are read for this, so it is done once an hour and not once a page."""
    return tuple((name, f"{name.replace('_', ' ')} — {web.offset_name(name)}") for name in web.zone_names())
