"""Connected accounts as the v2 API takes and shows them."""

from typing import Any, NotRequired

from stripe.params.v2 import core

from discuno.sandbox.stripe import accounts
from discuno.sandbox.stripe.desk import Ask, Desk, metadata
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.events import iso
from discuno.sandbox.world import Record


def create(desk: Desk, ask: Ask) -> Record:
    """A v2 account, recipient configuration; fields come back only when included."""
    params = ask.params
    duties = params.get("defaults", {}).get("responsibilities", {})
    if params.get("dashboard") == "express" and set(duties.values()) != {"application"}:
        raise Refusal(
            "Accounts with the Express Dashboard need the application to collect fees and bear losses.",
            "account_controller_express_dash_without_application_losses_or_fees",
        )
    recipient = params.get("configuration", {}).get("recipient", {})
    transfers = recipient.get("capabilities", {}).get("stripe_balance", {}).get("stripe_transfers", {})
    record = accounts.blank(
        desk,
        country=params.get("identity", {}).get("country", "us").upper(),
        email=params.get("contact_email"),
        metadata=params.get("metadata") or {},
        requested=transfers.get("requested", False),
    )
    record |= {"_v2": True, "_display_name": params.get("display_name"), "_identity": params.get("identity")}
    record["_defaults"] = params.get("defaults")
    return view(desk.save(record), params.get("include", []))


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One account, in v2's shape."""
    record = desk.load("account", ask.ids["id"])
    return view(record, ask.params.get("include", []))


class ListParams(core.AccountListParams):
    """The SDK follows the page's own links, whose cursor its type does not name."""

    page: NotRequired[str]


def listed(desk: Desk, ask: Ask) -> Record:
    """Connected accounts, newest first; v2 pages by links."""
    limit, closed = ask.params.get("limit", 20), ask.params.get("closed", False)
    rows = [r for r in reversed(desk.pick("account", {})) if bool(r.get("_closed")) is closed]
    start = int(ask.params.get("page", 0))
    following = start + limit
    link = f"/v2/core/accounts?limit={limit}&page={following}&closed={str(closed).lower()}"
    return {
        "data": [view(record, []) for record in rows[start:following]],
        "next_page_url": link if following < len(rows) else None,
        "previous_page_url": None,
    }


def update(desk: Desk, ask: Ask) -> Record:
    """Change e-mail, name or metadata; a null or empty metadata value unsets its key."""
    record, params = accounts.load(desk, ask.ids["id"]), ask.params
    wanted = {key: value or "" for key, value in params.get("metadata", {}).items()}
    record = {**record, "metadata": metadata(record["metadata"], wanted)}
    record["email"] = params.get("contact_email", record["email"])
    record["_display_name"] = params.get("display_name", record.get("_display_name"))
    return view(accounts.announce(desk, record), params.get("include", []))


def view(record: Record, include: list[str]) -> Record:
    """The v2 shape of an account; what is not included is null, as Stripe answers."""
    sections = {
        "configuration": {"recipient": _recipient(record)},
        "defaults": record.get("_defaults"),
        "identity": record.get("_identity"),
        "requirements": _requirements_v2(record),
        "future_requirements": None,
    }
    wanted = {name.split(".")[0] for name in include}
    return {
        "id": record["id"],
        "object": "v2.core.account",
        "applied_configurations": ["recipient"],
        "closed": bool(record.get("_closed")),
        "contact_email": record["email"],
        "created": iso(record["created"]),
        "dashboard": "express",
        "display_name": record.get("_display_name"),
        "livemode": False,
        "metadata": record["metadata"],
        **{name: value if name in wanted else None for name, value in sections.items()},
    }


def _recipient(record: Record) -> dict[str, Any]:
    status, details = _transfers(record)
    payouts = "active" if record["payouts_enabled"] and not record.get("_closed") else "restricted"
    past_due = [_detail("requirements_past_due", "provide_info")]
    return {
        "applied": True,
        "capabilities": {
            "stripe_balance": {
                "stripe_transfers": {"status": status, "status_details": details},
                "payouts": {"status": payouts, "status_details": [] if payouts == "active" else past_due},
            }
        },
        "default_outbound_destination": None,
    }


def _transfers(record: Record) -> tuple[str, list[dict[str, str]]]:
    """The status of the transfers capability in v2's words, and why."""
    known = record["capabilities"].get("transfers")
    reason = record["requirements"]["disabled_reason"] or ""
    if record.get("_closed"):
        return "restricted", [_detail("restricted_other", "no_resolution")]
    if known == "active":
        return "active", []
    if known == "pending":
        return "pending", [_detail("requirements_pending_verification", "no_resolution")]
    if reason.startswith("rejected."):
        return "rejected", [_detail(reason.replace(".", "_"), "contact_stripe")]
    return "restricted", [_detail("requirements_past_due", "provide_info")]


def _detail(code: str, resolution: str) -> dict[str, str]:
    return {"code": code, "resolution": resolution}


def _requirements_v2(record: Record) -> dict[str, Any]:
    asked = record["requirements"]
    names = list(dict.fromkeys([*asked["past_due"], *asked["currently_due"], *asked["eventually_due"]]))
    entries = [_entry(name, _urgency(asked, name)) for name in names]
    summary = None
    if entries:
        time = iso(asked["current_deadline"]) if asked["current_deadline"] else None
        summary = {"status": entries[0]["minimum_deadline"]["status"], "time": time}
    return {"collector": "stripe", "entries": entries, "summary": {"minimum_deadline": summary}}


def _urgency(asked: dict[str, Any], name: str) -> str:
    return next(status for status in ("past_due", "currently_due", "eventually_due") if name in asked[status])


def _entry(name: str, urgency: str) -> dict[str, Any]:
    deadline = {"status": urgency}
    restricts = {"capability": "stripe_balance.stripe_transfers", "configuration": "recipient"}
    return {
        "awaiting_action_from": "user",
        "description": name,
        "errors": [],
        "impact": {"restricts_capabilities": [{**restricts, "deadline": deadline}]},
        "minimum_deadline": deadline,
        "reference": None,
        "requested_reasons": [{"code": "routine_onboarding"}],
    }
