"""Disputes, early fraud warnings and reviews, as Stripe has them now. Any status is taken as it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import stripe

from discuno.edges.stripe.client import call
from discuno.edges.stripe.money import at, id_of, ours


@dataclass(frozen=True)
class ChargeFacts:
    """Which charge an object is about. `payment_id` is what we wrote into its metadata: a hint, no proof."""

    charge_id: str | None
    payment_intent_id: str | None
    payment_id: int | None


@dataclass(frozen=True)
class MovementFacts:
    """A balance transaction of a dispute, in minor units: below zero when the bank took the money."""

    id: str
    amount: int
    fee: int
    currency: str


@dataclass(frozen=True)
class DisputeFacts:
    """A dispute as it is now. `due_at` is when evidence is due, if it is."""

    id: str
    status: str
    reason: str
    amount: int
    currency: str
    due_at: datetime | None
    created: datetime
    movements: tuple[MovementFacts, ...]
    about: ChargeFacts


@dataclass(frozen=True)
class WarningFacts:
    """An early fraud warning. It is `actionable` until the charge is disputed or wholly refunded."""

    id: str
    actionable: bool
    fraud_type: str
    created: datetime
    about: ChargeFacts


@dataclass(frozen=True)
class ReviewFacts:
    """A review. `reason` is why it is open, or why it was closed."""

    id: str
    open: bool
    reason: str
    created: datetime
    about: ChargeFacts


def look_at_dispute(stripe_dispute_id: str) -> DisputeFacts:
    """A dispute with the money it has moved."""
    with call() as client:
        found = client.v1.disputes.retrieve(stripe_dispute_id, {"expand": ["charge", "balance_transactions"]})
    due_by = found.evidence_details.due_by
    return DisputeFacts(
        id=found.id,
        status=str(found.status),
        reason=str(found.reason),
        amount=found.amount,
        currency=found.currency,
        due_at=at(due_by) if due_by else None,
        created=at(found.created),
        movements=tuple(
            MovementFacts(each.id, each.amount, each.fee, each.currency)
            for each in found.balance_transactions
        ),
        about=_charge(found),
    )


def look_at_warning(stripe_warning_id: str) -> WarningFacts:
    """An early fraud warning."""
    with call() as client:
        found = client.v1.radar.early_fraud_warnings.retrieve(stripe_warning_id, {"expand": ["charge"]})
    return WarningFacts(found.id, found.actionable, found.fraud_type, at(found.created), _charge(found))


def look_at_review(stripe_review_id: str) -> ReviewFacts:
    """A review."""
    with call() as client:
        found = client.v1.reviews.retrieve(stripe_review_id, {"expand": ["charge"]})
    return ReviewFacts(found.id, found.open, str(found.reason), at(found.created), _charge(found))


def _charge(found: stripe.Dispute | stripe.radar.EarlyFraudWarning | stripe.Review) -> ChargeFacts:
    charge: Any = found.charge
    hint = ours(charge, "payment_id")
    return ChargeFacts(id_of(charge), id_of(getattr(found, "payment_intent", None)), hint)
