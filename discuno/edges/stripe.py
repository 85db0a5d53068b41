"""Stripe: what we ask of it, in our words. Every writing call takes an idempotency key made from our row.

Two errors leave this file. StripeDown: nobody knows what happened, look it up before trying again.
StripeRefused: a definite no, with Stripe's code.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import stripe

from discuno.config import Settings
from discuno.kit.db import leave_transaction

API_VERSION = "2026-10-28.endive"  # the SDK's own; a test holds SDK, version and Stripe.js train together
SIGNATURE_TOLERANCE = 300  # seconds, to both sides; the SDK refuses only what is old
CONNECT, READ = 5, 20  # seconds; below the web server's limit, far below the SDK's default of 80
WEB_RETRIES = 1  # the SDK repeats with the same key after a lost connection, 409 and 5xx

stripe.enable_telemetry = False


class StripeDown(Exception):
    """No answer, or one that tells nothing: the outcome is unknown, or it depends on our own settings."""


class StripeRefused(Exception):
    """A definite no. `code` is Stripe's; branch on it, never on the text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class KeyReused(Exception):
    """Our key came with other parameters than before: a bug of ours, never to be answered with a new key."""


_client: stripe.StripeClient | None = None
_publishable_key = ""


def configure(settings: Settings) -> None:
    """Set up the client of this process. No call is made."""
    global _client, _publishable_key
    _publishable_key = settings.stripe_publishable_key
    _client = stripe.StripeClient(
        settings.stripe_secret_key.get_secret_value(),
        stripe_version=API_VERSION,
        max_network_retries=WEB_RETRIES,
        http_client=stripe.RequestsClient(timeout=(CONNECT, READ)),
        base_addresses={"api": settings.stripe_api_base},
    )


def publishable_key() -> str:
    """What the browser may know."""
    return _publishable_key


@contextmanager
def _call() -> Iterator[stripe.StripeClient]:
    """Outside any transaction, with Stripe's many errors turned into our two."""
    leave_transaction()
    if _client is None:
        raise RuntimeError("edges.stripe was not configured")
    try:
        yield _client
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise StripeDown(str(error)) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise StripeDown(f"our key is not accepted: {error}") from error
    except stripe.IdempotencyError as error:
        raise KeyReused(str(error)) from error
    except stripe.StripeError as error:
        raise StripeRefused(_code(error), str(error.user_message or error)) from error


def _code(error: stripe.StripeError) -> str:
    inner = getattr(error, "error", None)
    return str(error.code or getattr(inner, "code", None) or type(error).__name__)


# Checkout


@dataclass(frozen=True)
class CheckoutRequest:
    """One Checkout Session, from our rows only. The same row always makes the same request."""

    payment_id: int
    amount: int
    currency: str
    product_name: str
    product_description: str
    customer_email: str
    transfer_group: str
    expires_at: datetime
    return_url: str  # with {CHECKOUT_SESSION_ID} in it
    key: str


@dataclass(frozen=True)
class Checkout:
    """An open session. The client secret is for the attendee's browser alone."""

    session_id: str
    client_secret: str | None


def open_checkout(wanted: CheckoutRequest) -> Checkout:
    """Make the Checkout Session, or get the one that this key has made already."""
    ours = {"payment_id": str(wanted.payment_id)}
    product: Any = {"name": wanted.product_name, "description": wanted.product_description}
    with _call() as client:
        session = client.v1.checkout.sessions.create(
            {
                "ui_mode": "elements",
                "mode": "payment",
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": wanted.currency,
                            "unit_amount": wanted.amount,
                            "product_data": product,
                        },
                    }
                ],
                "customer_email": wanted.customer_email,
                "billing_address_collection": "required",
                "allowed_payment_method_types": ["card"],
                "client_reference_id": str(wanted.payment_id),
                "metadata": ours,
                "payment_intent_data": {"transfer_group": wanted.transfer_group, "metadata": ours},
                "adaptive_pricing": {"enabled": False},
                "return_url": wanted.return_url,
                "expires_at": int(wanted.expires_at.timestamp()),
            },
            {"idempotency_key": wanted.key},
        )
    return Checkout(session.id, session.client_secret)


@dataclass(frozen=True)
class SessionFacts:
    """A Checkout Session, its PaymentIntent and its charge, as they are now."""

    session_id: str
    session_status: str
    payment_status: str
    payment_id: str | None
    amount_total: int | None
    currency: str | None
    payment_intent_id: str | None
    payment_intent_status: str | None
    amount_received: int | None
    charge_id: str | None
    charged_at: datetime | None


def look_at_checkout(session_id: str) -> SessionFacts:
    """Retrieve the session and its PaymentIntent: what we believe, whatever a webhook said."""
    with _call() as client:
        session = client.v1.checkout.sessions.retrieve(
            session_id, {"expand": ["payment_intent", "payment_intent.latest_charge"]}
        )
    intent = cast("stripe.PaymentIntent | None", session.payment_intent)
    charge = cast("stripe.Charge | None", intent.latest_charge) if intent is not None else None
    return SessionFacts(
        session_id=session.id,
        session_status=session.status or "open",
        payment_status=session.payment_status,
        payment_id=_ours(session),
        amount_total=session.amount_total,
        currency=session.currency,
        payment_intent_id=intent.id if intent is not None else None,
        payment_intent_status=intent.status if intent is not None else None,
        amount_received=intent.amount_received if intent is not None else None,
        charge_id=charge.id if charge is not None else None,
        charged_at=datetime.fromtimestamp(charge.created, UTC) if charge is not None else None,
    )


