"""When a mentor is free by their own calendar: weekly hours and overrides, cut into starting times."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=30)  # starting times lie this far apart within a stretch
MINUTE = timedelta(minutes=1)
END_OF_DAY = time(23, 59)  # stands for midnight, which no wall clock shows as the end of its day
Stretch = tuple[datetime, datetime]  # aware, UTC, half open


@dataclass(frozen=True)
class WeekHours:
    """One stretch of a weekday (Monday is 0), as wall-clock times of the mentor's zone."""

    weekday: int
    starts: time
    ends: time


@dataclass(frozen=True)
class DayHours:
    """What holds on one date instead of the week; without times the day is off."""

    day: date
    starts: time | None = None
    ends: time | None = None


def instant(day: date, wall: time, zone: ZoneInfo, *, fold: int = 0) -> datetime:
    """The UTC instant of a wall-clock time; one that a clock change skips becomes the end of the gap."""
    naive = datetime.combine(day, wall)
    found = naive.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == naive:
        return found
    found = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while (found - MINUTE).astimezone(zone).replace(tzinfo=None) >= naive:
        found -= MINUTE
    return found


def stretches(
    weekly: Sequence[WeekHours], overrides: Sequence[DayHours], zone: ZoneInfo, first: date, last: date
) -> Iterator[Stretch]:
    """The open stretches of the days from `first` to `last`, both included, days of the mentor's zone."""
    special: dict[date, list[DayHours]] = {}
    for override in overrides:
        special.setdefault(override.day, []).append(override)
    day = first
    while day <= last:
        hours: Iterable[WeekHours | DayHours] = special.get(
            day, [w for w in weekly if w.weekday == day.weekday()]
        )
        for entry in hours:
            if entry.starts is not None and entry.ends is not None:
                yield instant(day, entry.starts, zone), _closes(day, entry.ends, zone)
        day += timedelta(days=1)


def _closes(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """When a stretch ends; one to the end of the day ends at midnight."""
    if wall == END_OF_DAY:
        return instant(day + timedelta(days=1), time.min, zone)
    return instant(day, wall, zone, fold=1)


def joined(found: Iterable[Stretch]) -> list[Stretch]:
    """The same time in as few stretches as can be: a session may cross where two of them touch."""
    whole: list[Stretch] = []
    for opens, closes in sorted(found):
        if whole and opens <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], closes))
        else:
            whole.append((opens, closes))
    return whole


def starts_within(
    open_stretches: Iterable[Stretch],
    duration: timedelta,
    busy: Sequence[Stretch],
    *,
    earliest: datetime,
    latest: datetime,
    rest: timedelta = timedelta(0),
) -> list[datetime]:
    """Starting times at which a session of `duration` fits, meets nothing busy, and lies in the window.

    The mentor's `rest` after it must be free too, but may lie outside the open hours.
    """
    found = {
        start
        for opens, closes in open_stretches
        for start in _steps(opens, closes - duration)
        if earliest <= start <= latest and is_free(start, start + duration + rest, busy)
    }
    return sorted(found)


def with_room(
    starts: Iterable[datetime], taken: Iterable[Stretch], *, zone: ZoneInfo, maximum: int
) -> list[datetime]:
    """The starts on days of a zone on which fewer than `maximum` sessions begin."""
    full = Counter(begins.astimezone(zone).date() for begins, _ in taken)
    return [start for start in starts if full[start.astimezone(zone).date()] < maximum]


def is_free(starts: datetime, ends: datetime, busy: Sequence[Stretch]) -> bool:
    """Whether nothing busy meets this stretch."""
    return all(ends <= taken_from or starts >= taken_until for taken_from, taken_until in busy)


def _steps(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += STEP
