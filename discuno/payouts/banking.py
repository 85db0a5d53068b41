"""From a mentor's connected account to their bank: what may leave it, what is on its way, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from discuno import policy
from discuno.kit import clock
from discuno.kit.db import locked, one_or_none, rows, session
from discuno.payments import ledger
from discuno.payments.models import Account, LedgerEntry, Payment
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

W = PayoutStatus
AUTOMATIC, BY_MENTOR, BY_STRIPE = "automatic", "mentor", "stripe"  # who wanted a payout
WAITS = {
    "closed": "The Stripe account is no longer connected with us.",
    "not_ours": "The Stripe account does not carry the mentor's mark, so a person looks at it first.",
    "suspended": "The mentor's account with us is suspended.",
    "payouts_disabled": "Stripe pays nothing out of the account until it has what it asks for.",
}
ACCOUNT_CODES = frozenset(  # refusals that the mentor can end; the others are ours to look at
    {"payouts_not_allowed", "capability_not_active", "no_account", "account_closed", "bank_account_unusable"}
)


class PayoutSeen(Protocol):
    """A payout as Stripe has it."""

    @property
    def id(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def amount(self) -> int: ...

    @property
    def currency(self) -> str: ...

    @property
    def payout_id(self) -> int | None: ...

    @property
    def arrives_on(self) -> datetime: ...

    @property
    def failure_code(self) -> str | None: ...


# What may leave


def reason_to_wait(account: MentorStripeAccount) -> str | None:
    """Why nothing is paid out of this account now, or None: the one guard of payouts to the bank."""
    checks = (
        ("closed", account.status == AccountStatus.CLOSED),
        ("not_ours", not account.is_ours),
        ("suspended", account.mentor.suspended_at is not None),
        ("payouts_disabled", not account.payouts_enabled),
    )
    stands = next((reason for reason, is_so in checks if is_so), None)
    return stands or (account.payouts_blocked_by if _rests(account) else None)


def in_words(reason: str) -> str:
    """A reason to wait, for people."""
    return WAITS.get(reason, f"The last payout did not go through (Stripe's code: {reason}).")


def _rests(account: MentorStripeAccount) -> bool:
    """Whether the last payout failed less than a day ago, and nothing has changed since."""
    if account.payouts_blocked_by is None:
        return False
    statement = sa.select(sa.func.max(Payout.next_try_at)).where(
        Payout.account_id == account.id, Payout.status.in_([W.FAILED, W.CANCELED])
    )
    until = session().execute(statement).scalar_one()
    return until is not None and until > clock.now()


def kept(account: MentorStripeAccount, currency: str) -> int:
    """What must stay in the account: money that is being asked back, or that somebody objects to. Minor units."""
    asked_back = (
        sa.select(sa.func.coalesce(sa.func.sum(TransferReversal.amount), 0))
        .join(TransferReversal.transfer)
        .where(
            Transfer.account_id == account.id,
            Transfer.currency == currency,
            TransferReversal.status == ReversalStatus.REQUESTED,
        )
    )
    in_doubt = rows(
        sa.select(Transfer)
        .join(Transfer.payment)
        .where(
            Transfer.account_id == account.id,
            Transfer.currency == currency,
            Transfer.status == TransferStatus.SENT,
            sa.or_(Payment.dispute_requested, Payment.disputes.any()),
        )
    )
    objected = sum(t.reversible for t in in_doubt if _somebody_objects(t.payment))
    return int(session().execute(asked_back).scalar_one()) + objected


def _somebody_objects(payment: Payment) -> bool:
    return payment.dispute_requested or any(case.is_open for case in payment.disputes)


def free(account: MentorStripeAccount, available: Mapping[str, int]) -> dict[str, int]:
    """Of what Stripe says is available, what may be paid out, by currency; nothing where a payout is being made."""
    being_made = set(
        session()
        .execute(
            sa.select(Payout.currency).where(Payout.account_id == account.id, Payout.status == W.REQUESTED)
        )
        .scalars()
    )
    amounts = {
        currency: amount - kept(account, currency)
        for currency, amount in available.items()
        if amount > 0 and currency not in being_made
    }
    return {currency: amount for currency, amount in amounts.items() if amount > 0}


# On its way


def add(
    account: MentorStripeAccount, amount: int, currency: str, origin: str, nonce: str | None = None
) -> Payout:
    """One payout: to be made by us, or made by Stripe itself. Under the account's lock."""
    payout = Payout(
        account=account,
        account_id=account.id,
        amount=amount,
        currency=currency,
        status=W.REQUESTED,
        origin=origin,
        nonce=nonce,
        epoch=1,
        unknown_count=0,
        next_try_at=clock.now(),
        created_at=clock.now(),
    )
    session().add(payout)
    session().flush()
    return payout


def of_wish(account: MentorStripeAccount, nonce: str) -> list[Payout]:
    """What a mentor's earlier click of the same wish has made."""
    return rows(sa.select(Payout).where(Payout.account_id == account.id, Payout.nonce == nonce))


def locked_payout(payout_id: int) -> Payout:
    """The payout, locked after its account."""
    locked(MentorStripeAccount, session().get_one(Payout, payout_id).account_id)
    return locked(Payout, payout_id)


