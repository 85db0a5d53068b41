"""Connected accounts: one record for both APIs, its capabilities and what changes them."""

from typing import Any

from discuno.sandbox.stripe.desk import Ask, Desk, metadata
from discuno.sandbox.stripe.errors import Refusal, missing
from discuno.sandbox.stripe.events import emit, notify
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

DUE = ["external_account", "individual.verification.document", "tos_acceptance.date"]
CAPABILITY_EVENT = "v2.core.account[configuration.recipient].capability_status_updated"


def create(desk: Desk, ask: Ask) -> Record:
    """A v1 account: nothing works until the mentor has been through onboarding."""
    params = ask.params
    record = blank(
        desk,
        country=params.get("country", "US").upper(),
        email=params.get("email"),
        metadata=params.get("metadata") or {},
        requested=params.get("capabilities", {}).get("transfers", {}).get("requested", False),
    )
    record["business_profile"] = params.get("business_profile")
    return desk.save(record)


def blank(
    desk: Desk, *, country: str, email: str | None, metadata: dict[str, str], requested: bool
) -> Record:
    """An account that has only been asked for: nothing works yet."""
    return desk.new(
        "acct_",
        "account",
        business_profile=None,
        business_type="individual",
        capabilities={"transfers": "inactive"} if requested else {},
        charges_enabled=False,
        controller={
            "type": "application",
            "is_controller": True,
            "fees": {"payer": "application"},
            "losses": {"payments": "application"},
            "requirement_collection": "stripe",
            "stripe_dashboard": {"type": "express"},
        },
        country=country,
        default_currency="usd",
        details_submitted=False,
        email=email,
        external_accounts={"object": "list", "data": [], "has_more": False, "url": ""},
        future_requirements=_requirements([]),
        metadata=metadata,
        payouts_enabled=False,
        requirements=_requirements(DUE),
        settings={"payouts": {"debit_negative_balances": True, "schedule": {"interval": "daily"}}},
        tos_acceptance={"date": None},
        type="express",
        _v2=False,
        _payouts_fail=False,
    )


def _requirements(due: list[str]) -> dict[str, Any]:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": due,
        "disabled_reason": "requirements.past_due" if due else None,
        "errors": [],
        "eventually_due": due,
        "past_due": due,
        "pending_verification": [],
    }


def load(desk: Desk, account_id: str) -> Record:
    """An account, or Stripe's refusal to say whether it exists."""
    record = desk.get("account", account_id)
    if record is None:
        raise Refusal(
            f"The provided key does not have access to account '{account_id}' (or that account does not exist).",
            "account_invalid",
            status=403,
            kept=False,
        )
    return record


def with_transfers(desk: Desk, account_id: str) -> str:
    """The id of an account that may receive transfers."""
    record = desk.get("account", account_id)
    if record is None:
        raise missing("destination", account_id, "destination", status=400)
    if record["capabilities"].get("transfers") != "active":
        raise Refusal(
            "Your destination account needs to have the transfers capability enabled.",
            "transfers_not_allowed",
            "destination",
        )
    return account_id


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One account, in v1's shape."""
    return load(desk, ask.ids["id"])


def listed(desk: Desk, ask: Ask) -> Record:
    """All connected accounts."""
    return page(list(desk.find("account")), ask.params, "/v1/accounts")


def update(desk: Desk, ask: Ask) -> Record:
    """Change e-mail, metadata, requested capabilities or the payout schedule."""
    record = load(desk, ask.ids["id"])
    changed = {**record, "metadata": metadata(record["metadata"], ask.params.get("metadata"))}
    changed["email"] = ask.params.get("email", record["email"])
    if ask.params.get("capabilities", {}).get("transfers", {}).get("requested"):
        changed["capabilities"] = {"transfers": "inactive", **record["capabilities"]}
    if "payouts" in ask.params.get("settings", {}):
        changed["settings"] = {
            "payouts": {**record["settings"]["payouts"], **ask.params["settings"]["payouts"]}
        }
    return announce(desk, changed)


def announce(desk: Desk, record: Record) -> Record:
    """Keep a changed account and tell the app on both scopes."""
    desk.save(record)
    emit(desk, "account.updated", record, account=record["id"])
    if record["_v2"]:
        notify(desk, CAPABILITY_EVENT, record["id"])
    return record


def onboard(desk: Desk, account_id: str) -> Record:
    """What a mentor does on Stripe's pages: identity and bank given, everything works."""
    record = load(desk, account_id)
    return announce(
        desk,
        {
            **record,
            "capabilities": {"transfers": "active"},
            "details_submitted": True,
            "payouts_enabled": True,
            "requirements": _requirements([]),
            "tos_acceptance": {"date": desk.now},
            "external_accounts": {**record["external_accounts"], "data": [_bank(desk, account_id)]},
        },
    )


def _bank(desk: Desk, account_id: str) -> Record:
    return {
        "id": desk.world.new_id("ba_"),
        "object": "bank_account",
        "account": account_id,
        "bank_name": "STRIPE TEST BANK",
        "country": "US",
        "currency": "usd",
        "default_for_currency": True,
        "last4": "6789",
        "status": "new",
    }


def steer(desk: Desk, account_id: str, change: dict[str, Any]) -> Record:
    """The control page's hand: capability, payouts, requirements, deauthorisation; announced as Stripe does."""
    record = dict(desk.load("account", account_id))
    if "transfers" in change:
        record["capabilities"] = {**record["capabilities"], "transfers": change["transfers"]}
    if "requirements" in change:
        record["requirements"] = {**record["requirements"], **change["requirements"]}
    if "payouts_fail" in change:
        record["_payouts_fail"] = bool(change["payouts_fail"])
    for name in ("payouts_enabled", "charges_enabled", "details_submitted"):
        if name in change:
            record[name] = bool(change[name])
    return announce(desk, record)
