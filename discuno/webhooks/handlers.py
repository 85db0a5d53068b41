"""What an event of each type means: which door to knock at. Tables; nothing is decided here.

An event is only a reason to look. What is believed is what Stripe says when asked, so order, repetition and age of
events mean nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discuno import journey
from discuno.bookings import calendar_news
from discuno.disputes import jobs as dispute_doors
from discuno.edges import calcom
from discuno.edges.calcom import Told
from discuno.kit import outbox
from discuno.kit.db import session, transaction
from discuno.notifications import delivery
from discuno.payments import jobs as payment_doors
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import bank_jobs, learn, onboarding
from discuno.payouts import service as payouts

NOT_OURS = "not ours"
NOTHING_TO_DO = "nothing to do"


class Unexplained(LookupError):
    """The event is about something we do not know (yet): it is tried again until it is explained."""


@dataclass(frozen=True)
class News:
    """An event as it came. `account` is the mentor's account whose event it is; None for our own."""

    type: str
    payload: dict[str, Any]
    account: str | None

    @property
    def about(self) -> dict[str, Any]:
        """The object it is about, as it was then. Raises Unexplained."""
        data = self.payload.get("data")
        found = data.get("object") if isinstance(data, dict) else None
        if not isinstance(found, dict):
            raise Unexplained("the event carries no object")
        return found

    @property
    def id(self) -> str:
        """The id of that object. Raises Unexplained."""
        return self._id(self.about.get("id"))

    def _id(self, found: object) -> str:
        if not isinstance(found, str):
            raise Unexplained("the event names no object")
        return found

    @property
    def related(self) -> str:
        """The id that a thin event names. Raises Unexplained."""
        related = self.payload.get("related_object")
        return self._id(related.get("id") if isinstance(related, dict) else None)

    @property
    def mentor_account(self) -> str:
        """The connected account whose event it is. Raises Unexplained."""
        return self._id(self.account)


Handler = Callable[[News], str]


def _by_id(door: Callable[[str], str]) -> Handler:
    """The door is told the object's id."""
    return lambda news: door(news.id)


# Money in


def checkout_session(news: News) -> str:
    """A Checkout Session changed: look at it."""
    payment_id = _payment_of(news, payments.by_session)
    payment_doors.settle(payment_id, news.id)
    return f"payment {payment_id}"


def payment_intent(news: News) -> str:
    """A PaymentIntent changed: look at the payment's session, once we know it."""
    payment_id = _payment_of(news, payments.by_payment_intent)
    payment_doors.settle(payment_id)
    with transaction():
        if payments.outcome_unknown(session().get_one(Payment, payment_id)):
            raise Unexplained(f"payment {payment_id} does not know its session yet")
    return f"payment {payment_id}"


def _payment_of(news: News, find: Callable[[str], Payment | None]) -> int:
    """The payment that an object is about: by its id, or as our metadata hints."""
    hint = _our_id(news.about, "payment_id")
    with transaction():
        payment = find(news.id) or (session().get(Payment, hint) if hint is not None else None)
        if payment is None:
            raise Unexplained(f"no payment for {news.id}")
        return payment.id


