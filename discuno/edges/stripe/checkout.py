"""Checkout Sessions: made, looked at, and ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import stripe

from discuno.edges.stripe.client import call
from discuno.edges.stripe.money import at


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
    with call() as client:
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
class EntryFacts:
    """A charge's balance transaction. It comes a moment after the charge: `charge.updated` tells when."""

    id: str
    fee: int
    currency: str
    available_on: datetime


def look_at_charge(charge_id: str) -> EntryFacts | None:
    """What Stripe kept of a charge, or None while it does not say."""
    with call() as client:
        charge = client.v1.charges.retrieve(charge_id, {"expand": ["balance_transaction"]})
    return _entry(charge)


def _entry(charge: stripe.Charge | None) -> EntryFacts | None:
    found = charge.balance_transaction if charge is not None else None
    if found is None or isinstance(found, str):
        return None
    return EntryFacts(found.id, found.fee, found.currency, at(found.available_on))


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
    entry: EntryFacts | None


def look_at_checkout(session_id: str) -> SessionFacts:
    """Retrieve the session and its PaymentIntent: what we believe, whatever a webhook said."""
    with call() as client:
        session = client.v1.checkout.sessions.retrieve(
            session_id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
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
        charged_at=at(charge.created) if charge is not None else None,
        entry=_entry(charge),
    )


def _ours(session: stripe.checkout.Session) -> str | None:
    metadata = session.metadata
    return metadata["payment_id"] if metadata is not None and "payment_id" in metadata else None


def close_checkout(session_id: str) -> None:
    """Expire a session. Its answer is advisory: whoever calls this looks at the session afterwards."""
    with call() as client:
        try:
            client.v1.checkout.sessions.expire(session_id)
        except stripe.InvalidRequestError:
            return  # no longer open: paid, or expired already
