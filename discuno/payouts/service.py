"""Who can be paid, and whether a share may go now."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import lazyload

from discuno import policy
from discuno.bookings.models import Booking
from discuno.kit import clock
from discuno.kit.db import locked, one_or_none, rows, session
from discuno.kit.errors import NotFound
from discuno.mentors import service as mentors
from discuno.mentors.models import EventType, Mentor
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import pauses
from discuno.payouts.models import (
    RELEASE,
    AccountStatus,
    MentorStripeAccount,
    ReversalStatus,
    Transfer,
    TransferReversal,
    TransferStatus,
)
from discuno.policy import Reason


def account_of(mentor: Mentor) -> MentorStripeAccount | None:
    """The mentor's connected account, if there is one that is not closed."""
    return one_or_none(
        sa.select(MentorStripeAccount).where(
            MentorStripeAccount.mentor_id == mentor.id, MentorStripeAccount.status != AccountStatus.CLOSED
        )
    )


def can_be_paid(mentor: Mentor) -> bool:
    """Whether money for this mentor has somewhere to go; paid types are sold only then."""
    account = account_of(mentor)
    return account is not None and account.can_receive


def bookable(mentor: Mentor) -> list[EventType]:
    """What can be booked now: paid types only while the money would have somewhere to go."""
    offers = mentors.offered(mentor)
    return offers if can_be_paid(mentor) else [offer for offer in offers if offer.is_free]


def payable(mentor_ids: list[int]) -> set[int]:
    """Of these mentors, those whom money can reach."""
    alone = lazyload(MentorStripeAccount.mentor)
    statement = sa.select(MentorStripeAccount).where(
        MentorStripeAccount.mentor_id.in_(mentor_ids), MentorStripeAccount.status == AccountStatus.ACTIVE
    )
    statement = statement.options(alone)
    return {account.mentor_id for account in rows(statement) if account.can_receive}


def objection(payment: Payment) -> Reason | None:
    """Who says that this payment's money should not go at all, or None."""
    return policy.objection(
        [str(case.kind) for case in payment.disputes if case.is_open],
        on_hold=payment.dispute_requested,
        needs_attention=payment.needs_attention is not None,
    )


def standing(
    payment: Payment, *, held: int | None = None, can_receive: bool | None = None, paused: bool | None = None
) -> policy.Standing:
    """Everything that may stand against sending this payment's share, as the rows say now.

    Whoever shows many payments has asked what is held, whether their mentor can receive it, and whether all transfers
    are paused, for all at once.
    """
    mentor = payment.booking.mentor
    ends = payment.dispute_period_ends
    return policy.Standing(
        dispute_period_over=ends is not None and ends <= clock.now(),
        paid=payment.status.has_money,
        objection=objection(payment),
        refund_open=payment.refund_is_open,
        held=ledger.held(payment) if held is None else held,
        mentor_suspended=mentor.suspended_at is not None,
        account_can_receive=can_be_paid(mentor) if can_receive is None else can_receive,
        same_currency=payment.settlement_currency in (None, payment.currency),
        paused=pauses.is_on() if paused is None else paused,
    )


def reason_to_wait(transfer: Transfer) -> Reason | None:
    """The first reason why this money must not go now, or None: the one guard, at the claim and under the lock."""
    return standing(transfer.payment).reason_to_wait()


def nothing_stands(payment: Payment) -> bool:
    """Whether only time or the mentor's own account can still keep what is held."""
    only_time = (
        *(None, Reason.DISPUTE_PERIOD, Reason.SUSPENDED, Reason.PAUSED, Reason.OTHER_CURRENCY),
        Reason.ACCOUNT,
    )
    coming_back = any(r.status == ReversalStatus.REQUESTED for t in payment.transfers for r in t.reversals)
    return standing(payment).reason_to_wait() in only_time and not coming_back


def live_transfer(payment: Payment) -> Transfer | None:
    """The one release of a payment that is neither cancelled nor taken back."""
    return one_or_none(
        sa.select(Transfer).where(
            Transfer.payment_id == payment.id,
            Transfer.kind == RELEASE,
            Transfer.status.not_in([TransferStatus.CANCELLED, TransferStatus.REVERSED]),
        )
    )


def by_stripe_id(stripe_transfer_id: str) -> Transfer | None:
    """Our row of a transfer at Stripe."""
    return one_or_none(sa.select(Transfer).where(Transfer.stripe_transfer_id == stripe_transfer_id))


def was_transferred(payment: Payment) -> bool:
    """Whether the mentor has ever had the share: sent, or used for a debt of theirs."""
    return any(
        t.stripe_transfer_id is not None or t.status == TransferStatus.NETTED for t in payment.transfers
    )


def has_money_waiting(mentor_id: int) -> bool:
    """Whether a share of this mentor waits to be transferred."""
    statement = (
        sa.select(Transfer.id)
        .join(Transfer.payment)
        .join(Payment.booking)
        .where(Transfer.status == TransferStatus.SCHEDULED, Booking.mentor_id == mentor_id)
    )
    return session().execute(statement.limit(1)).scalar_one_or_none() is not None


def next_release() -> datetime | None:
    """When the next held share is due."""
    statement = (
        sa.select(sa.func.min(Payment.dispute_period_ends))
        .join(Transfer, Transfer.payment_id == Payment.id)
        .where(Transfer.status == TransferStatus.SCHEDULED, Payment.dispute_period_ends > clock.now())
    )
    return session().execute(statement).scalar_one_or_none()


def locked_transfer(transfer_id: int) -> Transfer:
    """The transfer, locked after its payment and booking: the order in which everybody takes them."""
    its_payment = sa.select(Transfer.payment_id).where(Transfer.id == transfer_id)
    payment_id = session().execute(its_payment).scalar_one_or_none()
    if payment_id is None:
        raise NotFound("There is no such transfer.")
    payments.locked_payment(payment_id)
    return locked(Transfer, transfer_id)


def locked_reversal(reversal_id: int) -> TransferReversal:
    """The reversal, locked after its payment and transfer."""
    locked_transfer(session().get_one(TransferReversal, reversal_id).transfer_id)
    return locked(TransferReversal, reversal_id)
