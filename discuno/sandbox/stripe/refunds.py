"""Money back to the buyer, never more than was charged."""

from typing import Any

from discuno.sandbox.stripe import agenda, balance, disputes, radar
from discuno.sandbox.stripe.cards import CARDS
from discuno.sandbox.stripe.desk import Ask, Desk, metadata
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

SLOW = 60  # seconds until a late refund succeeds, or a doomed one fails
ENDS_FROM = {"succeeded": ("pending",), "failed": ("pending", "succeeded"), "canceled": ("pending",)}
LATE_EVENTS = ("refund.updated", "charge.refund.updated")


def create(desk: Desk, ask: Ask) -> Record:
    """Refund a charge, wholly unless an amount is given; transfers of it are not touched."""
    charge = _charge(desk, ask)
    amount = _amount(charge, ask)
    fate = _fate(desk, charge, amount)
    refund = desk.new(
        "re_",
        "refund",
        amount=amount,
        balance_transaction=None,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={"type": "card", "card": {"type": "refund"}},
        failure_reason=None,
        metadata=ask.params.get("metadata") or {},
        payment_intent=charge["payment_intent"],
        reason=ask.params.get("reason"),
        source_transfer_reversal=None,
        status="pending" if fate in ("late", "short") else "succeeded",
        transfer_reversal=None,
        _fate=fate,
    )
    if fate == "short":
        refund["pending_reason"] = "insufficient_funds"
    charge = _count(desk, charge, amount)
    refund = desk.save(refund) if fate == "short" else _book(desk, refund, charge)
    emit(desk, "refund.created", refund)
    emit(desk, "charge.refunded", charge)
    if charge["refunded"]:
        disputes.withdraw_inquiry(desk, charge["id"])
        radar.settle(desk, charge["id"], "refunded")
    if fate:
        agenda.later(desk, desk.now + SLOW, "refund", refund["id"])
    return refund


def _charge(desk: Desk, ask: Ask) -> Record:
    given = [name for name in ("charge", "payment_intent") if name in ask.params]
    if len(given) != 1:
        raise Refusal("One of these must be given: charge, payment_intent.", "parameter_missing", "charge")
    charge_id = ask.params.get("charge")
    if charge_id is None:
        intent = desk.load("payment_intent", ask.params["payment_intent"], "payment_intent")
        charge_id = intent["latest_charge"]
        if intent["status"] != "succeeded":
            raise Refusal(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            )
    charge = desk.load("charge", charge_id, "charge")
    if not charge["paid"]:
        raise Refusal("This charge has failed and cannot be refunded.", param="charge")
    return charge


def _amount(charge: Record, ask: Ask) -> int:
    if charge["disputed"] and not charge.get("_refundable"):
        raise Refusal(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge_disputed"
        )
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    amount = int(ask.params.get("amount", left))
    if amount < 1:
        raise Refusal("Invalid positive integer", "parameter_invalid_integer", "amount")
    if amount > left:
        raise Refusal(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    return amount


def _fate(desk: Desk, charge: Record, amount: int) -> str | None:
    """What becomes of a refund: fine (None), `late`, `fails`, or `short` of funds."""
    method = desk.load("payment_method", charge["payment_method"])
    entry = desk.load("balance_transaction", charge["balance_transaction"])
    settled = entry["status"] == "available"
    if settled and balance.available(desk, None, charge["currency"]) < amount:
        return "short"
    return CARDS[method["_number"]].refund


def _count(desk: Desk, charge: Record, amount: int) -> Record:
    refunded = charge["amount_refunded"] + amount
    return desk.save({**charge, "amount_refunded": refunded, "refunded": refunded == charge["amount"]})


def _book(desk: Desk, refund: Record, charge: Record) -> Record:
    """Take the money: from what is pending while the charge is, from what is available after."""
    source = desk.load("balance_transaction", charge["balance_transaction"])
    entry = balance.post(
        desk,
        "refund",
        refund["id"],
        amount=-refund["amount"],
        currency=refund["currency"],
        account=None,
        available_on=source["available_on"],
    )
    return desk.save({**refund, "balance_transaction": entry["id"]})


def finish(desk: Desk, refund_id: str) -> None:
    """The agenda's call: a late refund arrives, a doomed one fails, one short of funds tries again."""
    refund = desk.load("refund", refund_id)
    fate, status = refund.get("_fate"), refund["status"]
    if fate == "fails" and status == "succeeded":
        _undo(desk, refund, "failed")
    elif fate == "late" and status == "pending":
        _succeed(desk, refund)
    elif fate == "short" and status == "pending":
        if balance.available(desk, None, refund["currency"]) < refund["amount"]:
            agenda.later(desk, desk.now + SLOW, "refund", refund_id)
        else:
            _succeed(desk, refund)


def end(desk: Desk, refund_id: str, status: str) -> Record:
    """The control page's hand: a pending refund becomes `succeeded` or `canceled`; any may become `failed`."""
    refund = desk.load("refund", refund_id)
    if refund["status"] not in ENDS_FROM.get(status, ()):
        raise Refusal(f"A refund that is {refund['status']} cannot become {status}.", param="status")
    return _succeed(desk, refund) if status == "succeeded" else _undo(desk, refund, status)


def _succeed(desk: Desk, refund: Record) -> Record:
    refund = {key: value for key, value in refund.items() if key != "pending_reason"}
    if refund["balance_transaction"] is None:
        refund = _book(desk, refund, desk.load("charge", refund["charge"]))
    refund = desk.save({**refund, "status": "succeeded"})
    _tell(desk, refund, *LATE_EVENTS)
    return refund


def _undo(desk: Desk, refund: Record, status: str) -> Record:
    """It did not reach the buyer: the charge counts as not refunded by that much, booked money comes back."""
    change: dict[str, Any] = {"status": status}
    if refund["balance_transaction"] is not None:
        money = {"amount": refund["amount"], "currency": refund["currency"], "account": None}
        entry = balance.post(desk, "refund_failure", refund["id"], **money)
        change["failure_balance_transaction"] = entry["id"]
    if status == "failed":
        change["failure_reason"] = "expired_or_canceled_card"
    _count(desk, desk.load("charge", refund["charge"]), -refund["amount"])
    refund = desk.save({**refund, **change})
    _tell(desk, refund, *(("refund.failed",) if status == "failed" else ()), *LATE_EVENTS)
    return refund


def _tell(desk: Desk, refund: Record, *event_types: str) -> None:
    for event_type in event_types:
        emit(desk, event_type, refund)


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One refund."""
    return desk.load("refund", ask.ids["id"])


def update(desk: Desk, ask: Ask) -> Record:
    """Change a refund's metadata."""
    refund = desk.load("refund", ask.ids["id"])
    return desk.save({**refund, "metadata": metadata(refund["metadata"], ask.params.get("metadata"))})


def listed(desk: Desk, ask: Ask) -> Record:
    """Refunds, by charge or PaymentIntent where asked."""
    rows = desk.pick("refund", ask.params, "charge", "payment_intent")
    return page(rows, ask.params, "/v1/refunds")
