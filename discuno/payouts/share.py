"""What a mentor is told about the money of one session: a sentence, or a few words; no more than is true."""

from discuno.kit import clock
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.payments import ledger
from discuno.payments.models import Payment, PaymentStatus
from discuno.payouts import service as payouts
from discuno.payouts import stuck
from discuno.payouts.models import Transfer
from discuno.policy import Reason

SOON = (None, Reason.DISPUTE_PERIOD)


def sentence(payment: Payment | None, hours: str = "24") -> str:
    """Where the mentor's share of a payment is. Times in the mentor's zone; `hours` is "12" or "24"."""
    if payment is None:
        return "This session is free, so there is no money in it."
    if not payment.status.has_money:
        return "The attendee has not paid for this session."
    held = ledger.held(payment)
    if payment.refund_is_open:
        return "Money is on its way back to the attendee."
    if held > 0:
        return _held(payment, held, hours)
    if payment.status == PaymentStatus.REFUNDED:
        return "The payment was returned to the attendee in full, so nothing is transferred to you."
    sent = [t for t in payment.transfers if t.stripe_transfer_id is not None and t.reversed_amount < t.amount]
    return _sent(payment, sent, hours) if sent else _nothing(payment)


def _held(payment: Payment, held: int, hours: str) -> str:
    amount, reason = in_words(held, payment.currency), payouts.standing(payment).reason_to_wait()
    if reason not in SOON:
        return f"Your share of {amount} is held. {stuck.words(reason) if reason else ''}"
    if reason is None or payment.dispute_period_ends is None:
        return f"Your share of {amount} is on its way to your Stripe account."
    until = moment(payment.dispute_period_ends, payment.booking.mentor.zone, hours)
    return f"Your share of {amount} is held until {until}, and then transferred to your Stripe account."


def _sent(payment: Payment, sent: list[Transfer], hours: str) -> str:
    amount = in_words(sum(t.amount - t.reversed_amount for t in sent), payment.currency)
    at = sent[-1].sent_at
    when = f" on {moment(at, payment.booking.mentor.zone, hours)}" if at is not None else ""
    return f"Your share of {amount} was transferred to your Stripe account{when}."


def _nothing(payment: Payment) -> str:
    reason = payouts.objection(payment)
    return f"Nothing is held for you. {stuck.words(reason)}" if reason else "Nothing is held for you."


# In a few words, for a list


def in_short(payment: Payment | None, held: int, hours: str) -> str:
    """The same in a few words. `held` is what the books hold for it; nothing else is asked of the database."""
    if payment is None:
        return "Free"
    if not payment.status.has_money:
        return payment.status.label
    if payment.refund_is_open:
        return "On its way back to the attendee"
    if held > 0:
        return f"{in_words(held, payment.currency)} {_why_held(payment, hours)}"
    if payment.status == PaymentStatus.REFUNDED:
        return "Returned in full"
    sent = sum(t.amount - t.reversed_amount for t in payment.transfers if t.stripe_transfer_id is not None)
    if sent > 0:
        return f"{in_words(sent, payment.currency)} transferred"
    reason = payouts.objection(payment)
    return reason.words.rstrip(".") if reason else "Nothing is held for you"


def _why_held(payment: Payment, hours: str) -> str:
    ends, release = payment.dispute_period_ends, payment.release
    if payouts.objection(payment) is not None:
        return "held until it is decided"
    if ends is not None and ends > clock.now():
        return f"held until {moment(ends, payment.booking.mentor.zone, hours)}"
    if release is not None and release.blocked_by == Reason.ACCOUNT:
        return "waits for your Stripe account"
    return (
        "held, because something stands against it" if release and release.blocked_by else "on its way to you"
    )
