"""Asks the rows whether every promise holds: `flask --app wsgi invariants`, and tests after every step."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from discuno.admin.books.checks import MONEY, Check
from discuno.admin.books.life_checks import LIFE
from discuno.kit import clock
from discuno.kit.db import session, transaction

CHECKS = tuple(sorted((*MONEY, *LIFE), key=lambda check: int(check.name[1:])))
MOST = 100  # rows at fault that one query answers with: enough to see, too few to hurt
Told = dict[str, datetime | None]
EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Violation:
    """One row at fault. The difference is in minor units, where it is an amount."""

    name: str
    about: str
    says: str
    difference: int | None = None
    currency: str | None = None

    def __str__(self) -> str:
        amount = f" ({self.difference:+d} {self.currency or 'minor units'})" if self.difference else ""
        return f"{self.name} {self.about}: {self.says}{amount}"


@dataclass(frozen=True)
class Finding:
    """What became of one check."""

    check: Check
    looked_at: int
    violations: list[Violation]


def check(since: datetime | None = None, quiet: timedelta | None = None) -> list[Violation]:
    """Every row at fault, of payments made since then. Reads only, and takes no lock.

    `quiet`: the house has had so much time to do its work since the last trouble, so liveness is asked as well.
    """
    return [violation for finding in look(since, quiet) for violation in finding.violations]


def look(since: datetime | None = None, quiet: timedelta | None = None) -> list[Finding]:
    """Every check and what became of it."""
    with transaction() as unit:
        unit.execute(sa.text("SET TRANSACTION READ ONLY"))
        return ask(since, quiet)


def ask(since: datetime | None = None, quiet: timedelta | None = None) -> list[Finding]:
    """The same in the caller's transaction. Each query sees one moment of the rows, which is all it needs."""
    now = clock.now()
    told: Told = {"since": since or EVER, "now": now, "before": now - (quiet or timedelta()), "mentors": None}
    return [_ask(check, told, alive=quiet is not None) for check in CHECKS]


def _ask(check: Check, told: Told, *, alive: bool) -> Finding:
    queries = check.queries + (check.after_quiet if alive else ())
    faults = [_violation(check, row) for query in queries for row in _rows(query, told)]
    [counted] = _rows(check.count, told)
    return Finding(check, int(counted["count"]), faults)


def _rows(query: str, told: Told) -> list[sa.RowMapping]:
    return list(session().execute(sa.text(f"{query} LIMIT {MOST}"), told).mappings())


def _violation(check: Check, row: sa.RowMapping) -> Violation:
    difference = row["difference"]
    amount = int(difference) if difference is not None else None
    return Violation(check.name, str(row["about"]), str(row["says"]), amount, row["currency"])
