"""A mentor's statement for a month or a year: what they had, every move of their money, what they have, by currency.

Read off the ledger by the time of posting, so that it adds up to the ledger: opening + lines = closing, to the cent,
and one month closes as the next one opens. Months are those of the mentor's zone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Self

import sqlalchemy as sa

from discuno.kit.db import session
from discuno.mentors.models import Mentor
from discuno.payments.models import Account, LedgerEntry, PostingKind
from discuno.payouts.periods import Period

K = PostingKind
OURS_ALONE = (K.STRIPE_FEE, K.DISPUTE_FEE)  # the platform's expense: no cent of the mentor's
GIVEN_BACK = (K.REFUND, K.REFUND_UNDONE, K.DISPUTE_WITHDRAWN, K.DISPUTE_REINSTATED)
OF_THE_PAYMENT = (K.CAPTURE, K.SPLIT, *GIVEN_BACK)
DEBT_MADE, DEBT_ENDED = "debt_made", "debt_ended"
WORDS = {
    K.CAPTURE: "Session paid",
    K.REFUND: "Refund to the attendee",
    K.REFUND_UNDONE: "Refund came back",
    K.DISPUTE_WITHDRAWN: "Chargeback taken by the attendee’s bank",
    K.DISPUTE_REINSTATED: "Chargeback given back by the bank",
    K.TRANSFER: "Transferred to your Stripe account",
    K.REVERSAL: "Taken back from your Stripe account",
    K.DEBT_NETTED: "Share used for what you owed",
    K.WRITE_OFF: "Debt forgiven",
    K.SPLIT: "Divided by a decision of ours",
    K.PAYOUT: "Paid out to your bank",
    K.PAYOUT_UNDONE: "Payout came back from your bank",
    DEBT_MADE: "Became a debt: it was no longer held",
    DEBT_ENDED: "Ended a debt",
}


@dataclass(frozen=True)
class Sums:
    """Where a mentor's money is, or how a line changes that; in minor units."""

    held: int = 0  # with us, until it may be transferred
    connected: int = 0  # in the mentor's Stripe account
    owed: int = 0  # by the mentor to us
    bank: int = 0  # sent to the mentor's bank, ever

    @property
    def position(self) -> int:
        """What the mentor has with us and at Stripe, less what they owe."""
        return self.held + self.connected - self.owed

    def __add__(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Sums)))


@dataclass(frozen=True)
class Line:
    """One move of money. `gross` is what the attendee paid (+) or got back (−), `fee` our part of it.

    `borne` is what we lost of a payment that went back more than once, which the mentor does not bear.
    """

    at: datetime
    kind: str
    source: str
    payment_id: int | None
    effect: Sums
    gross: int = 0
    fee: int = 0
    borne: int = 0

    @property
    def words(self) -> str:
        """What happened, for the mentor."""
        return WORDS[self.kind]

    @property
    def net(self) -> int:
        """What it changed for the mentor: earned or lost, not merely moved, but for what went to the bank."""
        return self.effect.position


@dataclass
class Totals:
    """What a period came to. Paid − returned − fees + borne + forgiven = earned."""

    paid: int = 0
    returned: int = 0
    fees: int = 0
    borne: int = 0
    forgiven: int = 0
    paid_out: int = 0

    @property
    def earned(self) -> int:
        """What the mentor has earned in the period, whether it was paid out or not."""
        return self.paid - self.returned - self.fees + self.borne + self.forgiven

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Self:
        """Counted from the lines."""
        found = cls()
        for line in lines:
            found.paid += line.gross if line.kind == K.CAPTURE else 0
            found.returned -= line.gross if line.kind in GIVEN_BACK else 0
            found.fees += line.fee
            found.borne += line.borne
            found.forgiven += line.net if line.kind == K.WRITE_OFF else 0
            found.paid_out += line.effect.bank
        return found


