"""What a booking costs, what was seen of its payment, and what goes back."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm.interfaces import ORMOption

from discuno import policy
from discuno.bookings.models import Booking
from discuno.kit import clock
from discuno.kit.db import locked, one_or_none, rows, session
from discuno.payments import ledger
from discuno.payments.models import TERMS, Payment, PaymentStatus, PostingKind, Refund, RefundStatus

# In our metadata:
SUPERSEDED = "superseded"  # a Checkout Session to be ended before another is opened
GIVEN_BACK = "given_back"  # the attendee wants another time instead of paying for this one


class Entry(Protocol):
    """A charge's balance transaction: what Stripe kept, in which currency, and when the rest can be spent."""

    @property
    def id(self) -> str: ...

    @property
    def fee(self) -> int: ...

    @property
    def currency(self) -> str: ...

    @property
    def available_on(self) -> datetime: ...


class RefundSeen(Protocol):
    """A refund as Stripe has it; `entry` is the balance transaction that took the money."""

    @property
    def id(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def amount(self) -> int: ...

    @property
    def refund_id(self) -> int | None: ...

    @property
    def entry(self) -> str | None: ...


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
    entry: "Entry | None" = None

    @property
    def is_paid(self) -> bool:
        """Whether the money is ours: the PaymentIntent says so itself."""
        return self.payment_intent_status == "succeeded" and self.payment_status == "paid"

    @property
    def is_processing(self) -> bool:
        """Whether the bank has not decided yet."""
        return self.payment_intent_status == "processing"

    @property
    def is_refused(self) -> bool:
        """Whether somebody has paid and their bank has said no afterwards: such a session stays complete for ever."""
        is_over = self.payment_intent_status in ("requires_payment_method", "canceled")
        return self.session_status == "complete" and self.payment_status == "unpaid" and is_over

    @property
    def is_over_unpaid(self) -> bool:
        """Whether this session can no longer bring money."""
        return self.session_status == "expired" or self.is_refused


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


def by_ids(ids: Iterable[int | None]) -> dict[int, Payment]:
    """The payments of these ids by their id, with their bookings; what has none is passed over."""
    wanted = {payment_id for payment_id in ids if payment_id is not None}
    found = rows(sa.select(Payment).where(Payment.id.in_(wanted))) if wanted else []
    return {payment.id: payment for payment in found}


def of_bookings(booking_ids: Collection[int], *options: ORMOption) -> dict[int, Payment]:
    """The payments of many bookings, by booking; `options` say what is loaded with them."""
    statement = sa.select(Payment).where(Payment.booking_id.in_(booking_ids)).options(*options)
    return {payment.booking_id: payment for payment in rows(statement)}


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
            metadata_={TERMS: policy.policy_sentences(policy.terms, ahead=booking.starts_at - clock.now())},
            created_at=clock.now(),
        )
        session().add(payment)
    payment.customer_name = booking.attendee_name or ""
    payment.customer_email = booking.attendee_email or ""
    session().flush()  # the id is the idempotency key's
    return payment


def open_epoch(payment: Payment, at_least_until: datetime | None = None) -> datetime:
    """Begin a new Checkout Session for this payment, its parameters frozen from here on; until when it lasts."""
    if payment.stripe_checkout_session_id is not None:
        payment.metadata_ = {**payment.metadata_, SUPERSEDED: payment.stripe_checkout_session_id}
    _forget(payment, GIVEN_BACK)
    payment.checkout_epoch += 1
    ends = clock.now() + policy.CHECKOUT_LIFE
    payment.checkout_expires_at = ends = max(ends, at_least_until or ends)
    payment.stripe_checkout_session_id = None
    payment.checkout_client_secret = None
    if payment.status == PaymentStatus.FAILED:
        payment.move_to(PaymentStatus.PENDING)
    return ends


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
    ledger.captured(payment, seen.charge_id or seen.payment_intent_id or seen.session_id)
    if seen.entry is not None:
        record_fee(payment, seen.entry)


def session_moved(payment: Payment) -> None:
    """The session has another time, so the dispute period ends at another."""
    if payment.paid_at is not None:
        payment.dispute_period_ends = policy.dispute_period_ends(
            payment.paid_at, payment.booking.ends_at, policy.terms
        )


