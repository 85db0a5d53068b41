"""What the bank can be told about a payment: Stripe's fields, and a first draft of them from our rows.

Nothing is said that no row says; whoever answers the bank reads it, and changes what they know better.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from discuno.bookings.models import Booking, BookingStatus
from discuno.disputes import reports
from discuno.disputes.models import Dispute
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.payments.models import Payment, RefundStatus
from discuno.policy import ReportReason

LONGEST = 20_000  # characters of one text, by Stripe's rules
LONGEST_ALL = 150_000  # of all together
MOST_BYTES = 5 * 1024 * 1024  # of all files together


@dataclass(frozen=True)
class Field:
    """One of Stripe's fields: its name there, what people call it, and what belongs into it."""

    name: str
    label: str
    hint: str = ""
    rows: int = 2


TEXTS = (
    Field("product_description", "What was sold"),
    Field("customer_name", "Name of the customer", rows=1),
    Field("customer_email_address", "E-mail address of the customer", rows=1),
    Field("service_date", "When the session was", rows=1),
    Field("access_activity_log", "What happened, in order", "Times in UTC.", rows=10),
    Field("refund_policy_disclosure", "Refund terms, and how they were shown", rows=4),
    Field("refund_refusal_explanation", "Why no more was returned", rows=3),
    Field("cancellation_policy_disclosure", "Cancellation terms, and how they were shown", rows=3),
    Field("cancellation_rebuttal", "Why it does not count as cancelled", rows=3),
    Field("duplicate_charge_id", "The other charge", "Its Stripe id.", rows=1),
    Field("duplicate_charge_explanation", "Why the two are not the same", rows=3),
    Field("uncategorized_text", "Our account of it", rows=8),
)
FILES = (
    Field("service_documentation", "Proof that the session took place"),
    Field("customer_communication", "What the two sides wrote to each other"),
    Field("receipt", "Receipt"),
    Field("uncategorized_file", "Anything else"),
)
LABELS = {field.name: field.label for field in (*TEXTS, *FILES)}
FILE_NAMES = frozenset(field.name for field in FILES)

# What helps with which reason, the most important first.
WHO = ("customer_name", "customer_email_address")
SERVICE = ("product_description", "service_date", "service_documentation")
HELPS: dict[str, tuple[str, ...]] = {
    "fraudulent": (*WHO, "access_activity_log", "service_documentation", "customer_communication"),
    "unrecognized": (*WHO, "access_activity_log", "product_description", "receipt"),
    "product_not_received": (*SERVICE, "access_activity_log", "customer_communication"),
    "product_unacceptable": (*SERVICE, "customer_communication", "refund_policy_disclosure"),
    "duplicate": ("duplicate_charge_id", "duplicate_charge_explanation", "service_date", "receipt"),
    "credit_not_processed": (
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "customer_communication",
    ),
    "subscription_canceled": (
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "access_activity_log",
    ),
}
HELPS_ELSE = ("product_description", "service_date", "access_activity_log", "uncategorized_text")


def helps(case: Dispute) -> tuple[str, ...]:
    """The fields that help most with what the cardholder says."""
    return HELPS.get(case.reason, HELPS_ELSE)


@dataclass(frozen=True)
class Known:
    """What the draft takes from other rooms: lines of what happened, the terms, another charge of the same person."""

    happened: Iterable[str]
    terms: str
    other: Payment | None


def draft(case: Dispute, known: Known) -> dict[str, str]:
    """A first text for each field about which our rows say something."""
    payment, booking = case.payment, case.payment.booking
    shown = "On the page on which the customer paid, these terms stood beside the booking:"
    found = {
        "product_description": _sold(payment),
        "customer_name": payment.customer_name,
        "customer_email_address": payment.customer_email,
        "service_date": _at(booking) if booking.status == BookingStatus.CONFIRMED else "",
        "access_activity_log": "\n".join(known.happened),
        "refund_policy_disclosure": f"{shown} {known.terms}",
        "refund_refusal_explanation": _returned(payment),
        "cancellation_policy_disclosure": f"{shown} {known.terms}",
        "cancellation_rebuttal": _cancelled(booking),
        **_duplicate(payment, known.other),
        "uncategorized_text": _account(case),
    }
    wanted = {*helps(case), *WHO, *SERVICE, "access_activity_log", "uncategorized_text"}
    return {name: text[:LONGEST] for name, text in found.items() if text and name in wanted}


