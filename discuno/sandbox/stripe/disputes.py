"""Banks that take money back: chargebacks, inquiries and early fraud warnings."""

from typing import Any

from discuno.sandbox.stripe import balance
from discuno.sandbox.stripe.cards import TestCard
from discuno.sandbox.stripe.desk import Ask, Desk, metadata
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import matching, page
from discuno.sandbox.world import Record

FEE = 1500  # minor units, for a dispute that took the money
ANSWER_WITHIN = 7 * balance.DAY
OUTCOMES = {"winning_evidence": "won", "losing_evidence": "lost"}
OPEN = ("warning_needs_response", "warning_under_review", "needs_response", "under_review")


def follow(desk: Desk, charge_id: str, card: TestCard) -> None:
    """What a troublesome card does once its payment has succeeded."""
    if card.fraud_warning:
        warn(desk, charge_id)
    if card.dispute:
        open_dispute(desk, charge_id, card.dispute, inquiry=card.inquiry)


def warn(desk: Desk, charge_id: str) -> Record:
    """The card network suspects fraud; no money moves yet."""
    charge = desk.load("charge", charge_id)
    warning = desk.new(
        "issfr_",
        "radar.early_fraud_warning",
        actionable=True,
        charge=charge_id,
        fraud_type="unauthorized_use_of_card",
        payment_intent=charge["payment_intent"],
    )
    emit(desk, "radar.early_fraud_warning.created", desk.save(warning))
    return warning


def open_dispute(
    desk: Desk, charge_id: str, reason: str, *, inquiry: bool = False, amount: int | None = None
) -> Record:
    """The buyer went to the bank: the money leaves with a fee, unless it is only an inquiry."""
    charge = desk.load("charge", charge_id)
    dispute = desk.new(
        "du_",
        "dispute",
        amount=charge["amount"] if amount is None else amount,
        balance_transactions=[],
        charge=charge_id,
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence={},
        evidence_details={
            "due_by": desk.now + ANSWER_WITHIN,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        is_charge_refundable=inquiry,
        metadata={},
        network_reason_code="10",
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
    )
    if not inquiry:
        dispute["balance_transactions"] = [_entry(desk, dispute, -dispute["amount"], FEE)]
    desk.save({**charge, "disputed": True, "_refundable": inquiry})
    emit(desk, "charge.dispute.created", desk.save(dispute))
    if not inquiry:
        emit(desk, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _entry(desk: Desk, dispute: Record, amount: int, fee: int) -> Record:
    currency = dispute["currency"]
    return balance.post(
        desk, "adjustment", dispute["id"], amount=amount, fee=fee, currency=currency, account=None
    )


def update(desk: Desk, ask: Ask) -> Record:
    """Stage or submit evidence; the documented words in `uncategorized_text` decide the outcome."""
    dispute = _open(desk, ask)
    evidence = {**dispute["evidence"], **(ask.params.get("evidence") or {})}
    details = {**dispute["evidence_details"], "has_evidence": bool(evidence)}
    dispute = {**dispute, "evidence": evidence, "evidence_details": details}
    dispute["metadata"] = metadata(dispute["metadata"], ask.params.get("metadata"))
    if "evidence" not in ask.params or not ask.params.get("submit", True):
        return desk.save(dispute)
    details["submission_count"] += 1
    dispute["status"] = "warning_under_review" if _is_inquiry(dispute) else "under_review"
    emit(desk, "charge.dispute.updated", desk.save(dispute))
    text = evidence.get("uncategorized_text")
    if text == "escalate_inquiry_evidence" and _is_inquiry(dispute):
        return _escalate(desk, dispute)
    return settle(desk, dispute["id"], OUTCOMES[text]) if text in OUTCOMES else dispute


def _is_inquiry(dispute: Record) -> bool:
    return str(dispute["status"]).startswith("warning_")


def _open(desk: Desk, ask: Ask) -> Record:
    dispute = desk.load("dispute", ask.ids["id"])
    if dispute["status"] not in OPEN:
        raise Refusal("This dispute is already closed.")
    return dispute


def _escalate(desk: Desk, dispute: Record) -> Record:
    """An inquiry becomes a chargeback."""
    entry = _entry(desk, dispute, -dispute["amount"], FEE)
    change = {"status": "needs_response", "is_charge_refundable": False, "balance_transactions": [entry]}
    dispute = desk.save({**dispute, **change})
    desk.save({**desk.load("charge", dispute["charge"]), "_refundable": False})
    emit(desk, "charge.dispute.updated", dispute)
    emit(desk, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def settle(desk: Desk, dispute_id: str, outcome: str) -> Record:
    """The bank decides: `won` brings the money back, `lost` does not; an inquiry just closes."""
    dispute = desk.load("dispute", dispute_id)
    if dispute["status"] not in OPEN:
        return dispute
    dispute = {**dispute, "status": "warning_closed" if _is_inquiry(dispute) else outcome}
    if dispute["status"] == "won":
        entries: list[dict[str, Any]] = dispute["balance_transactions"]
        dispute["balance_transactions"] = [*entries, _entry(desk, dispute, dispute["amount"], 0)]
    emit(desk, "charge.dispute.closed", desk.save(dispute))
    if dispute["status"] == "won":
        emit(desk, "charge.dispute.funds_reinstated", dispute)
    return dispute


def close(desk: Desk, ask: Ask) -> Record:
    """Accept the dispute as lost; there is no way back."""
    return settle(desk, _open(desk, ask)["id"], "lost")


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One dispute."""
    return desk.load("dispute", ask.ids["id"])


def listed(desk: Desk, ask: Ask) -> Record:
    """Disputes, by charge or PaymentIntent where asked."""
    rows = matching(list(desk.find("dispute")), ask.params, "charge", "payment_intent")
    return page(rows, ask.params, "/v1/disputes")


def retrieve_warning(desk: Desk, ask: Ask) -> Record:
    """One early fraud warning."""
    return desk.load("radar.early_fraud_warning", ask.ids["id"])


def list_warnings(desk: Desk, ask: Ask) -> Record:
    """Early fraud warnings, by charge or PaymentIntent where asked."""
    rows = matching(list(desk.find("radar.early_fraud_warning")), ask.params, "charge", "payment_intent")
    return page(rows, ask.params, "/v1/radar/early_fraud_warnings")
