"""The last twelve months of a mentor's money, by month of their zone: what was earned, paid out, and returned."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from babel.dates import format_date

from discuno.kit import clock
from discuno.kit.db import session
from discuno.kit.money import minor_digits
from discuno.kit.web import LOCALE
from discuno.mentors.models import Mentor
from discuno.payments.ledger import GONE
from discuno.payments.models import Account, LedgerEntry, PostingKind
from discuno.payouts.models import MentorStripeAccount, Payout, PayoutStatus

MONTHS = 12
WIDTH = 100 / MONTHS  # of a month; all lengths of the drawing are per cent of it
TOP, HEIGHT = 8.0, 88.0  # what the bars have of the height: the highest number stands above them
BAR = WIDTH * 0.3


@dataclass(frozen=True)
class Month:
    """A month's money in minor units. `earned` is the mentor's share of the sessions paid in it."""

    begins: date
    earned: int = 0
    paid_out: int = 0
    returned: int = 0

    @property
    def name(self) -> str:
        """Nov 2026."""
        return str(format_date(self.begins, "MMM y", locale=LOCALE))

    @property
    def short(self) -> str:
        """Nov."""
        return str(format_date(self.begins, "MMM", locale=LOCALE))


@dataclass(frozen=True)
class Bar:
    """A rectangle in per cent of the drawing."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Tick:
    """A line across, and the amount that it stands for, in minor units."""

    amount: int
    y: float


@dataclass(frozen=True)
class Chart:
    """Twelve months in one currency: earned and paid out upwards, returned downwards from the line of nothing."""

    currency: str
    months: list[Month]

    @property
    def total(self) -> Month:
        """All of it."""
        sums = (sum(getattr(m, what) for m in self.months) for what in ("earned", "paid_out", "returned"))
        return Month(self.months[0].begins, *sums)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(m.earned or m.paid_out or m.returned for m in self.months)

    @property
    def zero(self) -> float:
        """Where the line of nothing lies."""
        return TOP + self._scale * self._up

    @property
    def ticks(self) -> list[Tick]:
        """Two to five round amounts up to the highest."""
        step = round_step(self._up, minor_digits(self.currency))
        return [Tick(amount, self.zero - self._scale * amount) for amount in range(0, self._up + 1, step)]

    @property
    def bars(self) -> list[Bar]:
        """What there is of each month; what a bank gave back again in a month is in the table alone."""
        found = []
        for n, month in enumerate(self.months):
            left = n * WIDTH + WIDTH * 0.18
            for kind, x, amount in (
                ("earned", left, month.earned),
                ("paid", left + BAR * 1.1, month.paid_out),
            ):
                height = self._scale * amount
                found.append(Bar(kind, x, self.zero - height, BAR, height))
            found.append(Bar("back", left, self.zero, BAR, self._scale * month.returned))
        return [bar for bar in found if bar.height > 0]

    @property
    def labels(self) -> list[tuple[float, Month]]:
        """The middle of each month."""
        return [((n + 0.5) * WIDTH, month) for n, month in enumerate(self.months)]

    @property
    def _up(self) -> int:
        return max(1, *(max(m.earned, m.paid_out) for m in self.months))

    @property
    def _scale(self) -> float:
        return HEIGHT / (self._up + max(0, *(m.returned for m in self.months)))


def round_step(highest: int, digits: int) -> int:
    """1, 2 or 5 times a power of ten of whole units of so many digits, so that there are at most four steps."""
    least = Decimal(highest) / 4
    power = Decimal(10) ** max(0, least.adjusted() - digits) * 10**digits
    return next(int(power * n) for n in (1, 2, 5, 10, 20, 50, 100) if power * n >= least)


def of_mentor(mentor: Mentor, currencies: list[str]) -> list[Chart]:
    """A chart a currency, up to the month that it is where the mentor is."""
    begins = _months(mentor.zone)
    first = datetime.combine(begins[0], time(), ZoneInfo(mentor.zone))
    sums = _booked(mentor, first) + _paid_out(mentor, begins[0])
    return [Chart(currency, [_month(day, currency, sums) for day in begins]) for currency in currencies]


Sums = Counter[tuple[str, date, str]]  # by currency, first day of a month, and what


def _month(begins: date, currency: str, sums: Sums) -> Month:
    return Month(begins, *(sums[currency, begins, what] for what in ("earned", "paid_out", "returned")))


def _months(zone: str) -> list[date]:
    """The first days of the last twelve months, this one last."""
    today = clock.now().astimezone(ZoneInfo(zone))
    this = today.year * 12 + today.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(this - MONTHS + 1, this + 1)]


def _booked(mentor: Mentor, first: datetime) -> Sums:
    entry = LedgerEntry
    month = sa.func.date_trunc("month", sa.func.timezone(mentor.zone, entry.posted_at))
    is_share = sa.and_(entry.kind == PostingKind.CAPTURE, entry.account == Account.HELD)
    is_back = sa.and_(entry.kind.in_(GONE), entry.account.in_([Account.HELD, Account.DEBT]))
    statement = (
        sa.select(
            entry.currency,
            month,
            -sa.func.coalesce(sa.func.sum(entry.amount).filter(is_share), 0),
            sa.func.coalesce(sa.func.sum(entry.amount).filter(is_back), 0),
        )
        .where(entry.mentor_id == mentor.id, entry.posted_at >= first, sa.or_(is_share, is_back))
        .group_by(entry.currency, sa.text("2"))
    )
    sums: Sums = Counter()
    for currency, begins, earned, returned in session().execute(statement):
        sums[currency, begins.date(), "earned"] = int(earned)
        sums[currency, begins.date(), "returned"] = int(returned)
    return sums


def _paid_out(mentor: Mentor, first: date) -> Sums:
    """By the day on which it arrived in the bank, which is a day of the bank's."""
    statement = (
        sa.select(Payout.currency, sa.func.timezone("UTC", Payout.arrives_on), Payout.amount)
        .join(Payout.account)
        .where(
            MentorStripeAccount.mentor_id == mentor.id,
            Payout.status == PayoutStatus.PAID,
            Payout.arrives_on >= datetime.combine(first, time(), UTC),
        )
    )
    sums: Sums = Counter()
    for currency, arrived, amount in session().execute(statement):
        sums[currency, arrived.date().replace(day=1), "paid_out"] += int(amount)
    return sums