def _our_id(seen: dict[str, Any], name: str) -> int | None:
    value = (seen.get("metadata") or {}).get(name, "")
    return (
        int(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19
        else None
    )


def charge(news: News) -> str:
    """Money came in: if the payment does not know it yet, look."""
    return f"payment {_payment_of_charge(news)}"


def charge_updated(news: News) -> str:
    """Stripe tells what it keeps of a charge a moment after the charge."""
    payment_id = _payment_of_charge(news)
    payment_doors.learn_fee(payment_id)
    return f"payment {payment_id}: fee"


def charge_refunded(news: News) -> str:
    """Money went back, perhaps by hand: look at all refunds of the charge."""
    payment_id = _payment_of_charge(news)
    payment_doors.learn_refunds(payment_id)
    return f"payment {payment_id}: refunds"


def _payment_of_charge(news: News) -> int:
    intent = news.about.get("payment_intent")
    return payment_doors.payment_of(
        news.id, intent if isinstance(intent, str) else None, _our_id(news.about, "payment_id")
    )


# Money out


def transfer_created(news: News) -> str:
    """A transfer was made. Of those that we have written down there is nothing to learn: they are many."""
    with transaction():
        known = payouts.by_stripe_id(news.id)
        if known is not None:
            return f"transfer {known.id}"
    return learn.learn_transfer(news.id)


def platform_balance(_news: News) -> str:
    """Money of ours has settled: what waited for it goes on."""
    with transaction():
        journey.balance_available()
    return "our balance"


def platform_payout(_news: News) -> str:
    """A payout to our own bank: no mentor's money."""
    return NOT_OURS


def account(news: News) -> str:
    """Something about a mentor's account changed: look at it."""
    return onboarding.refresh(news.mentor_account)


def account_thin(news: News) -> str:
    """The same, told by Stripe's newer API on our own scope."""
    return onboarding.refresh(news.related)


def account_left(news: News) -> str:
    """The mentor has disconnected the account."""
    return onboarding.deauthorized(news.mentor_account)


def payout(news: News) -> str:
    """A payout to a mentor's bank changed: look at it."""
    return bank_jobs.follow_payout(news.mentor_account, news.id)


def mentor_balance(news: News) -> str:
    """Money of a mentor has settled: it can be paid out."""
    return bank_jobs.balance_available(news.mentor_account)


# Letters


def letter(news: News) -> str:
    """A letter moved on its way."""
    data = news.payload.get("data")
    about = data if isinstance(data, dict) else {}
    tags, bounce = (about[part] if isinstance(about.get(part), dict) else {} for part in ("tags", "bounce"))
    resend_id = str(about.get("email_id", ""))
    with transaction():
        email = delivery.of_carrier(resend_id, str(tags.get("letter", "")))
        if email is None:
            raise Unexplained(f"no letter is {resend_id}")
        delivery.record_delivery(email, news.type, str(bounce.get("type", "")))
        return f"letter {email.id}"


# Mentors' calendars


def _told(door: Callable[[Told], str]) -> Handler:
    """The door is told what the message names."""
    return lambda news: calendar_news.hear(calcom.read_news(news.payload), door)


def unreadable(_news: News) -> str:
    """It was signed, and is no message that we know: a person has to look at the stored event. Raises GiveUp."""
    raise outbox.GiveUp("an event that cannot be read; it is kept in the inbox as it came")


follow_dispute = _by_id(dispute_doors.follow_dispute)
follow_warning = _by_id(dispute_doors.follow_warning)
follow_review = _by_id(dispute_doors.follow_review)
learn_refund = _by_id(payment_doors.learn_refund)
learn_transfer = _by_id(learn.learn_transfer)

PLATFORM: Mapping[str, Handler] = {
    "checkout.session.completed": checkout_session,
    "checkout.session.expired": checkout_session,
    "checkout.session.async_payment_succeeded": checkout_session,
    "checkout.session.async_payment_failed": checkout_session,
    "payment_intent.succeeded": payment_intent,
    "payment_intent.payment_failed": payment_intent,
    "payment_intent.canceled": payment_intent,
    "payment_intent.processing": payment_intent,
    "charge.succeeded": charge,
    "charge.updated": charge_updated,
    "charge.refunded": charge_refunded,
    "charge.refund.updated": learn_refund,
    "refund.created": learn_refund,
    "refund.updated": learn_refund,
    "refund.failed": learn_refund,
    "charge.dispute.created": follow_dispute,
    "charge.dispute.updated": follow_dispute,
    "charge.dispute.closed": follow_dispute,
    "charge.dispute.funds_withdrawn": follow_dispute,
    "charge.dispute.funds_reinstated": follow_dispute,
    "radar.early_fraud_warning.created": follow_warning,
    "radar.early_fraud_warning.updated": follow_warning,
    "review.opened": follow_review,
    "review.closed": follow_review,
    "transfer.created": transfer_created,
    "transfer.updated": learn_transfer,
    "transfer.reversed": learn_transfer,
    "balance.available": platform_balance,
    **dict.fromkeys(
        (f"payout.{word}" for word in ("created", "updated", "paid", "failed", "canceled")), platform_payout
    ),
}
CONNECT: Mapping[str, Handler] = {
    "account.updated": account,
    "capability.updated": account,
    "account.external_account.created": account,
    "account.external_account.updated": account,
    "account.external_account.deleted": account,
    "account.application.deauthorized": account_left,
    "balance.available": mentor_balance,
    **dict.fromkeys(
        (f"payout.{word}" for word in ("created", "updated", "paid", "failed", "canceled")), payout
    ),
}
LETTERS: Mapping[str, Handler] = dict.fromkeys(
    (
        f"email.{word}"
        for word in ("sent", "delivered", "opened", "bounced", "suppressed", "complained", "failed")
    ),
    letter,
)
CALCOM: Mapping[str, Handler] = {
    **dict.fromkeys(
        ("BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_PAID", "BOOKING_PAYMENT_INITIATED"),
        _told(calendar_news.arrived),
    ),
    **dict.fromkeys(
        ("BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REJECTED"), _told(calendar_news.changed)
    ),
    "AFTER_HOSTS_CAL_VIDEO_NO_SHOW": _told(calendar_news.host_absent),
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW": _told(calendar_news.guest_absent),
    "BOOKING_NO_SHOW_UPDATED": _told(calendar_news.absence_updated),
    "MEETING_STARTED": _told(calendar_news.meeting_started),
    "MEETING_ENDED": _told(calendar_news.meeting_ended),
    "unreadable": unreadable,
}
THIN = ("v2.core.account.", "v2.core.account[")  # whatever changes about an account of the newer API


def handler_of(provider: str, news: News) -> Handler | None:
    """Who sees to an event; None when it means nothing to us."""
    if provider == "resend":
        return LETTERS.get(news.type)
    if provider == "calcom":
        return CALCOM.get(news.type)
    if provider != "stripe":
        return None
    if news.account is not None:
        return CONNECT.get(news.type)
    return account_thin if news.type.startswith(THIN) else PLATFORM.get(news.type)