def _at(booking: Booking) -> str:
    return moment(booking.starts_at, booking.attendee_zone)


def _sold(payment: Payment) -> str:
    booking = payment.booking
    length, price = f"{booking.duration_minutes} minutes", in_words(payment.amount, payment.currency)
    return f"“{booking.title}”: one session of {length} with {booking.mentor.name}, sold for {price}."


def _returned(payment: Payment) -> str:
    made = sum(refund.amount for refund in payment.refunds if refund.status == RefundStatus.SUCCEEDED)
    if made:
        return f"We have returned {in_words(made, payment.currency)} of this payment to the card."
    return "Nothing of this payment was returned: by the terms above, none was due."


def _cancelled(booking: Booking) -> str:
    if booking.cancelled_at is None:
        return "The session was not cancelled." if booking.status == BookingStatus.CONFIRMED else ""
    when = moment(booking.cancelled_at, booking.attendee_zone)
    return f"The session of {_at(booking)} was cancelled on {when}, by the {booking.cancelled_by}."


def _duplicate(payment: Payment, other: Payment | None) -> dict[str, str]:
    if other is None or other.stripe_charge_id is None:
        return {}
    mine, theirs = payment.booking, other.booking
    words = (
        f"The two charges are for two sessions: this one for “{mine.title}” on {_at(mine)}, "
        f"the other for “{theirs.title}” with {theirs.mentor.name} on {_at(theirs)}."
    )
    return {"duplicate_charge_id": other.stripe_charge_id, "duplicate_charge_explanation": words}


# Our account of it: a paragraph of what is known, and one suited to what the cardholder says


def _account(case: Dispute) -> str:
    special = SPECIAL.get(case.reason)
    paragraphs = [_booked(case.payment), _reported(case.payment), special(case) if special else ""]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _booked(payment: Payment) -> str:
    booking = payment.booking
    words = [f"{payment.customer_name} ({payment.customer_email}) booked {_sold(payment)}"]
    if payment.paid_at is not None:
        words.append(f"It was paid by card on {moment(payment.paid_at, booking.attendee_zone)}.")
    if booking.confirmed_at is not None:
        words.append(f"It was confirmed, and agreed for {_at(booking)}.")
    return " ".join(words)


def _reported(payment: Payment) -> str:
    report = reports.latest(payment)
    if report is not None:
        reason = ReportReason(report.reason).words
        ended = f" It was decided: {report.decision.sentence}" if report.decision is not None else ""
        when = moment(report.opened_at, payment.booking.attendee_zone)
        return f"On {when} the customer reported to us: {reason}.{ended}"
    if payment.dispute_period_ends is None:
        return ""
    until = moment(payment.dispute_period_ends, payment.booking.attendee_zone)
    return (
        f"A problem with the session could be reported to us until {until}; the customer has reported none."
    )


def _same_person(case: Dispute) -> str:
    return (
        "The booking, its letters and its payment carry one name and one e-mail address, "
        f"{case.payment.customer_name}, {case.payment.customer_email}: please compare them with your customer’s."
    )


def _could_come(case: Dispute) -> str:
    booking = case.payment.booking
    if booking.status != BookingStatus.CONFIRMED:
        return ""
    if not booking.meeting_url:
        return (
            "What happened to the booking, and which letters reached the customer, is listed with its times."
        )
    return f"The meeting could be joined at {booking.meeting_url}, which the customer had by letter."


def _credit(case: Dispute) -> str:
    return _returned(case.payment) if case.payment.refunds else ""


SPECIAL: Mapping[str, Callable[[Dispute], str]] = {
    "fraudulent": _same_person,
    "unrecognized": _same_person,
    "product_not_received": _could_come,
    "product_unacceptable": lambda case: f"What was sold is what was booked: {_sold(case.payment)}",
    "credit_not_processed": _credit,
    "subscription_canceled": lambda _case: "It was a single session: there is no subscription.",
}
