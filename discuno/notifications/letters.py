"""One function a letter: what it says, made from the rows as they are when it is sent.

A letter is words, not markup: heading, paragraphs, a table of facts, one action. `render` draws every one
of them in the same HTML and the same plain text, so that the two can never disagree.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import css_inline
from flask import render_template

from discuno.bookings.models import Booking
from discuno.kit import outbox
from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.payments import service as payments
from discuno.payments.models import Payment, Refund
from discuno.payouts.models import Transfer


@dataclass(frozen=True)
class Letter:
    """A letter in words. `sender` is the part of the address before the @; `action` is a label and a path."""

    subject: str
    sender: str
    heading: str
    paragraphs: list[str]
    facts: list[tuple[str, str]] = field(default_factory=list)
    action: tuple[str, str] | None = None
    reason: str = ""


Write = Callable[[int], Letter]
LETTERS: dict[str, tuple[str, Write]] = {}  # template → (name of the id it is about, function)


def letter(template: str, about: str) -> Callable[[Write], Write]:
    """Register a letter."""

    def register(write: Write) -> Write:
        LETTERS[template] = (about, write)
        return write

    return register


def _money(amount: int, currency: str) -> str:
    return in_words(amount, currency)


def _booking(booking_id: int) -> Booking:
    return session().get_one(Booking, booking_id)


def _facts(booking: Booking, zone: str) -> list[tuple[str, str]]:
    """What both sides must find in a letter about a session."""
    facts = [
        ("Session", f"{booking.title}, {booking.duration_minutes} minutes"),
        ("Mentor", booking.mentor.name),
        ("Attendee", booking.attendee_name or ""),
        ("When", moment(booking.starts_at, zone)),
    ]
    other = booking.mentor.zone if zone == booking.attendee_zone else booking.attendee_zone
    if other != zone:
        facts.append(("In the other time zone", moment(booking.starts_at, other)))
    if booking.meeting_url:
        facts.append(("Where", booking.meeting_url))
    return facts


ATTENDEE_REASON = "You get this letter because you booked a session at Discuno."
MENTOR_REASON = "You get this letter because you offer sessions at Discuno."
ADMIN_REASON = "You get this letter because you look after payments at Discuno."


@letter("booking_confirmed", about="booking_id")
def booking_confirmed(booking_id: int) -> Letter:
    """To the attendee: it will take place."""
    booking = _booking(booking_id)
    zone = booking.attendee_zone
    facts = _facts(booking, zone)
    payment = payments.of_booking(booking)
    paragraphs = [f"Your session with {booking.mentor.name} is confirmed."]
    if payment is not None and payment.dispute_period_ends is not None:
        facts.append(("Paid", _money(payment.amount, payment.currency)))
        paragraphs.append(
            f"We hold your payment until {moment(payment.dispute_period_ends, zone)}. "
            "If something goes wrong with the session, write to us before then."
        )
    else:
        facts.append(("Price", "Free"))
    return Letter(
        subject=f"Confirmed: {booking.title} with {booking.mentor.name}",
        sender="bookings",
        heading="Your session is confirmed",
        paragraphs=paragraphs,
        facts=facts,
        reason=ATTENDEE_REASON,
    )


@letter("booking_confirmed_mentor", about="booking_id")
def booking_confirmed_mentor(booking_id: int) -> Letter:
    """To the mentor: somebody has booked."""
    booking = _booking(booking_id)
    zone = booking.mentor.zone
    facts = _facts(booking, zone)
    facts.append(("Attendee's e-mail", booking.attendee_email or ""))
    if booking.note:
        facts.append(("They would like to talk about", booking.note))
    payment = payments.of_booking(booking)
    paragraphs = [f"{booking.attendee_name} has booked a session with you."]
    if payment is not None and payment.dispute_period_ends is not None:
        facts.append(("Paid by the attendee", _money(payment.amount, payment.currency)))
        facts.append(("Your share", _money(payment.mentor_amount, payment.currency)))
        paragraphs.append(
            f"Your share is held until {moment(payment.dispute_period_ends, zone)} and then transferred to you."
        )
    return Letter(
        subject=f"Booked: {booking.title} with {booking.attendee_name}",
        sender="bookings",
        heading="You have a new session",
        paragraphs=paragraphs,
        facts=facts,
        reason=MENTOR_REASON,
    )


@letter("booking_refused", about="booking_id")
def booking_refused(booking_id: int) -> Letter:
    """To the attendee: it could not be booked, and what happens to the money."""
    booking = _booking(booking_id)
    payment = payments.of_booking(booking)
    paragraphs = [
        f"We are sorry: your session with {booking.mentor.name} could not be booked, "
        "because that time is no longer free in the mentor's calendar."
    ]
    facts = _facts(booking, booking.attendee_zone)
    if payment is not None and payment.paid_at is not None:
        amount = _money(payment.amount, payment.currency)
        facts.append(("Refund", amount))
        paragraphs.append(
            f"You paid {amount}. All of it is being returned to your card; you need not do anything."
        )
    else:
        paragraphs.append("Nothing was charged.")
    paragraphs.append("You are welcome to choose another time.")
    return Letter(
        subject=f"Not booked: {booking.title} with {booking.mentor.name}",
        sender="bookings",
        heading="That time could not be booked",
        paragraphs=paragraphs,
        facts=facts,
        action=("Choose another time", f"/mentor/{booking.mentor.username}/book/{booking.event_type_id}"),
        reason=ATTENDEE_REASON,
    )


@letter("payment_expired", about="booking_id")
def payment_expired(booking_id: int) -> Letter:
    """To the attendee: the time was not paid for, and is free again."""
    booking = _booking(booking_id)
    return Letter(
        subject=f"Not booked: {booking.title} with {booking.mentor.name} was not paid",
        sender="bookings",
        heading="Your booking was not finished",
        paragraphs=[
            f"You began to book a session with {booking.mentor.name}, but the payment was not completed in time. "
            "Nothing was charged, and the time is free for others again.",
            "If you still want the session, choose a time once more.",
        ],
        facts=_facts(booking, booking.attendee_zone),
        action=("Choose a time", f"/mentor/{booking.mentor.username}/book/{booking.event_type_id}"),
        reason=ATTENDEE_REASON,
    )


def _refund_facts(refund: Refund) -> list[tuple[str, str]]:
    booking = refund.payment.booking
    return [("Amount", _money(refund.amount, refund.currency)), *_facts(booking, booking.attendee_zone)]


@letter("refund_done", about="refund_id")
def refund_done(refund_id: int) -> Letter:
    """To the attendee: the money was returned. Sent only when Stripe says that it was."""
    refund = session().get_one(Refund, refund_id)
    amount = _money(refund.amount, refund.currency)
    return Letter(
        subject=f"Refunded: {amount}",
        sender="refunds",
        heading="Your money was returned",
        paragraphs=[f"We have returned {amount} to your card. Banks usually show it within 5 to 10 days."],
        facts=_refund_facts(refund),
        reason=ATTENDEE_REASON,
    )


@letter("refund_failed", about="refund_id")
def refund_failed(refund_id: int) -> Letter:
    """To the attendee: the refund did not go through, and we are on it."""
    refund = session().get_one(Refund, refund_id)
    amount = _money(refund.amount, refund.currency)
    return Letter(
        subject=f"Your refund of {amount} is delayed",
        sender="refunds",
        heading="Your refund is delayed",
        paragraphs=[
            f"Returning {amount} to your card did not work at the first attempt. "
            "A person is looking into it and will write to you. You need not do anything."
        ],
        facts=_refund_facts(refund),
        reason=ATTENDEE_REASON,
    )


@letter("refund_failed_admin", about="refund_id")
def refund_failed_admin(refund_id: int) -> Letter:
    """To the admin: a refund must be made by hand."""
    refund = session().get_one(Refund, refund_id)
    return Letter(
        subject=f"Refund failed: payment {refund.payment_id}",
        sender="alerts",
        heading="A refund failed and needs you",
        paragraphs=[refund.error or "Stripe gave no reason.", "The attendee was told that it is delayed."],
        facts=[*_refund_facts(refund), ("PaymentIntent", refund.payment.stripe_payment_intent_id or "")],
        reason=ADMIN_REASON,
    )


@letter("payment_attention", about="payment_id")
def payment_attention(payment_id: int) -> Letter:
    """To the admin: money that is not what our row says."""
    payment = session().get_one(Payment, payment_id)
    return Letter(
        subject=f"Payment {payment.id} needs attention",
        sender="alerts",
        heading="A payment does not match our record",
        paragraphs=[payment.needs_attention or "", "Nothing is transferred until somebody has looked at it."],
        facts=[
            ("Our amount", _money(payment.amount, payment.currency)),
            ("Checkout Session", payment.stripe_checkout_session_id or ""),
            ("Booking", str(payment.booking_id)),
        ],
        reason=ADMIN_REASON,
    )


@letter("transfer_stuck_admin", about="transfer_id")
def transfer_stuck_admin(transfer_id: int) -> Letter:
    """To the admin: a transfer was refused three times."""
    transfer = session().get_one(Transfer, transfer_id)
    return Letter(
        subject=f"Transfer {transfer.id} was refused {transfer.retry_count} times",
        sender="alerts",
        heading="A transfer is stuck",
        paragraphs=[f"Stripe's code is {transfer.error}. It goes on being tried, at longer intervals."],
        facts=[
            ("Amount", _money(transfer.amount, transfer.currency)),
            ("Mentor", transfer.payment.booking.mentor.name),
            ("Payment", str(transfer.payment_id)),
        ],
        reason=ADMIN_REASON,
    )


@letter("job_dead_admin", about="job_id")
def job_dead_admin(job_id: int) -> Letter:
    """To the admin: work that was given up."""
    job = session().get_one(outbox.Job, job_id)
    return Letter(
        subject=f"Given up after {job.attempts} attempts: {job.task}",
        sender="alerts",
        heading="A job was given up",
        paragraphs=[job.error or "No reason was recorded."],
        facts=[
            ("Task", job.task),
            ("About", ", ".join(f"{name} {value}" for name, value in job.args.items())),
            ("Job", str(job.id)),
        ],
        reason=ADMIN_REASON,
    )


def write(template: str, about: dict[str, int]) -> Letter:
    """The letter of a template, as things stand."""
    name, function = LETTERS[template]
    return function(about[name])


@dataclass(frozen=True)
class Drawn:
    """A letter as it is sent."""

    subject: str
    html: str
    text: str


def render(words: Letter, base_url: str) -> Drawn:
    """Draw a letter: HTML with its styles in the tags, and the same in plain text."""
    subject = " ".join(words.subject.split())  # a header is one line, whatever a name contains
    context = {"letter": words, "base_url": base_url}
    html = render_template("letters/letter.html", **context)
    return Drawn(subject, _inliner().inline(html), render_template("letters/letter.txt", **context))


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)
