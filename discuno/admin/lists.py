"""Long lists by number, the newest first: a page at a time, counted only as far as it matters, filters by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from discuno.kit.db import Base, rows, session

PAGE = 50
MOST = 1000  # counted up to here
LONGEST = 200  # characters of a filter
Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and the number before which the next page begins, if there is one."""

    lines: list[Row]
    before: int | None

    def older(self, address: str, wanted: Mapping[str, str]) -> str | None:
        """Where the next page is, with the same filters."""
        return f"{address}?{urlencode({**wanted, 'before': self.before})}" if self.before else None


def newest(statement: sa.Select[Row], number: InstrumentedAttribute[int], before: int | None) -> Page[Row]:
    """The next page of whatever a statement selects."""
    if before is not None:
        statement = statement.where(number < before)
    found = rows(statement.order_by(number.desc()).limit(PAGE + 1))
    shown = found[:PAGE]
    return Page(shown, _number(shown[-1], number) if len(found) > PAGE else None)


def _number(row: Row, number: InstrumentedAttribute[int]) -> int:
    return int(getattr(row, number.key))


def count(ids: sa.Select[int]) -> str:
    """How many there are, in words: 1,000+ from there on."""
    found = sa.select(sa.func.count()).select_from(ids.limit(MOST + 1).subquery())
    number = int(session().execute(found).scalar_one())
    return f"{MOST:,}+" if number > MOST else f"{number:,}"


def chosen(asked: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """The filters that an address has, and no others."""
    told = {name: asked.get(name, "").replace("\0", "").strip()[:LONGEST] for name in names}
    return {name: text for name, text in told.items() if text}
