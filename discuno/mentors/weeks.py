"""A mentor's own hours: the weekly ones and those of single dates, checked and replaced as a whole."""

from calendar import day_abbr
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from discuno.kit import clock
from discuno.kit.db import rows, session
from discuno.mentors.availability import END_OF_DAY
from discuno.mentors.models import DateOverride, Mentor, WeeklyHours

MOST_STRETCHES = 6  # of one day
MOST_DAYS = 60  # that are changed at once
FURTHEST = timedelta(days=730)
ONE_DAY = timedelta(days=1)
Span = tuple[time, time]
Typed = list[tuple[str, str]]  # from and to of each row of a day, as a form has them


@dataclass(frozen=True)
class OwnDays:
    """Days in a row on which the same holds instead of the weekly hours; without spans they are off."""

    first: date
    last: date
    spans: tuple[Span, ...]


def read_time(text: str) -> time | None:
    """A wall-clock time as a browser sends it ("09:30"), or None. Seconds are nobody's business."""
    try:
        found = time.fromisoformat(text.strip())
    except ValueError:
        return None
    return found.replace(second=0, microsecond=0) if found.tzinfo is None else None


def read_span(opens: str, closes: str) -> Span | None:
    """A stretch as typed; None when nothing was. Midnight ends a day as 00:00. Raises ValueError with a sentence."""
    if not opens.strip() and not closes.strip():
        return None
    starts, ends = read_time(opens), read_time(closes)
    if starts is None or ends is None:
        raise ValueError("Please give both times, such as 09:00 and 17:00, or neither.")
    ends = END_OF_DAY if ends == time.min else ends
    if starts >= ends:
        raise ValueError(f"{_shown(starts)} to {_shown(ends)} ends before it begins.")
    return starts, ends