def known(account: MentorStripeAccount, seen: PayoutSeen) -> Payout | None:
    """Our row of a payout at Stripe, by its id, or by ours while we do not know its id. Locked."""
    by_its_id = Payout.stripe_payout_id == seen.id
    by_ours = sa.and_(
        Payout.id == seen.payout_id, Payout.status == W.REQUESTED, Payout.stripe_payout_id.is_(None)
    )
    statement = sa.select(Payout).where(Payout.account_id == account.id, sa.or_(by_its_id, by_ours))
    found = one_or_none(statement)
    return locked_payout(found.id) if found is not None else None


def is_stale(payout: Payout) -> bool:
    """Whether the balance it was measured by is too old to send it; a mentor's own wish stays as it was said."""
    old = clock.now() - payout.created_at > policy.PAYOUT_STALE
    return payout.origin == AUTOMATIC and not payout.has_unknown_outcome and old


def drop(payout: Payout, why: str) -> None:
    """It is not made; the money stays in the account."""
    payout.failure_code = why
    payout.move_to(W.CANCELED)


def block(payout: Payout, code: str) -> None:
    """No payout is tried from this account until it changes, or a day has passed."""
    payout.account.payouts_blocked_by = code
    payout.next_try_at = clock.now() + policy.PAYOUT_RESTS


def record(payout: Payout, seen: PayoutSeen) -> bool:
    """Take Stripe's word on a payout into row and books; whether the word is new. An unknown word changes nothing.

    Raises ValueError when Stripe has made another payout for this row as well.
    """
    account = payout.account
    money = (account.mentor_id, seen.amount, seen.currency, seen.id)
    if payout.stripe_payout_id is None:
        payout.stripe_payout_id, payout.amount, payout.currency = seen.id, seen.amount, seen.currency
        ledger.paid_out(*money)
    elif payout.stripe_payout_id != seen.id:
        raise ValueError(f"{payout!r} is {payout.stripe_payout_id} and {seen.id} too")
    word = next((status for status in W if status == seen.status), payout.status)
    is_news = word in Payout.MOVES[payout.status] and payout.move_to(word)
    if is_news and word in (W.FAILED, W.CANCELED):
        ledger.payout_undone(*money)
    payout.arrives_on, payout.failure_code = seen.arrives_on, seen.failure_code
    if payout.status.is_open:
        payout.next_try_at = max(seen.arrives_on, clock.now()) + policy.TRANSFER_WAIT
    return is_news


def to_follow() -> list[Payout]:
    """Payouts whose end should have been told by now."""
    return rows(
        sa.select(Payout).where(
            Payout.status.in_([W.PENDING, W.IN_TRANSIT]), Payout.next_try_at <= clock.now()
        )
    )


# What lies there


def _lying() -> sa.Subquery:
    """What the books say lies in the connected accounts, by mentor and currency."""
    return (
        sa.select(
            LedgerEntry.mentor_id, LedgerEntry.currency, sa.func.sum(LedgerEntry.amount).label("amount")
        )
        .where(LedgerEntry.account == Account.CONNECTED)
        .group_by(LedgerEntry.mentor_id, LedgerEntry.currency)
        .having(sa.func.sum(LedgerEntry.amount) > 0)
        .subquery()
    )


def with_money() -> list[MentorStripeAccount]:
    """Live accounts in which money lies, by the books."""
    mentors = sa.select(_lying().c.mentor_id)
    return rows(
        sa.select(MentorStripeAccount)
        .where(MentorStripeAccount.status != AccountStatus.CLOSED, MentorStripeAccount.mentor_id.in_(mentors))
        .order_by(MentorStripeAccount.id)
    )


@dataclass(frozen=True)
class Lying:
    """Money in a connected account, in minor units, and since when the oldest of it has been there."""

    amount: int
    currency: str
    since: datetime


def lying(account: MentorStripeAccount) -> list[Lying]:
    """What lies in an account by the books, by currency: first in, first out."""
    sums = _lying()
    found = session().execute(
        sa.select(sums.c.currency, sums.c.amount).where(sums.c.mentor_id == account.mentor_id)
    )
    return [
        Lying(int(amount), currency, since)
        for currency, amount in found
        if (since := _oldest(account, currency, int(amount))) is not None
    ]


def _oldest(account: MentorStripeAccount, currency: str, amount: int) -> datetime | None:
    """When the oldest of what is left came: what is left is what came last."""
    taken_back = (
        sa.select(sa.func.coalesce(sa.func.sum(TransferReversal.amount), 0))
        .where(TransferReversal.transfer_id == Transfer.id, TransferReversal.status == ReversalStatus.MADE)
        .scalar_subquery()
    )
    latest_first = (Transfer.sent_at.desc(), Transfer.id.desc())
    so_far = sa.func.sum(Transfer.amount - taken_back).over(order_by=latest_first).label("so_far")
    came = (
        sa.select(Transfer.sent_at, so_far)
        .where(
            Transfer.account_id == account.id,
            Transfer.currency == currency,
            Transfer.status == TransferStatus.SENT,
        )
        .subquery()
    )
    oldest = sa.select(sa.func.max(came.c.sent_at)).where(came.c.so_far >= amount).scalar_subquery()
    since: datetime | None = (
        session().execute(sa.select(sa.func.coalesce(oldest, sa.func.min(came.c.sent_at)))).scalar_one()
    )
    return since


def strands_soon(account: MentorStripeAccount) -> list[Lying]:
    """Money that has lain so long that Stripe's limit for the country comes near."""
    limit = policy.holding_alert(account.country)
    return [money for money in lying(account) if clock.now() - money.since >= limit]
