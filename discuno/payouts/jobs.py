"""Doors to Stripe for money out: a transfer, a reversal. Each is decide / call / record by `kit.outgoing`."""

import time

from flask import current_app

from discuno import journey
from discuno.edges import pace, stripe
from discuno.edges.stripe import ReversalFacts, ReversalRequest, TransferFacts, TransferRequest
from discuno.kit import outbox, outgoing
from discuno.payouts import service as payouts
from discuno.payouts.models import ReversalStatus, Transfer, TransferReversal, TransferStatus


def _transfer_request(transfer: Transfer) -> TransferRequest:
    payment = transfer.payment
    if transfer.destination is None or payment.stripe_charge_id is None:
        raise ValueError("a transfer is frozen with a destination, and its charge is known")
    return TransferRequest(
        transfer_id=transfer.id,
        amount=transfer.amount,
        currency=transfer.currency,
        destination=transfer.destination,
        # What a bank gave back is a new amount in our balance, not part of the charge any more.
        source_transaction=payment.stripe_charge_id if transfer.is_release else None,
        transfer_group=payment.transfer_group,
        key=transfer.key,
    )


def _prepare_transfer(transfer: Transfer) -> TransferRequest | None:
    return _transfer_request(transfer) if journey.may_transfer(transfer) else None


def _transfer_in_turn(wanted: TransferRequest) -> TransferFacts:
    """At most so many transfers a second, from all processes together: Stripe's limit is 25, and others need some."""
    time.sleep(pace.turn("transfers", current_app.config["STRIPE_TRANSFER_RATE"]))
    return stripe.transfer(wanted)


TRANSFER: outgoing.Kind[Transfer, TransferRequest, TransferFacts] = outgoing.Kind(
    lock=payouts.locked_transfer,
    is_open=lambda t: t.status in (TransferStatus.SCHEDULED, TransferStatus.SENDING),
    frozen=_transfer_request,
    prepare=_prepare_transfer,
    find=stripe.find_transfer,
    create=_transfer_in_turn,
    made=lambda t, made: journey.transfer_made(t, made.id, made.amount),
    refused=journey.transfer_refused,
    alarm=journey.transfer_alarm,
)


def _reversal_request(reversal: TransferReversal) -> ReversalRequest:
    stripe_transfer_id = reversal.transfer.stripe_transfer_id
    if stripe_transfer_id is None:
        raise ValueError("only what was transferred is taken back")
    return ReversalRequest(reversal.id, stripe_transfer_id, reversal.amount, reversal.key)


REVERSAL: outgoing.Kind[TransferReversal, ReversalRequest, ReversalFacts] = outgoing.Kind(
    lock=payouts.locked_reversal,
    is_open=lambda r: r.status == ReversalStatus.REQUESTED,
    frozen=_reversal_request,
    prepare=_reversal_request,
    find=stripe.find_reversal,
    create=stripe.reverse,
    made=lambda r, made: journey.reversal_made(r, made.id, made.amount),
    refused=journey.reversal_refused,
    alarm=lambda r, why: journey.needs_a_person(r.transfer.payment, f"reversal {r.id}: {why}"),
)


@outbox.task("send_reversal", queue="money")
def send_reversal(reversal_id: int) -> None:
    """Take money back from a mentor's account, once."""
    outgoing.work(REVERSAL, reversal_id)
