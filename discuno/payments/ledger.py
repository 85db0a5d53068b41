"""The books: append-only double entries, each posting made once per (kind, Stripe object) and summing to zero.

Whatever is asked of the books is asked under the payment's lock, so that two hands never share the same cent out.
The mentor's share of a payment is a liability (HELD) until it is transferred. What must be taken from a mentor is
taken from what is held for that payment, and beyond that becomes their debt; what is given to a mentor first ends
the debt.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from discuno import policy
from discuno.kit import clock
from discuno.kit.db import locked, session
from discuno.mentors.models import Mentor
from discuno.payments.models import Account, LedgerEntry, Payment, PostingKind

Legs = Mapping[Account, int]
GONE = (
    PostingKind.REFUND,
    PostingKind.REFUND_UNDONE,
    PostingKind.DISPUTE_WITHDRAWN,
    PostingKind.DISPUTE_REINSTATED,
)


def is_posted(kind: PostingKind, source: str) -> bool:
    """Whether this has been written down."""
    statement = sa.select(LedgerEntry.id).where(LedgerEntry.kind == kind, LedgerEntry.source == source)
    return session().execute(statement.limit(1)).scalar_one_or_none() is not None


def posted_at(kind: PostingKind, source: str) -> datetime | None:
    """When this was written down, or None."""
    statement = sa.select(LedgerEntry.posted_at).where(LedgerEntry.kind == kind, LedgerEntry.source == source)
    return session().execute(statement.limit(1)).scalar_one_or_none()


def post(
    kind: PostingKind,
    source: str,
    legs: Legs,
    *,
    currency: str,
    payment_id: int | None,
    mentor_id: int | None,
) -> bool:
    """Write one posting down; False when it is there already. Raises ValueError when it does not sum to zero."""
    if sum(legs.values()) != 0:
        raise ValueError(f"{kind} {source} does not sum to zero: {dict(legs)}")
    if is_posted(kind, source):
        return False
    about = {"currency": currency, "payment_id": payment_id, "mentor_id": mentor_id, "posted_at": clock.now()}
    session().add_all(
        LedgerEntry(kind=kind, source=source, account=account, amount=amount, **about)
        for account, amount in legs.items()
        if amount
    )
    session().flush()
    return True


def _post(payment: Payment, kind: PostingKind, source: str, legs: Legs) -> bool:
    return post(
        kind,
        source,
        legs,
        currency=payment.currency,
        payment_id=payment.id,
        mentor_id=payment.booking.mentor_id,
    )


# What the books say


def balance(payment: Payment, account: Account) -> int:
    """The sum of a payment's entries in an account."""
    statement = sa.select(sa.func.coalesce(sa.func.sum(LedgerEntry.amount), 0)).where(
        LedgerEntry.payment_id == payment.id, LedgerEntry.account == account
    )
    return int(session().execute(statement).scalar_one())


def held(payment: Payment) -> int:
    """What waits to be transferred to the mentor for this payment, in minor units."""
    return -balance(payment, Account.HELD)


def held_of(payment_ids: Collection[int]) -> dict[int, int]:
    """The same for many at once; payments for which nothing is held are left out."""
    statement = (
        sa.select(LedgerEntry.payment_id, -sa.func.sum(LedgerEntry.amount))
        .where(LedgerEntry.payment_id.in_(payment_ids), LedgerEntry.account == Account.HELD)
        .group_by(LedgerEntry.payment_id)
    )
    found = session().execute(statement)
    return {payment_id: int(amount) for payment_id, amount in found if payment_id is not None and amount}


def gone(payment: Payment) -> int:
    """What has left for good or for now: refunded and disputed away, in minor units."""
    statement = sa.select(sa.func.coalesce(sa.func.sum(LedgerEntry.amount), 0)).where(
        LedgerEntry.payment_id == payment.id,
        LedgerEntry.account == Account.STRIPE,
        LedgerEntry.kind.in_(GONE),
    )
    return -int(session().execute(statement).scalar_one())


def divided(payment: Payment) -> policy.Divided | None:
    """How a decision has divided what stays of it, if one has."""
    if payment.divided_at is None or payment.divided_mentor is None:
        return None
    return policy.Divided(payment.divided_at, payment.divided_mentor)


def bearing(payment: Payment, before: int, after: int) -> policy.Bearing:
    """Who bears it when what is gone of a payment changes so, in minor units."""
    return policy.bearing(payment.amount, payment.platform_fee, before, after, divided(payment))


def debt_of(mentor_id: int, currency: str) -> int:
    """What a mentor owes us in this currency, in minor units."""
    statement = sa.select(sa.func.coalesce(sa.func.sum(LedgerEntry.amount), 0)).where(
        LedgerEntry.mentor_id == mentor_id,
        LedgerEntry.account == Account.DEBT,
        LedgerEntry.currency == currency,
    )
    return int(session().execute(statement).scalar_one())


def debt_made(payment: Payment) -> tuple[int, int]:
    """The debt this payment has made and what of it is still owed, in minor units.

    What other sessions' shares have paid counts for the oldest debts first.
    """
    is_paying = LedgerEntry.kind == PostingKind.DEBT_NETTED
    statement = (
        sa.select(LedgerEntry.payment_id, is_paying, sa.func.sum(LedgerEntry.amount))
        .where(
            LedgerEntry.mentor_id == payment.booking.mentor_id,
            LedgerEntry.account == Account.DEBT,
            LedgerEntry.currency == payment.currency,
        )
        .group_by(LedgerEntry.payment_id, is_paying)
        .order_by(LedgerEntry.payment_id)
    )
    sums = [(int(p or 0), bool(paying), int(total)) for p, paying, total in session().execute(statement)]
    paid = -sum(total for _, paying, total in sums if paying)
    for payment_id, paying, made in sums:
        if payment_id == payment.id and not paying:
            return made, made - min(made, max(0, paid))
        paid -= 0 if paying else made
    return 0, 0


