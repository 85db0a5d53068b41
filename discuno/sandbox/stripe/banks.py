"""The bank account a mentor is paid out to, and what becomes of it."""

from discuno.sandbox.stripe import accounts
from discuno.sandbox.stripe.desk import Desk
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.world import Record

DUE = "external_account"  # what Stripe asks for when there is no bank it can use


def default(desk: Desk, account: str | None) -> str | None:
    """The id of the bank account payouts of this account go to; the platform's own is not played."""
    known = desk.load("account", account)["external_accounts"]["data"] if account else []
    return str(known[0]["id"]) if known else None


def give(desk: Desk, record: Record) -> Record:
    """The mentor enters a bank account: the account record with it, and the event said; not saved yet."""
    return _mark(desk, record, "new")


def disable(desk: Desk, account_id: str) -> None:
    """A payout failed: the bank account is not used again until the mentor gives a good one."""
    record = desk.load("account", account_id)
    due = [name for name in record["requirements"]["currently_due"] if name != DUE]
    stopped = {"payouts_enabled": False, "requirements": accounts.requirements([*due, DUE])}
    accounts.announce(desk, {**_mark(desk, record, "errored"), **stopped})


def _mark(desk: Desk, record: Record, status: str) -> Record:
    known = record["external_accounts"]["data"]
    bank = {**(known[0] if known else _bank(desk, record["id"])), "status": status}
    event_type = f"account.external_account.{'updated' if known else 'created'}"
    previous = {"status": known[0]["status"]} if known else None
    emit(desk, event_type, bank, account=record["id"], previous=previous)
    return {**record, "external_accounts": {**record["external_accounts"], "data": [bank]}}


def mend(desk: Desk, account_id: str) -> Record:
    """The mentor gives a good bank account: payouts work again."""
    record = accounts.load(desk, account_id)
    due = [name for name in record["requirements"]["currently_due"] if name != DUE]
    record = {**record, "requirements": accounts.requirements(due)}
    record |= {"payouts_enabled": True, "_payouts_fail": False}
    return accounts.announce(desk, give(desk, record))


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
    }
