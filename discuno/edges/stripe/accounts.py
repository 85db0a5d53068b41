"""Connected accounts, by both of Stripe's account APIs: made, found again, looked at, set to manual payouts.

An account is made with the mentor's id in its metadata; money goes only to one that still says so.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe

from discuno.edges.stripe.client import StripeRefused, call
from discuno.edges.stripe.money import PAGE, at, ours

GONE = "account_invalid"  # 403: closed, deauthorised, or never ours
V2_PARTS: Any = ["configuration.recipient", "requirements", "identity"]
SETTINGS = "/v1/balance_settings"


@dataclass(frozen=True)
class AccountRequest:
    """One account to be made. `country` is ISO, lower case; `api` is v1 or v2."""

    mentor_id: int
    email: str
    name: str
    country: str
    currency: str
    api: str
    key: str


@dataclass(frozen=True)
class AccountFacts:
    """An account as Stripe has it now. `transfers` is the capability's status, in the words of either API."""

    id: str
    mentor_id: int | None  # our row, as we wrote it into the metadata
    country: str | None  # upper case
    transfers: str
    payouts_enabled: bool
    submitted: bool  # whether the mentor has been through onboarding, as far as the API says
    requirements: tuple[str, ...]
    deadline: datetime | None
    disabled_reason: str | None


# Made, and found again


def create_account(wanted: AccountRequest) -> str:
    """Make a connected account that can only receive transfers; returns its id."""
    return _create_v1(wanted) if wanted.api == "v1" else _create_v2(wanted)


def _create_v1(wanted: AccountRequest) -> str:
    with call() as client:
        made = client.v1.accounts.create(
            {
                "country": wanted.country.upper(),
                "email": wanted.email,
                "controller": {
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "stripe_dashboard": {"type": "express"},
                    "requirement_collection": "stripe",
                },
                "capabilities": {"transfers": {"requested": True}},
                "metadata": {"mentor_id": str(wanted.mentor_id)},
            },
            {"idempotency_key": wanted.key},
        )
    return made.id


