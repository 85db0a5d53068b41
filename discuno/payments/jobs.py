"""Doors to Stripe for money in: open and close a checkout, settle a payment, send a refund.

Each is decide / call / record, safe to run twice and at once. Routes and webhook handlers call the same
functions that the worker runs.
"""

from urllib.parse import quote

import structlog
from flask import current_app

from discuno import journey, policy
from discuno.bookings import funnel
from discuno.bookings.models import FunnelStep
from discuno.edges import stripe
from discuno.edges.stripe import CheckoutRequest, RefundFacts, RefundRequest, StripeRefused
from discuno.kit import clock, outbox, outgoing
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
            funnel.reached(payment.booking, FunnelStep.PAYMENT)


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


def payment_of(charge_id: str | None, payment_intent_id: str | None, hint: int | None) -> int:
    """The payment a charge belongs to. Raises LookupError when it is none of ours, or not yet.

    `hint` is the payment our metadata names: if its row does not know its charge yet, Stripe is asked first, and
    then the ids are compared.
    """
    found = _by_charge(charge_id, payment_intent_id)
    if found is None and hint is not None:
        settle(hint)
        found = _by_charge(charge_id, payment_intent_id)
    if found is None:
        raise LookupError(f"no payment of ours has {charge_id or payment_intent_id}")
    return found


def _by_charge(charge_id: str | None, payment_intent_id: str | None) -> int | None:
    with transaction():
        payment = payments.by_charge(charge_id) if charge_id else None
        if payment is None and payment_intent_id:
            payment = payments.by_payment_intent(payment_intent_id)
        return payment.id if payment is not None else None


@outbox.task("learn_fee", queue=MONEY)
def learn_fee(payment_id: int) -> None:
    """What Stripe kept of a charge: told a moment after the charge, by an event or when asked."""
    with transaction():
        payment = session().get_one(Payment, payment_id)
        charge_id = payment.stripe_charge_id if payment.stripe_entry_id is None else None
    if charge_id is None:
        return
    entry = stripe.look_at_charge(charge_id)
    if entry is None:
        raise outbox.Later(clock.now() + policy.LEARN_FEE_EVERY, "Stripe does not say yet what it keeps")
    with transaction():
        payments.record_fee(payments.locked_payment(payment_id), entry)


# Refunds


def locked_refund(refund_id: int) -> Refund:
    """The refund, locked after its payment and booking: the order in which everybody takes them."""
    payments.locked_payment(session().get_one(Refund, refund_id).payment_id)
    return locked(Refund, refund_id)


def _refund_request(asked: Refund) -> RefundRequest:
    intent = asked.payment.stripe_payment_intent_id
    if intent is None:
        raise outbox.GiveUp("nothing was paid that could be returned")
    return RefundRequest(asked.id, intent, asked.amount, "requested_by_customer", asked.key)


def _prepare_refund(asked: Refund) -> RefundRequest | None:
    return _refund_request(asked) if journey.may_send_refund(asked) else None


REFUND: outgoing.Kind[Refund, RefundRequest, RefundFacts] = outgoing.Kind(
    lock=locked_refund,
    is_open=lambda r: r.status == RefundStatus.REQUESTED,
    frozen=_refund_request,
    prepare=_prepare_refund,
    find=stripe.find_refund,
    create=stripe.refund,
    made=journey.refund_answered,
    refused=journey.refund_refused,
    alarm=lambda r, why: journey.needs_a_person(r.payment, f"refund {r.id}: {why}"),
)


@outbox.task("send_refund", queue=MONEY)
def send_refund(refund_id: int) -> None:
    """Give money back, once."""
    outgoing.work(REFUND, refund_id)


def learn_refund(stripe_refund_id: str) -> str:
    """Take Stripe's present word on a refund, ours or made there by hand. Raises LookupError for another's."""
    seen = stripe.look_at_refund(stripe_refund_id)
    payment_id = payment_of(seen.charge_id, None, None)
    _take_refund(payment_id, seen)
    return f"payment {payment_id}: refund {seen.status}"


@outbox.task("learn_refunds", queue=MONEY)
def learn_refunds(payment_id: int) -> None:
    """Take every refund that Stripe has of a payment, those made there by hand too."""
    with transaction():
        intent = session().get_one(Payment, payment_id).stripe_payment_intent_id
    for seen in stripe.refunds_of(intent) if intent is not None else ():
        _take_refund(payment_id, seen)


def _take_refund(payment_id: int, seen: RefundFacts) -> None:
    with transaction():
        payment = payments.locked_payment(payment_id)
        known = payments.known_refund(payment, seen)
        if known is not None:
            journey.refund_answered(known, seen)
        else:
            journey.refund_found(payment, seen)
