"""What has to come back from a mentor's account, and what a refund has to wait for."""

from discuno import policy
from discuno.kit import clock
from discuno.kit.db import session
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts.models import ReversalStatus, Transfer, TransferReversal, TransferStatus
from discuno.policy import RefundAnswer


def refund_answer(payment: Payment, amount: int) -> RefundAnswer:
    """What policy says to the wish to return so much of this payment now."""
    transfers = [t for t in payment.transfers if t.status in (TransferStatus.SENDING, TransferStatus.SENT)]
    in_flight = any(t.status == TransferStatus.SENDING for t in transfers)
    return policy.refund_answer(
        paid=payment.status.has_money,
        amount=amount,
        left=payments.refundable(payment),
        real_dispute=any(d.forbids_refund for d in payment.disputes),
        transfer="sending" if in_flight else "sent" if transfers else "none",
    )


def excess(payment: Payment) -> int:
    """What the mentor has been sent beyond their share of what stays of the payment, in minor units.

    What a later session's share has already paid of it (netted debt) is not asked for again.
    """
    going = ledger.gone(payment) + payments.unposted_refunds(payment)
    return beyond(payment, going, ledger.divided(payment))


def beyond(payment: Payment, going: int, divided: policy.Divided | None) -> int:
    """The same if so much were gone, and the rest divided so."""
    if going == 0 and divided is None:
        return 0
    share, _ = policy.kept(payment.amount, payment.platform_fee, going, divided)
    sent: int = sum(t.reversible for t in payment.transfers)
    made, owed = ledger.debt_made(payment)
    return max(0, sent - share - (made - owed))


def ask_back(payment: Payment, amount: int, about: str) -> list[TransferReversal]:
    """Write down that so much comes back from the mentor's account, the latest transfer first. Once a cause."""
    asked = []
    for transfer in reversed(payment.transfers):
        part = min(amount, transfer.reversible)
        if part > 0 and all(r.about != about for r in transfer.reversals):
            asked.append(add_reversal(transfer, part, about))
            amount -= part
    return asked


def add_reversal(transfer: Transfer, amount: int, about: str) -> TransferReversal:
    """One reversal of a transfer, to be made, or made at Stripe by hand."""
    reversal = TransferReversal(
        transfer=transfer,
        about=about,
        amount=amount,
        status=ReversalStatus.REQUESTED,
        epoch=1,
        unknown_count=0,
        next_try_at=clock.now(),
        created_at=clock.now(),
    )
    session().add(reversal)
    session().flush()
    return reversal


def is_being_taken_back(payment: Payment, about: str) -> bool:
    """Whether a reversal for this cause is still on its way."""
    return any(
        r.about == about and r.status == ReversalStatus.REQUESTED
        for t in payment.transfers
        for r in t.reversals
    )


def record_reversed(reversal: TransferReversal, stripe_id: str, amount: int) -> bool:
    """Stripe has taken it back; False when that is known."""
    if reversal.stripe_reversal_id is not None:
        return False
    reversal.stripe_reversal_id, reversal.amount = stripe_id, amount
    reversal.move_to(ReversalStatus.MADE)
    transfer = reversal.transfer
    ledger.reversed_(transfer.payment, amount, stripe_id)
    if transfer.reversed_amount == transfer.amount:
        transfer.move_to(TransferStatus.REVERSED)
    payments.restate(transfer.payment)
    return True


def record_not_reversed(reversal: TransferReversal) -> None:
    """The account had too little. What has left of the payment is the mentor's debt, until a later share pays it."""
    reversal.move_to(ReversalStatus.FAILED)
