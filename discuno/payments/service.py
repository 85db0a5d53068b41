"""What a booking costs, what was seen of its payment, and what goes back."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from discuno import policy
from discuno.bookings.models import Booking
from discuno.kit import clock
from discuno.kit.db import locked, one_or_none, session
from discuno.payments.models import Payment, PaymentStatus, Refund, RefundStatus

# In our metadata:
SUPERSEDED = "superseded"  # a Checkout Session to be ended before another is opened
GIVEN_BACK = "given_back"  # the attendee wants another time instead of paying for this one


@dataclass(frozen=True)
class Seen:
    """What Stripe says about a Checkout Session, retrieved by us: the only thing money decisions are made on."""

    session_id: str
    session_status: str  # open | complete | expired
    payment_status: str  # paid | unpaid | no_payment_required
    payment_id: str | None  # our id, as we wrote it into the metadata
    amount_total: int | None
    currency: str | None
    payment_intent_id: str | None
    payment_intent_status: str | None
    amount_received: int | None
    charge_id: str | None
    charged_at: datetime | None

    @property
    def is_paid(self) -> bool:
        """Whether the money is ours: the PaymentIntent says so itself."""
        return self.payment_intent_status == "succeeded" and self.payment_status == "paid"

    @property
    def is_processing(self) -> bool:
        """Whether the bank has not decided yet."""
        return self.payment_intent_status == "processing"

    @property
    def is_over_unpaid(self) -> bool:
        """Whether this session can no longer bring money."""
        return self.session_status == "expired"


def locked_payment(payment_id: int) -> Payment:
    """The payment and then its booking, both locked and both as they are now: a join would show an older booking."""
    payment = locked(Payment, payment_id)
    locked(Booking, payment.booking_id)
    return payment


def locked_booking(booking_id: int) -> Booking:
    """The booking, locked after its payment if it has one: whoever needs both takes them in this order."""
    payment_id = (
        session().execute(sa.select(Payment.id).where(Payment.booking_id == booking_id)).scalar_one_or_none()
    )
    if payment_id is not None:
        locked(Payment, payment_id)
    return locked(Booking, booking_id)


def of_booking(booking: Booking) -> Payment | None:
    """The payment of a booking, if it needs one and has its details."""
    return one_or_none(sa.select(Payment).where(Payment.booking_id == booking.id))


def by_session(session_id: str) -> Payment | None:
    """The payment a Checkout Session was made for."""
    return one_or_none(sa.select(Payment).where(Payment.stripe_checkout_session_id == session_id))


def by_payment_intent(payment_intent_id: str) -> Payment | None:
    """The payment of a PaymentIntent."""
    return one_or_none(sa.select(Payment).where(Payment.stripe_payment_intent_id == payment_intent_id))


def prepare(booking: Booking) -> Payment:
    """The payment of a booking with its split frozen, made once; name and e-mail follow the details."""
    payment = of_booking(booking)
    if payment is None:
        share = policy.split(booking.price, policy.terms.fee_bps)
        payment = Payment(
            booking_id=booking.id,
            booking=booking,
            mentor_user_id=booking.mentor.user_id,
            amount=share.amount,
            currency=booking.currency,
            platform_fee=share.platform_fee,
            mentor_amount=share.mentor_amount,
            status=PaymentStatus.PENDING,
            checkout_epoch=0,
            dispute_requested=False,
            metadata_={},
            created_at=clock.now(),
        )
        session().add(payment)
    payment.customer_name = booking.attendee_name or ""
    payment.customer_email = booking.attendee_email or ""
    session().flush()  # the id is the idempotency key's
    return payment


def open_epoch(payment: Payment) -> None:
    """Begin a new Checkout Session for this payment: its parameters are frozen from here on."""
    if payment.stripe_checkout_session_id is not None:
        payment.metadata_ = {**payment.metadata_, SUPERSEDED: payment.stripe_checkout_session_id}
    _forget(payment, GIVEN_BACK)
    payment.checkout_epoch += 1
    payment.checkout_expires_at = clock.now() + policy.CHECKOUT_LIFE
    payment.stripe_checkout_session_id = None
    payment.checkout_client_secret = None
    if payment.status == PaymentStatus.FAILED:
        payment.move_to(PaymentStatus.PENDING)


def give_back(payment: Payment) -> None:
    """The attendee does not want to pay for this time any more; nobody need be told when its session ends."""
    payment.metadata_ = {**payment.metadata_, GIVEN_BACK: True}


def was_given_back(payment: Payment) -> bool:
    """Whether the attendee gave the time back themselves."""
    return GIVEN_BACK in payment.metadata_


def superseded(payment: Payment) -> str | None:
    """The session of an earlier epoch that is not known to be over; before it is, no other one is opened."""
    return payment.metadata_.get(SUPERSEDED)


def superseded_is_over(payment: Payment) -> None:
    """The earlier session can bring no money any more."""
    _forget(payment, SUPERSEDED)


def _forget(payment: Payment, what: str) -> None:
    payment.metadata_ = {name: value for name, value in payment.metadata_.items() if name != what}


def may_change(payment: Payment) -> bool:
    """Whether somebody may still say who pays: not once money is here or on its way."""
    return payment.status in (PaymentStatus.PENDING, PaymentStatus.FAILED)


def has_open_checkout(payment: Payment) -> bool:
    """Whether the current session is known and could still be paid by its clock."""
    expires = payment.checkout_expires_at
    return payment.stripe_checkout_session_id is not None and expires is not None and expires > clock.now()


def still_fits(payment: Payment, name: str, email: str) -> bool:
    """Whether the open session was made for this person, so that it can be kept."""
    same = (payment.customer_name, payment.customer_email) == (name, email)
    return same and payment.status.is_waiting and has_open_checkout(payment)


def outcome_unknown(payment: Payment) -> bool:
    """Whether a session was asked for and no answer was recorded."""
    return (
        payment.checkout_epoch > 0
        and payment.stripe_checkout_session_id is None
        and payment.status.is_waiting
    )


def is_settled(payment: Payment, session_id: str | None) -> bool:
    """Whether there is nothing more to learn from this session."""
    return payment.status.has_money and session_id == payment.stripe_checkout_session_id


def may_ask(payment: Payment) -> bool:
    """Whether Stripe was not asked about this payment just now; a polling page must not become a flood."""
    now = clock.now()
    return payment.asked_at is None or now - payment.asked_at >= policy.ASK_STRIPE_AGAIN


def mismatch(payment: Payment, seen: Seen) -> str | None:
    """Why the money seen is not this payment's, or None. Compared with our row, never the other way round."""
    expected = (
        ("our id", str(payment.id), seen.payment_id),
        ("amount", payment.amount, seen.amount_received),
        ("session amount", payment.amount, seen.amount_total),
        ("currency", payment.currency, seen.currency),
    )
    wrong = [f"{what}: {theirs!r} instead of {ours!r}" for what, ours, theirs in expected if ours != theirs]
    return "; ".join(wrong) or None


