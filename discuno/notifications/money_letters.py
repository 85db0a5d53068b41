"""Letters about money that a mentor owes us."""

from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.notifications.letters import ADMIN_REASON, MENTOR_REASON, Letter, letter, runbook
from discuno.notifications.models import AlertKind
from discuno.payouts.models import TransferReversal


def _debt_facts(reversal: TransferReversal) -> list[tuple[str, str]]:
    transfer = reversal.transfer
    booking = transfer.payment.booking
    return [
        ("Amount", in_words(reversal.amount, transfer.currency)),
        ("Session", booking.title),
        ("When", moment(booking.starts_at, booking.mentor.zone)),
        ("Transfer", transfer.stripe_transfer_id or ""),
    ]


@letter("debt_mentor", about="reversal_id")
def debt_mentor(reversal_id: int) -> Letter:
    """To the mentor: what was to come back was not there, and later shares will pay it."""
    reversal = session().get_one(TransferReversal, reversal_id)
    amount = in_words(reversal.amount, reversal.transfer.currency)
    by_the_bank = reversal.about.startswith("dispute:")
    went = (
        "The cardholder's bank has taken the payment for this session back"
        if by_the_bank
        else "The payment for this session went back to the attendee"
    )
    hope = " If the bank decides for us, it comes back to you." if by_the_bank else ""
    return Letter(
        subject=f"{amount} will be kept from later sessions",
        sender="payouts",
        heading="A payment of yours was returned",
        paragraphs=[
            f"{went}, and your share of it had already left the money we hold. It could not be taken from your "
            f"Stripe account, so {amount} will be kept from what your next sessions bring.{hope}",
            "You need not do anything. If you think that this is wrong, answer this letter.",
        ],
        facts=_debt_facts(reversal),
        reason=MENTOR_REASON,
    )


@letter("debt_admin", about="reversal_id")
def debt_admin(reversal_id: int) -> Letter:
    """To the admin: a reversal failed, and the mentor owes us."""
    reversal = session().get_one(TransferReversal, reversal_id)
    mentor = reversal.transfer.payment.booking.mentor
    return Letter(
        subject=f"{mentor.name} owes {in_words(reversal.amount, reversal.transfer.currency)}",
        sender="alerts",
        heading="A transfer could not be taken back",
        paragraphs=["It is written down as the mentor's debt; later shares pay it by themselves."],
        facts=[
            *_debt_facts(reversal),
            ("Mentor", mentor.name),
            ("Stripe says", reversal.error or "nothing"),
            runbook(AlertKind.REVERSAL),
        ],
        action=("See the payment", f"/admin/payments/{reversal.transfer.payment_id}"),
        reason=ADMIN_REASON,
    )