@dataclass
class Statement:
    """A period in one currency."""

    currency: str
    opening: Sums
    lines: list[Line] = field(default_factory=list)

    @property
    def closing(self) -> Sums:
        """What the mentor had in the end."""
        return sum((line.effect for line in self.lines), self.opening)

    @property
    def has_something(self) -> bool:
        """Whether anything moved, or lay anywhere but in the bank."""
        lay = self.opening
        return bool(self.lines or lay.held or lay.connected or lay.owed)

    @property
    def totals(self) -> Totals:
        """What it came to."""
        return Totals.of(self.lines)


# The books of a mentor


def _sum(account: Account, sign: int = 1) -> sa.ColumnElement[int]:
    amount = sa.func.sum(LedgerEntry.amount).filter(LedgerEntry.account == account)
    return sa.cast(sign * sa.func.coalesce(amount, 0), sa.BigInteger)


SUMS = (_sum(Account.HELD, -1), _sum(Account.CONNECTED), _sum(Account.DEBT), _sum(Account.BANK))


def of(mentor: Mentor) -> sa.ColumnElement[bool]:
    """The entries that move a mentor's money."""
    return sa.and_(LedgerEntry.mentor_id == mentor.id, LedgerEntry.kind.not_in(OURS_ALONE))


def statements(mentor: Mentor, period: Period) -> list[Statement]:
    """One for each currency in which something moved, or lay; what only lay has no lines."""
    opening = _balances(mentor, period.begins)
    found = {currency: Statement(currency, sums) for currency, sums in opening.items()}
    for currency, line in _lines(mentor, period):
        found.setdefault(currency, Statement(currency, Sums())).lines += _with_debt(line)
    return [found[currency] for currency in sorted(found) if found[currency].has_something]


def _balances(mentor: Mentor, before: datetime) -> dict[str, Sums]:
    statement = (
        sa.select(LedgerEntry.currency, *SUMS)
        .where(of(mentor), LedgerEntry.posted_at < before)
        .group_by(LedgerEntry.currency)
    )
    return {currency: Sums(*sums) for currency, *sums in session().execute(statement)}


def _lines(mentor: Mentor, period: Period) -> Iterable[tuple[str, Line]]:
    """Every posting of the period, in the order of the books."""
    posting = (
        LedgerEntry.currency,
        LedgerEntry.posted_at,
        LedgerEntry.kind,
        LedgerEntry.source,
        LedgerEntry.payment_id,
    )
    statement = (
        sa.select(*posting, _sum(Account.STRIPE), _sum(Account.FEES, -1), _sum(Account.LOSS), *SUMS)
        .where(of(mentor), LedgerEntry.posted_at >= period.begins, LedgerEntry.posted_at < period.ends)
        .group_by(*posting)
        .order_by(LedgerEntry.posted_at, sa.func.min(LedgerEntry.id))
    )
    for currency, at, kind, source, payment_id, stripe, fee, loss, *sums in session().execute(statement):
        line = Line(at, kind, source, payment_id, Sums(*sums))
        if kind in OF_THE_PAYMENT:  # what transfers move at the platform is not the attendee's
            line = Line(at, kind, source, payment_id, Sums(*sums), stripe, fee, loss)
        yield currency, line


def _with_debt(line: Line) -> list[Line]:
    """A debt that a move makes or ends is a line of its own: taken from what is held, and not there, it is owed."""
    owed = line.effect.owed
    if owed == 0 or line.kind in (K.DEBT_NETTED, K.WRITE_OFF):
        return [line]
    moved = Sums(line.effect.held - owed, line.effect.connected, 0, line.effect.bank)
    kind = DEBT_MADE if owed > 0 else DEBT_ENDED
    debt = Line(line.at, kind, line.source, line.payment_id, Sums(held=owed, owed=owed))
    whole = Line(line.at, line.kind, line.source, line.payment_id, moved, line.gross, line.fee, line.borne)
    return [whole, debt]
