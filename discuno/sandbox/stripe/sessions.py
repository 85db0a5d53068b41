"""Checkout Sessions: what is to be paid, until when, and what became of it."""

from typing import Any

from discuno.sandbox.stripe import agenda
from discuno.sandbox.stripe.desk import Ask, Desk, metadata
from discuno.sandbox.stripe.errors import BadParam, Refusal, missing
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

SHORTEST, LONGEST = 30 * 60, 24 * 3600  # seconds a session may live
NOT_WITH_ELEMENTS = (
    "after_expiration",
    "branding_settings",
    "cancel_url",
    "success_url",
    "custom_fields",
    "custom_text",
    "optional_items",
    "origin_context",
    "submit_type",
    "redirect_on_completion",
)
ECHOED = ("client_reference_id", "customer_email", "return_url", "success_url", "cancel_url", "locale")


def refuse_removed(params: dict[str, Any]) -> None:
    """Parameters Stripe took away get their own refusal, before any other check."""
    if "payment_method_types" in params:
        raise BadParam(
            "`payment_method_types` is no longer supported. Use `allowed_payment_method_types`, "
            "`excluded_payment_method_types` or a payment method configuration instead.",
            "payment_method_types",
            "payment_method_types_no_longer_supported",
        )


def create(desk: Desk, ask: Ask) -> Record:
    """Open a session; nothing is charged yet and there is no PaymentIntent."""
    params = ask.params
    ui_mode = params.get("ui_mode", "hosted_page")
    _refuse_misfits(params, ui_mode)
    expires_at = _expiry(desk, params)
    lines = _lines(desk, params)
    session = desk.save(_session(desk, params, ui_mode, expires_at, lines))
    agenda.later(desk, expires_at, "expire", session["id"])
    return session


def _session(
    desk: Desk, params: dict[str, Any], ui_mode: str, expires_at: int, lines: list[Record]
) -> Record:
    session_id = desk.world.new_id("cs_test_", 58)
    total = sum(line["amount_total"] for line in lines)
    return {
        **desk.new("", "checkout.session"),
        "id": session_id,
        **{name: params.get(name) for name in ECHOED},
        "adaptive_pricing": params.get("adaptive_pricing", {"enabled": False}),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "client_secret": f"{session_id}_secret_{desk.world.new_id('', 40)}"
        if ui_mode == "elements"
        else None,
        "currency": lines[0]["currency"],
        "customer": None,
        "customer_details": None,
        "expires_at": expires_at,
        "last_payment_error": None,
        "metadata": params.get("metadata") or {},
        "mode": params["mode"],
        "payment_intent": None,
        "payment_method_types": params.get("allowed_payment_method_types", ["card"]),
        "payment_status": "unpaid" if total else "no_payment_required",
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": ui_mode,
        "url": f"https://checkout.stripe.com/c/pay/{session_id}" if ui_mode == "hosted_page" else None,
        "_intent": params.get("payment_intent_data", {}),
        "_lines": lines,
        "_account": None,
    }


def _refuse_misfits(params: dict[str, Any], ui_mode: str) -> None:
    if params.get("mode") != "payment":
        raise Refusal("This sandbox knows `mode: payment` only.", "parameter_missing", "mode")
    if ui_mode != "elements":
        return
    for name in NOT_WITH_ELEMENTS:
        if name in params:
            raise Refusal(f"You cannot set `{name}` when `ui_mode` is `elements`.", param=name)
    if "return_url" not in params:
        raise Refusal(
            "`return_url` is required when `ui_mode` is `elements`.", "parameter_missing", "return_url"
        )
    if "transfer_data" in params.get("payment_intent_data", {}):
        raise Refusal("This sandbox knows separate charges and transfers only.", param="payment_intent_data")
    options = params.get("payment_method_options", {})
    if "acss_debit" in options or "restrictions" in options.get("card", {}):
        raise Refusal("Not allowed when `ui_mode` is `elements`.", param="payment_method_options")


