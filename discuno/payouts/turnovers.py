"""What a mentor's months and years came to, read off the ledger: the list of their statements."""

from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa

from discuno.kit.db import session
from discuno.mentors.models import Mentor
from discuno.payments.models import LedgerEntry
from discuno.payouts import statements
from discuno.payouts.periods import Period


@dataclass(frozen=True)
class Turnover:
    """What a period came to in one currency."""

    period: Period
    currency: str
    earned: int
    paid_out: int


@dataclass(frozen=True)
class Year:
    """A year's months in which something moved, the latest first, and what the year came to in each currency."""

    months: list[Turnover]
    sums: list[Turnover]

    @property
    def name(self) -> str:
        """As addresses have it."""
        return self.sums[0].period.name


def years(mentor: Mentor) -> list[Year]:
    """Every year in which something moved, the latest first."""
    months = groupby(_turnovers(mentor, "month"), key=lambda each: each.period.year)
    by_year = {year: list(found) for year, found in months}
    sums = groupby(_turnovers(mentor, "year"), key=lambda each: each.period.year)
    return [Year(by_year[year], list(found)) for year, found in sums]


def _turnovers(mentor: Mentor, unit: str) -> list[Turnover]:
    first = sa.func.date_trunc(unit, sa.func.timezone(mentor.zone, LedgerEntry.posted_at))
    # grouped by its place: the unit is a parameter, and two parameters are never the same to the database
    statement = (
        sa.select(first.label("first"), LedgerEntry.currency, *statements.SUMS)
        .where(statements.of(mentor))
        .group_by(sa.text("1"), LedgerEntry.currency)
        .order_by(sa.desc(sa.text("1")), LedgerEntry.currency)
    )
    found = []
    for day, currency, *amounts in session().execute(statement):
        sums = statements.Sums(*amounts)
        period = Period(day.year, day.month if unit == "month" else None, mentor.zone)
        found.append(Turnover(period, currency, sums.position + sums.bank, sums.bank))
    return found
