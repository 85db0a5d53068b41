"""Short words for tests about mentors' Stripe accounts and their banks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from discuno.kit import outbox
from discuno.kit.db import transaction
from discuno.mentors.models import Mentor
from discuno.payments.models import Account, LedgerEntry, Payment
from discuno.payouts import bank_jobs, onboarding
from discuno.payouts.models import MentorStripeAccount
from tests.catalogue import AMARA
from tests.factories import advance_to, all_of, paid, the
from tests.house import House

AMARAS = "amara@discuno.example"
NIA = {**AMARA, "username": "nia", "name": "Nia Cole", "email": "nia@discuno.example", "onboarded": False}


def do(house: House, door: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """Call a door as a process of the app would."""
    with house.app.app_context():
        return door(*args, **more)


def sweep(house: House, name: str = "pay_out_available") -> None:
    """Have a periodic task run now."""
    with house.app.app_context(), transaction():
        outbox.add(name, unique_key=outbox.periodic_key(name))
    house.settle_down()


def account_of(house: House, username: str = "amara") -> MentorStripeAccount:
    """A mentor's latest account."""
    return [a for a in all_of(house, MentorStripeAccount) if a.mentor.username == username][-1]


def steer(house: House, what: str, told: dict[str, Any] | None = None, username: str = "amara") -> None:
    """Something happens to a mentor's account at Stripe, and its events arrive."""
    stripe_id = account_of(house, username).stripe_account_id
    house.control("POST", f"stripe/accounts/{stripe_id}{what}", told or {})
    house.settle_down()


def change_at_stripe(house: House, username: str = "amara", **change: Any) -> None:
    """Somebody changes a mentor's account at Stripe, and no event tells."""
    world, stripe_id = house.sandbox.world, account_of(house, username).stripe_account_id
    record = next(a for a in world.all("stripe.account") if a["id"] == stripe_id)
    world.put("stripe.account", {**record, **change})


def share_arrives(house: House, *, mode: str = "on_request") -> None:
    """A session is paid, and its share, 54 dollars, has just reached Amara's account; by default it lies there."""
    settings = house.app.extensions["settings"]
    before, settings.payout_mode = settings.payout_mode, mode
    try:
        paid(house)
        house.settle_down()
        ends = the(house, Payment).dispute_period_ends
        assert ends is not None
        advance_to(house, ends + timedelta(seconds=1))
        house.settle_down()
    finally:
        settings.payout_mode = before
    assert the(house, Payment).status == "TRANSFERRED"


def open_account(house: House) -> str:
    """The one mentor of the house gets an account; its id at Stripe."""
    return str(do(house, onboarding.open_account, the(house, Mentor).id, "us"))


def has(house: House, amount: int, currency: str = "usd", username: str = "amara") -> None:
    """So much comes to a mentor's balance at Stripe (or goes), however it did."""
    stripe_id = account_of(house, username).stripe_account_id
    house.control("POST", "stripe/balance", {"amount": amount, "currency": currency, "account": stripe_id})


def look(house: House, username: str = "amara") -> None:
    """Stripe says that money is available, and what follows from it is done."""
    do(house, bank_jobs.balance_available, account_of(house, username).stripe_account_id)
    house.settle_down()


def end_payout(house: House, status: str, **more: str) -> None:
    """What becomes of the newest payout at Stripe; its events arrive."""
    stripe_id = house.stripe("payout")[-1]["id"]
    house.control("POST", f"stripe/payouts/{stripe_id}/settle", {"status": status, **more})
    house.settle_down()


def paid_out(house: House) -> list[tuple[int, str]]:
    """The payouts Stripe has made, oldest first."""
    return [(payout["amount"], payout["currency"]) for payout in house.stripe("payout")]


def in_books(house: House, account: Account) -> int:
    """The sum of an account of the ledger."""
    return sum(entry.amount for entry in all_of(house, LedgerEntry) if entry.account == account)


def refusal(code: str) -> dict[str, Any]:
    """A fault: Stripe says a definite no."""
    body = {"error": {"type": "invalid_request_error", "code": code, "message": "No."}}
    return {"action": "error", "status": 400, "body": body}
