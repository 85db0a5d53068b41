"""What the buyer's browser does to a session: look at it, make a card into a token, confirm.

The Stripe.js stand-in and the control page call these; results have Stripe.js's shapes.
"""

import calendar
import re
from datetime import UTC, datetime
from typing import Any

from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.stripe import browser_view, charges, disputes, sessions, tick
from discuno.sandbox.stripe.cards import CARDS, UNAUTHENTICATED, Decline, digits, luhn
from discuno.sandbox.stripe.desk import Desk
from discuno.sandbox.world import Record, World

NO_ADDRESS = {"line1": None, "line2": None, "city": None, "state": None, "postal_code": None, "country": None}


class UnknownSession(KeyError):
    """No Checkout Session has this client secret."""


def session_view(world: World, client_secret: str) -> dict[str, Any]:
    """The session as Stripe.js shows it to the page; UnknownSession when the secret names none."""
    return browser_view.view(_session(world, client_secret))


def _session(world: World, client_secret: str) -> Record:
    session = world.get("stripe.checkout.session", client_secret.partition("_secret_")[0])
    if session is None or session["client_secret"] != client_secret:
        raise UnknownSession(client_secret.partition("_secret_")[0])
    return session


def tokenize(
    world: World, number: str, exp_month: int, exp_year: int, cvc: str, zip: str | None
) -> dict[str, Any]:
    """A payment method for this card, or `{"error": {code, message}}` as the card form says it."""
    plain = digits(number)
    error = _number_error(plain) or _expiry_error(world, exp_month, exp_year) or _cvc_error(plain, cvc)
    if error is None and zip is not None and not zip.strip():
        error = ("incomplete_zip", "Your postal code is incomplete.")
    if error is not None:
        return {"error": {"type": "validation_error", "code": error[0], "message": error[1]}}
    card = CARDS[plain]
    return world.put(
        "stripe.payment_method",
        {
            "id": world.new_id("pm_"),
            "object": "payment_method",
            "type": "card",
            "created": world.now(),
            "livemode": False,
            "billing_details": {"address": {**NO_ADDRESS, "postal_code": zip}},
            "card": {
                "brand": card.brand,
                "country": "US",
                "exp_month": exp_month,
                "exp_year": _full_year(exp_year),
                "funding": "debit" if "debit" in card.says else "credit",
                "last4": card.last4,
            },
            "_number": plain,
        },
    )


def _number_error(number: str) -> tuple[str, str] | None:
    if len(number) < 15 or (len(number) < 16 and not number.startswith("3")):
        return "incomplete_number", "Your card number is incomplete."
    if not luhn(number):
        return "invalid_number", "Your card number is invalid."
    if number not in CARDS:
        return "incorrect_number", "This is a sandbox: only Stripe's documented test cards work here."
    return None


def _full_year(year: int) -> int:
    return year + 2000 if year < 100 else year


def _expiry_error(world: World, month: int, year: int) -> tuple[str, str] | None:
    if not 1 <= month <= 12:
        return "incomplete_expiry", "Your card’s expiration date is incomplete."
    today = datetime.fromtimestamp(world.now(), UTC)
    if _full_year(year) < today.year:
        return "invalid_expiry_year_past", "Your card’s expiration year is in the past."
    last_day = calendar.monthrange(_full_year(year), month)[1]
    if datetime(_full_year(year), month, last_day, 23, 59, 59, tzinfo=UTC) < today:
        return "invalid_expiry_month_past", "Your card’s expiration date is in the past."
    return None


def _cvc_error(number: str, cvc: str) -> tuple[str, str] | None:
    length = 4 if CARDS[number].brand == "amex" else 3
    if not re.fullmatch(rf"\d{{{length}}}", cvc.strip()):
        return "incomplete_cvc", "Your card’s security code is incomplete."
    return None