def _ours(session: stripe.checkout.Session) -> str | None:
    metadata = session.metadata
    return metadata["payment_id"] if metadata is not None and "payment_id" in metadata else None


def close_checkout(session_id: str) -> None:
    """Expire a session. Its answer is advisory: whoever calls this looks at the session afterwards."""
    with _call() as client:
        try:
            client.v1.checkout.sessions.expire(session_id)
        except stripe.InvalidRequestError:
            return  # no longer open: paid, or expired already


# Refunds and transfers


@dataclass(frozen=True)
class Outcome:
    """What Stripe made of a writing call."""

    id: str
    status: str


def refund(payment_intent_id: str, amount: int, *, refund_id: int, key: str) -> Outcome:
    """Give money back to the card."""
    with _call() as client:
        made = client.v1.refunds.create(
            {
                "payment_intent": payment_intent_id,
                "amount": amount,
                "reason": "requested_by_customer",
                "metadata": {"refund_id": str(refund_id)},
            },
            {"idempotency_key": key},
        )
    return Outcome(made.id, made.status or "pending")


def find_refund(payment_intent_id: str, refund_id: int) -> Outcome | None:
    """The refund made for our row, if it was made."""
    return _first(
        lambda client: client.v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100}),
        "refund_id",
        refund_id,
    )


def look_at_refund(stripe_refund_id: str) -> Outcome:
    """A refund as it is now."""
    with _call() as client:
        found = client.v1.refunds.retrieve(stripe_refund_id)
    return Outcome(found.id, found.status or "pending")


@dataclass(frozen=True)
class TransferRequest:
    """One transfer, from our frozen row."""

    transfer_id: int
    amount: int
    currency: str
    destination: str
    source_transaction: str
    transfer_group: str
    key: str


def transfer(wanted: TransferRequest) -> Outcome:
    """Move the mentor's share to the connected account."""
    with _call() as client:
        made = client.v1.transfers.create(
            {
                "amount": wanted.amount,
                "currency": wanted.currency,
                "destination": wanted.destination,
                "source_transaction": wanted.source_transaction,
                "transfer_group": wanted.transfer_group,
                "metadata": {"transfer_id": str(wanted.transfer_id)},
            },
            {"idempotency_key": wanted.key},
        )
    return Outcome(made.id, "sent")


def find_transfer(transfer_group: str, transfer_id: int) -> Outcome | None:
    """The transfer made for our row, if it was made. By list, which is read-after-write; search is not."""
    return _first(
        lambda client: client.v1.transfers.list({"transfer_group": transfer_group, "limit": 100}),
        "transfer_id",
        transfer_id,
    )


def _first(listing: Callable[[stripe.StripeClient], Any], name: str, row_id: int) -> Outcome | None:
    with _call() as client:
        for found in listing(client).auto_paging_iter():
            metadata = found.metadata
            if metadata is not None and name in metadata and metadata[name] == str(row_id):
                return Outcome(found.id, getattr(found, "status", None) or "sent")
    return None


# Connected accounts


def create_account(*, mentor_id: int, email: str, name: str, api: str) -> str:
    """Make a connected account that can only receive transfers; returns its id."""
    key = f"account:{mentor_id}"
    return _create_v1(email, key) if api == "v1" else _create_v2(email, name, key)


def _create_v1(email: str, key: str) -> str:
    with _call() as client:
        made = client.v1.accounts.create(
            {
                "country": "US",
                "email": email,
                "controller": {
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "stripe_dashboard": {"type": "express"},
                    "requirement_collection": "stripe",
                },
                "capabilities": {"transfers": {"requested": True}},
            },
            {"idempotency_key": key},
        )
    return made.id


def _create_v2(email: str, name: str, key: str) -> str:
    with _call() as client:
        made = client.v2.core.accounts.create(
            {
                "contact_email": email,
                "display_name": name,
                "dashboard": "express",
                "identity": {"country": "us", "entity_type": "individual"},
                "configuration": {
                    "recipient": {
                        "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                    }
                },
                "defaults": {
                    "currency": "usd",
                    "responsibilities": {"fees_collector": "application", "losses_collector": "application"},
                },
                "include": ["configuration.recipient", "requirements", "identity"],
            },
            {"idempotency_key": key},
        )
    return made.id


# Webhooks


class BadSignature(Exception):
    """The body was not signed by Stripe with our secret, or too long ago, or is no event."""


def read_webhook(body: bytes, header: str, secret: str) -> dict[str, Any]:
    """The event in a signed body. Raises BadSignature. Cheaper than the SDK's object tree, and as strict."""
    try:
        text = body.decode("utf-8")
        stripe.WebhookSignature.verify_header(text, header, secret, SIGNATURE_TOLERANCE)
        _refuse_future(header)
        event = json.loads(text)
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise BadSignature(str(error)) from error
    if (
        not isinstance(event, dict)
        or not isinstance(event.get("id"), str)
        or not isinstance(event.get("type"), str)
    ):
        raise BadSignature("not an event")
    return event


def _refuse_future(header: str) -> None:
    stamp = next((part[2:] for part in header.split(",") if part.startswith("t=")), "0")
    if int(stamp) > time.time() + SIGNATURE_TOLERANCE:
        raise ValueError("signed in the future")
