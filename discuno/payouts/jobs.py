"""Doors to Stripe for money out: transfer the mentor's share when nothing stands against it."""

from dataclasses import dataclass

from discuno import journey, policy
from discuno.edges import stripe
from discuno.edges.stripe import StripeRefused, TransferRequest
from discuno.kit import clock, outbox
from discuno.kit.db import locked, session, transaction
from discuno.payments.models import Payment
from discuno.payouts import service as payouts
from discuno.payouts.models import Transfer, TransferStatus

WAITING_CODES = frozenset(
    {
        "balance_insufficient",
        "account_invalid",
        "transfers_not_allowed",
        "capability_not_active",
        "insufficient_capabilities_for_transfer",
        "rate_limit",
        "lock_timeout",
    }
)


@dataclass(frozen=True)
class _Attempt:
    """What was decided about a transfer, read under the lock."""

    request: TransferRequest
    look_first: bool
    key_is_stale: bool
    reason_to_wait: str | None


@outbox.task("release_transfer", queue="money")
def release_transfer(transfer_id: int) -> None:
    """Transfer the mentor's share, once. An attempt whose outcome is unknown is looked up before it is made again."""
    attempt = _decide(transfer_id)
    if attempt is None:
        return
    wanted = attempt.request
    if attempt.look_first:
        found = stripe.find_transfer(wanted.transfer_group, transfer_id)
        if found is not None:
            _record(transfer_id, found.id)
            return
        if attempt.reason_to_wait is not None:  # it was not made, and now something stands against it
            raise outbox.Later(clock.now() + policy.TRANSFER_WAIT, f"waits: {attempt.reason_to_wait}")
        if attempt.key_is_stale:
            _new_epoch(transfer_id)
            raise outbox.Later(clock.now(), "the key is too old; a new epoch is begun")
    try:
        made = stripe.transfer(wanted)
    except StripeRefused as refusal:
        _refused(transfer_id, refusal.code)
        return
    _record(transfer_id, made.id)


def _decide(transfer_id: int) -> _Attempt | None:
    """Lock the payment, ask the guard, and freeze the request. None when there is nothing to do for good."""
    with transaction():
        transfer = _locked(transfer_id)
        payment = transfer.payment
        look_first = payouts.look_first(transfer)
        may_go = payouts.start(transfer)
        now = clock.now()
        if may_go:
            return _Attempt(
                request=_request(transfer, payment),
                look_first=look_first,
                key_is_stale=look_first and payouts.key_is_stale(transfer, now),
                reason_to_wait=transfer.blocked_by,
            )
        waits = transfer.status == TransferStatus.SCHEDULED
        ends = payment.dispute_period_ends
    if not waits:
        return None
    due = ends if ends is not None and ends > now else now + policy.TRANSFER_WAIT
    raise outbox.Later(due, f"waits: {transfer.blocked_by}")


def _locked(transfer_id: int) -> Transfer:
    """The transfer, locked after its payment: the order in which everybody takes them."""
    locked(Payment, session().get_one(Transfer, transfer_id).payment_id)
    return locked(Transfer, transfer_id)


def _request(transfer: Transfer, payment: Payment) -> TransferRequest:
    if transfer.destination is None or payment.stripe_charge_id is None:
        raise ValueError("a transfer is started with a destination and a charge")
    return TransferRequest(
        transfer_id=transfer.id,
        amount=transfer.amount,
        currency=transfer.currency,
        destination=transfer.destination,
        source_transaction=payment.stripe_charge_id,
        transfer_group=payment.transfer_group,
        key=transfer.key,
    )


def _record(transfer_id: int, stripe_id: str) -> None:
    with transaction():
        payouts.record_sent(_locked(transfer_id), stripe_id)


def _new_epoch(transfer_id: int) -> None:
    with transaction():
        payouts.record_refused(_locked(transfer_id), "outcome_unknown", waiting=True)


def _refused(transfer_id: int, code: str) -> None:
    """A definite no: it is written down, and tried again later under a new key."""
    waiting = code in WAITING_CODES
    with transaction():
        transfer = _locked(transfer_id)
        journey.transfer_refused(transfer, code, waiting=waiting)
        tries = transfer.retry_count
    delay = policy.TRANSFER_WAIT if waiting else policy.transfer_backoff(tries)
    raise outbox.Later(clock.now() + delay, f"refused: {code}")
