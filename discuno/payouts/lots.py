"""Which session's money lies in an account, and which went to the bank with which payout.

Stripe does not say what a payout that we make is made of. The books do: what lies in a connected account came by
transfers, and what leaves it leaves first in, first out. Nothing of this is kept in rows of its own: it is read off
the ledger, which is only ever added to, so that it adds up to the ledger always.

More can leave an account than had come to it: a reversal whose own money is at the bank, or a payout that the books
hear of before the transfers in it. That leaves a `Hole`, and the next money to come fills it.
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

    `lent` went for the reversal of another session, whose own money had left the account by then. At every moment
    amount = there + back + lent + the parts. `undone` are the parts of payouts that came back.
    """

    transfer: str
    payment_id: int | None
    amount: int
    at: datetime
    there: int
    place: int
    back: int = 0
    lent: int = 0
    parts: list[Part] = field(default_factory=list)
    undone: list[Part] = field(default_factory=list)


@dataclass
class Hole:
    """What has left the account beyond what was there: for the reversal of a transfer, or with a payout.

    `open` waits to be filled. `lenders` have filled the rest of a reversal, and are repaid when its own money comes.
    """

    open: int
    part: Part | None = None  # the nameless one of a payout
    lenders: list[tuple[Lot, int]] = field(default_factory=list)


@dataclass
class Lots:
    """An account in one currency: its lots in the order in which they came, and what each payout took of them.

    `undone` holds what was in the payouts that came back.
    """

    lots: dict[str, Lot] = field(default_factory=dict)
    payouts: dict[str, list[Part]] = field(default_factory=dict)
    undone: dict[str, list[Part]] = field(default_factory=dict)
    holes: list[Hole] = field(default_factory=list)  # that are open, the oldest first
    reversed: dict[str, list[Hole]] = field(default_factory=dict)  # by transfer, open or lent for
    _order: list[Lot] = field(default_factory=list)
    _first: int = 0  # nothing is there of the lots before this one

    @property
    def missing(self) -> int:
        """What has left the account beyond all that came."""
        return sum(hole.open for hole in self.holes)

    @property
    def there(self) -> int:
        """What lies in the account, as the books have it; below zero when more has left than came."""
        return sum(lot.there for lot in self.lying()) - self.missing

    def lying(self) -> list[Lot]:
        """The lots of which something is there."""
        return [lot for lot in self._order[self._first :] if lot.there]

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
        self._fill()

    def _came(self, move: Move) -> None:
        lot = Lot(
            move.source, move.payment_id, move.amount, move.at, there=move.amount, place=len(self._order)
        )
        self.lots[lot.transfer] = lot
        self._order.append(lot)
        self._make_good(lot)

    def _taken_back(self, move: Move) -> None:
        left = -move.amount
        own = self.lots.get(move.transfer or "")
        if own is not None:
            taken = min(left, own.there)
            own.there, own.back, left = own.there - taken, own.back + taken, left - taken
        if left:
            hole = Hole(left)
            self.holes.append(hole)
            self.reversed.setdefault(move.transfer or "", []).append(hole)

    def _paid_out(self, move: Move) -> None:
        left = -move.amount
        self.payouts.setdefault(move.source, [])
        for lot, taken in self._oldest(left):
            self._put(lot, taken, move.source)
            left -= taken
        if left:
            nameless = Part(move.source, None, None, left)
            self.payouts[move.source].append(nameless)
            self.holes.append(Hole(left, part=nameless))

    def _put(self, lot: Lot, amount: int, payout: str) -> None:
        """So much of a lot goes with a payout."""
        lot.there -= amount
        part = Part(payout, lot.transfer, lot.payment_id, amount)
        lot.parts.append(part)
        self.payouts[payout].append(part)

    def _came_again(self, move: Move) -> None:
        parts = self.payouts.pop(move.source, [])
        self.undone[move.source] = parts
        self.holes = [hole for hole in self.holes if hole.part is None or hole.part not in parts]
        for part in parts:
            lot = self.lots.get(part.transfer or "")
            if lot is not None:
                lot.parts.remove(part)
                lot.undone.append(part)
                self._back_in(lot, part.amount)

    def _back_in(self, lot: Lot, amount: int) -> None:
        """Money of this lot is in the account again."""
        lot.there += amount
        self._first = min(self._first, lot.place)
        self._make_good(lot)

    def _make_good(self, lot: Lot) -> None:
        """What this lot's own reversals took of others, or of nobody, is now taken of itself."""
        for hole in self.reversed.get(lot.transfer, []):
            own = min(lot.there, hole.open)
            hole.open -= own
            while hole.lenders and own < lot.there:
                lender, lent = hole.lenders.pop()
                given = min(lent, lot.there - own)
                lender.lent -= given
                hole.lenders += [(lender, lent - given)] if given < lent else []
                own += given
                lender.there += given
                self._first = min(self._first, lender.place)
            lot.there, lot.back = lot.there - own, lot.back + own
        self.holes = [hole for hole in self.holes if hole.open]

    def _fill(self) -> None:
        """Whatever is there fills what is missing, the oldest hole first."""
        while self.holes:
            hole = self.holes[0]
            for lot, taken in self._oldest(hole.open):
                self._put_into(hole, lot, taken)
            if hole.open:
                return
            self.holes.pop(0)

    def _put_into(self, hole: Hole, lot: Lot, amount: int) -> None:
        """What fills a payout's hole is in the payout; for a reversal's it is lent."""
        hole.open -= amount
        if hole.part is None:
            lot.there, lot.lent = lot.there - amount, lot.lent + amount
            hole.lenders.append((lot, amount))
            return
        hole.part.amount -= amount
        self._put(lot, amount, hole.part.payout)
        if hole.part.amount == 0:
            self.payouts[hole.part.payout].remove(hole.part)

    def _oldest(self, wanted: int) -> Iterator[tuple[Lot, int]]:
        """The oldest lots that make up so much, and what of each; the caller takes it before asking on."""
        while wanted > 0 and self._first < len(self._order):
            lot = self._order[self._first]
            if lot.there > 0:
                taken = min(wanted, lot.there)
                wanted -= taken
                yield lot, taken
            if lot.there == 0:
                self._first += 1


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
