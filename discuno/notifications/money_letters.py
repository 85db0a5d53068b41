"""Letters about a mentor's share: transferred, taken back, owed to us, and paid off."""

from datetime import datetime

from flask import current_app

from discuno.bookings import links
from discuno.bookings.models import Booking
from discuno.disputes.models import Dispute, DisputeKind, DisputeStatus
from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.notifications.booking_letters import HOST, Facts
from discuno.notifications.letters import (
    ADMIN_REASON,
    MENTOR_REASON,
    Letter,
    letter,
    runbook,
    session_facts,
)
from discuno.notifications.models import AlertKind, OptionalKind
from discuno.payments import ledger
from discuno.payouts import share, transfers
from discuno.payouts.models import ReversalStatus, Transfer, TransferReversal

WRONG = "If you think that this is wrong, answer this letter."


def _transfer(transfer_id: int) -> Transfer:
    return session().get_one(Transfer, transfer_id)


def _reversal(reversal_id: int) -> TransferReversal:
    return session().get_one(TransferReversal, reversal_id)


def _facts(transfer: Transfer, amount: int, *more: tuple[str, str]) -> Facts:
    """How much, of which session, by which transfer."""
    booking = transfer.payment.booking
    at_stripe = [("Transfer", transfer.stripe_transfer_id)] if transfer.stripe_transfer_id else []
    return [
        ("Amount", in_words(amount, transfer.currency)),
        *more,
        *session_facts(booking, booking.mentor.zone),
        *at_stripe,
    ]


def _see(booking: Booking) -> tuple[str, str]:
    return (HOST, links.host_path(booking))


# Transferred


def _is_taken_back(transfer_id: int, _owed_at: datetime) -> bool:
    """Nothing of it stays in the mentor's account."""
    return _transfer(transfer_id).reversible == 0


@letter("transfer_made", about="transfer_id", unless=_is_taken_back, optional=OptionalKind.MONEY)
def transfer_made(transfer_id: int) -> Letter:
    """To the mentor: their share of a session is in their Stripe account, and how it goes to their bank."""
    transfer = _transfer(transfer_id)
    booking, amount = transfer.payment.booking, in_words(transfer.amount, transfer.currency)
    used = transfers.used_for_debt(transfer)
    kept = [("Kept for what you owed us", in_words(used, transfer.currency))] if used else []
    at = [("Transferred", moment(transfer.sent_at, booking.mentor.zone))] if transfer.sent_at else []
    return Letter(
        subject=f"Transferred to you: {amount} for {booking.title} with {booking.attendee_name}",
        sender="payouts",
        heading="Your share was transferred",
        paragraphs=[_what_was_transferred(transfer, amount), _and_the_bank()],
        facts=_facts(transfer, transfer.amount, *kept, *at),
        action=("See your payouts", "/dashboard/payouts"),
        reason=MENTOR_REASON,
    )


def _what_was_transferred(transfer: Transfer, amount: str) -> str:
    if transfer.is_release:
        return f"Your share of this session, {amount}, was transferred to your Stripe account."
    won = "The bank has decided for us: " if _was_won(transfer) else ""
    return f"{won}{amount} of your share that was kept back meanwhile is in your Stripe account again."


def _was_won(transfer: Transfer) -> bool:
    """Whether it is given back because a bank has decided for us."""
    kind, _, about = (transfer.about or "").partition(":")
    number = about.partition("#")[0]
    case = session().get(Dispute, int(number)) if kind == "dispute" and number.isdecimal() else None
    return case is not None and case.kind == DisputeKind.CHARGEBACK and case.status == DisputeStatus.WON


def _and_the_bank() -> str:
    if current_app.extensions["settings"].payout_mode == "on_request":
        return "It stays there until you have it paid out: you decide when it goes to your bank."
    return "It goes to your bank by itself as soon as Stripe lets it leave the account."


# Taken back


@letter("transfer_taken_back", about="reversal_id")
def transfer_taken_back(reversal_id: int) -> Letter:
    """To the mentor: money was taken back from their Stripe account by a person, and where their share is now."""
    reversal = _reversal(reversal_id)
    transfer = reversal.transfer
    booking, amount = transfer.payment.booking, in_words(reversal.amount, transfer.currency)
    return Letter(
        subject=f"Taken back: {amount} for {booking.title} with {booking.attendee_name}",
        sender="payouts",
        heading="Money was taken back from your Stripe account",
        paragraphs=[
            f"We have taken {amount} of your share of this session back from your Stripe account.",
            share.sentence(transfer.payment),
            WRONG,
        ],
        facts=_facts(transfer, reversal.amount),
        action=_see(booking),
        reason=MENTOR_REASON,
    )


