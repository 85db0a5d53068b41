"""What the money paths of a mentor's sessions are read from: asked for once, however many sessions are shown."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import lazyload, selectinload

from discuno.kit.db import rows, session
from discuno.mentors.models import Mentor
from discuno.payments.models import Account, LedgerEntry, Payment, PostingKind
from discuno.payouts import banking, lots, pauses
from discuno.payouts.lots import Lot
from discuno.payouts.models import AccountStatus, MentorStripeAccount, Payout, PayoutStatus, Transfer

Sums = Counter[tuple[PostingKind, Account]]


@dataclass(frozen=True)
class Reader:
    """Who reads, and what the house has set: `hours` is "12" or "24", `write_to` our address for questions."""

    hours: str = "24"
    write_to: str = ""
    on_request: bool = False  # payouts are made when the mentor asks, not by themselves


@dataclass
class Sight:
    """A mentor's accounts, payouts and lots, and what the books have for each payment that is shown."""

    mentor: Mentor
    reader: Reader
    books: lots.Books
    accounts: dict[int, MentorStripeAccount]
    payouts: dict[str, Payout]  # by Stripe's id
    being_made: set[str]  # currencies of payouts that Stripe has not been told of yet
    bank_waits: str | None  # why nothing leaves the live account now
    paused: bool  # all transfers are
    sums: dict[int, Sums] = field(default_factory=dict)
    lots: dict[int, list[tuple[int | None, Lot]]] = field(
        default_factory=dict
    )  # by payment; the account's id

    @property
    def account(self) -> MentorStripeAccount | None:
        """The live one."""
        live = (a for a in self.accounts.values() if a.status != AccountStatus.CLOSED)
        return next(live, None)

    @property
    def can_receive(self) -> bool:
        """Whether money may be sent to it."""
        return self.account is not None and self.account.can_receive


def gather(mentor: Mentor, reader: Reader, books: lots.Books | None = None) -> Sight:
    """Everything about the mentor; `look_at` adds the payments."""
    accounts = rows(sa.select(MentorStripeAccount).where(MentorStripeAccount.mentor_id == mentor.id))
    ids = [account.id for account in accounts]
    made = rows(sa.select(Payout).where(Payout.account_id.in_(ids)).options(lazyload(Payout.account)))
    sight = Sight(
        mentor=mentor,
        reader=reader,
        books=lots.of_mentor(mentor.id) if books is None else books,
        accounts={account.id: account for account in accounts},
        payouts={p.stripe_payout_id: p for p in made if p.stripe_payout_id is not None},
        being_made={p.currency for p in made if p.status == PayoutStatus.REQUESTED},
        bank_waits=None,
        paused=pauses.is_on(),
    )
    if sight.account is not None:
        sight.bank_waits = banking.reason_to_wait(sight.account)
    for (account_id, _), found in sight.books.items():
        for lot in found.lots.values():
            if lot.payment_id is not None:
                sight.lots.setdefault(lot.payment_id, []).append((account_id, lot))
    return sight


def look_at(sight: Sight, payment_ids: Collection[int]) -> None:
    """What the books have for these payments."""
    entry = LedgerEntry
    statement = (
        sa.select(entry.payment_id, entry.kind, entry.account, sa.func.sum(entry.amount))
        .where(entry.payment_id.in_(payment_ids))
        .group_by(entry.payment_id, entry.kind, entry.account)
    )
    sight.sums |= {payment_id: Counter() for payment_id in payment_ids}
    for payment_id, kind, account, amount in session().execute(statement):
        sight.sums[int(payment_id or 0)][kind, account] = int(amount)


def shown_whole(statement: sa.Select[Payment]) -> sa.Select[Payment]:
    """The same payments, with all rows that their paths are read from: one question a kind of row, not one a row."""
    return statement.options(*_loaded())


def _loaded() -> Iterator[Any]:
    transfers = selectinload(Payment.transfers)
    yield transfers.options(lazyload(Transfer.payment), selectinload(Transfer.reversals).lazyload("*"))
    yield selectinload(Payment.refunds)
    yield selectinload(Payment.disputes).lazyload("*")


def parts_in(sight: Sight, payment_id: int, *statuses: PayoutStatus) -> list[tuple[Payout, int]]:
    """What of a payment's share is in payouts of these statuses, and in which, the first one first."""
    parts = (part for _, lot in sight.lots.get(payment_id, []) for part in lot.parts)
    found = ((sight.payouts.get(part.payout), part.amount) for part in parts)
    return [(payout, amount) for payout, amount in found if payout is not None and payout.status in statuses]
