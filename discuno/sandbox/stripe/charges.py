"""PaymentIntents and the charges that try to fulfil them."""

from typing import Any

from discuno.sandbox.stripe import balance
from discuno.sandbox.stripe.cards import CARDS, Decline, TestCard
from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record


def fee(amount: int) -> int:
    """Stripe's price for a card payment: 2.9 % and 30 minor units, rounded half up."""
    return (amount * 29 + 500) // 1000 + 30


def open_intent(desk: Desk, session: Record) -> Record:
    """The PaymentIntent of a session, made when the buyer first confirms."""
    data = session["_intent"]
    intent = desk.new("pi_", "payment_intent")
    intent |= {
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent['id']}_secret_{desk.world.new_id('', 25)}",
        "confirmation_method": "automatic",
        "currency": session["currency"],
        "customer": None,
        "description": data.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": data.get("metadata") or {},
        "next_action": None,
        "payment_method": None,
        "payment_method_types": session["payment_method_types"],
        "receipt_email": data.get("receipt_email"),
        "review": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": data.get("transfer_group"),
    }
    emit(desk, "payment_intent.created", desk.save(intent))
    return intent


def card_of(method: Record) -> TestCard:
    """What the card behind a payment method does."""
    return CARDS[method["_number"]]


def succeed(desk: Desk, intent: Record, method: Record, billing: dict[str, Any]) -> Record:
    """The bank said yes: charge, PaymentIntent and balance, told in Stripe's order."""
    card = card_of(method)
    charge = desk.save(_charge(desk, intent, method, billing))
    intent = desk.save(
        {
            **intent,
            "amount_received": intent["amount"],
            "last_payment_error": None,
            "latest_charge": charge["id"],
            "next_action": None,
            "payment_method": method["id"],
            "status": "succeeded",
        }
    )
    emit(desk, "charge.succeeded", charge)
    emit(desk, "payment_intent.succeeded", intent)
    entry = balance.post(
        desk,
        "charge",
        charge["id"],
        amount=charge["amount"],
        fee=fee(charge["amount"]),
        currency=charge["currency"],
        account=None,
        available_on=desk.now if card.available_at_once else balance.settlement_date(desk),
    )
    desk.save({**charge, "balance_transaction": entry["id"]})
    emit(
        desk,
        "charge.updated",
        desk.load("charge", charge["id"]),
        previous={"balance_transaction": None},
    )
    return intent


def decline(desk: Desk, intent: Record, method: Record, billing: dict[str, Any], why: Decline) -> Record:
    """The bank said no: a failed charge, and the PaymentIntent waits for another card."""
    charge = desk.save(_charge(desk, intent, method, billing, why))
    intent = fail(desk, intent, method, why, latest_charge=charge["id"], quiet=True)
    emit(desk, "charge.failed", charge)
    emit(desk, "payment_intent.payment_failed", intent)
    return intent


def fail(
    desk: Desk,
    intent: Record,
    method: Record,
    why: Decline,
    *,
    latest_charge: str | None,
    quiet: bool = False,
) -> Record:
    """The attempt came to nothing; without a charge when the buyer failed to authenticate."""
    error = {
        "type": "card_error"
        if why.code != "payment_intent_authentication_failure"
        else "invalid_request_error",
        "code": why.code,
        "decline_code": why.decline_code,
        "message": why.message,
        "charge": latest_charge,
        "payment_method": {"id": method["id"], "object": "payment_method", "type": "card"},
    }
    intent = desk.save(
        {
            **intent,
            "last_payment_error": error,
            "latest_charge": latest_charge or intent["latest_charge"],
            "next_action": None,
            "payment_method": None,
            "status": "requires_payment_method",
        }
    )
    if not quiet:
        emit(desk, "payment_intent.payment_failed", intent)
    return intent


def _charge(
    desk: Desk, intent: Record, method: Record, billing: dict[str, Any], why: Decline | None = None
) -> Record:
    paid = why is None
    return desk.new(
        "ch_",
        "charge",
        amount=intent["amount"],
        amount_captured=intent["amount"] if paid else 0,
        amount_refunded=0,
        application_fee_amount=None,
        balance_transaction=None,
        billing_details=billing,
        captured=paid,
        currency=intent["currency"],
        customer=None,
        description=intent["description"],
        disputed=False,
        failure_code=why.code if why else None,
        failure_message=why.message if why else None,
        metadata=dict(intent["metadata"]),
        outcome=_outcome(card_of(method), why),
        paid=paid,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={"type": "card", "card": _card_details(method)},
        receipt_email=intent["receipt_email"],
        receipt_url=None,
        refunded=False,
        review=None,
        source_transfer=None,
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        status="succeeded" if paid else "failed",
        transfer_group=intent["transfer_group"],
        _account=None,
    )


def _outcome(card: TestCard, why: Decline | None) -> dict[str, Any]:
    risk = "elevated" if card.number.endswith("9235") else "highest" if card.number[1] == "1" else "normal"
    if why is None:
        return {
            "network_status": "approved_by_network",
            "reason": "elevated_risk_level" if risk == "elevated" else None,
            "risk_level": risk,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "network_status": "not_sent_to_network" if risk == "highest" else "declined_by_network",
        "reason": why.decline_code,
        "risk_level": risk,
        "seller_message": "The bank did not accept the payment.",
        "type": "blocked" if risk == "highest" else "issuer_declined",
    }


def _card_details(method: Record) -> dict[str, Any]:
    shown = ("brand", "country", "exp_month", "exp_year", "funding", "last4")
    three_d_secure = {"result": "authenticated", "version": "2.2.0"} if card_of(method).challenge else None
    return {
        **{name: method["card"][name] for name in shown},
        "network": method["card"]["brand"],
        "three_d_secure": three_d_secure,
    }


def refunds_of(desk: Desk, charge: Record) -> Record:
    """The refunds of a charge, as its expandable sublist."""
    return page(list(desk.find("refund", charge=charge["id"])), {}, f"/v1/charges/{charge['id']}/refunds")


def retrieve_intent(desk: Desk, ask: Ask) -> Record:
    """One PaymentIntent."""
    return desk.load("payment_intent", ask.ids["id"])


def list_intents(desk: Desk, ask: Ask) -> Record:
    """PaymentIntents, newest first."""
    return page(list(desk.find("payment_intent")), ask.params, "/v1/payment_intents")


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One charge."""
    return desk.load("charge", ask.ids["id"])


def listed(desk: Desk, ask: Ask) -> Record:
    """Charges of the asking account, by PaymentIntent or group where asked."""
    rows = desk.pick("charge", ask.params, "payment_intent", "transfer_group", _account=ask.account)
    return page(rows, ask.params, "/v1/charges")