def confirm(
    world: World,
    courier: Courier,
    settings: SandboxSettings,
    client_secret: str,
    payment_method: str,
    *,
    email: str | None,
    billing: dict[str, Any] | None,
    return_url: str | None,
) -> dict[str, Any]:
    """Pay the session with this card: success, an error for the buyer, or a challenge to pass first."""
    desk = Desk(world, courier, settings)
    with world.lock:
        tick.run(desk)
        session = _session(world, client_secret)
        method = desk.get("payment_method", payment_method)
        refusal = _refusal(session, method, email)
        if refusal or method is None:
            return _error(refusal or "This card is not known.")
        session = _remember_buyer(desk, session, email, billing)
        if not session["amount_total"]:
            sessions.complete(desk, session, "no_payment_required")
            return {"type": "success"}
        intent = _intent(desk, session)
        if charges.card_of(method).challenge:
            return _challenge(desk, intent, method, return_url or session["return_url"])
        return _ask_bank(desk, intent, method)


def _refusal(session: Record, method: Record | None, email: str | None) -> str | None:
    if session["status"] == "expired":
        return "This Checkout Session has expired. Nothing was charged."
    if session["status"] == "complete":
        return "This Checkout Session is already complete."
    if not (email or session["customer_email"] or (session["customer_details"] or {}).get("email")):
        return "An email address is needed to confirm this Checkout Session."
    return "This card is not known." if method is None else None


def _remember_buyer(desk: Desk, session: Record, email: str | None, billing: dict[str, Any] | None) -> Record:
    address = {**NO_ADDRESS, **((billing or {}).get("address") or {})}
    details: dict[str, Any] = {
        "address": address,
        "email": session["customer_email"] or email or (session["customer_details"] or {}).get("email"),
        "name": (billing or {}).get("name"),
        "phone": (billing or {}).get("phone"),
        "tax_exempt": "none",
        "tax_ids": [],
    }
    return desk.save({**session, "customer_details": details})


def _intent(desk: Desk, session: Record) -> Record:
    if session["payment_intent"]:
        return desk.load("payment_intent", session["payment_intent"])
    intent = charges.open_intent(desk, session)
    desk.save({**session, "payment_intent": intent["id"]})
    return intent


def _challenge(desk: Desk, intent: Record, method: Record, return_url: str | None) -> dict[str, Any]:
    action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": None}}
    desk.save({**intent, "status": "requires_action", "payment_method": method["id"], "next_action": action})
    return {"type": "challenge", "payment_intent": intent["id"]}


def finish_challenge(
    world: World, courier: Courier, settings: SandboxSettings, payment_intent_id: str, *, passed: bool
) -> dict[str, Any]:
    """The buyer passed or failed 3-D Secure: ask the bank, or leave the session open for another card."""
    desk = Desk(world, courier, settings)
    with world.lock:
        tick.run(desk)
        intent = desk.get("payment_intent", payment_intent_id)
        if intent is None or intent["status"] != "requires_action":
            return _error("There is nothing to authenticate.")
        session = next(desk.find("checkout.session", payment_intent=payment_intent_id))
        if session["status"] != "open":
            return _error("This Checkout Session has expired. Nothing was charged.")
        method = desk.load("payment_method", intent["payment_method"])
        if passed:
            return _ask_bank(desk, intent, method)
        charges.fail(desk, intent, method, UNAUTHENTICATED, latest_charge=None)
        return _declined(desk, session, UNAUTHENTICATED)


def _ask_bank(desk: Desk, intent: Record, method: Record) -> dict[str, Any]:
    session = next(desk.find("checkout.session", payment_intent=intent["id"]))
    details: dict[str, Any] = session["customer_details"]
    billing = {name: details[name] for name in ("address", "email", "name", "phone")}
    why = charges.card_of(method).decline
    if why is not None:
        charges.decline(desk, intent, method, billing, why)
        return _declined(desk, session, why)
    intent = charges.succeed(desk, intent, method, billing)
    sessions.complete(desk, {**session, "last_payment_error": None}, "paid")
    disputes.follow(desk, intent["latest_charge"], charges.card_of(method))
    return {"type": "success"}


def _declined(desk: Desk, session: Record, why: Decline) -> dict[str, Any]:
    desk.save({**session, "last_payment_error": {"message": why.message}})
    error = {
        "message": why.message,
        "code": "paymentFailed",
        "paymentFailed": {"declineCode": why.decline_code},
    }
    return {"type": "error", "error": error}


def _error(message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"message": message, "code": None}}
