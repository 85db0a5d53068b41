"""Refunds, transfers and reversals: written with a key of ours, found again by our id in their metadata.

Found by list, which is read-after-write; Stripe's search is not.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import stripe

from discuno.edges.stripe.client import call

PAGE = 100
RefundReason = Literal["requested_by_customer", "duplicate", "fraudulent"]


def at(seconds: int) -> datetime:
    """Stripe's Unix seconds as an aware time."""
    return datetime.fromtimestamp(seconds, UTC)


def id_of(thing: Any) -> str | None:
    """The id of something that may be expanded, an id, or missing."""
    return thing if thing is None or isinstance(thing, str) else str(thing.id)


def ours(thing: Any, name: str) -> int | None:
    """Our row's id in an object's metadata. Only a hint: it is compared with the row before it is believed."""
    metadata = getattr(thing, "metadata", None)
    value = metadata[name] if metadata is not None and name in metadata else ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


# Refunds


@dataclass(frozen=True)
class RefundFacts:
    """A refund as Stripe has it now. `entry` is the balance transaction that took the money, `undone` the one that
    brought it back when the bank did not want it."""

    id: str
    status: str
    amount: int
    currency: str
    charge_id: str | None
    refund_id: int | None  # our row, as we wrote it into the metadata
    entry: str | None
    undone: str | None
    why: str | None
    created: datetime


def _refund(found: stripe.Refund) -> RefundFacts:
    return RefundFacts(
        id=found.id,
        status=found.status or "pending",
        amount=found.amount,
        currency=found.currency,
        charge_id=id_of(found.charge),
        refund_id=ours(found, "refund_id"),
        entry=id_of(found.balance_transaction),
        undone=id_of(getattr(found, "failure_balance_transaction", None)),
        why=getattr(found, "failure_reason", None),
        created=at(found.created),
    )


@dataclass(frozen=True)
class RefundRequest:
    """One refund, from our frozen row."""

    refund_id: int
    payment_intent_id: str
    amount: int
    reason: RefundReason
    key: str


def refund(wanted: RefundRequest) -> RefundFacts:
    """Give money back to the card."""
    with call() as client:
        made = client.v1.refunds.create(
            {
                "payment_intent": wanted.payment_intent_id,
                "amount": wanted.amount,
                "reason": wanted.reason,
                "metadata": {"refund_id": str(wanted.refund_id)},
            },
            {"idempotency_key": wanted.key},
        )
    return _refund(made)


def find_refund(wanted: RefundRequest) -> RefundFacts | None:
    """The refund made for our row, if it was made."""
    return _first(refunds_of(wanted.payment_intent_id), lambda made: made.refund_id == wanted.refund_id)


def refunds_of(payment_intent_id: str) -> list[RefundFacts]:
    """All refunds of a payment, whoever made them."""
    with call() as client:
        found = client.v1.refunds.list({"payment_intent": payment_intent_id, "limit": PAGE})
        return [_refund(each) for each in found.auto_paging_iter()]


def look_at_refund(stripe_refund_id: str) -> RefundFacts:
    """A refund as it is now."""
    with call() as client:
        return _refund(client.v1.refunds.retrieve(stripe_refund_id))


# Transfers


@dataclass(frozen=True)
class TransferRequest:
    """One transfer, from our frozen row. `source_transaction` is the charge it is paid from; a share that comes back
    after a won dispute has none."""

    transfer_id: int
    amount: int
    currency: str
    destination: str
    source_transaction: str | None
    transfer_group: str
    key: str


@dataclass(frozen=True)
class TransferFacts:
    """A transfer as Stripe has it now."""

    id: str
    amount: int
    amount_reversed: int
    currency: str
    destination: str | None
    transfer_group: str | None
    transfer_id: int | None  # our row, as we wrote it into the metadata
    created: datetime


def _transfer(found: stripe.Transfer) -> TransferFacts:
    return TransferFacts(
        id=found.id,
        amount=found.amount,
        amount_reversed=found.amount_reversed,
        currency=found.currency,
        destination=id_of(found.destination),
        transfer_group=found.transfer_group,
        transfer_id=ours(found, "transfer_id"),
        created=at(found.created),
    )


def transfer(wanted: TransferRequest) -> TransferFacts:
    """Move the mentor's share to the connected account."""
    params: Any = {
        "amount": wanted.amount,
        "currency": wanted.currency,
        "destination": wanted.destination,
        "transfer_group": wanted.transfer_group,
        "metadata": {"transfer_id": str(wanted.transfer_id)},
    }
    if wanted.source_transaction is not None:
        params["source_transaction"] = wanted.source_transaction
    with call() as client:
        return _transfer(client.v1.transfers.create(params, {"idempotency_key": wanted.key}))


def find_transfer(wanted: TransferRequest) -> TransferFacts | None:
    """The transfer made for our row, if it was made."""
    found = transfers_of(wanted.transfer_group)
    return _first(found, lambda made: made.transfer_id == wanted.transfer_id)


def transfers_of(transfer_group: str) -> list[TransferFacts]:
    """All transfers of a payment, whoever made them."""
    with call() as client:
        found = client.v1.transfers.list({"transfer_group": transfer_group, "limit": PAGE})
        return [_transfer(each) for each in found.auto_paging_iter()]


def look_at_transfer(stripe_transfer_id: str) -> TransferFacts:
    """A transfer as it is now."""
    with call() as client:
        return _transfer(client.v1.transfers.retrieve(stripe_transfer_id))


# Reversals


@dataclass(frozen=True)
class ReversalRequest:
    """One reversal, from our frozen row."""

    reversal_id: int
    stripe_transfer_id: str
    amount: int
    key: str


@dataclass(frozen=True)
class ReversalFacts:
    """A reversal as Stripe has it now."""

    id: str
    amount: int
    reversal_id: int | None
    created: datetime


def _reversal(found: stripe.TransferReversal) -> ReversalFacts:
    return ReversalFacts(found.id, found.amount, ours(found, "reversal_id"), at(found.created))


def reverse(wanted: ReversalRequest) -> ReversalFacts:
    """Take money back from the connected account."""
    with call() as client:
        made = client.v1.transfers.reversals.create(
            wanted.stripe_transfer_id,
            {"amount": wanted.amount, "metadata": {"reversal_id": str(wanted.reversal_id)}},
            {"idempotency_key": wanted.key},
        )
    return _reversal(made)


def find_reversal(wanted: ReversalRequest) -> ReversalFacts | None:
    """The reversal made for our row, if it was made."""
    found = reversals_of(wanted.stripe_transfer_id)
    return _first(found, lambda made: made.reversal_id == wanted.reversal_id)


def reversals_of(stripe_transfer_id: str) -> list[ReversalFacts]:
    """All reversals of a transfer, whoever made them."""
    with call() as client:
        found = client.v1.transfers.reversals.list(stripe_transfer_id, {"limit": PAGE})
        return [_reversal(each) for each in found.auto_paging_iter()]


Fact = TypeVar("Fact")


def _first(found: Iterable[Fact], is_it: Callable[[Fact], bool]) -> Fact | None:
    return next((each for each in found if is_it(each)), None)
