"""What waits because somebody has stopped it: how much money, and for whom."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from discuno.bookings.models import Booking
from discuno.kit.db import rows, session
from discuno.kit.money import in_words
from discuno.mentors.models import Mentor
from discuno.payments import ledger
from discuno.payments.models import Payment
from discuno.payouts.models import Transfer, TransferStatus
from discuno.payouts.sight import shown_whole
from discuno.policy import Reason

MOST = 50  # rows of each
COUNTED = 10_000  # no further: the sums then say "at least"


@dataclass(frozen=True)
class Kept:
    """So many transfers, and what they come to in each currency."""

    number: int
    sums: dict[str, int]

    @property
    def words(self) -> str:
        """3 transfers, $120.00 and €54.00."""
        if self.number == 0:
            return "Nothing waits because of it."
        waits = "1 transfer waits" if self.number == 1 else f"{self.number:,} transfers wait"
        more = "At least " if self.number >= COUNTED else ""
        return f"{more}{waits} because of it: {amounts_in_words(self.sums)}."


def amounts_in_words(sums: Mapping[str, int]) -> str:
    """$120.00 and €54.00."""
    return " and ".join(in_words(amount, code) for code, amount in sorted(sums.items()))


def because_of(reason: Reason) -> Kept:
    """What the guard has kept for a reason. What is not due yet is not asked, and not counted."""
    waiting = sa.select(Transfer.amount, Transfer.currency).where(*_blocked(reason)).limit(COUNTED)
    return _sum(session().execute(waiting))


def of_mentors(mentor_ids: Iterable[int]) -> dict[int, Kept]:
    """What waits for each of these mentors because they are suspended."""
    statement = (
        sa.select(Booking.mentor_id, Transfer.currency, sa.func.count(), sa.func.sum(Transfer.amount))
        .join(Payment, Payment.id == Transfer.payment_id)
        .join(Booking, Booking.id == Payment.booking_id)
        .where(*_blocked(Reason.SUSPENDED), Booking.mentor_id.in_(list(mentor_ids)))
        .group_by(Booking.mentor_id, Transfer.currency)
    )
    found: dict[int, Kept] = {}
    for mentor_id, currency, number, amount in session().execute(statement):
        before = found.get(mentor_id, Kept(0, {}))
        found[mentor_id] = Kept(before.number + number, {**before.sums, currency: int(amount)})
    return found


def suspended() -> list[Mentor]:
    """Mentors who are suspended, the latest first."""
    statement = sa.select(Mentor).where(Mentor.suspended_at.is_not(None))
    return rows(statement.order_by(Mentor.suspended_at.desc(), Mentor.id.desc()).limit(MOST))


def on_hold() -> list[Payment]:
    """Payments that an admin keeps, the newest first."""
    statement = sa.select(Payment).where(Payment.dispute_requested).order_by(Payment.id.desc())
    return rows(shown_whole(statement.limit(MOST)))


def held_of(payments: Iterable[Payment]) -> tuple[dict[int, int], str]:
    """What is held for the mentor of each of these payments, and all of it in words."""
    by_id = {payment.id: payment for payment in payments}
    held = ledger.held_of(by_id)
    sums: Counter[str] = Counter()
    for payment_id, amount in held.items():
        sums[by_id[payment_id].currency] += amount
    return held, amounts_in_words(sums)


def _blocked(reason: Reason) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Transfer.status == TransferStatus.SCHEDULED,
        Transfer.blocked_by.is_not(None),  # the index of what is blocked
        Transfer.blocked_by == reason.value,
    )


def _sum(amounts: Iterable[Any]) -> Kept:
    sums: Counter[str] = Counter()
    number = 0
    for amount, currency in amounts:
        sums[currency] += amount
        number += 1
    return Kept(number, dict(sums))
