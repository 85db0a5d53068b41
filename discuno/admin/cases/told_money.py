"""What happened to the money of a payment: paid, returned, transferred, taken back, paid out, and the books."""

from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.orm import lazyload, selectinload

from discuno.admin.cases.told import Event, Hours
from discuno.kit import clock
from discuno.kit.db import rows
from discuno.kit.money import in_words
from discuno.payments.models import Account, LedgerEntry, Payment, PostingKind, Refund
from discuno.payouts import sight
from discuno.payouts.models import PayoutStatus, Transfer, TransferReversal, TransferStatus
from discuno.payouts.sight import Reader
from discuno.policy import Reason

REFUNDED = PostingKind.REFUND


def of_money(payment: Payment, transfers: list[Transfer], hours: Hours) -> Iterator[Event]:
    """Everything that Stripe has moved or is to move, and what our books say of it."""
    books = entries(payment)
    yield from _paid(payment, hours)
    for refund in payment.refunds:
        yield from _refund(refund, books)
    held = -sum(entry.amount for entry in books if entry.account == Account.HELD)
    for transfer in transfers:
        yield from _transfer(transfer, held)
    yield from _payouts(payment, transfers)
    yield from _postings(books)


def transfers_of(payment: Payment) -> list[Transfer]:
    """Its transfers with their reversals: two questions, however many there are."""
    shown = selectinload(Transfer.reversals).lazyload(TransferReversal.transfer)
    found = sa.select(Transfer).where(Transfer.payment_id == payment.id).order_by(Transfer.id)
    return rows(found.options(lazyload(Transfer.payment), shown))


def entries(payment: Payment) -> list[LedgerEntry]:
    """All legs of all its postings, in the order in which they were written."""
    found = sa.select(LedgerEntry).where(LedgerEntry.payment_id == payment.id)
    return rows(found.order_by(LedgerEntry.id))


def _paid(payment: Payment, hours: Hours) -> Iterator[Event]:
    if payment.paid_at is not None:
        ids = f"{payment.stripe_payment_intent_id}, {payment.stripe_charge_id}"
        words = f"{ids}. The receipt is on the attendee’s page."
        label = f"Paid {in_words(payment.amount, payment.currency)}"
        at = max(payment.paid_at, payment.created_at)  # Stripe says when to the second, which may lie before
        yield Event(at, label, words, "ok", who=payment.customer_name, kind="money")
    ends = payment.dispute_period_ends
    if ends is not None:
        is_to_come = ends > clock.now()
        yield Event(ends, "The dispute period ends", tone="note", kind="money", is_to_come=is_to_come)


def _refund(refund: Refund, books: list[LedgerEntry]) -> Iterator[Event]:
    amount = in_words(refund.amount, refund.currency)
    why = f"Because of {refund.reason}. {refund.error or ''}".strip()
    yield Event(refund.created_at, f"Refund of {amount} begun", why, refund.status.tone, kind="money")
    made = refund.stripe_refund_id
    gone = [e.posted_at for e in books if e.kind == REFUNDED and e.source == made]
    if made is not None and gone:
        words = f"{made}: {refund.status.sentence}"
        yield Event(gone[0], f"{amount} left for the attendee", words, refund.status.tone, kind="money")


def _transfer(transfer: Transfer, held: int) -> Iterator[Event]:
    """What is sent is fixed when it is sent; until then it is whatever is held."""
    waiting = transfer.status == TransferStatus.SCHEDULED
    amount = in_words(held if waiting else transfer.amount, transfer.currency)
    what = "The mentor’s share" if transfer.is_release else "Money given back to the mentor"
    waits = Reason(transfer.blocked_by).words if transfer.blocked_by in set(Reason) else ""
    words = f"{transfer.status.label}. {waits} {transfer.error or ''}".strip()
    yield Event(
        transfer.created_at, f"{what}: {amount} to transfer", words, transfer.status.tone, kind="money"
    )
    if transfer.sent_at is not None:
        there = f"{transfer.stripe_transfer_id} to {transfer.destination}."
        yield Event(transfer.sent_at, f"{amount} transferred to the mentor", there, "ok", kind="money")
    for reversal in transfer.reversals:
        told = (
            f"{reversal.stripe_reversal_id or ''} {reversal.status.sentence} For {reversal.what_for}.".strip()
        )
        label = f"{in_words(reversal.amount, transfer.currency)} asked back from the mentor’s account"
        yield Event(reversal.created_at, label, told, reversal.status.tone, kind="money")


def _payouts(payment: Payment, transfers: list[Transfer]) -> Iterator[Event]:
    """With which payouts it went to the mentor's bank. Only of money that was transferred can there be any."""
    if not any(transfer.stripe_transfer_id for transfer in transfers):
        return
    seen = sight.gather(payment.booking.mentor, Reader())
    for payout, amount in sight.parts_in(seen, payment.id, *PayoutStatus):
        label = f"{in_words(amount, payout.currency)} of it in a payout to the mentor’s bank"
        words = f"{payout.stripe_payout_id or ''} {payout.status.sentence}".strip()
        yield Event(payout.created_at, label, words, payout.status.tone, kind="money")


def _postings(books: list[LedgerEntry]) -> Iterator[Event]:
    for (kind, source), legs in groupby(books, lambda entry: (entry.kind, entry.source)):
        parts = list(legs)
        words = ", ".join(f"{leg.account} {in_words(leg.amount, leg.currency)}" for leg in parts)
        label = f"In the books: {kind.replace('_', ' ')}"
        yield Event(parts[0].posted_at, label, f"{words} ({source})", kind="books")