def _expiry(desk: Desk, params: dict[str, Any]) -> int:
    expires_at = int(params.get("expires_at", desk.now + LONGEST))
    if expires_at < desk.now + SHORTEST:
        raise Refusal(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > desk.now + LONGEST:
        raise Refusal(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return expires_at


def _lines(desk: Desk, params: dict[str, Any]) -> list[Record]:
    items = params.get("line_items")
    if not items:
        raise Refusal("Missing required param: line_items.", "parameter_missing", "line_items")
    lines = [_line(desk, item, f"line_items[{i}]") for i, item in enumerate(items)]
    if len({line["currency"] for line in lines}) > 1:
        raise Refusal("All line items must have the same currency.", param="line_items")
    return lines


def _line(desk: Desk, item: dict[str, Any], path: str) -> Record:
    if "price" in item:
        raise missing("price", item["price"], f"{path}[price]", status=400)
    price = item.get("price_data", {})
    unit, product, quantity = price.get("unit_amount"), price.get("product_data"), item.get("quantity", 1)
    if unit is None or not product:
        raise Refusal(
            f"Missing required param: {path}[price_data].", "parameter_missing", f"{path}[price_data]"
        )
    if unit < 0 or quantity < 1:
        raise Refusal("This value must be greater than or equal to 0.", "parameter_invalid_integer", path)
    total = unit * quantity
    return {
        "id": desk.world.new_id("li_"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"].lower(),
        "description": product["name"],
        "price": {"object": "price", "currency": price["currency"].lower(), "unit_amount": unit},
        "quantity": quantity,
        "_about": product.get("description"),
    }


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One session."""
    return desk.load("checkout.session", ask.ids["id"])


def listed(desk: Desk, ask: Ask) -> Record:
    """Sessions, by PaymentIntent or status where asked."""
    rows = desk.pick("checkout.session", ask.params, "payment_intent", "status")
    return page(rows, ask.params, "/v1/checkout/sessions")


def list_lines(desk: Desk, ask: Ask) -> Record:
    """The line items of a session."""
    session = desk.load("checkout.session", ask.ids["id"])
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return {"object": "list", "data": session["_lines"], "has_more": False, "url": url}


def update(desk: Desk, ask: Ask) -> Record:
    """Change metadata, or what the PaymentIntent will carry; other changes are not played here."""
    session = desk.load("checkout.session", ask.ids["id"])
    changed = {**session, "metadata": metadata(session["metadata"], ask.params.get("metadata"))}
    if "payment_intent_data" in ask.params:
        _require_open(session, "updated")
        changed["_intent"] = {**session["_intent"], **ask.params["payment_intent_data"]}
    return desk.save(changed)


def expire(desk: Desk, ask: Ask) -> Record:
    """Close an open session, so that it can no longer be paid."""
    session = desk.load("checkout.session", ask.ids["id"])
    _require_open(session, "expired")
    return close(desk, session)


def _require_open(session: Record, verb: str) -> None:
    if session["status"] != "open":
        raise Refusal(
            f'Only Checkout Sessions with a status in ["open"] can be {verb}. '
            f"This Checkout Session has a status of `{session['status']}`.",
            param="session",
        )


def close(desk: Desk, session: Record) -> Record:
    """Open becomes expired, and the app hears of it."""
    session = desk.save({**session, "status": "expired", "url": None})
    emit(desk, "checkout.session.expired", session)
    return session


def expire_on_time(desk: Desk, session_id: str) -> None:
    """The agenda's call at `expires_at`: close the session unless it is over already."""
    session = desk.load("checkout.session", session_id)
    if session["status"] == "open":
        close(desk, session)


def complete(desk: Desk, session: Record, payment_status: str) -> Record:
    """The buyer is through; the app hears of it."""
    session = desk.save({**session, "status": "complete", "payment_status": payment_status, "url": None})
    emit(desk, "checkout.session.completed", session)
    return session
