"""Connected accounts as the v2 API takes and shows them."""

from typing import Any

from discuno.sandbox.stripe import accounts
from discuno.sandbox.stripe.desk import Ask, Desk
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
        "closed": False,
        "contact_email": record["email"],
        "created": iso(record["created"]),
        "dashboard": "express",
        "display_name": record.get("_display_name"),
        "livemode": False,
        "metadata": record["metadata"],
        **{name: value if name in wanted else None for name, value in sections.items()},
    }


def _recipient(record: Record) -> dict[str, Any]:
    status = {"active": "active", "pending": "pending"}.get(
        record["capabilities"].get("transfers", ""), "restricted"
    )
    details = [] if status == "active" else [{"code": "requirements_past_due", "resolution": "provide_info"}]
    payouts = "active" if record["payouts_enabled"] else "restricted"
    return {
        "applied": True,
        "capabilities": {
            "stripe_balance": {
                "stripe_transfers": {"status": status, "status_details": details},
                "payouts": {"status": payouts, "status_details": [] if payouts == "active" else details},
            }
        },
        "default_outbound_destination": None,
    }


def _requirements_v2(record: Record) -> dict[str, Any]:
    entries = [
        {
            "awaiting_action_from": "user",
            "description": name,
            "errors": [],
            "impact": {"restricts_capabilities": []},
            "minimum_deadline": {"status": "past_due"},
            "requested_reasons": [{"code": "routine_onboarding"}],
        }
        for name in record["requirements"]["currently_due"]
    ]
    deadline = {"status": "past_due", "time": None} if entries else None
    return {"collector": "stripe", "entries": entries, "summary": {"minimum_deadline": deadline}}
