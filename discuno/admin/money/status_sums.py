"""How many payments there are and how much, by status: those begun in a span as they stand now, and open ones."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from discuno.admin import bars
from discuno.admin.bars import Chart, Series
from discuno.admin.spans import Span
from discuno.kit.db import rows, session
from discuno.payments.models import Payment, PaymentStatus

P = PaymentStatus
PAGE = 50
OPEN = (P.PENDING, P.PROCESSING, P.SUCCEEDED, P.DISPUTED)  # something is still to come
SERIES = (  # name, colour, which statuses, up or down
    ("Paid and kept", "earned", (P.SUCCEEDED, P.TRANSFERRED), 1),
    ("Not decided yet", "paid", (P.PENDING, P.PROCESSING), 1),
    ("Not paid", "late", (P.FAILED,), -1),
    ("Refunded", "note", (P.REFUNDED,), -1),
    ("Disputed", "back", (P.DISPUTED,), -1),
)


@dataclass(frozen=True)
class Standing:
    """The payments of one status: how many, and how much in each currency, in minor units."""

    status: PaymentStatus
    number: int
    amounts: dict[str, int]


@dataclass(frozen=True)
class InSpan:
    """The payments begun in a span, as they stand now."""

    span: Span
    standings: list[Standing]
    pieces: dict[PaymentStatus, dict[int, int]]  # how many, by piece of the span

    @property
    def begun(self) -> int:
        """All of them."""
        return sum(each.number for each in self.standings)

    @property
    def paid(self) -> int:
        """Those for which money came, wherever it is now."""
        return sum(each.number for each in self.standings if each.status.has_money)

    @property
    def not_paid(self) -> int:
        """Those that came to nothing."""
        return sum(each.number for each in self.standings if each.status == P.FAILED)

    @property
    def conversion(self) -> str:
        """How many of the decided ones were paid: 87 %."""
        decided = self.paid + self.not_paid
        return f"{100 * self.paid / decided:.1f} %" if decided else "–"

    @property
    def chart(self) -> Chart:
        """How those begun on each day, or in each month, stand now."""
        return Chart("Payments by when they were begun", self.span, [self._series(*each) for each in SERIES])

    def _series(self, name: str, colour: str, statuses: tuple[PaymentStatus, ...], sign: int) -> Series:
        sums: Counter[int] = Counter()
        for status in statuses:
            sums.update(self.pieces.get(status, {}))
        return Series(name, colour, bars.values(self.span, sums), sign)


def in_span(span: Span) -> InSpan:
    """Every payment begun in a span, in one reading."""
    piece = span.piece_of(Payment.created_at)
    statement = (
        sa.select(piece, Payment.status, Payment.currency, sa.func.count(), sa.func.sum(Payment.amount))
        .where(span.is_within(Payment.created_at))
        .group_by(piece, Payment.status, Payment.currency)
    )
    pieces: dict[PaymentStatus, Counter[int]] = {}
    numbers: Counter[PaymentStatus] = Counter()
    amounts: dict[PaymentStatus, Counter[str]] = {}
    for place, status, currency, number, amount in session().execute(statement):
        numbers[status] += number
        pieces.setdefault(status, Counter())[int(place)] += number
        amounts.setdefault(status, Counter())[currency] += int(amount)
    return InSpan(
        span, _standings(numbers, amounts), {status: dict(found) for status, found in pieces.items()}
    )


def now() -> list[Standing]:
    """Every payment to which something is still to come, whenever it was begun."""
    statement = (
        sa.select(Payment.status, Payment.currency, sa.func.count(), sa.func.sum(Payment.amount))
        .where(Payment.status.in_(OPEN))
        .group_by(Payment.status, Payment.currency)
    )
    numbers: Counter[PaymentStatus] = Counter()
    amounts: dict[PaymentStatus, Counter[str]] = {}
    for status, currency, number, amount in session().execute(statement):
        numbers[status] += number
        amounts.setdefault(status, Counter())[currency] += int(amount)
    return _standings(numbers, amounts, OPEN)


def _standings(
    numbers: Mapping[PaymentStatus, int],
    amounts: Mapping[PaymentStatus, Mapping[str, int]],
    which: tuple[PaymentStatus, ...] = tuple(P),
) -> list[Standing]:
    return [
        Standing(status, numbers.get(status, 0), dict(sorted(amounts.get(status, {}).items())))
        for status in which
    ]


def page(span: Span, status: PaymentStatus | None, before: int | None = None) -> list[Payment]:
    """The payments begun in a span, the newest first: one more than a page, if there are more."""
    statement = sa.select(Payment).where(span.is_within(Payment.created_at))
    if status is not None:
        statement = statement.where(Payment.status == status)
    if before is not None:
        last = sa.select(Payment.created_at, Payment.id).where(Payment.id == before)
        statement = statement.where(sa.tuple_(Payment.created_at, Payment.id) < last.scalar_subquery())
    return rows(statement.order_by(Payment.created_at.desc(), Payment.id.desc()).limit(PAGE + 1))
