"""The door for transfers and reversals that Stripe tells of: looked at, and written down if they are ours."""

import sqlalchemy as sa

from discuno import journey
from discuno.edges import stripe
from discuno.edges.stripe import TransferFacts
from discuno.journey import Found
from discuno.kit.db import one_or_none, session, transaction
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import service as payouts
from discuno.payouts.models import Transfer

GROUP = "payment_"  # how Payment.transfer_group begins


def learn_transfer(stripe_transfer_id: str) -> str:
    """Take a transfer and its reversals as they are at Stripe now; answers with a word about whose it is.

    A transfer in a payment's group that is not ours keeps that payment's money and tells a person.
    """
    seen = stripe.look_at_transfer(stripe_transfer_id)
    reversals = stripe.reversals_of(seen.id) if seen.amount_reversed else []
    with transaction():
        transfer_id = _row_of(seen)
    if transfer_id is None:
        return _stranger(seen)
    with transaction():
        transfer = payouts.locked_transfer(transfer_id)
        journey.transfer_found(transfer, Found(seen.id, seen.amount, seen.transfer_id))
        for reversal in reversals if transfer.stripe_transfer_id == seen.id else ():
            journey.reversal_found(transfer, Found(reversal.id, reversal.amount, reversal.reversal_id))
    return f"transfer {transfer_id}"


def _row_of(seen: TransferFacts) -> int | None:
    """Our row of a transfer: by Stripe's id, or by ours in its metadata if all else about it is the row's too."""
    known = one_or_none(sa.select(Transfer).where(Transfer.stripe_transfer_id == seen.id))
    if known is None and seen.transfer_id is not None:
        named = session().get(Transfer, seen.transfer_id)
        known = named if named is not None and _is_of(named, seen) else None
    return known.id if known is not None else None


def _is_of(transfer: Transfer, seen: TransferFacts) -> bool:
    ours = (transfer.payment.transfer_group, transfer.destination, transfer.currency)
    return ours == (seen.transfer_group, seen.destination, seen.currency)


def _stranger(seen: TransferFacts) -> str:
    """Not made by us; but it may be about a payment of ours."""
    number = (seen.transfer_group or "").removeprefix(GROUP)
    if seen.transfer_group != f"{GROUP}{number}" or not number.isascii() or not number.isdigit():
        return "not ours"
    with transaction():
        payment = session().get(Payment, int(number)) if len(number) < 19 else None
        if payment is None:
            return "not ours"
        journey.stranger_found(payments.locked_payment(payment.id), seen.id)
    return f"a stranger in payment {number}"