def record_fee(payment: Payment, entry: Entry) -> None:
    """What Stripe kept of the charge; known a little later than the charge itself."""
    payment.stripe_entry_id = entry.id
    payment.stripe_fee = entry.fee
    payment.settlement_currency = entry.currency
    payment.available_on = entry.available_on
    if entry.currency == payment.currency:
        ledger.stripe_fee(payment, entry.id, entry.fee)


def settled_as(currency: str) -> str | None:
    """The currency in which Stripe settled the newest payment in this one, or None while nobody knows."""
    known = sa.select(Payment.settlement_currency).where(
        Payment.currency == currency, Payment.settlement_currency.is_not(None)
    )
    return session().execute(known.order_by(Payment.id.desc()).limit(1)).scalar_one_or_none()


def by_charge(charge_id: str) -> Payment | None:
    """The payment of a charge."""
    return one_or_none(sa.select(Payment).where(Payment.stripe_charge_id == charge_id))


# Refunds


def unposted_refunds(payment: Payment) -> int:
    """What is on its way back and not in the books yet, in minor units."""
    return sum(r.amount for r in payment.refunds if r.status.is_open and not _is_posted(r))


def _is_posted(refund: Refund) -> bool:
    made = refund.stripe_refund_id
    return made is not None and ledger.is_posted(PostingKind.REFUND, made)


def refundable(payment: Payment) -> int:
    """What was neither returned nor taken by a bank nor is on its way back, in minor units."""
    return max(0, payment.amount - ledger.gone(payment) - unposted_refunds(payment))


def request_refund(payment: Payment, *, amount: int, reason: str, nonce: str) -> Refund | None:
    """Write down that money goes back. None when this wish was written down before, whatever became of it."""
    if any(r.nonce == nonce for r in payment.refunds):
        return None
    refund = Refund(
        payment=payment,
        amount=amount,
        currency=payment.currency,
        reason=reason,
        nonce=nonce,
        status=RefundStatus.REQUESTED,
        epoch=1,
        unknown_count=0,
        next_try_at=clock.now(),
        created_at=clock.now(),
    )
    session().add(refund)
    session().flush()  # the id is the idempotency key's
    return refund


def known_refund(payment: Payment, seen: RefundSeen) -> Refund | None:
    """Our row of a refund at Stripe: by Stripe's id, or by ours in its metadata if the row is this payment's."""
    return next((r for r in payment.refunds if seen.id == r.stripe_refund_id), None) or next(
        (r for r in payment.refunds if r.id == seen.refund_id and r.stripe_refund_id is None), None
    )


def adopt_refund(payment: Payment, seen: RefundSeen) -> Refund:
    """A refund that was made at Stripe by hand becomes a row of ours."""
    refund = request_refund(payment, amount=seen.amount, reason="made_at_stripe", nonce=f"stripe:{seen.id}")
    if refund is None:
        return next(r for r in payment.refunds if r.nonce == f"stripe:{seen.id}")
    refund.stripe_refund_id = seen.id
    return refund


FATE = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}


def record_refund(refund: Refund, seen: RefundSeen) -> bool:
    """Follow Stripe's word for a refund, in the books too; True when its status has changed.

    The books follow Stripe's balance: the money is gone once a balance transaction took it, and back once it failed.
    """
    refund.stripe_refund_id = seen.id
    payment = refund.payment
    if seen.entry is not None:
        ledger.money_left(payment, refund.amount, PostingKind.REFUND, seen.id)
    status = FATE.get(seen.status, RefundStatus.PENDING)
    if status == RefundStatus.FAILED and ledger.is_posted(PostingKind.REFUND, seen.id):
        ledger.money_returned(payment, refund.amount, PostingKind.REFUND_UNDONE, seen.id)
    if status not in Refund.MOVES[refund.status]:
        return False  # the same again, or Stripe's older word
    return refund.move_to(status)


def restate(payment: Payment) -> None:
    """Let the owner's one word follow the rows, once the money is here."""
    if payment.status.has_money:
        payment.move_to(_word(payment))


def _word(payment: Payment) -> PaymentStatus:
    if payment.refunded >= payment.amount:
        return PaymentStatus.REFUNDED
    if any(d.marks_payment for d in payment.disputes):
        return PaymentStatus.DISPUTED
    if any(t.reversed_amount < t.amount for t in payment.transfers if t.stripe_transfer_id is not None):
        return PaymentStatus.TRANSFERRED
    return PaymentStatus.SUCCEEDED
