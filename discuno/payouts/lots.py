"""Which session's money lies in an account, and which went to the bank with which payout.

Stripe does not say what a payout that we make is made of. The books do: what lies in a connected account came by
transfers, and what leaves it leaves first in, first out. Nothing of this is kept in rows of its own: it is read off
the ledger, which is only ever added to, so that it adds up to the ledger always.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from discuno.kit.db import session
from discuno.payments.models import Account, LedgerEntry, PostingKind
from discuno.payouts.models import Payout, Transfer, TransferReversal

K = PostingKind


@dataclass(frozen=True)
class Move:
    """Money into a connected account (+) or out of it (−), in minor units, as the books have it.

    `transfer` is the Stripe id of the transfer that came, or of the one that is taken back.
    """

    kind: PostingKind
    source: str
    amount: int
    at: datetime
    transfer: str | None = None
    payment_id: int | None = None


@dataclass
class Part:
    """So much of a payout is of this transfer; without one, of money that the books do not know."""

    payout: str
    transfer: str | None
    payment_id: int | None
    amount: int


@dataclass
class Lot:
    """What one transfer brought: what of it is still `there`, was taken `back`, or went with which payouts.

    `lent` went for the reversal of another session, whose own money had left the account by then.
    """

    transfer: str
    payment_id: int | None
    amount: int
    at: datetime
    there: int
    back: int = 0
    lent: int = 0
    parts: list[Part] = field(default_factory=list)


@dataclass
class Lots:
    """An account in one currency: its lots in the order in which they came, and what each payout took of them."""

    lots: dict[str, Lot] = field(default_factory=dict)
    payouts: dict[str, list[Part]] = field(default_factory=dict)
    missing: int = 0  # what has left the account beyond all that came: the next money to come fills it

    @property
    def there(self) -> int:
        """What lies in the account, as the books have it; below zero when more has left than came."""
        return sum(lot.there for lot in self.lots.values()) - self.missing

    def take(self, move: Move) -> None:
        """One more move, in the order of the books."""
        match move.kind:
            case K.TRANSFER:
                self._came(move)
            case K.REVERSAL:
                self._taken_back(move)
            case K.PAYOUT:
                self._paid_out(move)
            case K.PAYOUT_UNDONE:
                self._came_again(move)
            case _:
                raise ValueError(f"{move.kind} {move.source} does not concern a connected account")

    def _came(self, move: Move) -> None:
        lot = Lot(move.source, move.payment_id, move.amount, move.at, there=move.amount)
        self.lots[move.source] = lot
        self._fill()

    def _taken_back(self, move: Move) -> None:
        left = -move.amount
        own = self.lots.get(move.transfer or "")
        if own is not None:
            taken = min(left, own.there)
            own.there, own.back, left = own.there - taken, own.back + taken, left - taken
        self.missing += left
        self._fill()

    def _paid_out(self, move: Move) -> None:
        left = -move.amount
        parts = self.payouts.setdefault(move.source, [])
        for lot, taken in self._first(left):
            lot.there -= taken
            part = Part(move.source, lot.transfer, lot.payment_id, taken)
            lot.parts.append(part)
            parts.append(part)
            left -= taken
        if left:
            self.missing += left
            parts.append(Part(move.source, None, None, left))

    def _came_again(self, move: Move) -> None:
        for part in self.payouts.pop(move.source, []):
            lot = self.lots.get(part.transfer or "")
            if lot is None:
                self.missing -= part.amount
            else:
                lot.there += part.amount
                lot.parts = [other for other in lot.parts if other.payout != move.source]
        self._fill()

    def _fill(self) -> None:
        """Whatever is there fills what is missing."""
        for lot, taken in self._first(max(0, self.missing)):
            lot.there -= taken
            lot.lent += taken
            self.missing -= taken

    def _first(self, wanted: int) -> Iterator[tuple[Lot, int]]:
        """The oldest lots that make up so much, and what of each."""
        for lot in self.lots.values():
            taken = min(wanted, lot.there)
            if taken > 0:
                wanted -= taken
                yield lot, taken


def replay(moves: Iterable[Move]) -> Lots:
    """The lots after these moves."""
    found = Lots()
    for move in moves:
        found.take(move)
    return found


Books = dict[tuple[int | None, str], Lots]  # by our id of the account, and currency


def of_mentor(mentor_id: int) -> Books:
    """Every account of a mentor, in every currency."""
    books: Books = {}
    for account_id, currency, move in _moves(mentor_id):
        books.setdefault((account_id, currency), Lots()).take(move)
    return books


def _moves(mentor_id: int) -> Iterator[tuple[int | None, str, Move]]:
    back = sa.orm.aliased(Transfer)
    entry = LedgerEntry
    statement = (
        sa.select(
            sa.func.coalesce(Transfer.account_id, back.account_id, Payout.account_id),
            entry.currency,
            entry.kind,
            entry.source,
            entry.amount,
            entry.posted_at,
            back.stripe_transfer_id,
            entry.payment_id,
        )
        .outerjoin(Transfer, sa.and_(entry.kind == K.TRANSFER, Transfer.stripe_transfer_id == entry.source))
        .outerjoin(
            TransferReversal,
            sa.and_(entry.kind == K.REVERSAL, TransferReversal.stripe_reversal_id == entry.source),
        )
        .outerjoin(back, back.id == TransferReversal.transfer_id)
        .outerjoin(
            Payout,
            sa.and_(entry.kind.in_([K.PAYOUT, K.PAYOUT_UNDONE]), Payout.stripe_payout_id == entry.source),
        )
        .where(entry.mentor_id == mentor_id, entry.account == Account.CONNECTED)
        .order_by(entry.id)
    )
    for account_id, currency, kind, source, amount, at, taken_from, payment_id in session().execute(
        statement
    ):
        yield account_id, currency, Move(kind, source, int(amount), at, taken_from, payment_id)