def _create_v2(wanted: AccountRequest) -> str:
    country: Any = wanted.country  # the SDK lists the countries it knows
    currency: Any = wanted.currency
    with call() as client:
        made = client.v2.core.accounts.create(
            {
                "contact_email": wanted.email,
                "display_name": wanted.name,
                "dashboard": "express",
                "identity": {"country": country, "entity_type": "individual"},
                "configuration": {
                    "recipient": {
                        "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                    }
                },
                "defaults": {
                    "currency": currency,
                    "responsibilities": {"fees_collector": "application", "losses_collector": "application"},
                },
                "metadata": {"mentor_id": str(wanted.mentor_id)},
                "include": V2_PARTS,
            },
            {"idempotency_key": wanted.key},
        )
    return made.id


def find_account(wanted: AccountRequest, known: frozenset[str]) -> str | None:
    """The id of an account made for this mentor that is not among `known`; reads the whole list of accounts."""
    with call() as client:
        api = client.v1.accounts if wanted.api == "v1" else client.v2.core.accounts
        for found in api.list({"limit": PAGE}).auto_paging_iter():
            if ours(found, "mentor_id") == wanted.mentor_id and found.id not in known:
                return str(found.id)
    return None


def mark_account(account_id: str, api: str, mentor_id: int) -> None:
    """Write the mentor's id into the metadata of an account that was made without it. Safe to repeat."""
    with call() as client:
        if api == "v1":
            client.v1.accounts.update(account_id, {"metadata": {"mentor_id": str(mentor_id)}})
        else:
            client.v2.core.accounts.update(account_id, {"metadata": {"mentor_id": str(mentor_id)}})


# Looked at


def look_at_account(account_id: str, api: str) -> AccountFacts | None:
    """An account as it is now; None when it is not connected with us (any more)."""
    try:
        with call() as client:
            if api == "v1":
                return _from_v1(client.v1.accounts.retrieve(account_id))
            return _from_v2(client.v2.core.accounts.retrieve(account_id, {"include": V2_PARTS}))
    except StripeRefused as refusal:
        if refusal.code == GONE:
            return None
        raise


def _from_v1(found: stripe.Account) -> AccountFacts:
    asked: Any = found.requirements
    deadline = getattr(asked, "current_deadline", None)
    return AccountFacts(
        id=found.id,
        mentor_id=ours(found, "mentor_id"),
        country=found.country,
        transfers=str(getattr(found.capabilities, "transfers", None) or "inactive"),
        payouts_enabled=bool(found.payouts_enabled),
        submitted=bool(found.details_submitted),
        requirements=_each_once(
            *(getattr(asked, "past_due", None) or ()), *(getattr(asked, "currently_due", None) or ())
        ),
        deadline=at(deadline) if deadline is not None else None,
        disabled_reason=getattr(asked, "disabled_reason", None),
    )


def _from_v2(found: Any) -> AccountFacts | None:
    if found.closed:
        return None
    balance = found.configuration.recipient.capabilities.stripe_balance
    transfers, payouts = balance.stripe_transfers, getattr(balance, "payouts", None)
    asked = [
        entry
        for entry in found.requirements.entries or ()
        if entry.awaiting_action_from == "user" and entry.minimum_deadline.status != "eventually_due"
    ]
    return AccountFacts(
        id=found.id,
        mentor_id=ours(found, "mentor_id"),
        country=found.identity.country.upper() if found.identity and found.identity.country else None,
        transfers=str(transfers.status),
        payouts_enabled=payouts is not None and payouts.status == "active",
        submitted=False,  # v2 has no such word
        requirements=_each_once(*(entry.description for entry in asked)),
        deadline=_soonest(found.requirements.summary),
        disabled_reason=next((str(detail.code) for detail in transfers.status_details or ()), None),
    )


def _soonest(summary: Any) -> datetime | None:
    deadline = summary.minimum_deadline if summary is not None else None
    told = deadline.time if deadline is not None else None
    return datetime.fromisoformat(told).astimezone(UTC) if told else None


def _each_once(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


# Their payout schedule


def put_on_manual_payouts(account_id: str) -> None:
    """Nothing leaves this account's balance by itself from now on. Read it back before believing it.

    By the raw request, because `balance_settings.update` of SDK 16.1.0 raises after Stripe has done it.
    """
    manual = {"payouts": {"schedule": {"interval": "manual"}}}
    with call() as client:
        client.raw_request("post", SETTINGS, payments=manual, stripe_account=account_id)


def payout_interval(account_id: str | None = None) -> str:
    """Stripe's word for when this account's balance (the platform's own without an id) is paid out by itself."""
    options = {"stripe_account": account_id} if account_id is not None else {}
    with call() as client:
        told: Any = client.raw_request("get", SETTINGS, **options).data
    return str(told["payments"]["payouts"]["schedule"]["interval"])


def is_live() -> bool:
    """Whether our key moves real money; answers at all only if Stripe takes the key."""
    with call() as client:
        return bool(client.v1.balance.retrieve().livemode)


# Links, good for one visit and a few minutes: never mailed, never logged


def onboarding_link(account_id: str, api: str, *, refresh_url: str, return_url: str) -> str:
    """Where the mentor gives Stripe what it asks for."""
    urls = {"refresh_url": refresh_url, "return_url": return_url}
    collect = {"fields": "eventually_due", "future_requirements": "include"}
    asked: Any = {"account": account_id, "type": "account_onboarding", **urls}
    use: Any = {"type": "account_onboarding", "account_onboarding": {**urls, "collection_options": collect}}
    with call() as client:
        if api == "v1":
            return client.v1.account_links.create(asked).url
        return client.v2.core.account_links.create({"account": account_id, "use_case": use}).url


def dashboard_link(account_id: str) -> str:
    """Where the mentor sees their account at Stripe."""
    with call() as client:
        return client.v1.accounts.login_links.create(account_id).url
