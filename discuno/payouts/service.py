"""Scheduling the mentor's share, and deciding whether it may go."""

from datetime import datetime

import sqlalchemy as sa

from discuno import policy
from discuno.kit import clock
from discuno.kit.db import one_or_none, session
from discuno.mentors import service as mentors
from discuno.mentors.models import EventType, Mentor
from discuno.payments.models import Payment, PaymentStatus
from discuno.payouts.models import MentorStripeAccount, Transfer, TransferStatus


def account_of(mentor: Mentor) -> MentorStripeAccount | None:
    """The mentor's connected account, if there is one."""
    return one_or_none(sa.select(MentorStripeAccount).where(MentorStripeAccount.mentor_id == mentor.id))


def can_be_paid(mentor: Mentor) -> bool:
    """Whether money for this mentor has somewhere to go; paid types are sold only then."""
    account = account_of(mentor)
    return account is not None and account.transfers_active


def bookable(mentor: Mentor) -> list[EventType]:
    """What can be booked now: paid types only while the money would have somewhere to go."""
    offers = mentors.offered(mentor)
    return offers if can_be_paid(mentor) else [offer for offer in offers if offer.is_free]


def payable(mentor_ids: list[int]) -> set[int]:
    """Of these mentors, those whom money can reach."""
    statement = sa.select(MentorStripeAccount.mentor_id).where(
        MentorStripeAccount.mentor_id.in_(mentor_ids), MentorStripeAccount.transfers_active
    )
    return set(session().execute(statement).scalars())


def live_transfer(payment: Payment) -> Transfer | None:
    """The one transfer of a payment that is not cancelled."""
    return one_or_none(
        sa.select(Transfer).where(
            Transfer.payment_id == payment.id, Transfer.status != TransferStatus.CANCELLED
        )
    )


def next_release() -> datetime | None:
    """When the next held share is due."""
    statement = (
        sa.select(sa.func.min(Payment.dispute_period_ends))
        .join(Transfer, Transfer.payment_id == Payment.id)
        .where(Transfer.status == TransferStatus.SCHEDULED, Payment.dispute_period_ends > clock.now())
    )
    return session().execute(statement).scalar_one_or_none()


def schedule(payment: Payment) -> Transfer | None:
    """Write down that the mentor's share will go; once. None when the share is nothing."""
    found = live_transfer(payment)
    if found is not None or payment.mentor_amount == 0:
        return found
    transfer = Transfer(
        payment=payment,
        payment_id=payment.id,
        status=TransferStatus.SCHEDULED,
        amount=payment.mentor_amount,
        currency=payment.currency,
        epoch=1,
        retry_count=0,
        created_at=clock.now(),
    )
    session().add(transfer)
    session().flush()
    return transfer


def reason_to_wait(transfer: Transfer) -> str | None:
    """The first reason why this money must not go now, or None. The one guard, asked under the payment's lock."""
    payment = transfer.payment
    mentor = payment.booking.mentor
    ends = payment.dispute_period_ends
    return policy.ReasonsToWait(
        dispute_period_over=ends is not None and ends <= clock.now(),
        payment_succeeded=payment.status == PaymentStatus.SUCCEEDED,
        dispute_requested=payment.dispute_requested or payment.needs_attention is not None,
        refund_open_or_made=payment.refund_open_or_made,
        mentor_suspended=mentor.suspended_at is not None,
        account_can_receive=can_be_paid(mentor),
    ).first()


def start(transfer: Transfer) -> bool:
    """Take the transfer in hand: True when Stripe may be asked now. Freezes the destination at the first attempt."""
    if transfer.status == TransferStatus.SENDING:  # an answer was lost; the caller looks it up first
        transfer.blocked_by = reason_to_wait(transfer)
        return True
    if transfer.status != TransferStatus.SCHEDULED:
        return False
    transfer.blocked_by = reason_to_wait(transfer)
    if transfer.blocked_by is not None:
        return False
    account = account_of(transfer.payment.booking.mentor)
    if account is None or transfer.destination not in (None, account.stripe_account_id):
        transfer.blocked_by = "account"
        return False
    transfer.account_id = account.id
    transfer.destination = account.stripe_account_id
    transfer.attempted_at = clock.now()
    transfer.move_to(TransferStatus.SENDING)
    return True


def record_sent(transfer: Transfer, stripe_id: str) -> None:
    """Stripe has made it."""
    transfer.stripe_transfer_id = stripe_id
    transfer.error = transfer.blocked_by = None
    transfer.move_to(TransferStatus.SENT)
    if transfer.payment.status == PaymentStatus.SUCCEEDED:
        transfer.payment.move_to(PaymentStatus.TRANSFERRED)


def record_refused(transfer: Transfer, code: str, *, waiting: bool) -> None:
    """Stripe said a definite no: a new epoch, because the old key would replay that no for 24 hours.

    Waiting causes (no balance yet, an account that cannot receive) burn no attempt.
    """
    transfer.epoch += 1
    transfer.error = code
    transfer.blocked_by = code if waiting else None
    transfer.move_to(TransferStatus.SCHEDULED)
    if not waiting:
        transfer.retry_count += 1


def look_first(transfer: Transfer) -> bool:
    """Whether an earlier attempt has an unknown outcome, so that Stripe must be asked before it is told."""
    return transfer.attempted_at is not None and transfer.status == TransferStatus.SENDING


def key_is_stale(transfer: Transfer, now: datetime) -> bool:
    """Whether Stripe may soon forget the key of the attempt, so that only a look-up and a new epoch are safe."""
    return transfer.attempted_at is not None and now - transfer.attempted_at >= policy.LOOK_UP_AFTER
