"""How a booking stands, in words for the person who made it: never more than is true. The one place that says it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from discuno import policy
from discuno.bookings import changes
from discuno.bookings.links import again_path, times_path
from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.kit import clock
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment, PaymentStatus, PostingKind, Refund, RefundStatus
from discuno.policy import CancelAnswer, CancelRefund

REPORT, CHARGEBACK = "report", "chargeback"  # kinds of cases: they lie to the right of payments
BANKS_TAKE = "Banks usually show it within 5 to 10 days."
A_PERSON = "A person decides about the money and will write to you."


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


def state_of(booking: Booking, payment: Payment | None, *, just_booked: bool = True) -> State:
    """The state of a booking for the person who made it; `just_booked` when they come from the steps of booking."""
    if booking.status == BookingStatus.CONFIRMED:
        return _confirmed(booking, payment, just_booked)
    if booking.status == BookingStatus.CANCELLED:
        return _cancelled(booking, payment)
    if booking.status == BookingStatus.REFUSED:
        return _refused(booking, payment)
    if payment is not None and not payment.status.has_money:
        return _unpaid(payment)
    if booking.status == BookingStatus.HELD or payment is not None:
        return _confirming(booking, payment)
    return State(
        "expired",
        "This time is no longer held",
        "The booking was not finished, and nothing was charged.",
        "plain",
        actions=[_again(booking)],
    )


def _again(booking: Booking) -> dict[str, object]:
    return {"label": "Choose a time again", "url": again_path(booking), "primary": True}


def _when(instant: datetime, booking: Booking) -> str:
    return moment(instant, booking.attendee_zone)


# It will take place, or has


def _confirmed(booking: Booking, payment: Payment | None, just_booked: bool) -> State:
    wanted = changes.wanted_start(booking)
    if wanted is not None:
        sentence = (
            f"We are asking {booking.mentor.first_name}’s calendar for {_when(wanted, booking)}. "
            f"Until it agrees, your session stays on {_when(booking.starts_at, booking)}."
        )
        return State("moving", "We are moving your session", sentence, "wait", True)
    objected = _objected(booking, payment) if payment is not None else None
    return objected or _all_returned(booking, payment) or _by_the_hour(booking, payment, just_booked)


def _objected(booking: Booking, payment: Payment) -> State | None:
    bank, report = case_of(payment, CHARGEBACK), case_of(payment, REPORT)
    if bank is not None and bank.is_open:
        return _at_the_bank(bank)
    if report is not None and report.is_open:
        return _reported(booking, report)
    if bank is not None and bank.marks_payment:
        sentence = "The bank has decided: it has given the money back to you, and we do not return it again."
        return State("bank_returned", "Your bank has returned this payment", sentence, "note")
    return None


def case_of(payment: Payment, kind: str) -> Any:
    """The payment's open case of a kind, or the last one, or None."""
    made = [case for case in payment.disputes if case.kind == kind]
    return next((case for case in made if case.is_open), made[-1] if made else None)


def _at_the_bank(bank: Any) -> State:
    if not bank.forbids_refund:
        sentence = "Your bank asks us about this payment. We are answering, and no money has moved."
        return State("bank_asks", "Your bank has a question", sentence, "note")
    sentence = (
        "You, or the holder of the card, have asked the bank for the money, and the bank has taken it back while it "
        "decides. We can return nothing besides; the bank will tell you how it decides."
    )
    return State("chargeback", "Your bank decides about this payment", sentence, "note")


def _reported(booking: Booking, report: Any) -> State:
    heading, name = "You have reported a problem", booking.mentor.name
    if report.answered_at is not None:
        sentence = f"{name} has answered, and a person is deciding. Your money stays with us until then."
    elif report.due_at is not None and report.due_at > clock.now():
        due = _when(report.due_at, booking)
        sentence = f"{name} has until {due} to answer. Your money stays with us until it is decided."
    else:
        sentence = f"{name} did not answer in time. Your money stays with us until a person has decided."
    return State("reported", heading, sentence, "note")


