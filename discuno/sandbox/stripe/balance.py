"""Balances are sums of balance transactions: pending until they settle, then available."""

from collections import Counter
from typing import Any

from discuno.sandbox.stripe import agenda
from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.stripe.errors import Refusal, missing
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

DAY = 86_400
SETTLEMENT_DAYS = 2
SUMS = "stripe.balance"


def post(
    desk: Desk,
    kind: str,
    source: str | None,
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
        _payout=None,  # the automatic payout it left with
    )
    _move(desk, account, currency, entry["status"], entry["net"])
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


def arrival_date(desk: Desk, account: str, source: int | None) -> int:
    """When money from this source is available in a connected account: with it, or later if told so."""
    return max(source or 0, desk.now + desk.setting(arrival_setting(account), 0) * DAY)


def arrival_setting(account: str) -> str:
    """The setting of how many days more money stays pending in a connected account."""
    return f"settlement_days {account}"


def settle(desk: Desk, entry_id: str) -> None:
    """Pending becomes available; the account hears of it once, however much comes due together."""
    entry = desk.load("balance_transaction", entry_id)
    account, currency, net = entry["_account"], entry["currency"], entry["net"]
    _move(desk, account, currency, "pending", -net)
    _move(desk, account, currency, "available", net)
    desk.save({**entry, "status": "available"})
    agenda.soon(desk, "sweep", account or "")


def tell(desk: Desk, account: str | None) -> None:
    """Say what an account has available, on its own scope."""
    emit(desk, "balance.available", view(desk, account), account=account)


def adjust(desk: Desk, account: str | None, amount: int, currency: str) -> Record:
    """Money that comes or goes (a negative amount) by no object's doing, as when Stripe corrects a balance."""
    post(desk, "adjustment", None, amount=amount, currency=currency, account=account)
    return view(desk, account)


def _move(desk: Desk, account: str | None, currency: str, status: str, net: int) -> None:
    """Keep the sums beside the entries, so that no request has to add up the whole book."""
    totals = sums(desk, account, status)
    row = {
        "id": f"{account or 'platform'} {status}",
        "totals": {**totals, currency: totals.get(currency, 0) + net},
    }
    desk.world.put(SUMS, row)


def sums(desk: Desk, account: str | None, status: str) -> dict[str, int]:
    """Net minor units by currency, of the entries in this status."""
    row = desk.world.get(SUMS, f"{account or 'platform'} {status}")
    if row is not None:
        return dict(row["totals"])
    totals: Counter[str] = Counter()  # a book from before the sums were kept
    for entry in desk.find("balance_transaction", _account=account, status=status):
        totals[entry["currency"]] += entry["net"]
    return dict(totals)


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
    """The balance object; both lists name every currency the account has seen."""
    held = {status: sums(desk, account, status) for status in ("available", "pending")}
    known = sorted({*held["available"], *held["pending"]}) or ["usd"]
    body: Record = {"object": "balance", "livemode": False}
    for status, totals in held.items():
        amounts = {currency: totals.get(currency, 0) for currency in known}
        body[status] = [{"amount": n, "currency": c, "source_types": {"card": n}} for c, n in amounts.items()]
    return body if account else {**body, "connect_reserved": []}


def retrieve(desk: Desk, ask: Ask) -> Record:
    """The balance of the asking account."""
    return view(desk, ask.account)


def retrieve_entry(desk: Desk, ask: Ask) -> Record:
    """One balance transaction of the asking account."""
    entry = desk.load("balance_transaction", ask.ids["id"])
    if entry["_account"] != ask.account:
        raise missing("balance transaction", entry["id"], "id")
    return entry


def list_entries(desk: Desk, ask: Ask) -> Record:
    """The balance transactions of the asking account; by payout only where Stripe chose what it carries."""
    if "payout" in ask.params:
        return _of_payout(desk, ask)
    rows = desk.pick("balance_transaction", ask.params, "type", "source", "currency", _account=ask.account)
    return page(rows, ask.params, "/v1/balance_transactions")


def _of_payout(desk: Desk, ask: Ask) -> Record:
    payout = desk.load("payout", ask.params["payout"], "payout", 400)
    if not payout["automatic"]:
        raise Refusal(
            "Balance transaction history can only be filtered on automatic payouts, not manual.",
            param="payout",
        )
    carried = {"_account": ask.account, "_payout": payout["id"]}
    rows = desk.pick("balance_transaction", ask.params, "type", "source", "currency", **carried)
    return page(rows, ask.params, "/v1/balance_transactions")
