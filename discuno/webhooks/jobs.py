"""Working through the inbox: one event type, one call into the journey.

An event is only a reason to look. What is believed is what Stripe says when asked, so order, repetition
and age of events mean nothing.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from discuno.kit import outbox
from discuno.kit.db import locked, one_or_none, session, transaction
from discuno.notifications import service as notifications
from discuno.notifications.models import Email
from discuno.payments import jobs as payment_doors
from discuno.payments import service as payments
from discuno.payments.models import Payment, Refund
from discuno.webhooks import service as inbox
from discuno.webhooks.models import WebhookEvent

Handler = Callable[[dict[str, Any]], str]


class Unexplained(Exception):
    """The event is about something we do not know (yet): it is tried again until it is explained."""


@outbox.task("handle_event", queue="money")
def handle_event(event_id: int) -> None:
    """Act on a stored event, once; an unknown object keeps it open, and at last tells a person."""
    with transaction():
        event = locked(WebhookEvent, event_id)
        if event.handled_at is not None:
            return
        event.attempts += 1
        handler = HANDLERS.get((event.provider, event.type))
        payload = event.payload
    try:
        outcome = handler(payload) if handler is not None else "nothing to do"
    except Exception as error:
        with transaction():
            locked(WebhookEvent, event_id).error = f"{type(error).__name__}: {error}"[:2000]
        raise
    with transaction():
        inbox.handled(locked(WebhookEvent, event_id), outcome)


def _object(event: dict[str, Any]) -> dict[str, Any]:
    found = event.get("data", {}).get("object")
    if not isinstance(found, dict) or not isinstance(found.get("id"), str):
        raise Unexplained("the event carries no object")
    return found


def checkout_session(event: dict[str, Any]) -> str:
    """A Checkout Session changed: look at it."""
    seen = _object(event)
    payment_id = _payment_of(seen, payments.by_session)
    payment_doors.settle(payment_id, seen["id"])
    return f"payment {payment_id}"


def payment_intent(event: dict[str, Any]) -> str:
    """A PaymentIntent changed: look at its session, if it is one of ours."""
    payment_id = _payment_of(_object(event), payments.by_payment_intent)
    payment_doors.settle(payment_id)
    return f"payment {payment_id}"


def _payment_of(seen: dict[str, Any], find: Callable[[str], Payment | None]) -> int:
    """The payment that an object is about. Raises Unexplained."""
    with transaction():
        payment = find(seen["id"]) or _ours(seen)
        if payment is None:
            raise Unexplained(f"no payment for {seen['id']}")
        return payment.id


def refund(event: dict[str, Any]) -> str:
    """A refund changed: ask how it stands."""
    seen = _object(event)
    refund_id = _our_id(seen, "refund_id")
    with transaction():
        known = one_or_none(sa.select(Refund).where(Refund.stripe_refund_id == seen["id"]))
        if known is None and refund_id is not None:
            known = session().get(Refund, refund_id)
        known_id = known.id if known is not None else None
    if known_id is None:
        raise Unexplained(f"no refund of ours is {seen['id']}")
    payment_doors.follow_refund(known_id, seen["id"])
    return f"refund {known_id}"


def letter(event: dict[str, Any]) -> str:
    """A letter moved on its way."""
    resend_id = str(event.get("data", {}).get("email_id", ""))
    with transaction():
        email = one_or_none(sa.select(Email).where(Email.resend_id == resend_id).with_for_update())
        if email is None:
            raise Unexplained(f"no letter is {resend_id}")
        notifications.record_delivery(email, str(event.get("type")))
        return f"letter {email.id}"


def _ours(seen: dict[str, Any]) -> Payment | None:
    """The payment that our own metadata names; only a hint, checked against Stripe before it is believed."""
    payment_id = _our_id(seen, "payment_id")
    return session().get(Payment, payment_id) if payment_id is not None else None


def _our_id(seen: dict[str, Any], name: str) -> int | None:
    value = (seen.get("metadata") or {}).get(name, "")
    return (
        int(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19
        else None
    )


HANDLERS: dict[tuple[str, str], Handler] = {
    ("stripe", "checkout.session.completed"): checkout_session,
    ("stripe", "checkout.session.expired"): checkout_session,
    ("stripe", "checkout.session.async_payment_succeeded"): checkout_session,
    ("stripe", "checkout.session.async_payment_failed"): checkout_session,
    ("stripe", "payment_intent.succeeded"): payment_intent,
    ("stripe", "refund.created"): refund,
    ("stripe", "refund.updated"): refund,
    ("stripe", "refund.failed"): refund,
    ("resend", "email.sent"): letter,
    ("resend", "email.delivered"): letter,
    ("resend", "email.bounced"): letter,
    ("resend", "email.complained"): letter,
    ("resend", "email.failed"): letter,
}