def _all_returned(booking: Booking, payment: Payment | None) -> State | None:
    """The session was not cancelled, but the payment goes back as a whole: a report was decided so, or an admin."""
    back = _back(booking, payment)
    if back is None or payment is None or sum(r.amount for r in _counted(payment)) < payment.amount:
        return None
    if back.is_waiting or back.key == "refunding":
        heading = "Your payment is on its way back"
    else:
        heading = "Your payment was returned" if back.key == "refunded" else "Your refund takes longer"
    return State(back.key, heading, back.sentence, back.tone, back.is_waiting)


def _by_the_hour(booking: Booking, payment: Payment | None, just_booked: bool) -> State:
    now, name = clock.now(), booking.mentor.name
    steps = _what_comes(booking, payment, just_booked)
    if now >= booking.ends_at:
        sentence = f"It was on {_when(booking.starts_at, booking)}, with {name}."
        return State("over", "Your session is over", sentence, "ok", next_steps=steps)
    if now >= booking.starts_at:
        sentence = f"{name} expects you now, until {_when(booking.ends_at, booking)}."
        return State("confirmed", "Your session is on now", sentence, "ok", next_steps=steps)
    sentence = f"{name} expects you on {_when(booking.starts_at, booking)}."
    return State("confirmed", "Your session is confirmed", sentence, "ok", next_steps=steps)


def _what_comes(booking: Booking, payment: Payment | None, just_booked: bool) -> list[str]:
    steps = [f"The confirmation goes to {booking.attendee_email}."] if just_booked else []
    if booking.meeting_url is None and clock.now() < booking.ends_at:
        steps.append(f"{booking.mentor.first_name} will write to you about where you meet.")
    if booking.attendee_absent_at is not None:
        steps.append(f"{booking.mentor.name} says that you did not come.{_if_you_did(payment)}")
    if payment is not None:
        steps += _what_comes_of_the_money(booking, payment)
    return steps


def _if_you_did(payment: Payment | None) -> str:
    ends = payment.dispute_period_ends if payment is not None else None
    return (
        " If you did, report a problem."
        if policy.may_report(now=clock.now(), dispute_period_ends=ends)
        else ""
    )


def _what_comes_of_the_money(booking: Booking, payment: Payment) -> list[str]:
    steps = []
    report, back = case_of(payment, REPORT), _back(booking, payment)
    if report is not None and report.decision is not None:
        reason = f" {report.decision_reason}" if report.decision_reason else ""
        steps.append(f"Your report was decided: {report.decision.sentence}{reason}")
    if back is not None:
        steps.append(back.sentence)
    if payment.dispute_period_ends is None:
        return steps
    until = _when(payment.dispute_period_ends, booking)
    if policy.may_report(now=clock.now(), dispute_period_ends=payment.dispute_period_ends):
        if report is not None and report.decision not in (None, "withdrawn"):
            kept = "The payment" if back is None else "What is not returned"
            return [*steps, f"{kept} is held until {until}, and then goes to the mentor."]
        return [*steps, f"Your payment is held until {until}; if something goes wrong, tell us before then."]
    gone = "has gone" if payment.status == PaymentStatus.TRANSFERRED else "goes"
    return [*steps, f"The time to report a problem ended on {until}; the payment {gone} to the mentor."]


# It will not take place

WHO_CANCELLED = {
    Party.ATTENDEE: "You have cancelled this session",
    Party.MENTOR: "Your mentor has cancelled this session",
    Party.ADMIN: "We have cancelled this session",
    Party.HOUSE: "We have cancelled this session",
    Party.CALENDAR: "This session was cancelled in the mentor’s calendar",
}


def _cancelled(booking: Booking, payment: Payment | None) -> State:
    heading = WHO_CANCELLED.get(booking.cancelled_by or Party.HOUSE, "This session was cancelled")
    back = _back(booking, payment)
    if back is not None:
        return State("cancelled", heading, back.sentence, back.tone, back.is_waiting)
    return State("cancelled", heading, _why_nothing_back(booking, payment), "plain")


def _why_nothing_back(booking: Booking, payment: Payment | None) -> str:
    if payment is None or not payment.status.has_money:
        return "Nothing was charged, so there is no money to return."
    bank = case_of(payment, CHARGEBACK)
    if bank is not None and bank.forbids_refund:
        return "Your bank has taken the payment back and decides about it, so we return nothing besides."
    if bank is not None and bank.marks_payment:
        return "Your bank has given the money back to you already."
    by, at = booking.cancelled_by, booking.cancelled_at
    if by is None or at is None:
        return A_PERSON
    answer = policy.cancellation(by.value, now=at, starts_at=booking.starts_at)
    return f"No money goes back. {answer.rule}" if answer.refund == CancelRefund.NOTHING else A_PERSON