def lock_debts(mentor_id: int) -> None:
    """Whoever makes a mentor's debts smaller takes this lock first, after those of payment and booking."""
    locked(Mentor, mentor_id)


# What is written into them


def captured(payment: Payment, charge_id: str) -> None:
    """The attendee's money is here: our fee is ours, the mentor's share is owed."""
    legs = {
        Account.STRIPE: payment.amount,
        Account.HELD: -payment.mentor_amount,
        Account.FEES: -payment.platform_fee,
    }
    _post(payment, PostingKind.CAPTURE, charge_id, legs)


def stripe_fee(
    payment: Payment, entry_id: str, fee: int, *, kind: PostingKind = PostingKind.STRIPE_FEE
) -> None:
    """What Stripe kept of a charge or for a dispute, by its balance transaction: the platform's own expense."""
    _post(payment, kind, entry_id, {Account.STRIPE_FEES: fee, Account.STRIPE: -fee})


def money_left(payment: Payment, amount: int, kind: PostingKind, source: str) -> None:
    """`amount` went back to the attendee or their bank: mentor and platform bear it pro rata."""
    if is_posted(kind, source):
        return
    parts = bearing(payment, gone(payment), gone(payment) + amount)
    legs = {Account.STRIPE: -amount, Account.FEES: parts.platform_fee, Account.LOSS: parts.loss}
    _post(payment, kind, source, {**legs, **_from_mentor(payment, parts.mentor)})


def money_returned(payment: Payment, amount: int, kind: PostingKind, source: str) -> None:
    """`amount` that had left is here again: a refund the bank sent back, a dispute that was won."""
    if is_posted(kind, source):
        return
    parts = bearing(payment, gone(payment), gone(payment) - amount)
    legs = {Account.STRIPE: amount, Account.FEES: parts.platform_fee, Account.LOSS: parts.loss}
    _post(payment, kind, source, {**legs, **_to_mentor(payment, -parts.mentor)})


def transferred(payment: Payment, amount: int, transfer_id: str) -> None:
    """The share went to the connected account. What of it was no longer held by then is the mentor's debt."""
    legs = {Account.STRIPE: -amount, Account.CONNECTED: amount, Account.MENTORS: -amount}
    _post(payment, PostingKind.TRANSFER, transfer_id, {**legs, **_from_mentor(payment, amount)})


def reversed_(payment: Payment, amount: int, reversal_id: str) -> None:
    """Money came back from the connected account."""
    legs = {Account.STRIPE: amount, Account.CONNECTED: -amount, Account.MENTORS: amount}
    _post(payment, PostingKind.REVERSAL, reversal_id, {**legs, **_to_mentor(payment, amount)})


def divide(payment: Payment, refund: int, to_mentor: int, source: str) -> None:
    """A decision divides what stays when `refund` has gone back: `to_mentor` is the mentor's, the rest ours.

    In minor units; `refund` is all that is on its way back. Written down at once, before that is made: what the
    mentor's part differs from the frozen split is between the two of us. Raises ValueError for more than there is, or
    when it was divided before.
    """
    going, before = gone(payment) + refund, policy.kept(payment.amount, payment.platform_fee, gone(payment))
    if divided(payment) is not None or min(refund, to_mentor, payment.amount - going - to_mentor) < 0:
        raise ValueError(f"{payment!r} cannot be divided so: {refund} back, {to_mentor} to the mentor")
    payment.divided_at, payment.divided_mentor = going, to_mentor
    after = policy.kept(payment.amount, payment.platform_fee, gone(payment), divided(payment))
    more = after[0] - before[0]
    legs = {Account.FEES: more, **(_to_mentor(payment, more) if more > 0 else _from_mentor(payment, -more))}
    _post(payment, PostingKind.SPLIT, source, legs)


def debt_netted(payment: Payment, amount: int, source: str) -> None:
    """So much of what is held for this payment pays a debt of the mentor instead."""
    _post(payment, PostingKind.DEBT_NETTED, source, {Account.HELD: amount, Account.DEBT: -amount})


def paid_out(mentor_id: int, amount: int, currency: str, payout_id: str) -> None:
    """Money left the connected account for the mentor's bank."""
    legs = {Account.CONNECTED: -amount, Account.BANK: amount}
    post(PostingKind.PAYOUT, payout_id, legs, currency=currency, payment_id=None, mentor_id=mentor_id)


def payout_undone(mentor_id: int, amount: int, currency: str, payout_id: str) -> None:
    """A payout failed, perhaps after it had arrived: the money is in the connected account again."""
    legs = {Account.CONNECTED: amount, Account.BANK: -amount}
    post(PostingKind.PAYOUT_UNDONE, payout_id, legs, currency=currency, payment_id=None, mentor_id=mentor_id)


def _from_mentor(payment: Payment, amount: int) -> dict[Account, int]:
    """Take from what is held for this payment; what is missing becomes debt."""
    there = min(amount, held(payment))
    return {Account.HELD: there, Account.DEBT: amount - there}


def _to_mentor(payment: Payment, amount: int) -> dict[Account, int]:
    """End the debt this payment has made, unless another payment has paid it already; the rest is held again."""
    owed = 0
    if debt_made(payment)[1] > 0:
        lock_debts(payment.booking.mentor_id)
        owed = min(amount, debt_made(payment)[1])
    return {Account.DEBT: -owed, Account.HELD: -(amount - owed)}
