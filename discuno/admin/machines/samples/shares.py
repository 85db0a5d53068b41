"""What became of the money in the samples: refunds, transfers, what was taken back, and payouts."""

from collections.abc import Iterator
from datetime import datetime

from discuno.admin.machines.samples.cast import DAY, FIRST, LUCIA, NOOR, TOMAS
from discuno.admin.machines.samples.sold import (
    AMOUNT,
    CANCELLED,
    DECIDED,
    DELAYED,
    KIND,
    LYING,
    OBJECTED,
    OLD,
    OWED,
    PAYING,
    REFUSED,
    SENT,
    STUCK,
    TAKEN_BACK,
    WON,
    YEN,
    parts,
    posting,
)
from discuno.kit.db import Base
from discuno.payments.models import Account, PostingKind, Refund, RefundStatus
from discuno.payouts.models import (
    WISH,
    Payout,
    PayoutStatus,
    ReversalStatus,
    Transfer,
    TransferReversal,
    TransferStatus,
)

ARRIVED, ON_ITS_WAY, CAME_BACK, NOT_MADE, FOUND = (FIRST + n for n in range(1, 6))  # payouts
TOO_LARGE = {"failure_code": "amount_too_large", "error": "It is larger than a payout may be."}
K, R, T, W = PostingKind, RefundStatus, TransferStatus, PayoutStatus


def shares(now: datetime) -> Iterator[Base]:
    """All of it, in the order in which it happened to Lucía's account; in the others money lies."""
    yield from _refunds(now)
    yield from _sent(OLD, now - 75 * DAY, account=TOMAS)
    yield from _sent(LYING, now - 4 * DAY, account=NOOR)
    yield from _sent(WON, now - 7 * DAY)
    yield from _paid_out(ARRIVED, now - 6 * DAY, status=W.PAID, arrives_on=now - DAY)
    yield from _sent(OWED, now - 5 * DAY)
    yield from _sent(TAKEN_BACK, now - 4 * DAY, status=T.REVERSED)
    yield _reversal(TAKEN_BACK, now - 3 * DAY, about=f"{WISH}sample", status=ReversalStatus.MADE)
    yield from _moved(K.REVERSAL, f"trr_{TAKEN_BACK}", TAKEN_BACK, now - 3 * DAY, back=True)
    yield from _paid_out(ON_ITS_WAY, now - 2 * DAY, status=W.IN_TRANSIT, arrives_on=now + 2 * DAY)
    yield from _owed_and_paid(now - DAY)
    yield from _sent(SENT, now)
    yield _transfer(STUCK, now, status=T.SCHEDULED, retry_count=3, error="account_invalid")
    yield _payout(CAME_BACK, now, status=W.FAILED, failure_code="account_closed")
    yield _payout(NOT_MADE, now, status=W.CANCELED, stripe_payout_id=None, **TOO_LARGE)
    yield _payout(FOUND, now, status=W.PENDING, origin="stripe")


# Back to the attendee


def _refunds(now: datetime) -> Iterator[Base]:
    yield _refund(CANCELLED, now, reason="booking_cancelled", status=R.REQUESTED)
    yield _refund(KIND, now, amount=AMOUNT // 3, status=R.PENDING)
    yield _refund(DELAYED, now, status=R.FAILED, error="The card was cancelled (expired_or_canceled_card).")
    for number, reason in ((REFUSED, "booking_refused"), (DECIDED, f"report:{DECIDED}"), (YEN, "admin")):
        yield _refund(number, now, reason=reason, currency="jpy" if number == YEN else "usd")
        yield from _gone(K.REFUND, number, now)
    yield from _gone(K.DISPUTE_WITHDRAWN, OBJECTED, now)


def _refund(number: int, now: datetime, **more: object) -> Refund:
    given = {
        "amount": AMOUNT,
        "currency": "usd",
        "reason": "admin",
        "status": R.SUCCEEDED,
        "nonce": "sample",
        "created_at": now,
        "next_try_at": now,
    }
    return Refund(id=number, payment_id=number, **{**given, **more})


def _gone(kind: PostingKind, number: int, at: datetime) -> Iterator[Base]:
    """All of a payment has left, and the mentor's share was still here."""
    legs = {Account.STRIPE: -AMOUNT, Account.FEES: parts().platform_fee, Account.HELD: parts().mentor_amount}
    yield from posting(kind, f"{kind}_{number}", legs, at, number, currency="jpy" if number == YEN else "usd")


# To the mentor


def _sent(number: int, at: datetime, account: int = LUCIA, status: TransferStatus = T.SENT) -> Iterator[Base]:
    at_stripe = f"tr_sample{number - FIRST}"
    yield _transfer(number, at, account, status=status, stripe_transfer_id=at_stripe, sent_at=at)
    yield from _moved(K.TRANSFER, at_stripe, number, at, account)


def _transfer(number: int, at: datetime, account: int = LUCIA, **more: object) -> Transfer:
    given = {"amount": parts().mentor_amount, "currency": "usd", "created_at": at, "next_try_at": at}
    return Transfer(id=number, payment_id=number, account_id=account, **given, **more)


def _moved(
    kind: PostingKind, source: str, number: int, at: datetime, mentor: int = LUCIA, *, back: bool = False
) -> Iterator[Base]:
    """A share is in the connected account, or is here again."""
    amount = -parts().mentor_amount if back else parts().mentor_amount
    legs = {
        Account.STRIPE: -amount,
        Account.CONNECTED: amount,
        Account.MENTORS: -amount,
        Account.HELD: amount,
    }
    yield from posting(kind, source, legs, at, number, mentor)


def _reversal(number: int, at: datetime, **more: object) -> TransferReversal:
    given = {"amount": parts().mentor_amount, "created_at": at, "next_try_at": at}
    return TransferReversal(id=number, transfer_id=number, **given, **more)


def _owed_and_paid(at: datetime) -> Iterator[Base]:
    """A share that was at the bank already had to come back, and another one has paid for it."""
    yield _refund(OWED, at)
    legs = {Account.STRIPE: -AMOUNT, Account.FEES: parts().platform_fee, Account.DEBT: parts().mentor_amount}
    yield from posting(K.REFUND, f"re_{OWED}", legs, at, OWED)
    yield _reversal(
        OWED, at, about=f"refund:{OWED}", status=ReversalStatus.FAILED, error="balance_insufficient"
    )
    yield _transfer(PAYING, at, status=T.NETTED)
    paid = {Account.HELD: parts().mentor_amount, Account.DEBT: -parts().mentor_amount}
    yield from posting(K.DEBT_NETTED, f"transfer:{PAYING}:1", paid, at, PAYING)


# To the bank


def _paid_out(number: int, at: datetime, **more: object) -> Iterator[Base]:
    payout = _payout(number, at, **more)
    yield payout
    legs = {Account.CONNECTED: -payout.amount, Account.BANK: payout.amount}
    yield from posting(K.PAYOUT, str(payout.stripe_payout_id), legs, at, None)


def _payout(number: int, at: datetime, **more: object) -> Payout:
    given = {
        "account_id": LUCIA,
        "amount": parts().mentor_amount,
        "currency": "usd",
        "origin": "automatic",
        "stripe_payout_id": f"po_sample{number - FIRST}",
        "created_at": at,
        "next_try_at": at,
    }
    return Payout(id=number, **{**given, **more})
