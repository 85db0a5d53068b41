"""When an account's money is paid out by itself: its payout schedule."""

from typing import Any

from discuno.sandbox.stripe import accounts, balance
from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.world import Record

PLATFORM_SCHEDULE = {"interval": "manual"}  # held money must not be swept away before its time


def schedule(desk: Desk, account: str | None) -> dict[str, Any]:
    """The payout schedule of an account, or of the platform."""
    if account:
        return dict(desk.load("account", account)["settings"]["payouts"]["schedule"])
    row = desk.world.get("stripe.setting", "platform_schedule")
    return dict(row["schedule"]) if row else dict(PLATFORM_SCHEDULE)


def is_manual(desk: Desk, account: str | None) -> bool:
    """Whether nothing is paid out of this balance by itself."""
    return bool(schedule(desk, account)["interval"] == "manual")


def retrieve(desk: Desk, ask: Ask) -> Record:
    """The balance settings of the asking account."""
    delay = desk.setting("settlement_days", balance.SETTLEMENT_DAYS)
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": True,
            "payouts": {
                "automatic_transfer_rules_by_currency": None,  # the SDK cannot read this null
                "minimum_balance_by_currency": None,
                "schedule": schedule(desk, ask.account),
                "statement_descriptor": None,
                "status": "enabled",
            },
            "settlement_timing": {"delay_days": delay},
        },
    }


def update(desk: Desk, ask: Ask) -> Record:
    """Change the payout schedule; the other settings are not played here."""
    wanted = ask.params.get("payments", {}).get("payouts", {}).get("schedule")
    if wanted and ask.account:
        record = accounts.load(desk, ask.account)
        payouts = {**record["settings"]["payouts"], "schedule": wanted}
        desk.save({**record, "settings": {**record["settings"], "payouts": payouts}})
    elif wanted:
        desk.world.put("stripe.setting", {"id": "platform_schedule", "schedule": wanted})
    return retrieve(desk, ask)
