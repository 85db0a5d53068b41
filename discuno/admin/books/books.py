"""Comparing our books with Stripe's: what each of Stripe's entries must be in ours, and what differs.

Drift is what we cannot repair because it is not provably ours. A movement of the platform's balance that is not ours
stays named until a posting explains it or a person has looked; it is counted when the balances are compared, so that
what they then differ by is known to nobody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from discuno.admin.books.checks import BY_ACCOUNT
from discuno.admin.models import Drift
from discuno.disputes.models import Dispute, DisputeStatus
from discuno.kit.db import rows, session
from discuno.kit.money import in_words
from discuno.payments.models import Account, LedgerEntry, Payment, PaymentStatus, Refund, RefundStatus
from discuno.payments.models import PostingKind as K
from discuno.payouts.models import (
    AccountStatus,
    MentorStripeAccount,
    Payout,
    PayoutStatus,
    ReversalStatus,
    Transfer,
    TransferReversal,
    TransferStatus,
)

PLATFORM, ACCOUNT, UNREACHABLE = "platform_balance", "account_balance", "account_unreachable"
MOVEMENT, WRONG_AMOUNT = "movement", "wrong_amount"
UNKNOWN = {
    "charge": "unknown_charge",
    "payment": "unknown_charge",
    "refund": "unknown_refund",
    "transfer": "unknown_transfer",
    "transfer_refund": "unknown_reversal",
}
OF_ENTRIES = (*dict.fromkeys(UNKNOWN.values()), MOVEMENT, WRONG_AMOUNT)
POSTED_AS = {
    "charge": K.CAPTURE,
    "payment": K.CAPTURE,
    "refund": K.REFUND,
    "refund_failure": K.REFUND_UNDONE,
    "transfer": K.TRANSFER,
    "transfer_refund": K.REVERSAL,
}
DISPUTE = ("du_", "dp_")  # how ids of disputes begin, today and formerly


class Entry(Protocol):
    """A balance transaction of the platform, in minor units."""

    @property
    def id(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def source(self) -> str | None: ...

    @property
    def amount(self) -> int: ...

    @property
    def fee(self) -> int: ...

    @property
    def net(self) -> int: ...

    @property
    def currency(self) -> str: ...


@dataclass(frozen=True)
class Difference:
    """Something that is not the same here and there. The amount is theirs less ours, in minor units."""

    kind: str
    about: str
    ours: str
    theirs: str
    amount: int | None = None
    currency: str | None = None


Posting = tuple[K, str]
Posted = Mapping[Posting, tuple[int, str]]  # what each posting moved on our balance at Stripe


def is_of_dispute(entry: Entry) -> bool:
    """Whether a bank took this money or brought it back."""
    return entry.type == "adjustment" and (entry.source or "").startswith(DISPUTE)


def expected(entry: Entry) -> dict[Posting, int]:
    """Which postings an entry of Stripe's must have in our books, and what each has moved; none if it is not ours."""
    if is_of_dispute(entry):
        moved = {(K.DISPUTE_WITHDRAWN if entry.amount < 0 else K.DISPUTE_REINSTATED, entry.id): entry.amount}
        fee = (K.DISPUTE_FEE, entry.id)
    elif entry.type in POSTED_AS and entry.source is not None:
        moved = {(POSTED_AS[entry.type], entry.source): entry.amount}
        fee = (K.STRIPE_FEE, entry.id)
    else:
        return {}
    return {key: amount for key, amount in {**moved, fee: -entry.fee}.items() if amount}


def compare(entry: Entry, posted: Posted) -> Difference | None:
    """What is not the same about one entry of Stripe's, or None."""
    wanted = expected(entry)
    there = {key: posted[key] for key in wanted if key in posted}
    theirs = f"{entry.type} {entry.source or entry.id}: {in_words(entry.net, entry.currency)}"
    if not there and entry.net == 0:
        return None
    if not there:
        kind = UNKNOWN.get(entry.type, MOVEMENT)
        return Difference(kind, entry.id, "nothing", theirs, entry.net, entry.currency)
    if there == {key: (amount, entry.currency) for key, amount in wanted.items()}:
        return None
    total = sum(amount for amount, currency in there.values() if currency == entry.currency)
    ours = ", ".join(
        f"{kind} {in_words(amount, currency)}" for (kind, _), (amount, currency) in there.items()
    )
    return Difference(WRONG_AMOUNT, entry.id, ours, theirs, entry.net - total, entry.currency)


def posted(entries: Iterable[Entry]) -> dict[Posting, tuple[int, str]]:
    """What our books say about these entries."""
    sources = {source for entry in entries for _, source in expected(entry)}
    statement = sa.select(
        LedgerEntry.kind, LedgerEntry.source, LedgerEntry.amount, LedgerEntry.currency
    ).where(LedgerEntry.source.in_(sources), LedgerEntry.account == Account.STRIPE)
    return {
        (kind, source): (amount, currency) for kind, source, amount, currency in session().execute(statement)
    }


def in_platform() -> dict[str, int]:
    """What our balance at Stripe must be, by currency: the books, and what was named as not ours."""
    booked = sa.select(LedgerEntry.currency, LedgerEntry.amount).where(LedgerEntry.account == Account.STRIPE)
    named = sa.select(Drift.currency, Drift.difference).where(Drift.kind.in_(OF_ENTRIES))
    parts = sa.union_all(booked, named).subquery()
    statement = sa.select(parts.c[0], sa.func.sum(parts.c[1])).group_by(parts.c[0])
    return {str(currency): int(total) for currency, total in session().execute(statement) if total}


