"""Banks that take money back: chargebacks, inquiries and early fraud warnings."""

from typing import Any

from discuno.sandbox.stripe import balance, files, radar
from discuno.sandbox.stripe.cards import TestCard
from discuno.sandbox.stripe.desk import Ask, Desk, metadata
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

FEE = 1500  # minor units, for a dispute that took the money
ANSWER_WITHIN = 7 * balance.DAY
OUTCOMES = {"winning_evidence": "won", "losing_evidence": "lost"}
INQUIRY = "warning_needs_response"
ENDS = ("won", "lost", "warning_closed")
ANSWERED = ("under_review", "warning_under_review")
FILES = {  # fields of evidence that hold the id of a file
    *(
        "cancellation_policy",
        "customer_communication",
        "customer_signature",
        "duplicate_charge_documentation",
    ),
    *("receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file"),
}
LONGEST, LONGEST_TEXT = 150_000, 20_000  # characters of all texts, and of one


def follow(desk: Desk, charge_id: str, card: TestCard) -> None:
    """What a troublesome card does once its payment has succeeded."""
    if card.fraud_warning:
        radar.warn(desk, charge_id)
    if card.dispute:
        open_dispute(desk, charge_id, card.dispute, INQUIRY if card.inquiry else "needs_response")


def open_dispute(
    desk: Desk, charge_id: str, reason: str, status: str = "needs_response", amount: int | None = None
) -> Record:
    """The buyer went to the bank: the money leaves with a fee, unless the status says that it only asks
    (`warning_needs_response`) or that nothing came of it (`prevented`)."""
    charge = desk.load("charge", charge_id)
    takes = status == "needs_response"
    dispute = desk.new(
        "du_",
        "dispute",
        amount=charge["amount"] if amount is None else amount,
        balance_transactions=[],
        charge=charge_id,
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence={},
        evidence_details=_details(desk),
        is_charge_refundable=not takes,
        metadata={},
        network_reason_code="10",
        payment_intent=charge["payment_intent"],
        reason=reason,
        status=status,
    )
    if takes:
        dispute["balance_transactions"] = [_entry(desk, dispute, -dispute["amount"], FEE)]
    desk.save({**charge, "disputed": True, "_refundable": not takes and charge.get("_refundable", True)})
    emit(desk, "charge.dispute.created", desk.save(dispute))
    if takes:
        emit(desk, "charge.dispute.funds_withdrawn", dispute)
        radar.settle(desk, charge_id, "disputed")
    return dispute


def _details(desk: Desk) -> Record:
    return {
        "due_by": desk.now + ANSWER_WITHIN,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }


def _entry(desk: Desk, dispute: Record, amount: int, fee: int) -> Record:
    currency = dispute["currency"]
    return balance.post(
        desk, "adjustment", dispute["id"], amount=amount, fee=fee, currency=currency, account=None
    )


def update(desk: Desk, ask: Ask) -> Record:
    """Stage or submit evidence; the documented words in `uncategorized_text` decide the outcome."""
    dispute = _open(desk, ask)
    evidence = {**dispute["evidence"], **(ask.params.get("evidence") or {})}
    _check(desk, dispute, ask, evidence)
    details = {**dispute["evidence_details"], "has_evidence": bool(evidence)}
    dispute = {**dispute, "evidence": evidence, "evidence_details": details}
    dispute["metadata"] = metadata(dispute["metadata"], ask.params.get("metadata"))
    if "evidence" not in ask.params or not ask.params.get("submit", True):
        return desk.save(dispute)
    details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
    dispute["status"] = "warning_under_review" if _is_inquiry(dispute) else "under_review"
    emit(desk, "charge.dispute.updated", desk.save(dispute))
    text = evidence.get("uncategorized_text")
    if text == "escalate_inquiry_evidence" and _is_inquiry(dispute):
        return _escalate(desk, dispute)
    return settle(desk, dispute["id"], OUTCOMES[text]) if text in OUTCOMES else dispute


def _check(desk: Desk, dispute: Record, ask: Ask, evidence: dict[str, Any]) -> None:
    """What Stripe does not take as evidence."""
    if "evidence" in ask.params and dispute["status"] in ANSWERED:
        raise Refusal("Evidence for this dispute was submitted already.")
    known = [desk.load("file", evidence[name], f"evidence[{name}]", 400) for name in FILES & evidence.keys()]
    if any(file["purpose"] != files.EVIDENCE for file in known):
        raise Refusal("A file of another purpose cannot be evidence.", param="evidence")
    if sum(file["size"] for file in known) > files.LARGEST:
        raise Refusal("The files are larger than 5 MB together.", param="evidence")
    texts = [text for name, text in evidence.items() if name not in FILES and isinstance(text, str)]
    if sum(map(len, texts)) > LONGEST or any(len(text) > LONGEST_TEXT for text in texts):
        raise Refusal("The evidence has too many characters.", param="evidence")


def _is_inquiry(dispute: Record) -> bool:
    return str(dispute["status"]).startswith("warning_")


def _open(desk: Desk, ask: Ask) -> Record:
    dispute = desk.load("dispute", ask.ids["id"])
    if dispute["status"] in (*ENDS, "prevented"):
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
    if dispute["status"] in ENDS:
        return dispute
    dispute = {**dispute, "status": "warning_closed" if _is_inquiry(dispute) else outcome}
    entries: list[dict[str, Any]] = dispute["balance_transactions"]
    reinstated = dispute["status"] == "won" and sum(entry["amount"] for entry in entries) < 0
    if reinstated:
        dispute["balance_transactions"] = [*entries, _entry(desk, dispute, dispute["amount"], 0)]
    emit(desk, "charge.dispute.closed", desk.save(dispute))
    if reinstated:
        emit(desk, "charge.dispute.funds_reinstated", dispute)
    return dispute


def steer(desk: Desk, dispute_id: str, change: dict[str, Any]) -> Record:
    """The bank's hand: any `status`, also one nobody has heard of, and `due_by` (null and 0 too).

    Won, lost and warning_closed end it, `needs_response` makes an inquiry a chargeback; no other
    word moves money.
    """
    dispute = desk.load("dispute", dispute_id)
    if "due_by" in change:
        details = {**dispute["evidence_details"], "due_by": change["due_by"]}
        dispute = desk.save({**dispute, "evidence_details": details})
    status = change.get("status", dispute["status"])
    if status in ENDS:
        return settle(desk, dispute_id, status)
    if _is_inquiry(dispute) and status == "needs_response":
        return _escalate(desk, dispute)
    dispute = desk.save({**dispute, "status": status})
    emit(desk, "charge.dispute.updated", dispute)
    return dispute


def withdraw_inquiry(desk: Desk, charge_id: str) -> None:
    """A full refund ends the inquiries about a charge."""
    for dispute in desk.find("dispute", charge=charge_id):
        if _is_inquiry(dispute):
            settle(desk, dispute["id"], "warning_closed")


def close(desk: Desk, ask: Ask) -> Record:
    """Accept the dispute as lost; there is no way back."""
    return settle(desk, _open(desk, ask)["id"], "lost")


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One dispute."""
    return desk.load("dispute", ask.ids["id"])


def listed(desk: Desk, ask: Ask) -> Record:
    """Disputes, by charge or PaymentIntent where asked."""
    rows = desk.pick("dispute", ask.params, "charge", "payment_intent")
    return page(rows, ask.params, "/v1/disputes")