def in_order(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The stretches of one day, the earliest first. Raises ValueError with a sentence when two meet."""
    ordered = tuple(sorted(spans))
    if len(ordered) > MOST_STRETCHES:
        raise ValueError(f"Please use at most {MOST_STRETCHES} stretches a day.")
    for (starts, ends), (following, until) in pairwise(ordered):
        if following < ends:
            one, other = (f"{_shown(a)}-{_shown(b)}" for a, b in ((starts, ends), (following, until)))
            raise ValueError(f"{one} and {other} overlap.".replace("-", "–"))
    return ordered


def read_day(typed: Typed) -> tuple[Span, ...]:
    """The stretches of one day as typed, in order. Raises ValueError with a sentence."""
    spans = [read_span(opens, closes) for opens, closes in typed]
    return in_order(span for span in spans if span is not None)


def as_typed(spans: Iterable[Span]) -> Typed:
    """The stretches of a day as the fields show them."""
    return [(_shown(starts), _shown(ends)) for starts, ends in spans]


def with_room(typed: Typed) -> Typed:
    """The rows of a day, and an empty one while there is room for it."""
    filled = [row for row in typed if any(row)]
    return [*filled, ("", "")] if len(filled) < MOST_STRETCHES else filled


def _shown(wall: time) -> str:
    """As a form shows it; the end of the day as midnight."""
    return "00:00" if wall == END_OF_DAY else wall.strftime("%H:%M")


# The week


def week_of(mentor: Mentor) -> list[tuple[Span, ...]]:
    """The stretches of Monday to Sunday."""
    found = rows(sa.select(WeeklyHours).where(WeeklyHours.mentor_id == mentor.id))
    return [tuple(sorted((h.starts, h.ends) for h in found if h.weekday == day)) for day in range(7)]


def read_week(typed: Sequence[Typed]) -> tuple[list[tuple[Span, ...]], dict[int, str]]:
    """The week as typed, and a sentence for each day that is wrong."""
    week: list[tuple[Span, ...]] = []
    wrong: dict[int, str] = {}
    for number, rows_of_day in enumerate(typed):
        try:
            week.append(read_day(rows_of_day))
        except ValueError as refused:
            wrong[number] = str(refused)
    return week, wrong


def facts(mentor: Mentor) -> dict[str, Any]:
    """The week in words, for the audit log."""
    return {name: in_words(spans) for name, spans in zip(day_abbr, week_of(mentor), strict=True)}


def set_week(mentor: Mentor, week: Sequence[Sequence[Span]]) -> None:
    """These are the weekly hours from now on; under the mentor's lock, so that two savings do not mix."""
    session().execute(sa.delete(WeeklyHours).where(WeeklyHours.mentor_id == mentor.id))
    session().add_all(
        WeeklyHours(mentor_id=mentor.id, weekday=day, starts=starts, ends=ends)
        for day, spans in enumerate(week)
        for starts, ends in spans
    )
    session().flush()


def in_words(spans: Iterable[Span]) -> str:
    """09:00–12:00, 14:00–17:00; or "day off"."""
    return ", ".join(f"{_shown(starts)}–{_shown(ends)}" for starts, ends in spans) or "day off"


# Single dates


def today(mentor: Mentor) -> date:
    """The date in the mentor's zone."""
    return clock.now().astimezone(ZoneInfo(mentor.zone)).date()


def read_date(text: str) -> date | None:
    """A date as a browser sends it ("2026-12-24"), or None."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def read_days(typed: Mapping[str, str], today: date) -> tuple[OwnDays | None, dict[str, str]]:
    """Days and their hours as typed, or a sentence for each field that is wrong. Without hours they are off."""
    wrong: dict[str, str] = {}
    spans: tuple[Span, ...] = ()
    try:
        spans = read_day([(typed["opens"], typed["closes"]), (typed["opens2"], typed["closes2"])])
    except ValueError as refused:
        wrong["opens"] = str(refused)
    first, last = read_date(typed["first"]), read_date(typed["last"] or typed["first"])
    if first is None or last is None:
        return None, {"first": "Please choose a day.", **wrong}
    problem = days_problem(first, last, today)
    if problem is not None:
        wrong["first"] = problem
    return (OwnDays(first, last, spans), {}) if not wrong else (None, wrong)


def days_problem(first: date, last: date, today: date) -> str | None:
    """Why these days cannot be given hours of their own, in a sentence, or None."""
    if last < first:
        return "The last day lies before the first."
    if first < today:
        return "These days are over. Please choose days to come."
    if (last - first).days >= MOST_DAYS:
        return f"Please change at most {MOST_DAYS} days at once."
    if last > today + FURTHEST:
        return "Please choose days within the next two years."
    return None


def set_days(mentor: Mentor, own: OwnDays) -> None:
    """On each of these days these hours hold instead of the week's; under the mentor's lock. Past days are tidied."""
    clear_days(mentor, own.first, own.last)
    days = [own.first + n * ONE_DAY for n in range((own.last - own.first).days + 1)]
    whole: Sequence[tuple[time | None, time | None]] = own.spans or [(None, None)]
    session().add_all(
        DateOverride(mentor_id=mentor.id, day=day, starts=starts, ends=ends)
        for day in days
        for starts, ends in whole
    )
    session().flush()


def clear_days(mentor: Mentor, first: date, last: date) -> None:
    """The weekly hours hold on these days again; under the mentor's lock. Past days are tidied."""
    over = DateOverride.day < today(mentor) - ONE_DAY
    chosen = DateOverride.day.between(first, last)
    session().execute(
        sa.delete(DateOverride).where(DateOverride.mentor_id == mentor.id, sa.or_(over, chosen))
    )


def own_facts(mentor: Mentor) -> dict[str, Any]:
    """The days with hours of their own in words, for the audit log."""
    return {f"{own.first} to {own.last}": in_words(own.spans) for own in own_days(mentor)}


def own_days(mentor: Mentor) -> list[OwnDays]:
    """What holds instead of the week from today on; days in a row that are alike are one entry."""
    found = rows(
        sa.select(DateOverride)
        .where(DateOverride.mentor_id == mentor.id, DateOverride.day >= today(mentor))
        .order_by(DateOverride.day, DateOverride.starts)
    )
    days: dict[date, tuple[Span, ...]] = {}
    for entry in found:
        timed = ((entry.starts, entry.ends),) if entry.starts is not None and entry.ends is not None else ()
        days[entry.day] = days.get(entry.day, ()) + timed
    return joined(days)


def has_hours(mentor: Mentor) -> bool:
    """Whether there is any hour to come in which they can be booked."""
    return any(week_of(mentor)) or any(own.spans for own in own_days(mentor))


def joined(days: dict[date, tuple[Span, ...]]) -> list[OwnDays]:
    """Days in a row on which the same holds, as one."""
    found: list[OwnDays] = []
    for day, spans in sorted(days.items()):
        before = found[-1] if found else None
        if before is not None and before.last + ONE_DAY == day and before.spans == spans:
            found[-1] = OwnDays(before.first, day, spans)
        else:
            found.append(OwnDays(day, day, spans))
    return found