def record_paid(payment: Payment, seen: Seen) -> None:
    """Write the money down; the dispute period is counted from Stripe's own time of the charge."""
    payment.stripe_checkout_session_id = seen.session_id
    payment.stripe_payment_intent_id = seen.payment_intent_id
    payment.stripe_charge_id = seen.charge_id
    payment.paid_at = seen.charged_at or clock.now()
    payment.payment_status = seen.payment_status
    payment.checkout_client_secret = None
    payment.dispute_period_ends = policy.dispute_period_ends(
        payment.paid_at, payment.booking.ends_at, policy.terms
    )
    payment.move_to(PaymentStatus.SUCCEEDED)


def request_refund(payment: Payment, *, amount: int, reason: str) -> Refund | None:
    """Write down that money goes back. None when that much is going back already."""
    open_or_made = sum(r.amount for r in payment.refunds if r.status != RefundStatus.FAILED)
    if open_or_made + amount > payment.amount:
        return None
    refund = Refund(
        payment=payment,
        amount=amount,
        currency=payment.currency,
        reason=reason,
        status=RefundStatus.REQUESTED,
        epoch=1,
        created_at=clock.now(),
    )
    session().add(refund)
    session().flush()  # the id is the idempotency key's
    return refund


def record_refund(refund: Refund, *, stripe_id: str, status: str) -> None:
    """Follow Stripe's word for a refund."""
    refund.stripe_refund_id = stripe_id
    refund.move_to(
        {
            "succeeded": RefundStatus.SUCCEEDED,
            "failed": RefundStatus.FAILED,
            "canceled": RefundStatus.FAILED,
        }.get(status, RefundStatus.PENDING)
    )
    payment = refund.payment
    if payment.refunded == payment.amount:
        payment.move_to(PaymentStatus.REFUNDED)
