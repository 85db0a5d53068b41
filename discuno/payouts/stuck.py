"""Why a mentor's money of one session does not go on: one sentence, and the one thing to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from discuno.kit import clock
from discuno.kit.web import moment
from discuno.payments.models import Payment
from discuno.payouts import banking
from discuno.payouts.sight import Sight
from discuno.policy import Reason

STRIPE = "/dashboard/stripe"
PERSON = "There is nothing that you have to do."
WORDS = {  # as the mentor is told; the others are told as everybody is
    Reason.ON_HOLD: f"Discuno has put this payment on hold and looks into it. {PERSON}",
    Reason.FRAUD_WARNING: f"The card network suspects fraud, so a person at Discuno looks into it. {PERSON}",
    Reason.REVIEW: f"Stripe has asked us to look at the payment, so a person at Discuno does. {PERSON}",
    Reason.ATTENTION: f"A person at Discuno has to look at the payment first, and has been told. {PERSON}",
    Reason.SUSPENDED: "Your account with us is suspended. Your money is kept until that is settled.",
    Reason.ACCOUNT: "Your Stripe account cannot receive money yet. Your share goes by itself as soon as it can.",
    Reason.OTHER_CURRENCY: f"Stripe settled the payment in another currency, so a person sees to it. {PERSON}",
    Reason.PAUSED: "Discuno has paused all transfers for the moment. Your share goes by itself when they go on.",
    Reason.GIVEN_UP: f"Stripe has refused the transfer more than once. A person at Discuno sees to it. {PERSON}",
}
SHORT = {  # under a step, where the sentence stands elsewhere
    Reason.CHARGEBACK: "the cardholder’s bank has disputed it",
    Reason.REPORT: "the attendee has reported a problem",
    Reason.FRAUD_WARNING: "the card network suspects fraud",
    Reason.REVIEW: "Stripe asks for a review",
    Reason.ON_HOLD: "put on hold by Discuno",
    Reason.ATTENTION: "a person looks at it",
    Reason.SUSPENDED: "your account with us is suspended",
    Reason.ACCOUNT: "Stripe needs something of you",
    Reason.OTHER_CURRENCY: "a person sees to it",
    Reason.GIVEN_UP: "a person sees to it",
    Reason.PAUSED: "transfers are paused",
    Reason.NO_BALANCE: "as soon as Discuno’s balance at Stripe covers it",
}


@dataclass(frozen=True)
class Stuck:
    """One sentence for the mentor, and one button."""

    sentence: str
    label: str
    url: str


def words(reason: Reason) -> str:
    """One sentence for the mentor who waits."""
    return WORDS.get(reason, reason.words)


def because(reason: Reason, payment: Payment, sight: Sight) -> Stuck | None:
    """What to tell and to offer; None for what ends by itself, as the dispute period does."""
    told: dict[Reason, Callable[[], Stuck]] = {
        Reason.REPORT: lambda: _reported(payment, _case(payment, "report"), sight),
        Reason.CHARGEBACK: lambda: _charged_back(payment, _case(payment, "chargeback")),
        Reason.ACCOUNT: lambda: _account(sight),
    }
    if reason in told:
        return told[reason]()
    return _ask_us(words(reason), payment, sight) if reason in WORDS else None


def at_the_bank(account_id: int | None, payment: Payment, sight: Sight) -> Stuck | None:
    """Why what lies in one of the mentor's accounts does not go to their bank, or None when it does."""
    live = sight.account
    if live is None or live.id != account_id:
        sentence = (
            "This lies in a Stripe account that is no longer connected with us; Stripe itself pays it out."
        )
        return Stuck(sentence, "See your account", STRIPE)
    reason = sight.bank_waits
    if reason is None:
        return None
    if reason in ("suspended", "not_ours"):
        sentence = words(Reason.SUSPENDED) if reason == "suspended" else banking.in_words(reason)
        return _ask_us(sentence, payment, sight)
    safe = "Your money is safe in your Stripe account, and goes on by itself once that is put right."
    return Stuck(f"{banking.in_words(reason)} {safe}", "Update at Stripe", STRIPE)


def answer_by(payment: Payment) -> datetime | None:
    """Until when the mentor can answer a report, or None when there is none to answer."""
    case = _case(payment, "report")
    if case is None or case.answered_at is not None or case.due_at is None or case.due_at <= clock.now():
        return None
    due: datetime = case.due_at
    return due


def _case(payment: Payment, kind: str) -> Any:
    """The open case of a kind. Cases lie to the right of payouts, and are known by their names here."""
    return next((case for case in payment.disputes if case.kind == kind and case.is_open), None)


def _reported(payment: Payment, case: Any, sight: Sight) -> Stuck:
    about, url = f"{_whoever(payment)} has reported a problem.", f"/dashboard/disputes/{case.id}"
    until = answer_by(payment)
    if until is not None:
        by = moment(until, sight.mentor.zone, sight.reader.hours)
        return Stuck(f"{about} Please answer by {by}.", "Answer the report", url)
    done = "You have answered" if case.answered_at is not None else "The time to answer is over"
    return Stuck(
        f"{about} {done}; a person at Discuno decides, and writes to both of you.", "See the report", url
    )


def _charged_back(payment: Payment, case: Any) -> Stuck:
    if case.is_inquiry:
        sentence = "The cardholder’s bank has a question about the payment. We answer it; your share waits meanwhile."
    else:
        sentence = (
            "The cardholder’s bank has taken the payment back while it decides, which can take two months. "
            "We answer the bank; if it decides for us, your share goes to you."
        )
    return Stuck(sentence, "See the session", session_url(payment))


def _account(sight: Sight) -> Stuck:
    if sight.account is None:
        return Stuck("Your share waits for a Stripe account that it can go to.", "Connect Stripe", STRIPE)
    return Stuck(words(Reason.ACCOUNT), "Update at Stripe", STRIPE)


def _ask_us(sentence: str, payment: Payment, sight: Sight) -> Stuck:
    if not sight.reader.write_to:
        return Stuck(sentence, "See the session", session_url(payment))
    return Stuck(sentence, "Write to us", f"mailto:{sight.reader.write_to}")


def session_url(payment: Payment) -> str:
    """The mentor's page of the session."""
    return f"/dashboard/bookings/{payment.booking.public_id}"


def _whoever(payment: Payment) -> str:
    return payment.booking.attendee_name or "The attendee"
