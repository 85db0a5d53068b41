"""The month and the day as an attendee sees them: free starting times laid out in a chosen zone. No I/O."""

import calendar as months
from collections import Counter
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
    month_is_guess: bool = False  # nobody asked for one

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
    as_of: str | None  # said when the other calendar does not answer and an earlier answer of it is shown
    nothing: str | None  # said instead of times when there are none as far ahead as can be booked
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
    elsewhere: Sequence[datetime] = (),
    unavailable: str | None = None,
    as_of: datetime | None = None,
) -> CalendarView:
    """Free times as a month, a day (the first with any, until one is chosen), its slots; the rest lie `elsewhere`."""
    zone = ZoneInfo(asked.zone)
    by_day = days_of(starts, zone)
    kept = _kept(asked)
    asked = replace(asked, day=asked.day or min(by_day, default=None))
    today, last_day = (moment.astimezone(zone).date() for moment in (now, until))
    previous, following = _turns(asked, today, last_day, link)
    return CalendarView(
        month_label=asked.month.strftime("%B %Y"),
        weekday_names=WEEKDAYS,
        weeks=_weeks(asked, by_day, today, link),
        previous=previous,
        next=following,
        chosen_day_label=_spoken(asked.day, today) if asked.day is not None else None,
        slots=_slots(by_day.get(asked.day, []) if asked.day else [], asked, mentor_zone, mentor_name),
        next_available=_next_available(asked, [*starts, *elsewhere], today, link),
        zone=asked.zone,
        zone_is_guess=asked.zone_is_guess,
        zones=zone_choices(asked.zone),
        clock=asked.clock,
        clock_switch=_clock_switch(asked, link),
        unavailable=unavailable,
        as_of=_age(as_of, asked),
        nothing=None if starts or elsewhere else _nothing(mentor_name, _spoken(last_day, today)),
        kept=kept,
    )


def days_of(starts: Sequence[datetime], zone: ZoneInfo) -> dict[date, list[datetime]]:
    """Starts by the day of a zone on which they lie."""
    found: dict[date, list[datetime]] = {}
    for start in starts:
        found.setdefault(start.astimezone(zone).date(), []).append(start)
    return found


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
        return Day(
            url, part_url, f"{_spoken(day, today)}, {words}", day, count, day == today, day == asked.day
        )

    return [[cell(day) for day in week] for week in weeks]


def _spoken(day: date, today: date) -> str:
    """Tuesday 3 November; with its year when that is not this one."""
    year = f" {day.year}" if day.year != today.year else ""
    return f"{day.strftime('%A')} {day.day} {day.strftime('%B')}{year}"


def hours_of(starts: Sequence[datetime], zone: str, hours: str) -> dict[datetime, str]:
    """The hours of a day's starts; one that comes twice, because the clock goes back, says which of the two it is."""
    found = {start: web.hour(start, zone, hours) for start in starts}
    twice = Counter(found.values())
    return {
        start: f"{hour} ({web.offset_name(zone, start)})" if twice[hour] > 1 else hour
        for start, hour in found.items()
    }


def _slots(starts: Sequence[datetime], asked: Asked, mentor_zone: str, mentor_name: str) -> list[Slot]:
    hours = hours_of(starts, asked.zone, asked.clock)

    def mentors_hour(start: datetime) -> str | None:
        here, there = (start.astimezone(ZoneInfo(z)).replace(tzinfo=None) for z in (asked.zone, mentor_zone))
        day = f"{there:%a} " if here.date() != there.date() else ""
        return (
            None if here == there else f"{day}{web.hour(start, mentor_zone, asked.clock)} for {mentor_name}"
        )

    return [Slot(start, hours[start], mentors_hour(start)) for start in starts]


def _turns(asked: Asked, today: date, last_day: date, link: Link) -> tuple[Turn | None, Turn | None]:
    """Back and on, no further than there can be times."""
    after = next_month(asked.month)
    back = _turn(link, previous_month(asked.month), asked) if asked.month > today.replace(day=1) else None
    return back, _turn(link, after, asked) if after <= last_day else None


def _turn(link: Link, month: date, asked: Asked) -> Turn:
    return Turn(*link(month, None, asked.clock), label=month.strftime("%B %Y"))


def is_short_of_times(asked: Asked, starts: Sequence[datetime]) -> bool:
    """Whether a free day has to be looked for outside the month: it has none, or none on or after the chosen day."""
    zone = ZoneInfo(asked.zone)
    return not any(start.astimezone(zone).date() >= (asked.day or asked.month) for start in starts)


def _next_available(asked: Asked, starts: Sequence[datetime], today: date, link: Link) -> Turn | None:
    """The next day that has times, or else the first, offered when the chosen one, or the whole month, has none."""
    days = sorted(days_of(starts, ZoneInfo(asked.zone)))
    after = asked.day or asked.month
    if not days or asked.day in days:
        return None
    day = next((d for d in days if d > after), days[0])
    which = "Next" if day > after else "First"
    return Turn(*link(day.replace(day=1), day, asked.clock), label=f"{which} free day: {_spoken(day, today)}")


def _age(as_of: datetime | None, asked: Asked) -> str | None:
    if as_of is None:
        return None
    at = web.hour(as_of, asked.zone, asked.clock)
    return f"These are the times of {at}, for the calendar does not answer now. It is asked again when you choose."


def _nothing(mentor_name: str, until: str) -> str:
    return (
        f"{mentor_name} has no free time up to {until}, which is as far ahead as can be booked. "
        "Times may open when somebody cancels, so it is worth looking again."
    )


def _clock_switch(asked: Asked, link: Link) -> Turn:
    other = "12" if asked.clock == "24" else "24"
    return Turn(*link(asked.month, asked.day, other), label=f"Use the {other}-hour clock")


def _kept(asked: Asked) -> dict[str, str]:
    """What a change of zone carries along: only what was asked for. The day of our choice has other times there."""
    kept = {"clock": asked.clock}
    if not asked.month_is_guess:
        kept["month"] = asked.month.strftime("%Y-%m")
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
