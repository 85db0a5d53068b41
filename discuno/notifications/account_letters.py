"""Letters about a mentor's Stripe account: what it needs, what became of it, and money that lies in it."""

from datetime import datetime

from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.notifications.letters import ADMIN_REASON, MENTOR_REASON, Letter, letter, runbook
from discuno.notifications.models import AlertKind
from discuno.payouts import account_words, accounts, banking
from discuno.payouts.models import AccountStatus, MentorStripeAccount

Facts = list[tuple[str, str]]


def _account(account_id: int) -> MentorStripeAccount:
    return session().get_one(MentorStripeAccount, account_id)


def _to_stripe(label: str) -> tuple[str, str]:
    """The button: our own page, which makes the short-lived link to Stripe for whoever is signed in."""
    return (label, account_words.PAGE)


def _asked(account: MentorStripeAccount) -> Facts:
    facts = [("Stripe asks for", ", ".join(accounts.asked_in_words(account)))] if account.requirements else []
    if account.deadline is not None:
        facts.append(("Until", moment(account.deadline, account.mentor.zone)))
    return facts


def _lying(account: MentorStripeAccount) -> Facts:
    return [
        ("In the Stripe account", in_words(each.amount, each.currency)) for each in banking.lying(account)
    ]


def for_admin(account: MentorStripeAccount) -> Facts:
    """What an admin must find in a letter about an account."""
    at_stripe = f"{account.stripe_account_id}: {account.status.label.lower()}"
    return [("Mentor", account.mentor.name), ("Account", at_stripe), *_lying(account)]


def see_mentor(account: MentorStripeAccount) -> tuple[str, str]:
    """Where an admin sees a mentor."""
    return ("See the mentor", f"/admin/mentors?q={account.mentor.username}")


def _works_by_now(account_id: int, _owed_at: datetime) -> bool:
    """It can receive money, or is gone, of which there is another letter."""
    return _account(account_id).status in (AccountStatus.ACTIVE, AccountStatus.CLOSED)


def _asks_no_more(account_id: int, _owed_at: datetime) -> bool:
    """Stripe has what it wanted, or has stopped the money meanwhile."""
    account = _account(account_id)
    return account.status != AccountStatus.ACTIVE or account.deadline is None or not account.requirements


def _goes_on(account_id: int, _owed_at: datetime) -> bool:
    """Nothing stands against a payout any more."""
    return banking.reason_to_wait(_account(account_id)) is None


@letter("account_needs_you", about="account_id", unless=_works_by_now)
def account_needs_you(account_id: int) -> Letter:
    """To the mentor: Stripe asks for something, and money waits until it has it."""
    account = _account(account_id)
    return Letter(
        subject="Stripe needs something from you before you can be paid",
        sender="payouts",
        heading="Your Stripe account needs you",
        paragraphs=[
            f"{account.status.sentence} What you have earned is kept for you and goes on its way by itself as soon "
            "as Stripe has what it needs."
        ],
        facts=[("Your account", account.status.label), *_asked(account)],
        action=_to_stripe("Go to Stripe"),
        reason=MENTOR_REASON,
    )


@letter("account_closed", about="account_id")
def account_closed(account_id: int) -> Letter:
    """To the mentor: the account is gone, and how to go on."""
    account = _account(account_id)
    return Letter(
        subject="Your Stripe account is no longer connected",
        sender="payouts",
        heading="Your Stripe account is no longer connected",
        paragraphs=[
            "Stripe tells us that your account was closed or disconnected, so we cannot pay you there any more. "
            "What your sessions have earned and we still hold is kept for you.",
            "Connect a new account, and it goes on its way by itself.",
        ],
        facts=[("The account", account.stripe_account_id)],
        action=_to_stripe("Connect a new account"),
        reason=MENTOR_REASON,
    )


@letter("account_closed_admin", about="account_id")
def account_closed_admin(account_id: int) -> Letter:
    """To the admin: a mentor's account is gone."""
    account = _account(account_id)
    return Letter(
        subject=f"{account.mentor.name}'s Stripe account is no longer connected",
        sender="alerts",
        heading="A connected account is gone",
        paragraphs=[
            "The mentor was told. Nothing is transferred until they have connected a new account.",
            "Money that lies in the old account is out of our reach; it is theirs at Stripe.",
        ],
        facts=[*for_admin(account), runbook(AlertKind.PAYOUT)],
        action=see_mentor(account),
        reason=ADMIN_REASON,
    )


