"""A Checkout Session in the browser's words."""

from typing import Any

from babel.numbers import format_currency, get_currency_precision

from discuno.sandbox.world import Record

NEVER_PLAYED: dict[str, Any] = {
    "shippingAddress": None,
    "shipping": None,
    "shippingOptions": [],
    "discountAmounts": None,
    "taxAmounts": None,
    "tax": {"status": "ready"},
    "surcharge": None,
    "recurring": None,
    "savedPaymentMethods": None,
    "currencyOptions": None,
    "businessName": "Sandbox",
}


def view(session: Record) -> dict[str, Any]:
    """The session as Stripe.js shows it to the page; amounts are numbers and formatted text."""
    details = session["customer_details"] or {}
    return {
        **NEVER_PLAYED,
        "id": session["id"],
        "livemode": False,
        "canConfirm": session["status"] == "open",
        "currency": session["currency"],
        "minorUnitsAmountDivisor": 10 ** get_currency_precision(session["currency"].upper()),
        "status": _status(session),
        "total": _total(session),
        "lineItems": [_line(line) for line in session["_lines"]],
        "email": details.get("email") or session["customer_email"],
        "phoneNumber": details.get("phone"),
        "billingAddress": _billing(details),
        "presentmentDetails": {
            "presentmentAmount": session["amount_total"],
            "presentmentCurrency": session["currency"],
        },
        "lastPaymentError": session["last_payment_error"],
    }


def _total(session: Record) -> dict[str, Any]:
    currency = session["currency"]
    zero = _money(0, currency)
    return {
        "subtotal": _money(session["amount_subtotal"], currency),
        "discount": zero,
        "taxExclusive": zero,
        "taxInclusive": zero,
        "shippingRate": zero,
        "appliedBalance": zero,
        "balanceAppliedToNextInvoice": False,
        "total": _money(session["amount_total"], currency),
    }


def _money(amount: int, currency: str) -> dict[str, Any]:
    code = currency.upper()
    text = format_currency(amount / 10 ** get_currency_precision(code), code, locale="en_US")
    return {"minorUnitsAmount": amount, "amount": text}


def _status(session: Record) -> dict[str, Any]:
    if session["status"] == "complete":
        return {"type": "complete", "paymentStatus": session["payment_status"]}
    return {"type": session["status"]}


def _line(line: Record) -> dict[str, Any]:
    currency = line["currency"]
    return {
        "id": line["id"],
        "name": line["description"],
        "description": line["_about"],
        "images": [],
        "quantity": line["quantity"],
        "unitAmount": _money(line["price"]["unit_amount"], currency),
        "subtotal": _money(line["amount_subtotal"], currency),
        "discount": _money(0, currency),
        "taxExclusive": _money(0, currency),
        "taxInclusive": _money(0, currency),
        "total": _money(line["amount_total"], currency),
        "discountAmounts": None,
        "taxAmounts": None,
        "recurring": None,
        "adjustableQuantity": None,
    }


def _billing(details: dict[str, Any]) -> dict[str, Any] | None:
    address = details.get("address") or {}
    return {"name": details.get("name"), "address": address} if any(address.values()) else None
