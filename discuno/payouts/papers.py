"""A mentor's statements, by month and by year: on a page that prints well, and as a file."""

import re
from collections.abc import Iterator
from datetime import datetime

from flask import Response, url_for

from discuno.kit import clock, money, sheets
from discuno.kit.db import transaction
from discuno.kit.errors import NotFound
from discuno.kit.sheets import Cell
from discuno.mentors import access, desk
from discuno.mentors.access import me
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment
from discuno.payments.service import by_ids
from discuno.payouts import statements, turnovers
from discuno.payouts.periods import Period
from discuno.payouts.statements import Line, Statement, Sums

bp = access.private("statements", __name__, "/statements")
NAME = re.compile(r"(20[0-9]{2})(?:-(0[1-9]|1[0-2]))?", re.ASCII)
HEADER = (
    *("posted", "currency", "what", "session", "session time", "attendee", "reference", "booking"),
    *("paid by attendee", "our fee", "borne by us", "net"),
    *("held", "in your Stripe account", "owed by you", "sent to your bank"),
)
Papers = tuple[list[Statement], dict[int, Payment]]


@bp.get("")
def index() -> Response:
    """The months and years in which something moved."""
    with transaction():
        found = turnovers.years(me())
    return desk.page("payouts/_statements.html", "Statements", years=found)


@bp.get("/<name>")
def show(name: str) -> Response:
    """The statement of a month, such as 2026-11, or of a year."""
    with transaction():
        mentor = me()
        period = _period(name, mentor)
        found, payments = _papers(mentor, period)
    return desk.page(
        "payouts/_statement.html",
        f"Statement {period.words}",
        period=period,
        statements=found,
        payments=payments,
        made_at=clock.now(),
        is_running=period.begins <= clock.now() < period.ends,
        csv_url=url_for(".csv", name=period.name),
    )


@bp.get("/<name>.csv")
def csv(name: str) -> Response:
    """The same as a file."""
    with transaction():
        mentor = me()
        period = _period(name, mentor)
        found, payments = _papers(mentor, period)
        rows = [row for statement in found for row in rows_of(statement, period, payments)]
    return sheets.download(f"discuno-statement-{mentor.username}-{period.name}", HEADER, rows)


def _period(name: str, mentor: Mentor) -> Period:
    """The period an address names. Raises NotFound for one that is none."""
    found = NAME.fullmatch(name)
    if found is None:
        raise NotFound("There is no such statement.")
    return Period(int(found[1]), int(found[2]) if found[2] else None, mentor.zone)


def _papers(mentor: Mentor, period: Period) -> Papers:
    found = statements.statements(mentor, period)
    return found, by_ids(line.payment_id for each in found for line in each.lines)


def rows_of(statement: Statement, period: Period, payments: dict[int, Payment]) -> Iterator[tuple[Cell, ...]]:
    """Opening, lines and closing; every column but the closing adds up to the closing."""
    yield _balance(statement, period.begins, "Opening balance", statement.opening, period.zone)
    for line in statement.lines:
        yield _row(statement, line, payments.get(line.payment_id or 0), period.zone)
    yield _balance(statement, period.ends, "Closing balance", statement.closing, period.zone)


def _balance(statement: Statement, at: datetime, what: str, sums: Sums, zone: str) -> tuple[Cell, ...]:
    return (
        *(sheets.instant(at, zone), statement.currency.upper(), what, *(None,) * 8),
        *_amounts(statement, sums.position, *_columns(sums)),
    )


def _row(statement: Statement, line: Line, payment: Payment | None, zone: str) -> tuple[Cell, ...]:
    booking = payment.booking if payment is not None else None
    about: tuple[Cell, ...] = (None, None, None)
    if booking is not None:
        about = (booking.title, sheets.instant(booking.starts_at, zone), booking.attendee_name)
    return (
        *(sheets.instant(line.at, zone), statement.currency.upper(), line.words, *about),
        *(line.source, booking.public_id if booking is not None else None),
        *_amounts(statement, line.gross, line.fee, line.borne, line.net, *_columns(line.effect)),
    )


def _columns(sums: Sums) -> tuple[int, ...]:
    return (sums.held, sums.connected, sums.owed, sums.bank)


def _amounts(statement: Statement, *amounts: int) -> tuple[Cell, ...]:
    return tuple(money.major(amount, statement.currency) for amount in amounts)
