"""Letters about money that goes back to an attendee: begun, done, or not done; and what it means for the mentor."""

from datetime import datetime

from discuno.bookings import links
from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.notifications.booking_letters import HOST, Facts
from discuno.notifications.letters import (
    ADMIN_REASON,
    ATTENDEE_REASON,
    MENTOR_REASON,
    Letter,
    letter,
    runbook,
    session_facts,
)
from discuno.notifications.models import AlertKind
from discuno.payments.models import Refund
from discuno.payouts import share


def _refund(refund_id: int) -> Refund:
    return session().get_one(Refund, refund_id)


def _facts(refund: Refund, zone: str | None = None) -> Facts:
    booking = refund.payment.booking
    return [
        ("Amount", in_words(refund.amount, refund.currency)),
        *session_facts(booking, zone or booking.attendee_zone),
    ]


def _see(refund: Refund) -> tuple[str, str]:
    return ("See your booking", links.manage_path(refund.payment.booking))


def _of_what(refund: Refund) -> str:
    """How much of what was paid."""
    amount, whole = (in_words(each, refund.currency) for each in (refund.amount, refund.payment.amount))
    return f"all of the {whole}" if amount == whole else f"{amount} of the {whole}"


def _is_decided(refund_id: int, _owed_at: datetime) -> bool:
    """It was made, or did not work, and there is another letter about that."""
    return not _refund(refund_id).status.is_open


@letter("refund_started", about="refund_id", unless=_is_decided)
def refund_started(refund_id: int) -> Letter:
    """To the attendee: money is on its way back, and they need not do anything."""
    refund = _refund(refund_id)
    return Letter(
        subject=f"Your refund of {in_words(refund.amount, refund.currency)} has begun",
        sender="refunds",
        heading="Your refund has begun",
        paragraphs=[
            f"We are returning {_of_what(refund)} that you paid for this session to your card.",
            "You need not do anything. We write to you again when it is done.",
        ],
        facts=_facts(refund),
        action=_see(refund),
        reason=ATTENDEE_REASON,
    )


@letter("refund_done", about="refund_id")
def refund_done(refund_id: int) -> Letter:
    """To the attendee: the money was returned. Sent only when Stripe says that it was."""
    refund = _refund(refund_id)
    amount = in_words(refund.amount, refund.currency)
    return Letter(
        subject=f"Refunded: {amount}",
        sender="refunds",
        heading="Your money was returned",
        paragraphs=[f"We have returned {amount} to your card. Banks usually show it within 5 to 10 days."],
        facts=_facts(refund),
        action=_see(refund),
        reason=ATTENDEE_REASON,
    )


@letter("refund_failed", about="refund_id")
def refund_failed(refund_id: int) -> Letter:
    """To the attendee: the refund did not go through, and we are on it."""
    refund = _refund(refund_id)
    amount = in_words(refund.amount, refund.currency)
    return Letter(
        subject=f"Your refund of {amount} is delayed",
        sender="refunds",
        heading="Your refund is delayed",
        paragraphs=[
            f"Returning {amount} to your card did not work at the first attempt. "
            "A person is looking into it and will write to you. You need not do anything."
        ],
        facts=_facts(refund),
        action=_see(refund),
        reason=ATTENDEE_REASON,
    )


@letter("refund_failed_admin", about="refund_id")
def refund_failed_admin(refund_id: int) -> Letter:
    """To the admin: a refund must be made by hand."""
    refund = _refund(refund_id)
    return Letter(
        subject=f"Refund failed: payment {refund.payment_id}",
        sender="alerts",
        heading="A refund failed and needs you",
        paragraphs=[refund.error or "Stripe gave no reason.", "The attendee was told that it is delayed."],
        facts=[
            *_facts(refund),
            ("PaymentIntent", refund.payment.stripe_payment_intent_id or ""),
            runbook(AlertKind.REFUND),
        ],
        action=("See the payment", f"/admin/payments/{refund.payment_id}"),
        reason=ADMIN_REASON,
    )


@letter("refund_mentor", about="refund_id")
def refund_mentor(refund_id: int) -> Letter:
    """To the mentor: what went back to the attendee of a session, and what that means for their share."""
    refund = _refund(refund_id)
    booking, amount = refund.payment.booking, in_words(refund.amount, refund.currency)
    return Letter(
        subject=f"{amount} went back to {booking.attendee_name}: {booking.title}",
        sender="refunds",
        heading="Money of a session went back to the attendee",
        paragraphs=[
            f"{booking.attendee_name} has got back {_of_what(refund)} that was paid for this session.",
            share.sentence(refund.payment),
        ],
        facts=_facts(refund, booking.mentor.zone),
        action=(HOST, links.host_path(booking)),
        reason=MENTOR_REASON,
    )