# Owed


def _came_back(reversal_id: int, _owed_at: datetime) -> bool:
    """It could be taken back after all."""
    return _reversal(reversal_id).status == ReversalStatus.MADE


def _why_owed(reversal: TransferReversal) -> str:
    """What has become of the payment, in a sentence without its end."""
    payment = reversal.transfer.payment
    if reversal.about.startswith("dispute:"):
        return "The cardholder's bank has taken the payment for this session back"
    back, whole = (in_words(each, payment.currency) for each in (payment.refunded, payment.amount))
    if payment.refunded >= payment.amount:
        return f"All of the {whole} that was paid for this session went back to the attendee"
    if payment.refunded or payment.refund_is_open:
        going = "is going" if payment.refund_is_open else "went"
        part = f"{back} of the {whole}" if not payment.refund_is_open else f"A part of the {whole}"
        return f"{part} that was paid for this session {going} back to the attendee"
    return "It was decided that a smaller part of what was paid for this session is yours"


@letter("debt_mentor", about="reversal_id", unless=_came_back)
def debt_mentor(reversal_id: int) -> Letter:
    """To the mentor: what was to come back was not there, and later shares will pay it."""
    reversal = _reversal(reversal_id)
    transfer = reversal.transfer
    amount = in_words(reversal.amount, transfer.currency)
    by_the_bank = reversal.about.startswith("dispute:")
    hope = " If the bank decides for us, it comes back to you." if by_the_bank else ""
    return Letter(
        subject=f"{amount} will be kept from later sessions",
        sender="payouts",
        heading="Money could not be taken back from your Stripe account",
        paragraphs=[
            f"{_why_owed(reversal)}, and {amount} of your share had to come back for it. There was too little in "
            f"your Stripe account, so {amount} will be kept from what your next sessions bring.{hope}",
            f"You need not do anything. {WRONG}",
        ],
        facts=_facts(transfer, reversal.amount),
        action=_see(transfer.payment.booking),
        reason=MENTOR_REASON,
    )


@letter("debt_admin", about="reversal_id", unless=_came_back)
def debt_admin(reversal_id: int) -> Letter:
    """To the admin: a reversal failed, and the mentor owes us."""
    reversal = _reversal(reversal_id)
    mentor = reversal.transfer.payment.booking.mentor
    return Letter(
        subject=f"{mentor.name} owes {in_words(reversal.amount, reversal.transfer.currency)}",
        sender="alerts",
        heading="A transfer could not be taken back",
        paragraphs=["It is written down as the mentor's debt; later shares pay it by themselves."],
        facts=[
            *_facts(reversal.transfer, reversal.amount),
            ("Stripe says", reversal.error or "nothing"),
            runbook(AlertKind.REVERSAL),
        ],
        action=("See the payment", f"/admin/payments/{reversal.transfer.payment_id}"),
        reason=ADMIN_REASON,
    )


def _owes_again(transfer_id: int, _owed_at: datetime) -> bool:
    transfer = _transfer(transfer_id)
    return ledger.debt_of(transfer.payment.booking.mentor_id, transfer.currency) > 0


@letter("debt_paid", about="transfer_id", unless=_owes_again)
def debt_paid(transfer_id: int) -> Letter:
    """To the mentor: a share has paid the last of what they owed us, and what is left of it."""
    transfer = _transfer(transfer_id)
    used = transfers.used_for_debt(transfer)
    amount, left = (in_words(each, transfer.currency) for each in (used, ledger.held(transfer.payment)))
    if transfer.stripe_transfer_id is not None:
        rest = "The rest of it was transferred to your Stripe account."
    elif ledger.held(transfer.payment) > 0:
        rest = f"The rest of it, {left}, goes to your Stripe account."
    else:
        rest = "It has used all of this share, so nothing of it is transferred."
    return Letter(
        subject="You owe us nothing any more",
        sender="payouts",
        heading="What you owed us is paid",
        paragraphs=[
            f"{amount} of your share of this session has paid the last of what you owed us. {rest}",
            "Nothing more will be kept from your later sessions for it.",
        ],
        facts=_facts(transfer, used),
        action=_see(transfer.payment.booking),
        reason=MENTOR_REASON,
    )