def _refused(booking: Booking, payment: Payment | None) -> State:
    heading, again = "That time could not be booked", [*_near(booking), _again(booking)]
    lost = f"{booking.mentor.first_name}’s calendar no longer had that time free."
    back = _back(booking, payment)
    if back is not None:
        return State(back.key, heading, f"{lost} {back.sentence}", back.tone, back.is_waiting, actions=again)
    paid = payment is not None and payment.status.has_money
    sentence = f"{lost} {_why_nothing_back(booking, payment) if paid else 'Nothing was charged.'}"
    return State("refused", heading, sentence, "bad", actions=again)


def _near(booking: Booking) -> list[dict[str, object]]:
    """The times that were free near the one that was lost."""
    return [
        {"label": f"Free: {_when(start, booking)}", "url": times_path(booking, start), "primary": False}
        for start in booking.near_starts or ()
    ]


# Money on its way back


def _back(booking: Booking, payment: Payment | None) -> State | None:
    """What was, is or could not be returned; None when nothing ever was asked to be."""
    if payment is None or not payment.refunds:
        return None
    under_way = [r for r in payment.refunds if r.status.is_open]
    failed = [r for r in _counted(payment) if r.status == RefundStatus.FAILED]
    if under_way:
        amount = in_words(sum(r.amount for r in under_way), payment.currency)
        if any(r.status == RefundStatus.REQUESTED for r in under_way):
            return State("refunding", "", f"We are returning your {amount} now.", "wait", True)
        return State("refunding", "", f"Your {amount} is on its way to your bank. {BANKS_TAKE}", "wait")
    if failed and payment.refunded < payment.amount:
        amount = in_words(failed[-1].amount, payment.currency)
        sentence = f"Returning your {amount} did not work at once; a person sees to it and will write to you."
        return State("refund_failed", "", sentence, "bad")
    made = [r for r in payment.refunds if r.status == RefundStatus.SUCCEEDED]
    amount, at = in_words(payment.refunded, payment.currency), returned_at(made[-1]) if made else None
    left = f" It left us on {_when(at, booking)}." if at is not None else ""
    return State("refunded", "", f"We have returned your {amount}.{left} {BANKS_TAKE}", "note")


def _counted(payment: Payment) -> list[Refund]:
    """Its refunds; one that failed only while none was asked for after it, which makes it good."""
    last = payment.refunds[-1:]
    return [r for r in payment.refunds if r.status != RefundStatus.FAILED or r in last]


def returned_at(refund: Refund) -> datetime | None:
    """When Stripe's balance gave the money back, as the books say; None while it has not."""
    made = refund.stripe_refund_id
    if made is None or refund.status != RefundStatus.SUCCEEDED:
        return None
    return ledger.posted_at(PostingKind.REFUND, made)


def what_goes_back(payment: Payment | None, answer: CancelAnswer) -> str:
    """What cancelling now would return, before anybody presses the button."""
    if payment is None or not payment.status.has_money:
        return "Nothing was charged, so nothing goes back."
    if any(case.forbids_refund for case in payment.disputes):
        return "Your bank has taken the payment back and decides about it, so we return nothing besides."
    left = payments.refundable(payment)
    if left == 0:
        return "Your payment was returned already."
    if answer.refund == CancelRefund.ALL:
        return f"You get {in_words(left, payment.currency)} back."
    return f"Nothing goes back of your {in_words(left, payment.currency)}."


# It was not paid, or is not confirmed yet


def _unpaid(payment: Payment) -> State:
    if payment.needs_attention is not None:
        sentence = "A person will look at it and write to you. Please do not pay again."
        return State("attention", "We have to check this payment by hand", sentence, "note")
    if payment.status == PaymentStatus.FAILED:
        sentence = "The payment was not completed, and nothing was charged. The time is free again."
        return State(
            "expired", "This booking was not paid", sentence, "plain", actions=[_again(payment.booking)]
        )
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
