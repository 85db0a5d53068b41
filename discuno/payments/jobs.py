"""Doors to Stripe for money in: open and close a checkout, settle a payment, send a refund.

Each is decide / call / record, safe to run twice and at once. Routes and webhook handlers call the same
functions that the worker runs.
"""

from urllib.parse import quote

import structlog
from flask import current_app

from discuno import journey, policy
from discuno.edges import stripe
from discuno.edges.stripe import CheckoutRequest, StripeRefused
from discuno.kit import clock, outbox
from discuno.kit.db import locked, session, transaction
from discuno.payments import service as payments
from discuno.payments.models import Payment, Refund, RefundStatus
from discuno.payments.service import Seen

log = structlog.get_logger()
MONEY = "money"


def open_checkout(payment_id: int) -> None:
    """Make the Checkout Session of the current epoch, or learn which one it was. Raises StripeDown, StripeRefused.

    A session of an earlier epoch is ended first: there are never two to pay.
    """
    end_superseded(payment_id)
    with transaction():
        payment = locked(Payment, payment_id)
        if payment.stripe_checkout_session_id is not None or not payment.status.is_waiting:
            return
        wanted, epoch = _request(payment), payment.checkout_epoch
    made = stripe.open_checkout(wanted)
    with transaction():
        payment = locked(Payment, payment_id)
        if payment.checkout_epoch == epoch and payment.stripe_checkout_session_id is None:
            payment.stripe_checkout_session_id = made.session_id
            payment.checkout_client_secret = made.client_secret


def _request(payment: Payment) -> CheckoutRequest:
    booking = payment.booking
    expires_at = payment.checkout_expires_at
    if expires_at is None:
        raise ValueError("an epoch is opened before its checkout")
    base = current_app.config["BASE_URL"]
    return CheckoutRequest(
        payment_id=payment.id,
        amount=payment.amount,
        currency=payment.currency,
        product_name=f"{booking.title} with {booking.mentor.name}",
        product_description=f"{booking.duration_minutes} minute session",
        customer_email=payment.customer_email,
        transfer_group=payment.transfer_group,
        expires_at=expires_at,
        return_url=f"{base}/mentor/{quote(booking.mentor.username)}/book/complete?session_id={{CHECKOUT_SESSION_ID}}",
        key=f"checkout:{payment.id}:{payment.checkout_epoch}",
    )


def close_checkout(payment_id: int) -> bool:
    """See to it that the current session can bring no money any more; False when it already has.

    The answer to "expire" is advisory: the session is looked at afterwards, and what it says is recorded.
    """
    with transaction():
        payment = locked(Payment, payment_id)
        began, session_id = payment.checkout_epoch > 0, payment.stripe_checkout_session_id
        open_still = payment.status.is_waiting
    if not began or not open_still:
        return not payment.status.has_money
    if session_id is None:
        open_checkout(payment_id)  # the answer was lost: the same key tells which session it made
        session_id = payment.stripe_checkout_session_id
    if session_id is not None:
        stripe.close_checkout(session_id)
    settle(payment_id)
    return not payment.status.has_money


def open_anew(payment_id: int) -> None:
    """After Stripe refused the current epoch, whose expiry is by now too near: begin another. Raises as above."""
    with transaction():
        payment = payments.locked_payment(payment_id)
        if payment.stripe_checkout_session_id is None and payments.may_change(payment):
            journey.begin_checkout(payment)
    open_checkout(payment_id)


def end_superseded(payment_id: int) -> None:
    """Expire the session of an earlier epoch. If it was paid after all, that money is taken as the payment."""
    with transaction():
        former = payments.superseded(locked(Payment, payment_id))
    if former is not None:
        stripe.close_checkout(former)
        settle(payment_id, former)
        with transaction():
            payments.superseded_is_over(locked(Payment, payment_id))


def settle(payment_id: int, session_id: str | None = None) -> None:
    """Ask Stripe about the payment's session and take what it says: the one way a payment changes.

    `session_id` names the session when our row may not know it yet. Raises StripeDown.
    """
    with transaction():
        payment = session().get(Payment, payment_id)
        asked = session_id or (payment.stripe_checkout_session_id if payment is not None else None)
        known = payment is not None and payments.is_settled(payment, asked)
        in_our_row = payment is not None and payment.stripe_checkout_session_id == asked
        if payment is not None and not known:
            payment.asked_at = clock.now()
    if asked is None or known:
        return
    facts = stripe.look_at_checkout(asked)
    if facts.payment_id != str(payment_id) and not in_our_row:
        raise outbox.GiveUp(f"{asked} carries the payment id {facts.payment_id!r}, not {payment_id}")
    with transaction():
        journey.payment_seen(payments.locked_payment(payment_id), Seen(**vars(facts)))


@outbox.task("watch_payment", queue=MONEY)
def watch_payment(payment_id: int) -> None:
    """Look at a payment although no webhook came, until it is decided; an ended session is closed for good."""
    with transaction():
        payment = locked(Payment, payment_id)
        waiting, expires = payment.status.is_waiting, payment.checkout_expires_at
        is_a_persons = payment.needs_attention is not None
    if not waiting or expires is None or is_a_persons:
        return
    if clock.now() >= expires:
        _end(payment_id)
    else:
        open_checkout(payment_id)
        settle(payment_id)
    if payment.status.is_waiting and payment.needs_attention is None:
        raise outbox.Later(clock.now() + policy.WATCH_PAYMENT_EVERY, "not decided yet")


def _end(payment_id: int) -> None:
    """Close for good. If Stripe refuses even to make the session (its time is past), there never was one."""
    try:
        close_checkout(payment_id)
    except StripeRefused:
        with transaction():
            payment = payments.locked_payment(payment_id)
            if payment.stripe_checkout_session_id is not None:
                raise
            journey.checkout_over(payment)


def _locked_refund(refund_id: int) -> Refund:
    """The refund, locked after its payment: the order in which everybody takes them."""
    locked(Payment, session().get_one(Refund, refund_id).payment_id)
    return locked(Refund, refund_id)


@outbox.task("send_refund", queue=MONEY)
def send_refund(refund_id: int) -> None:
    """Give money back. An attempt whose outcome is unknown is looked up before it is made again."""
    with transaction():
        asked = _locked_refund(refund_id)
        if asked.status != RefundStatus.REQUESTED:
            return
        intent, amount, key = asked.payment.stripe_payment_intent_id, asked.amount, asked.key
        tried_before = asked.attempted_at is not None
        asked.attempted_at = clock.now()
    if intent is None:
        raise outbox.GiveUp("nothing was paid that could be returned")
    try:
        made = stripe.find_refund(intent, refund_id) if tried_before else None
        made = made or stripe.refund(intent, amount, refund_id=refund_id, key=key)
    except StripeRefused as refusal:
        with transaction():
            journey.refund_failed(_locked_refund(refund_id), str(refusal))
        return
    with transaction():
        journey.refund_answered(_locked_refund(refund_id), stripe_id=made.id, status=made.status)


def follow_refund(refund_id: int, stripe_refund_id: str) -> None:
    """Take Stripe's present word on a refund that it told us about."""
    now = stripe.look_at_refund(stripe_refund_id)
    with transaction():
        journey.refund_answered(_locked_refund(refund_id), stripe_id=now.id, status=now.status)