def in_account(account: MentorStripeAccount) -> dict[str, int]:
    """What must lie in a connected account, by currency."""
    found = session().execute(sa.text(BY_ACCOUNT), {"mentors": [account.mentor_id]})
    return {str(c): int(total) for there, c, total in found if there == account.stripe_account_id and total}


def is_in_motion(account_id: int) -> bool:
    """Whether something is just being sent to this account or taken from it: its balance is not compared then."""
    moving = (
        sa.exists().where(Transfer.account_id == account_id, Transfer.status == TransferStatus.SENDING),
        sa.exists().where(
            TransferReversal.transfer_id == Transfer.id,
            Transfer.account_id == account_id,
            TransferReversal.status == ReversalStatus.REQUESTED,
        ),
        sa.exists().where(Payout.account_id == account_id, Payout.status == PayoutStatus.REQUESTED),
    )
    return bool(session().execute(sa.select(sa.or_(*moving))).scalar_one())


Compared = dict[tuple[str, str], Difference | None]


def balances_differ(kind: str, who: str, ours: Mapping[str, int], theirs: Mapping[str, int]) -> Compared:
    """Each currency of a balance, by the kind of drift and its subject; None where it is the same to the cent."""
    found: Compared = {(UNREACHABLE, who): None} if kind == ACCOUNT else {}
    for currency in sorted({*ours, *theirs}):
        about, here, there = f"{who} {currency}", ours.get(currency, 0), theirs.get(currency, 0)
        words = in_words(here, currency), in_words(there, currency)
        same = here == there
        found[kind, about] = None if same else Difference(kind, about, *words, there - here, currency)
    return found


def gone(account: MentorStripeAccount, ours: Mapping[str, int]) -> Compared:
    """An account that we may not look into, with what the books say must lie in it."""
    there = account.stripe_account_id
    if account.status == AccountStatus.CLOSED and not ours:
        return {(UNREACHABLE, there): None}
    words = ", ".join(in_words(amount, currency) for currency, amount in ours.items()) or "nothing in it"
    return {(UNREACHABLE, there): Difference(UNREACHABLE, there, words, "an account that does not answer")}


def open_payments(after: int, limit: int) -> sa.Select[int]:
    """Ids of payments of which Stripe may know more than we do."""
    of = Payment.id
    waits = sa.and_(
        Payment.status.in_([PaymentStatus.PENDING, PaymentStatus.PROCESSING]),
        Payment.stripe_checkout_session_id.is_not(None),
    )
    refunding = sa.exists().where(
        Refund.payment_id == of, Refund.status.in_([RefundStatus.REQUESTED, RefundStatus.PENDING])
    )
    sending = sa.exists().where(Transfer.payment_id == of, Transfer.status == TransferStatus.SENDING)
    reversing = sa.exists().where(
        Transfer.payment_id == of,
        TransferReversal.transfer_id == Transfer.id,
        TransferReversal.status == ReversalStatus.REQUESTED,
    )
    is_open = sa.or_(waits, refunding, sending, reversing)
    return sa.select(of).where(of > after, is_open).order_by(of).limit(limit)


def open_cases(after: int, limit: int) -> sa.Select[int]:
    """Ids of cases of Stripe's that have not come to an end here."""
    is_open = Dispute.status.in_([DisputeStatus.OPEN, DisputeStatus.WAITING])
    of_stripe = sa.and_(is_open, Dispute.stripe_id.is_not(None), Dispute.id > after)
    return sa.select(Dispute.id).where(of_stripe).order_by(Dispute.id).limit(limit)


# Drift


def record(difference: Difference, began: datetime) -> None:
    """Write a difference down; one row while it lasts. What a person has settled stays settled if it is the same."""
    if difference.kind in OF_ENTRIES:  # one entry, one row: else it would count twice
        resolve([kind for kind in OF_ENTRIES if kind != difference.kind], [difference.about], began)
    values = {
        "ours": difference.ours,
        "theirs": difference.theirs,
        "difference": difference.amount,
        "currency": difference.currency,
        "last_seen_at": began,
    }
    known = _find(difference.kind, difference.about)
    again = {}
    if known is not None and known.resolved_at is not None:
        if known.kind in OF_ENTRIES and known.difference == difference.amount:
            return
        again = {"first_seen_at": began, "resolved_at": None}
    insert = postgresql.insert(Drift).values(
        kind=difference.kind, about=difference.about, first_seen_at=began, **values
    )
    on_both = insert.on_conflict_do_update(index_elements=["kind", "about"], set_={**values, **again})
    session().execute(on_both)


def resolve(kinds: Iterable[str], abouts: Iterable[str], now: datetime) -> None:
    """These are the same here and there by now."""
    gone = sa.update(Drift).where(Drift.kind.in_(list(kinds)), Drift.about.in_(list(abouts)), _counts)
    session().execute(gone.values(resolved_at=sa.func.coalesce(Drift.resolved_at, now), difference=0))


_counts = sa.or_(Drift.resolved_at.is_(None), Drift.difference != 0)


def open_drift() -> list[Drift]:
    """What differs, oldest first."""
    return _now(sa.select(Drift).where(Drift.resolved_at.is_(None)).order_by(Drift.id))


def new_drift(began: datetime) -> list[Drift]:
    """What differs since this run, oldest first."""
    return [drift for drift in open_drift() if drift.first_seen_at == began]


def _find(kind: str, about: str) -> Drift | None:
    return next(iter(_now(sa.select(Drift).where(Drift.kind == kind, Drift.about == about))), None)


def _now(statement: sa.Select[Drift]) -> list[Drift]:
    """As the rows are, not as this session may remember them."""
    return rows(statement.execution_options(populate_existing=True))
