"""Money from a Stripe balance to a bank, by hand or on a schedule."""

from typing import Any

from discuno.sandbox.stripe import accounts, agenda, balance
from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import matching, page
from discuno.sandbox.world import Record

LEAVES_AFTER, TRAVELS = 3600, 2 * balance.DAY  # seconds: pending, then in transit
PLATFORM_SCHEDULE = {"interval": "manual"}  # held money must not be swept away before its time


def create(desk: Desk, ask: Ask) -> Record:
    """Pay out at most what is available; the account must be able to receive payouts."""
    amount, currency = ask.params["amount"], ask.params["currency"].lower()
    if amount < 1:
        raise Refusal("This value must be greater than or equal to 1.", "parameter_invalid_integer", "amount")
    if ask.account and not accounts.load(desk, ask.account)["payouts_enabled"]:
        raise Refusal("Payouts are not enabled for this account.", "payouts_not_allowed")
    balance.need(desk, ask.account, currency, amount)
    return _send(desk, ask.account, amount, currency, ask.params, automatic=False)


def _send(
    desk: Desk, account: str | None, amount: int, currency: str, params: dict[str, Any], *, automatic: bool
) -> Record:
    payout = desk.new(
        "po_",
        "payout",
        amount=amount,
        arrival_date=desk.now + LEAVES_AFTER + TRAVELS,
        automatic=automatic,
        currency=currency,
        description=params.get("description"),
        destination=_bank(desk, account),
        failure_balance_transaction=None,
        failure_code=None,
        failure_message=None,
        metadata=params.get("metadata") or {},
        method="standard",
        source_type="card",
        statement_descriptor=params.get("statement_descriptor"),
        status="pending",
        type="bank_account",
        _account=account,
    )
    entry = balance.post(desk, "payout", payout["id"], amount=-amount, currency=currency, account=account)
    payout["balance_transaction"] = entry["id"]
    emit(desk, "payout.created", desk.save(payout), account=account)
    agenda.later(desk, desk.now + LEAVES_AFTER, "payout", payout["id"])
    return payout


def _bank(desk: Desk, account: str | None) -> str | None:
    banks = accounts.load(desk, account)["external_accounts"]["data"] if account else []
    return str(banks[0]["id"]) if banks else None


def move(desk: Desk, payout_id: str) -> None:
    """The agenda's call: pending leaves, in transit arrives or fails."""
    payout = desk.load("payout", payout_id)
    if payout["status"] == "pending":
        _change(desk, payout, "payout.updated", status="in_transit")
        agenda.later(desk, max(desk.now, payout["arrival_date"]), "payout", payout_id)
    elif payout["status"] == "in_transit":
        account = accounts.load(desk, payout["_account"]) if payout["_account"] else {}
        (_fail if account.get("_payouts_fail") else _arrive)(desk, payout)


def _arrive(desk: Desk, payout: Record) -> None:
    _change(desk, payout, "payout.paid", status="paid")


def _fail(desk: Desk, payout: Record) -> None:
    """The bank refused: the money is back, and the bank account is not used again."""
    _change(
        desk,
        payout,
        "payout.failed",
        status="failed",
        failure_balance_transaction=_back(desk, payout, "payout_failure"),
        failure_code="account_closed",
        failure_message="The bank account has been closed.",
    )
    if payout["_account"]:
        accounts.steer(desk, payout["_account"], {"payouts_enabled": False})


def _back(desk: Desk, payout: Record, kind: str) -> str:
    money = {"amount": payout["amount"], "currency": payout["currency"], "account": payout["_account"]}
    return str(balance.post(desk, kind, payout["id"], **money)["id"])


def _change(desk: Desk, payout: Record, event_type: str, **change: Any) -> Record:
    payout = desk.save({**payout, **change})
    emit(desk, event_type, payout, account=payout["_account"])
    return payout


def cancel(desk: Desk, ask: Ask) -> Record:
    """Stop a payout made by hand that has not left yet."""
    payout = _own(desk, ask)
    if payout["status"] != "pending" or payout["automatic"]:
        raise Refusal("Payouts can only be canceled while they are pending and manual.")
    back = _back(desk, payout, "payout_cancel")
    return _change(desk, payout, "payout.canceled", status="canceled", failure_balance_transaction=back)


def sweep(desk: Desk, account: str) -> None:
    """What an automatic schedule does with money that became available (account "" is the platform)."""
    owner = account or None
    if schedule(desk, owner)["interval"] == "manual":
        return
    if owner and not accounts.load(desk, owner)["payouts_enabled"]:
        return
    for currency, amount in balance.sums(desk, owner, "available").items():
        if amount > 0:
            _send(desk, owner, amount, currency, {}, automatic=True)


def schedule(desk: Desk, account: str | None) -> dict[str, Any]:
    """The payout schedule of an account, or of the platform."""
    if account:
        return dict(accounts.load(desk, account)["settings"]["payouts"]["schedule"])
    row = desk.world.get("stripe.setting", "platform_schedule")
    return dict(row["schedule"]) if row else dict(PLATFORM_SCHEDULE)


def retrieve_settings(desk: Desk, ask: Ask) -> Record:
    """The balance settings of the asking account."""
    delay = desk.setting("settlement_days", balance.SETTLEMENT_DAYS)
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": True,
            "payouts": {
                "automatic_transfer_rules_by_currency": None,
                "minimum_balance_by_currency": None,
                "schedule": schedule(desk, ask.account),
                "statement_descriptor": None,
                "status": "enabled",
            },
            "settlement_timing": {"delay_days": delay},
        },
    }


def update_settings(desk: Desk, ask: Ask) -> Record:
    """Change the payout schedule; the other settings are not played here."""
    wanted = ask.params.get("payments", {}).get("payouts", {}).get("schedule")
    if wanted and ask.account:
        record = accounts.load(desk, ask.account)
        payouts = {**record["settings"]["payouts"], "schedule": wanted}
        desk.save({**record, "settings": {**record["settings"], "payouts": payouts}})
    elif wanted:
        desk.world.put("stripe.setting", {"id": "platform_schedule", "schedule": wanted})
    return retrieve_settings(desk, ask)


def _own(desk: Desk, ask: Ask) -> Record:
    payout = desk.load("payout", ask.ids["id"])
    if payout["_account"] != ask.account:
        raise Refusal(f"No such payout: '{payout['id']}'", "resource_missing", "id", 404)
    return payout


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One payout of the asking account."""
    return _own(desk, ask)


def listed(desk: Desk, ask: Ask) -> Record:
    """Payouts of the asking account, by status where asked."""
    rows = matching(list(desk.find("payout", _account=ask.account)), ask.params, "status")
    return page(rows, ask.params, "/v1/payouts")
