"""Connected accounts: one record for both APIs, its capabilities and what changes them."""

from typing import Any

from discuno.sandbox.stripe.desk import Ask, Desk, metadata
from discuno.sandbox.stripe.errors import Refusal, missing
from discuno.sandbox.stripe.events import emit, notify
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

DUE = ["external_account", "individual.verification.document", "tos_acceptance.date"]
V2_UPDATED = "v2.core.account.updated"
V2_CAPABILITY = "v2.core.account[configuration.recipient].capability_status_updated"
V2_EVENTS = {  # by the field that changed; payouts are one of v2's capabilities
    "capabilities": V2_CAPABILITY,
    "payouts_enabled": V2_CAPABILITY,
    "requirements": "v2.core.account[requirements].updated",
}


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
        future_requirements=requirements([]),
        metadata=metadata,
        payouts_enabled=False,
        requirements=requirements(DUE),
        settings={"payouts": {"debit_negative_balances": True, "schedule": {"interval": "daily"}}},
        tos_acceptance={"date": None},
        type="express",
        _closed=False,
        _v2=False,
        _payouts_fail=False,
    )


def requirements(due: list[str]) -> dict[str, Any]:
    """What Stripe still asks of an account, all of it overdue; nothing when the list is empty."""
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
    """An account, or Stripe's refusal to say whether it exists or has left the platform."""
    record = desk.get("account", account_id)
    if record is None or record.get("_closed"):
        raise Refusal(
            f"The provided key does not have access to account '{account_id}' (or that account does not exist). "
            "Application access may have been revoked.",
            "account_invalid",
            status=403,
            kept=False,
        )
    return record


def with_transfers(desk: Desk, account_id: str) -> str:
    """The id of an account that may receive transfers."""
    record = desk.get("account", account_id)
    if record is None or record.get("_closed"):
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
    """All accounts that are connected still."""
    rows = [record for record in desk.find("account") if not record.get("_closed")]
    return page(rows, ask.params, "/v1/accounts")


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
    """Keep a changed account and tell the app on both scopes what is different."""
    before = desk.load("account", record["id"])
    desk.save(record)
    changed = [name for name in record if record[name] != before.get(name) and not name.startswith("_")]
    for name, status in record["capabilities"].items():
        if before["capabilities"].get(name) != status:
            _tell_capability(desk, record, name)
    previous = {name: before.get(name) for name in changed}
    emit(desk, "account.updated", record, account=record["id"], previous=previous)
    if record["_v2"]:
        for event_type in {V2_EVENTS.get(name, V2_UPDATED): None for name in changed}:
            notify(desk, event_type, record["id"])
    return record


def _tell_capability(desk: Desk, record: Record, name: str) -> None:
    capability = {
        "id": name,
        "object": "capability",
        "account": record["id"],
        "requested": True,
        "requested_at": record["created"],
        "requirements": record["requirements"],
        "status": record["capabilities"][name],
    }
    emit(desk, "capability.updated", capability, account=record["id"])
