"""Letters about money between a mentor's Stripe account and their bank: on its way, there, or sent back."""

from datetime import datetime

from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.notifications.account_letters import Facts, for_admin, see_mentor
from discuno.notifications.letters import ADMIN_REASON, MENTOR_REASON, Letter, letter, runbook
from discuno.notifications.models import AlertKind, OptionalKind
from discuno.payouts import account_words, search, words
from discuno.payouts.lots import Part
from discuno.payouts.models import Payout, PayoutStatus


def _payout(payout_id: int) -> Payout:
    return session().get_one(Payout, payout_id)


def _facts(payout: Payout) -> Facts:
    facts = [("Amount", in_words(payout.amount, payout.currency))]
    at_stripe = [("Payout", payout.stripe_payout_id)] if payout.stripe_payout_id is not None else []
    return [*facts, *at_stripe, ("Stripe's code", payout.failure_code or "none")]


def _page(payout: Payout) -> tuple[str, str]:
    """The mentor's page of a payout, with the sessions whose money is in it."""
    return ("See this payout", f"/dashboard/payouts/{payout.id}")


# On its way, and there


def _is_no_longer_on_its_way(payout_id: int, _owed_at: datetime) -> bool:
    """It has arrived or come back, and there is another letter about that."""
    return not _payout(payout_id).status.is_open


def _came_back(payout_id: int, _owed_at: datetime) -> bool:
    """A bank may send back what it had taken."""
    return _payout(payout_id).status != PayoutStatus.PAID


def _to_bank(payout: Payout, subject: str, heading: str, *paragraphs: str) -> Letter:
    """How much, when, of how many sessions."""
    sessions = {part.payment_id for part in _parts(payout)} - {None}
    day = words.expected(payout)
    arrives = [("In your bank" if payout.status == PayoutStatus.PAID else "Expected in your bank", day)]
    return Letter(
        subject=subject,
        sender="payouts",
        heading=heading,
        paragraphs=list(paragraphs),
        facts=[
            ("Amount", in_words(payout.amount, payout.currency)),
            *(arrives if day else []),
            *([("Sessions in it", str(len(sessions)))] if sessions else []),
            ("Wanted by", words.who(payout)),
            *([("Payout", payout.stripe_payout_id)] if payout.stripe_payout_id is not None else []),
        ],
        action=_page(payout),
        reason=MENTOR_REASON,
    )


def _parts(payout: Payout) -> list[Part]:
    return search.contents(payout.account.mentor).get(payout.stripe_payout_id or "", [])


@letter("payout_sent", about="payout_id", unless=_is_no_longer_on_its_way, optional=OptionalKind.MONEY)
def payout_sent(payout_id: int) -> Letter:
    """To the mentor: money has left their Stripe account for their bank, and when it is expected there."""
    payout = _payout(payout_id)
    amount = in_words(payout.amount, payout.currency)
    return _to_bank(
        payout,
        f"On its way to your bank: {amount}",
        "Money is on its way to your bank",
        f"{amount} has left your Stripe account for your bank. {words.sentence(payout)}",
    )


@letter("payout_arrived", about="payout_id", unless=_came_back, optional=OptionalKind.MONEY)
def payout_arrived(payout_id: int) -> Letter:
    """To the mentor: the money should be in their bank."""
    payout = _payout(payout_id)
    amount = in_words(payout.amount, payout.currency)
    return _to_bank(
        payout,
        f"Paid out: {amount}",
        "Your money should be in your bank",
        f"Stripe says that {amount} was paid to your bank. {words.sentence(payout)}",
        "If it is not there, please ask your bank first, and then answer this letter.",
    )


# Not


@letter("payout_failed", about="payout_id")
def payout_failed(payout_id: int) -> Letter:
    """To the mentor: the bank did not take the money."""
    payout = _payout(payout_id)
    amount = in_words(payout.amount, payout.currency)
    return Letter(
        subject=f"Your bank did not take {amount}",
        sender="payouts",
        heading="A payout came back",
        paragraphs=[
            f"We sent {amount} to your bank, and it came back. The money is in your Stripe account again.",
            "Please check the bank account you gave to Stripe. Once it is put right, we send the money again.",
        ],
        facts=_facts(payout),
        links=[_page(payout)],
        action=("Check the bank account", account_words.PAGE),
        reason=MENTOR_REASON,
    )


def _payout_admin(payout_id: int, subject: str, *paragraphs: str) -> Letter:
    payout = _payout(payout_id)
    return Letter(
        subject=f"{subject}: {payout.account.mentor.name}, {in_words(payout.amount, payout.currency)}",
        sender="alerts",
        heading=subject,
        paragraphs=list(paragraphs),
        facts=[
            *_facts(payout),
            ("Said", payout.error or "nothing"),
            *for_admin(payout.account),
            runbook(AlertKind.PAYOUT),
        ],
        action=see_mentor(payout.account),
        reason=ADMIN_REASON,
    )


@letter("payout_failed_admin", about="payout_id")
def payout_failed_admin(payout_id: int) -> Letter:
    """To the admin: a bank did not take a mentor's money."""
    return _payout_admin(
        payout_id,
        "A payout came back",
        "The mentor was told. It is sent again when the account has changed, or in a day.",
    )


@letter("payout_refused_admin", about="payout_id")
def payout_refused_admin(payout_id: int) -> Letter:
    """To the admin: Stripe does not make a payout, for a reason that no mentor can end."""
    return _payout_admin(
        payout_id,
        "A payout was refused",
        "The money stays in the connected account. It is tried again when the account has changed, or in a day.",
    )


@letter("payout_found_admin", about="payout_id")
def payout_found_admin(payout_id: int) -> Letter:
    """To the admin: a payout that we did not make."""
    return _payout_admin(
        payout_id,
        "A payout was made without us",
        "It is in the books now. The account should be on manual payouts: `flask doctor` says whether it is.",
    )
