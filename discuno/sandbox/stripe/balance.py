"""Balances are sums of balance transactions: pending until they settle, then available."""

from typing import Any

from discuno.sandbox.stripe import agenda
from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import matching, page
from discuno.sandbox.world import Record

DAY = 86_400
SETTLEMENT_DAYS = 2


def post(
    desk: Desk,
    kind: str,
    source: str,
    *,
    amount: int,
    currency: str,
    account: str | None,
    fee: int = 0,
    available_on: int | None = None,
) -> Record:
    """Enter one movement of an account's balance, in minor units; without a date it is available now."""
    when = max(available_on or desk.now, desk.now)
    entry = desk.new(
        "txn_",
        "balance_transaction",
        amount=amount,
        available_on=when,
        balance_type="payments",
        currency=currency,
        description=None,
        exchange_rate=None,
        fee=fee,
        fee_details=_fees(fee, currency),
        net=amount - fee,
        reporting_category=kind,
        source=source,
        status="pending" if when > desk.now else "available",
        type=kind,
        _account=account,
    )
    if entry["status"] == "pending":
        agenda.later(desk, when, "settle", entry["id"])
    return desk.save(entry)


def _fees(fee: int, currency: str) -> list[dict[str, Any]]:
    if not fee:
        return []
    kind = {"type": "stripe_fee", "description": "Stripe processing fees"}
    return [{"amount": fee, "application": None, "currency": currency, **kind}]


def settlement_date(desk: Desk) -> int:
    """When money charged now becomes available, in Unix seconds."""
    return desk.now + desk.setting("settlement_days", SETTLEMENT_DAYS) * DAY


def settle(desk: Desk, entry_id: str) -> Record:
    """Pending becomes available; a connected account hears of it."""
    entry = desk.load("balance_transaction", entry_id)
    desk.save({**entry, "status": "available"})
    if entry["_account"]:
        emit(desk, "balance.available", view(desk, entry["_account"]), account=entry["_account"])
    agenda.later(desk, desk.now, "sweep", entry["_account"] or "")
    return entry


def sums(desk: Desk, account: str | None, status: str) -> dict[str, int]:
    """Net minor units by currency, of the entries in this status."""
    totals: dict[str, int] = {}
    for entry in desk.find("balance_transaction", _account=account):
        totals.setdefault(entry["currency"], 0)
        totals[entry["currency"]] += entry["net"] if entry["status"] == status else 0
    return totals or {"usd": 0}


def available(desk: Desk, account: str | None, currency: str) -> int:
    """What an account may move now, in minor units."""
    return sums(desk, account, "available").get(currency, 0)


def need(desk: Desk, account: str | None, currency: str, amount: int) -> None:
    """Refuse with `balance_insufficient` unless the account has this much available."""
    if available(desk, account, currency) < amount:
        raise Refusal(
            "You have insufficient available funds in your Stripe account. "
            "Try adding funds directly to your available balance.",
            "balance_insufficient",
        )


def view(desk: Desk, account: str | None) -> Record:
    """The balance object."""

    def rows(status: str) -> list[dict[str, Any]]:
        totals = sums(desk, account, status)
        return [{"amount": n, "currency": c, "source_types": {"card": n}} for c, n in sorted(totals.items())]

    body = {"object": "balance", "available": rows("available"), "pending": rows("pending")}
    return {**body, "livemode": False} if account else {**body, "connect_reserved": [], "livemode": False}


def retrieve(desk: Desk, ask: Ask) -> Record:
    """The balance of the asking account."""
    return view(desk, ask.account)


def retrieve_entry(desk: Desk, ask: Ask) -> Record:
    """One balance transaction."""
    return desk.load("balance_transaction", ask.ids["id"])


def list_entries(desk: Desk, ask: Ask) -> Record:
    """The balance transactions of the asking account."""
    rows = list(desk.find("balance_transaction", _account=ask.account))
    rows = matching(rows, ask.params, "type", "source", "currency", "payout")
    return page(rows, ask.params, "/v1/balance_transactions")
