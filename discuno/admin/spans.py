"""The stretch of time that a page is about: whole days of UTC, as its address has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from babel.dates import format_date
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from discuno.kit import clock
from discuno.kit.db import UtcDateTime
from discuno.kit.web import LOCALE

DAYS = {"7d": 7, "30d": 30, "90d": 90}
YEAR = "12m"
NAMES = {"7d": "7 days", "30d": "30 days", "90d": "90 days", YEAR: "12 months"}
USUAL = "30d"
LONGEST = timedelta(days=5 * 366)
BY_DAY = 92  # longer ones are told by month
NOT_A_DAY = "Please give a day such as 2026-11-25."


@dataclass(frozen=True)
class Span:
    """From the first day up to, and without, the last. `name` is one of NAMES, or "" for days that were typed."""

    since: date
    until: date
    name: str = ""

    @property
    def begins(self) -> datetime:
        """The first instant of it."""
        return midnight(self.since)

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        return midnight(self.until)

    @property
    def last(self) -> date:
        """The last day in it."""
        return self.until - timedelta(days=1)

    @property
    def words(self) -> str:
        """25 Oct 2026 – 23 Nov 2026 (UTC)."""
        return f"{in_words(self.since)} – {in_words(self.last)} (UTC)"

    @property
    def is_by_month(self) -> bool:
        """Whether it is too long to be told by day."""
        return (self.until - self.since).days > BY_DAY

    @cached_property
    def cuts(self) -> list[date]:
        """The first days of the pieces that it is told in: days, or calendar months."""
        if not self.is_by_month:
            return [self.since + timedelta(days=n) for n in range((self.until - self.since).days)]
        first, end = self.since.year * 12 + self.since.month - 1, self.last.year * 12 + self.last.month
        return [self.since, *(date(n // 12, n % 12 + 1, 1) for n in range(first + 1, end))]

    def as_query(self, **more: object) -> str:
        """As an address has it, with more behind; what is empty is left out."""
        typed = {"from": self.since, "to": self.last}
        told: dict[str, object] = {"period": self.name} if self.name else {**typed}
        return urlencode({name: str(value) for name, value in {**told, **more}.items() if value})

    def piece_of(self, column: Any) -> ColumnElement[int]:
        """In which piece an instant, or a day, lies: 1 for the first. What lies before the first is 0."""
        is_day = isinstance(column.type, sa.Date)
        cuts = self.cuts if is_day else [midnight(day) for day in self.cuts]
        kind = ARRAY(sa.Date() if is_day else UtcDateTime())
        return sa.func.width_bucket(column, sa.cast(sa.literal(cuts, kind), kind), type_=sa.Integer)

    def is_within(self, column: Any) -> ColumnElement[bool]:
        """Whether an instant lies in it."""
        return sa.and_(column >= self.begins, column < self.ends)


def read(asked: Mapping[str, str], usual: str = USUAL) -> tuple[Span, dict[str, str]]:
    """The span that an address asks for, and a sentence for each thing that could not be read."""
    wrong: dict[str, str] = {}
    typed = {name: day_of(asked.get(name, ""), name, wrong) for name in ("from", "to")}
    since, until = typed["from"], typed["to"]
    if since is None and until is None:
        named = asked.get("period", usual)
        return of_name(named if named in NAMES else usual), wrong
    last = until or today()
    first = since or last - timedelta(days=29)
    if last < first:
        wrong["to"] = "The last day lies before the first one."
    elif last - first > LONGEST:
        wrong["from"] = "Please ask for five years at most."
    return (of_name(usual) if wrong else Span(first, last + timedelta(days=1))), wrong


def of_name(name: str) -> Span:
    """So many days up to today, or this month and the eleven before it."""
    end = today() + timedelta(days=1)
    if name != YEAR:
        return Span(end - timedelta(days=DAYS[name]), end, name)
    months = today().year * 12 + today().month - 12
    return Span(date(months // 12, months % 12 + 1, 1), end, YEAR)


def today() -> date:
    """The day it is in UTC."""
    return clock.now().astimezone(UTC).date()


def midnight(day: date) -> datetime:
    """Where a day of UTC begins."""
    return datetime.combine(day, time(), UTC)


def in_words(day: date) -> str:
    """23 Nov 2026."""
    return str(format_date(day, "d MMM y", locale=LOCALE))


def day_of(text: str, name: str, wrong: dict[str, str]) -> date | None:
    """A day of an address, or None; a sentence under its name for what is no day of ours."""
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        found, wrong[name] = None, NOT_A_DAY
    if found is not None and not 2000 <= found.year < 9000:
        found, wrong[name] = None, NOT_A_DAY
    return found
