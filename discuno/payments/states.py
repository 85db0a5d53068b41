"""What the last page says: our state in words, never more than is true."""

from dataclasses import dataclass, field

from discuno.bookings.models import Booking, BookingStatus
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.payments.models import Payment, PaymentStatus, RefundStatus


@dataclass(frozen=True)
class State:
    """One truth: a heading, a sentence, what comes next. A waiting state asks again by itself."""

    key: str
    heading: str
    sentence: str
    tone: str
    is_waiting: bool = False
    next_steps: list[str] = field(default_factory=list)
    actions: list[dict[str, object]] = field(default_factory=list)


def state_of(booking: Booking, payment: Payment | None, again_url: str) -> State:
    """The state of a booking for the person who made it."""
    if booking.status == BookingStatus.CONFIRMED:
        return _confirmed(booking, payment)
    if booking.status == BookingStatus.CANCELLED:
        return State("cancelled", "This session was cancelled", booking.status.sentence, "plain")
    if booking.status == BookingStatus.REFUSED:
        return _refused(booking, payment, again_url)
    if payment is not None and not payment.status.has_money:
        return _unpaid(payment, again_url)
    if booking.status == BookingStatus.HELD or payment is not None:
        return _confirming(booking, payment)
    return State(
        "expired",
        "This time is no longer held",
        "The booking was not finished, and nothing was charged.",
        "plain",
        actions=[_again(again_url)],
    )


def _again(url: str) -> dict[str, object]:
    return {"label": "Choose a time again", "url": url, "primary": True}


def _confirmed(booking: Booking, payment: Payment | None) -> State:
    steps = [f"The confirmation goes to {booking.attendee_email}."]
    if booking.meeting_url is None:
        steps.append(f"{booking.mentor.first_name} will write to you about where you meet.")
    if payment is not None and payment.dispute_period_ends is not None:
        until = moment(payment.dispute_period_ends, booking.attendee_zone)
        steps.append(f"Your payment is held until {until}; if something goes wrong, tell us before then.")
    return State(
        "confirmed",
        "Your session is confirmed",
        f"{booking.mentor.name} expects you on {moment(booking.starts_at, booking.attendee_zone)}.",
        "ok",
        next_steps=steps,
    )


def _refused(booking: Booking, payment: Payment | None, again_url: str) -> State:
    heading = "That time could not be booked"
    lost = f"{booking.mentor.first_name}’s calendar no longer had that time free."
    if payment is None or not payment.refunds:
        return State("refused", heading, f"{lost} Nothing was charged.", "bad", actions=[_again(again_url)])
    refund = payment.refunds[-1]
    amount = in_words(refund.amount, refund.currency)
    again = [_again(again_url)]
    if refund.status == RefundStatus.SUCCEEDED:
        sentence = f"{lost} We have returned your {amount}; banks usually show it within 5 to 10 days."
        return State("refunded", heading, sentence, "note", actions=again)
    if refund.status == RefundStatus.FAILED:
        sentence = f"{lost} Returning your {amount} did not work at once; a person sees to it and will write."
        return State("refund_failed", heading, sentence, "bad", actions=again)
    return State(
        "refunding", heading, f"{lost} We are returning your {amount} now.", "wait", True, actions=again
    )


def _unpaid(payment: Payment, again_url: str) -> State:
    if payment.needs_attention is not None:
        sentence = "A person will look at it and write to you. Please do not pay again."
        return State("attention", "We have to check this payment by hand", sentence, "note")
    if payment.status == PaymentStatus.FAILED:
        sentence = "The payment was not completed, and nothing was charged. The time is free again."
        return State("expired", "This booking was not paid", sentence, "plain", actions=[_again(again_url)])
    if payment.status == PaymentStatus.PROCESSING:
        sentence = "This page will change when it is done."
        return State("checking", "Your bank is working on the payment", sentence, "wait", True)
    return State(
        "checking",
        "We are checking your payment",
        "This usually takes a few seconds. You need not pay again.",
        "wait",
        True,
    )


def _confirming(booking: Booking, payment: Payment | None) -> State:
    if payment is not None and payment.needs_attention is not None:
        sentence = "A person will look at it and write to you. Please do not pay again."
        return State("attention", "We have to check this payment by hand", sentence, "note")
    begun = "Your payment has arrived. " if payment is not None else ""
    return State(
        "paid_confirming" if payment is not None else "confirming",
        "We are confirming your time",
        f"{begun}We are asking {booking.mentor.first_name}’s calendar; you will also get an e-mail.",
        "wait",
        True,
    )
