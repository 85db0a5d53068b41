"""What is found at Stripe that no answer of Stripe's has told us: made by a request believed lost, or by hand."""

from dataclasses import dataclass

from discuno.journey import money
from discuno.payments import ledger
from discuno.payments.models import Payment
from discuno.payouts import reversals
from discuno.payouts.models import Transfer, TransferReversal, TransferStatus


@dataclass(frozen=True)
class Found:
    """A transfer or a reversal at Stripe. `row_id` is our row as its metadata says; the amount is in minor units."""

    stripe_id: str
    amount: int
    row_id: int | None


def transfer_found(transfer: Transfer, found: Found) -> None:
    """A transfer that carries our row's id: it is the row's, or it is one too many."""
    if transfer.stripe_transfer_id == found.stripe_id:
        return
    may_be_it = TransferStatus.SENT in Transfer.MOVES[transfer.status]
    if transfer.stripe_transfer_id is None and may_be_it:
        money.transfer_made(transfer, found.stripe_id, found.amount)
    else:
        was = transfer.stripe_transfer_id or transfer.status.label
        money.needs_a_person(
            transfer.payment, f"{found.stripe_id} was made for transfer {transfer.id}: {was}"
        )


def stranger_found(payment: Payment, stripe_id: str) -> None:
    """A transfer in a payment's group that no row of ours has asked for: nothing more is sent without a person."""
    money.needs_a_person(payment, f"transfer {stripe_id} was not made by us")


def reversal_found(transfer: Transfer, found: Found) -> TransferReversal | None:
    """A reversal of one of our transfers: ours, or made by hand and then counted like one of ours. None if known."""
    if any(r.stripe_reversal_id == found.stripe_id for r in transfer.reversals):
        return None
    ours = next((r for r in transfer.reversals if _is_it(r, found)), None)
    reversal = ours or reversals.add_reversal(transfer, found.amount, f"{money.BY_HAND}{found.stripe_id}")
    money.reversal_made(reversal, found.stripe_id, found.amount)
    if ours is None and ledger.held(transfer.payment) > 0:
        money.needs_a_person(
            transfer.payment, f"{found.stripe_id}: the transfer was taken back at Stripe by hand"
        )
    return reversal


def _is_it(reversal: TransferReversal, found: Found) -> bool:
    return reversal.id == found.row_id and reversal.stripe_reversal_id is None
