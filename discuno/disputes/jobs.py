"""Doors to Stripe's disputes, fraud warnings and reviews: look, find the payment, take what is said.

Called for an event and by reconciliation, any number of times and in any order: only what Stripe says now counts.
"""

from typing import Protocol

from discuno import journey
from discuno.disputes.models import Dispute, DisputeKind
from discuno.disputes.service import CaseSeen, ChargebackSeen
from discuno.edges.stripe import disputes as stripe_disputes
from discuno.edges.stripe.disputes import ChargeFacts
from discuno.kit import outbox
from discuno.kit.db import locked, session, transaction
from discuno.payments import jobs as payment_doors
from discuno.payments import service as payments


class About(Protocol):
    """What is about a charge."""

    @property
    def id(self) -> str: ...

    @property
    def about(self) -> ChargeFacts: ...


def follow_dispute(stripe_id: str) -> str:
    """A dispute, as Stripe has it now. Raises LookupError when no payment of ours is disputed by it."""
    facts = stripe_disputes.look_at_dispute(stripe_id)
    payment_id = _payment_of(facts)
    seen = ChargebackSeen(
        stripe_id=facts.id,
        status=facts.status,
        reason=facts.reason,
        amount=facts.amount,
        currency=facts.currency,
        due_at=facts.due_at,
        opened_at=facts.created,
        movements=facts.movements,
    )
    with transaction():
        case = journey.chargeback_seen(payments.locked_payment(payment_id), seen)
        return f"payment {payment_id}: dispute {case.id} {case.stripe_status}"


def follow_warning(stripe_id: str) -> str:
    """An early fraud warning, as Stripe has it now. Raises LookupError when no payment of ours is meant."""
    facts = stripe_disputes.look_at_warning(stripe_id)
    word = "actionable" if facts.actionable else "settled"
    seen = CaseSeen(facts.id, facts.actionable, word, facts.fraud_type, facts.created)
    return _take(facts, DisputeKind.FRAUD_WARNING, seen)


def follow_review(stripe_id: str) -> str:
    """A review, as Stripe has it now. Raises LookupError when no payment of ours is reviewed."""
    facts = stripe_disputes.look_at_review(stripe_id)
    word = "open" if facts.open else facts.reason
    return _take(facts, DisputeKind.REVIEW, CaseSeen(facts.id, facts.open, word, facts.reason, facts.created))


def _take(facts: About, kind: DisputeKind, seen: CaseSeen) -> str:
    payment_id = _payment_of(facts)
    with transaction():
        case = journey.case_seen(payments.locked_payment(payment_id), kind, seen)
        return f"payment {payment_id}: {kind} {case.id} {case.stripe_status}"


def _payment_of(facts: About) -> int:
    about = facts.about
    return payment_doors.payment_of(about.charge_id, about.payment_intent_id, about.payment_id)


def locked_case(dispute_id: int) -> Dispute:
    """The case, locked after its payment and booking: the order in which everybody takes them."""
    payments.locked_payment(session().get_one(Dispute, dispute_id).payment_id)
    return locked(Dispute, dispute_id)


@outbox.task("close_unanswered", queue="money")
def close_unanswered(dispute_id: int) -> None:
    """The mentor's time to answer a report is over."""
    with transaction():
        journey.answer_is_due(locked_case(dispute_id))
