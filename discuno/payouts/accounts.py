"""A mentor's connected account: the wish for one, how it stands by Stripe's word, and when it is theirs no more."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from babel.numbers import get_territory_currencies

from discuno.kit import clock, outbox
from discuno.kit.db import locked, one_or_none, rows, session
from discuno.kit.outgoing import KEY_IS_OLD
from discuno.mentors.models import Mentor
from discuno.payouts import service as payouts
from discuno.payouts.models import AccountStatus, MentorStripeAccount

S = AccountStatus
LOOK_EVERY = timedelta(hours=6)
SOON = timedelta(seconds=30)  # the web request tries first; the worker comes after it
ASKED = {  # Stripe's names of what it asks for most, by what they begin or end with
    "external_account": "a bank account to pay you to",
    "tos_acceptance": "your agreement to Stripe's terms",
    "verification.document": "a document that proves who you are",
    "verification.additional_document": "a second document that proves who you are",
    "address": "your address",
    "dob": "your date of birth",
    "first_name": "your name",
    "last_name": "your name",
    "id_number": "your tax or identity number",
    "ssn_last_4": "the last digits of your social security number",
    "phone": "your phone number",
    "email": "your e-mail address",
}


class AccountSeen(Protocol):
    """An account as Stripe has it."""

    @property
    def mentor_id(self) -> int | None: ...

    @property
    def country(self) -> str | None: ...

    @property
    def transfers(self) -> str: ...

    @property
    def payouts_enabled(self) -> bool: ...

    @property
    def submitted(self) -> bool: ...

    @property
    def requirements(self) -> tuple[str, ...]: ...

    @property
    def deadline(self) -> datetime | None: ...

    @property
    def disabled_reason(self) -> str | None: ...


# The wish for an account


@dataclass(frozen=True)
class Intention:
    """An account that is to be made. After an earlier try it is looked for before it is made again."""

    key: str
    look_first: bool
    known: frozenset[str]  # earlier accounts of this mentor


def intend(mentor: Mentor, country: str) -> Intention:
    """Write down, as a job that lasts until it is done, that this mentor gets an account. Under the mentor's lock.

    A wish that is older than Stripe keeps its key, or was for another country, is begun anew after a look at what is
    there: the same key always carries the same request.
    """
    name = f"account:{mentor.id}"
    wish = _wish(mentor.id)
    tried = wish is not None
    is_old = wish is not None and clock.now() - wish.created_at >= KEY_IS_OLD
    if wish is not None and (is_old or wish.args["country"] != country):
        session().delete(wish)
        session().flush()
        wish = None
    if wish is None:
        run_at = clock.now() + SOON
        outbox.add("open_account", run_at=run_at, unique_key=name, mentor_id=mentor.id, country=country)
        wish = session().execute(sa.select(outbox.Job).where(outbox.Job.unique_key == name)).scalar_one()
    earlier = rows(sa.select(MentorStripeAccount).where(MentorStripeAccount.mentor_id == mentor.id))
    key = f"account:{mentor.id}:{len(earlier)}:{wish.id}"
    return Intention(key, tried, frozenset(account.stripe_account_id for account in earlier))


def is_wished(mentor_id: int, country: str) -> bool:
    """Whether an account there is still what the mentor wants; they may have chosen another country meanwhile."""
    wish = _wish(mentor_id)
    return wish is not None and bool(wish.args["country"] == country)


def _wish(mentor_id: int) -> outbox.Job | None:
    return one_or_none(sa.select(outbox.Job).where(outbox.Job.unique_key == f"account:{mentor_id}"))


def currency_of(country: str) -> str:
    """The currency people are paid in there, lower case."""
    known = get_territory_currencies(country.upper())
    return str(known[0]).lower() if known else "usd"


def record_made(mentor: Mentor, stripe_account_id: str, api: str, country: str) -> MentorStripeAccount:
    """Stripe has made it: a new row, or the one another hand has just written. Under the mentor's lock."""
    known = payouts.account_of(mentor)
    if known is not None:
        return known
    account = MentorStripeAccount(
        mentor=mentor,
        mentor_id=mentor.id,
        stripe_account_id=stripe_account_id,
        api=api,
        status=S.ONBOARDING,
        transfers="inactive",
        payouts_enabled=False,
        is_ours=True,
        country=country.upper(),
        requirements=[],
        created_at=clock.now(),
    )
    session().add(account)
    session().flush()
    return account


