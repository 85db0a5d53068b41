"""Doors to Stripe for mentors' accounts: made, set to manual payouts, looked at, linked to."""

from flask import current_app

from discuno import journey
from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.edges.stripe import StripeRefused
from discuno.edges.stripe import accounts as stripe_accounts
from discuno.edges.stripe.accounts import AccountRequest
from discuno.kit import clock, outbox
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import NotFound
from discuno.kit.outgoing import OutcomeUnknown
from discuno.mentors.models import Mentor
from discuno.payouts import accounts
from discuno.payouts import service as payouts
from discuno.payouts.account_words import PAGE as PAGE_OF_ACCOUNT
from discuno.payouts.models import AccountStatus, MentorStripeAccount

PAGE = 50  # accounts a look takes in hand: under half a minute at Stripe's usual pace


class NotManualYet(Exception):
    """Stripe did not say "manual" when the payout schedule was read back: it is set again."""


class NoneIsConnected(OutcomeUnknown):
    """Stripe knows neither this account nor another of ours: rather than both, our key is wrong."""


# Made


def open_account(mentor_id: int, country: str, actor: Actor | None = None) -> str:
    """Make the mentor's account at Stripe, or learn which one it is; its id. Safe twice and at once.

    Raises StripeDown and StripeRefused; the wish is written down, and the worker goes on trying. `country` is ISO,
    lower case; `actor` is whoever asks for it, if it is a person.
    """
    api = current_app.extensions["settings"].stripe_accounts_api
    with transaction():
        mentor = locked(Mentor, mentor_id)
        account = payouts.account_of(mentor)
        if account is not None:
            return account.stripe_account_id
        wish = accounts.intend(mentor, country)
        if actor is not None:
            audit.note(actor, "open_account", f"mentor:{mentor_id}", after={"country": country})
        wanted = AccountRequest(
            mentor_id=mentor_id,
            email=mentor.user.email,
            name=mentor.name,
            country=country,
            currency=accounts.currency_of(country),
            api=api,
            key=wish.key,
        )
    found = stripe_accounts.find_account(wanted, wish.known) if wish.look_first else None
    made = found or stripe_accounts.create_account(wanted)
    with transaction():
        return journey.account_made(locked(Mentor, mentor_id), made, api, country).stripe_account_id


@outbox.task("open_account")
def open_wished_account(mentor_id: int, country: str) -> None:
    """Make an account that was wished for and not made yet."""
    with transaction():
        is_wished = accounts.is_wished(mentor_id, country)
    if is_wished:
        open_account(mentor_id, country)


@outbox.task("configure_manual_payouts", queue="money")
def configure_manual_payouts(account_id: int) -> None:
    """See to it that nothing leaves the account by itself; believed only when read back. Raises NotManualYet."""
    with transaction():
        account = session().get_one(MentorStripeAccount, account_id)
        stripe_id, is_over = account.stripe_account_id, account.status == AccountStatus.CLOSED
    if is_over:
        return
    try:
        stripe_accounts.put_on_manual_payouts(stripe_id)
        interval = stripe_accounts.payout_interval(stripe_id)
    except StripeRefused as refusal:
        if refusal.code != stripe_accounts.GONE:
            raise
        refresh(stripe_id)
        return
    with transaction():
        is_so = journey.configured(accounts.locked_account(account_id), interval)
    if not is_so:
        raise NotManualYet(f"{stripe_id} is on {interval} payouts")
    _act_on(account_id)


def mark_account(mentor_id: int, actor: str, reason: str) -> str:
    """Somebody vouches that the mentor's account is theirs: it is marked at Stripe, set up, and looked at again."""
    with transaction():
        account = payouts.account_of(locked(Mentor, mentor_id))
        if account is None:
            raise NotFound("This mentor has no account.")
        audit.record(actor, "mark_account", f"account:{account.id}", reason)
        account_id, stripe_id, api = account.id, account.stripe_account_id, account.api
    stripe_accounts.mark_account(stripe_id, api, mentor_id)
    configure_manual_payouts(account_id)
    return refresh(stripe_id)


# Looked at


def refresh(stripe_account_id: str) -> str:
    """Ask Stripe how an account stands and take its word. Raises LookupError for an account that is not ours."""
    with transaction():
        account = accounts.by_stripe_id(stripe_account_id)
        if account is None:
            raise LookupError(f"no account of ours is {stripe_account_id}")
        account_id, api, looked_at = account.id, account.api, clock.now()
    seen = stripe_accounts.look_at_account(stripe_account_id, api)
    if seen is None:
        _doubt_our_key(account_id)
    with transaction():
        account = accounts.locked_account(account_id)
        news = journey.account_seen(account, seen, looked_at)
        words = f"account {account_id}: {account.status}"
    if news:
        _act_on(account_id)
    return words


def _doubt_our_key(account_id: int) -> None:
    """A closed account stays closed, so it is not believed while another one is unknown to Stripe as well."""
    with transaction():
        other = accounts.another_live(account_id)
    if other is not None and stripe_accounts.look_at_account(other.stripe_account_id, other.api) is None:
        raise NoneIsConnected("no account is connected with us: is STRIPE_SECRET_KEY this platform's?")


def _act_on(account_id: int) -> None:
    """What waits for the account, in a unit of its own: transfers are locked before accounts."""
    with transaction():
        journey.account_changed(session().get_one(MentorStripeAccount, account_id))


def deauthorized(stripe_account_id: str) -> str:
    """The account has left the platform, says an event; Stripe itself is asked, because it may be back by now."""
    return refresh(stripe_account_id)


@outbox.task("refresh_account")
def refresh_account(account_id: int) -> None:
    """Ask Stripe how an account stands."""
    with transaction():
        stripe_id = session().get_one(MentorStripeAccount, account_id).stripe_account_id
    refresh(stripe_id)


@outbox.task("look_at_accounts", every=accounts.LOOK_EVERY)
def look_at_accounts() -> None:
    """Look at every live account now and then, whatever events came: state, payout schedule, money that lies long.

    One that Stripe does not answer for keeps none of the others from being looked at.
    """
    with transaction():
        page = [(a.id, a.stripe_account_id) for a in accounts.to_look_at(PAGE)]
    unanswered = None
    for account_id, stripe_id in page:
        try:
            _look(account_id, stripe_id)
        except OutcomeUnknown as error:
            unanswered = error
    if unanswered is not None:
        raise unanswered
    if len(page) == PAGE:
        raise outbox.Later(clock.now(), "there are more")


def _look(account_id: int, stripe_id: str) -> None:
    refresh(stripe_id)
    with transaction():
        if session().get_one(MentorStripeAccount, account_id).status == AccountStatus.CLOSED:
            return
    interval = stripe_accounts.payout_interval(stripe_id)
    with transaction():
        account = accounts.locked_account(account_id)
        journey.interval_seen(account, interval)
        journey.money_strands(account)


# Linked to


def link_to_stripe(mentor: Mentor) -> str:
    """A fresh link into Stripe's onboarding: one visit, a few minutes; never mailed, never logged."""
    account = payouts.account_of(mentor)
    if account is None:
        raise NotFound
    ours = f"{current_app.config['BASE_URL']}{PAGE_OF_ACCOUNT}"
    return stripe_accounts.onboarding_link(
        account.stripe_account_id, account.api, refresh_url=f"{ours}/again", return_url=f"{ours}/back"
    )