@letter("account_not_ours_admin", about="account_id")
def account_not_ours_admin(account_id: int) -> Letter:
    """To the admin: the account does not say that it is this mentor's."""
    account = _account(account_id)
    return Letter(
        subject=f"{account.stripe_account_id} does not belong to {account.mentor.name}",
        sender="alerts",
        heading="An account does not carry the mentor's mark",
        paragraphs=[
            "We write the mentor's id into the metadata of every account we make. This one carries none, or "
            "another mentor's. Nothing is transferred to it or paid out of it.",
            f"If it is theirs, set its metadata mentor_id to {account.mentor_id} in Stripe's Dashboard.",
        ],
        facts=[*for_admin(account), runbook(AlertKind.PAYOUT)],
        action=see_mentor(account),
        reason=ADMIN_REASON,
    )


@letter("account_not_manual_admin", about="account_id")
def account_not_manual_admin(account_id: int) -> Letter:
    """To the admin: somebody has changed the payout schedule."""
    account = _account(account_id)
    return Letter(
        subject=f"The payout schedule of {account.mentor.name} was changed",
        sender="alerts",
        heading="An account was taken off manual payouts",
        paragraphs=[
            "Somebody has changed the account's payout schedule at Stripe, so money could have left it by itself. "
            "It is being set back to manual; until that is read back, nothing is transferred there."
        ],
        facts=[*for_admin(account), runbook(AlertKind.PAYOUT)],
        action=see_mentor(account),
        reason=ADMIN_REASON,
    )


@letter("account_deadline", about="account_id", unless=_asks_no_more)
def account_deadline(account_id: int) -> Letter:
    """To the mentor: Stripe will stop money unless it gets something in time."""
    account = _account(account_id)
    return Letter(
        subject="Stripe needs something from you soon",
        sender="payouts",
        heading="Stripe needs something from you soon",
        paragraphs=[
            "Your account works now. Stripe will stop it from receiving money if it does not get the details below "
            "in time. It takes a few minutes."
        ],
        facts=_asked(account),
        action=_to_stripe("Give Stripe the details"),
        reason=MENTOR_REASON,
    )


@letter("payouts_need_you", about="account_id", unless=_goes_on)
def payouts_need_you(account_id: int) -> Letter:
    """To the mentor: money lies in the account and cannot go to the bank."""
    account = _account(account_id)
    reason = banking.reason_to_wait(account)
    return Letter(
        subject="Stripe needs something from you before it can pay your bank",
        sender="payouts",
        heading="Money waits in your Stripe account",
        paragraphs=[
            banking.in_words(reason) if reason else "Stripe did not pay out at the last attempt.",
            "It is safe there, and goes to your bank by itself as soon as Stripe has what it needs.",
        ],
        facts=[*_lying(account), *_asked(account)],
        action=_to_stripe("Go to Stripe"),
        reason=MENTOR_REASON,
    )


@letter("holding_admin", about="account_id")
def holding_admin(account_id: int) -> Letter:
    """To the admin: Stripe does not let money lie in a connected account for ever."""
    account = _account(account_id)
    reason = banking.reason_to_wait(account)
    lying = [
        (f"{in_words(each.amount, each.currency)}, the oldest since", moment(each.since, "UTC"))
        for each in banking.strands_soon(account)
    ]
    return Letter(
        subject=f"Money has been waiting long in the Stripe account of {account.mentor.name}",
        sender="alerts",
        heading="Money has been waiting long in a Stripe account",
        paragraphs=[
            "Two thirds of the time for which Stripe lets money lie there are over; then it pays out by itself, "
            "whatever we think of it.",
            banking.in_words(reason) if reason else "Nothing stands against a payout.",
        ],
        facts=[*for_admin(account)[:2], *lying, runbook(AlertKind.HOLDING)],
        action=see_mentor(account),
        reason=ADMIN_REASON,
    )