# Finding them


def by_stripe_id(stripe_account_id: str) -> MentorStripeAccount | None:
    """The row of a Stripe account."""
    return one_or_none(
        sa.select(MentorStripeAccount).where(MentorStripeAccount.stripe_account_id == stripe_account_id)
    )


def locked_account(account_id: int) -> MentorStripeAccount:
    """The account, ours until the unit of work ends; taken after payments and transfers, before jobs."""
    return locked(MentorStripeAccount, account_id)


def live() -> list[MentorStripeAccount]:
    """Every account that is not closed."""
    return rows(
        sa.select(MentorStripeAccount)
        .where(MentorStripeAccount.status != S.CLOSED)
        .order_by(MentorStripeAccount.id)
    )


def another_live(account_id: int) -> MentorStripeAccount | None:
    """Another live account, the one that Stripe has answered for most lately."""
    return one_or_none(
        sa.select(MentorStripeAccount)
        .where(MentorStripeAccount.status != S.CLOSED, MentorStripeAccount.id != account_id)
        .order_by(MentorStripeAccount.refreshed_at.desc().nulls_last(), MentorStripeAccount.id)
        .limit(1)
    )


def to_look_at(limit: int) -> list[MentorStripeAccount]:
    """Live accounts that nobody has looked at for a while, the longest unseen first."""
    seen = MentorStripeAccount.refreshed_at
    return rows(
        sa.select(MentorStripeAccount)
        .where(MentorStripeAccount.status != S.CLOSED)
        .where(sa.or_(seen.is_(None), seen < clock.now() - LOOK_EVERY))
        .order_by(seen.asc().nulls_first(), MentorStripeAccount.id)
        .limit(limit)
    )


# How it stands


def take(account: MentorStripeAccount, seen: AccountSeen | None, looked_at: datetime) -> bool:
    """Write down what Stripe says (None: it is not connected with us any more); False for an older word.

    A closed row stays closed: whoever comes back gets another. Payouts that were stopped may be tried again as soon
    as Stripe allows them again.
    """
    is_late = account.refreshed_at is not None and account.refreshed_at > looked_at
    if account.status == S.CLOSED or is_late:
        return False
    account.refreshed_at = looked_at
    if seen is None:
        account.transfers, account.payouts_enabled = "inactive", False
        account.move_to(S.CLOSED)
        return True
    if seen.payouts_enabled and not account.payouts_enabled:
        account.payouts_blocked_by = None
    account.transfers, account.payouts_enabled = seen.transfers, seen.payouts_enabled
    account.is_ours = seen.mentor_id == account.mentor_id
    account.country = seen.country or account.country
    account.requirements, account.deadline = list(seen.requirements), seen.deadline
    account.disabled_reason = seen.disabled_reason
    account.move_to(_status(account, seen))
    return True


def _status(account: MentorStripeAccount, seen: AccountSeen) -> AccountStatus:
    if seen.transfers == "active":
        return S.ACTIVE
    if seen.transfers == "rejected" or (seen.disabled_reason or "").startswith("rejected"):
        return S.REJECTED
    begun_only = account.status == S.ONBOARDING and not seen.submitted
    return S.ONBOARDING if begun_only else S.RESTRICTED


def take_interval(account: MentorStripeAccount, interval: str) -> bool:
    """Write down whether payouts are ours to make; True when somebody has switched that back."""
    if interval == "manual":
        account.manual_payouts_configured_at = account.manual_payouts_configured_at or clock.now()
        return False
    switched_back = account.manual_payouts_configured_at is not None
    account.manual_payouts_configured_at = None
    return switched_back


def asked_in_words(account: MentorStripeAccount) -> list[str]:
    """What Stripe asks for, each thing once, in words where we have them."""
    return list(dict.fromkeys(_words(name) for name in account.requirements))


def _words(name: str) -> str:
    parts = f".{name}."
    found = (words for part, words in ASKED.items() if f".{part}." in parts)
    return next(found, name.replace("_", " ").replace(".", ": "))
