"""How a mentor's Stripe account stands, in words for the mentor, and the one thing they can do about it."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from discuno.kit import clock
from discuno.kit.db import one_or_none, session
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.mentors.models import Mentor
from discuno.mentors.notices import Notice
from discuno.payments.models import Account, LedgerEntry
from discuno.payouts import accounts, banking
from discuno.payouts.models import AccountStatus, MentorStripeAccount, Transfer, TransferStatus
from discuno.payouts.words import BANK_SAID, CHECK
from discuno.policy import Reason

S = AccountStatus
PAGE = "/dashboard/stripe"
KEPT = "What you earn is kept for you until then."
SAFE = "The money is safe in your Stripe account, and we send it again."
BY_ITSELF = "goes on its way by itself as soon as Stripe has what it needs."


@dataclass(frozen=True)
class Words:
    """One truth about the account. `button` leads to Stripe, `label` to our page about it from every other page.

    Without a label it is said on our page alone: nothing is wanted of the mentor.
    """

    tone: str
    sentence: str
    button: str | None = None
    label: str | None = None


def latest(mentor: Mentor) -> MentorStripeAccount | None:
    """The mentor's account, or the closed one that was their last."""
    found = sa.select(MentorStripeAccount).where(MentorStripeAccount.mentor_id == mentor.id)
    return one_or_none(found.order_by(MentorStripeAccount.id.desc()).limit(1))


def notices(mentor: Mentor, hours: str) -> list[Notice]:
    """What every page of the mentor's says about it, and what they owe us. `hours` is "12" or "24"."""
    said = told(mentor, latest(mentor), hours)
    about_it = [Notice(words.tone, words.sentence, words.label, PAGE) for words in said if words.label]
    return [*about_it, *_debts(mentor)]


def told(mentor: Mentor, account: MentorStripeAccount | None, hours: str) -> list[Words]:
    """Everything there is to say about a mentor's latest account, the most pressing first; never nothing."""
    if account is None:
        return [_none(mentor)]
    if account.status == S.ACTIVE:
        return list(_active(account, hours)) or [
            Words(
                "ok",
                f"{account.status.sentence} Your paid sessions can be booked.",
                "Change your details at Stripe",
            )
        ]
    return [_stopped(account)]


def _none(mentor: Mentor) -> Words:
    paid = any(not offer.is_free for offer in mentor.event_types)
    sentence = (
        "Discuno pays you through Stripe. Until you have set that up, your paid session types cannot be booked."
        if paid
        else "Discuno pays you through Stripe. Set it up before you ask for money; free sessions need none."
    )
    return Words("wait", sentence, "Set up payments with Stripe", "Set up payments" if paid else None)


def _stopped(account: MentorStripeAccount) -> Words:
    waits = _waiting(account.mentor_id)
    if account.status == S.CLOSED:
        there = f"{waits} waits for a new one." if waits else "Your paid sessions cannot be booked."
        return Words(
            "bad",
            f"Your Stripe account is no longer connected with us. {there}",
            "Connect a new account",
            "Connect a new account",
        )
    if account.status == S.REJECTED:
        sentence = "Stripe does not accept your account. Please write to us: we can tell you what it said."
        return Words(
            "bad", f"{sentence} {waits} is kept for you." if waits else sentence, None, "See what to do"
        )
    money = f"{waits} waits for it and {BY_ITSELF}" if waits else KEPT
    if account.status == S.RESTRICTED and not account.requirements:
        sentence = "Stripe is looking at what you have given it, and has stopped transfers meanwhile."
        return Words("wait", f"{sentence} {money}", "See it at Stripe", "See your account")
    return Words(
        account.status.tone, f"{account.status.sentence} {money}", "Finish at Stripe", "Finish at Stripe"
    )


def _active(account: MentorStripeAccount, hours: str) -> Iterator[Words]:
    if not account.is_ours:
        yield Words(
            "wait",
            "A person at Discuno looks at your Stripe account before money goes to it. "
            "You need not do anything; your money is kept for you.",
            None,
            "See your account",
        )
        return
    if account.manual_payouts_configured_at is None:
        yield Words(
            "wait",
            "Stripe is ready. We are setting up your payouts, which takes a moment; "
            "your paid sessions can be booked then.",
        )
    reason = banking.reason_to_wait(account)
    is_stopped = reason is not None and reason != "suspended"
    if is_stopped:
        yield Words("bad", _no_payout(account), "Go to Stripe", "See what to do")
    if account.requirements and (account.deadline is not None or not is_stopped):
        yield _asked(account, hours)


def _no_payout(account: MentorStripeAccount) -> str:
    """Why nothing goes to the bank: what a bank said when a payout came back, or what Stripe still wants."""
    said, advice = BANK_SAID.get(account.payouts_blocked_by or "", ("", CHECK))
    if said:
        return f"The last payout came back. {said} {advice} {SAFE}"
    if account.payouts_enabled:
        return f"{banking.in_words(account.payouts_blocked_by or '')} {advice} {SAFE}"
    what = _first_asked(account) if account.requirements else "what it asks for"
    return f"Stripe pays nothing out of your account until it has {what}. Your money is safe there."


def _first_asked(account: MentorStripeAccount) -> str:
    asked = accounts.asked_in_words(account)
    return asked[0] if len(asked) == 1 else f"{asked[0]} and {len(asked) - 1} more"


def _asked(account: MentorStripeAccount, hours: str) -> Words:
    what = _first_asked(account)
    if account.deadline is None:
        return Words(
            "note",
            f"Stripe asks for {what}. Your account works; there is no deadline yet.",
            "Give Stripe the details",
            "See what it asks for",
        )
    until = moment(account.deadline, account.mentor.zone, hours)
    late = account.deadline <= clock.now()
    sentence = (
        f"Stripe needed {what} by {until}."
        if late
        else f"Stripe needs {what} by {until}, or it stops your transfers."
    )
    return Words(
        "bad" if late else "wait",
        f"{sentence} Your money is safe and waits for it.",
        "Give Stripe the details",
        "Give the details",
    )


def _waiting(mentor_id: int) -> str:
    """What is held for a mentor and waits for nothing but their account, in words; "" for nothing."""
    stopped = sa.select(Transfer.payment_id).where(
        Transfer.status == TransferStatus.SCHEDULED, Transfer.blocked_by == Reason.ACCOUNT.value
    )
    return _sums(mentor_id, Account.HELD, -1, LedgerEntry.payment_id.in_(stopped))


def _debts(mentor: Mentor) -> list[Notice]:
    owed = _sums(mentor.id, Account.DEBT, 1)
    if not owed:
        return []
    sentence = f"{owed} that went back to an attendee will be taken from what your next sessions earn."
    return [Notice("note", sentence, "See how it came", "/dashboard/money")]


def _sums(mentor_id: int, account: Account, sign: int, *where: sa.ColumnElement[bool]) -> str:
    """What the books say about a mentor in an account, in words: "$12.00 and €5.00", or "" for nothing."""
    amount = sign * sa.func.sum(LedgerEntry.amount)
    found = session().execute(
        sa.select(LedgerEntry.currency, amount)
        .where(LedgerEntry.mentor_id == mentor_id, LedgerEntry.account == account, *where)
        .group_by(LedgerEntry.currency)
        .having(amount > 0)
        .order_by(LedgerEntry.currency)
    )
    return " and ".join(in_words(int(total), currency) for currency, total in found)
