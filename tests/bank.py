"""What banks and Stripe do to a payment, and what both books say then; shared by the tests about objections."""

from datetime import timedelta
from typing import Any

from discuno.admin.books import invariants
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import LedgerEntry, Payment
from tests.factories import advance_to, all_of, paid, someone
from tests.house import House


def fund(house: House, amount: int, account: str | None = None) -> None:
    whose = {"account": account} if account else {}
    house.control("POST", "stripe/balance", {"amount": amount, "currency": "usd", **whose})


def let_it_end(house: House) -> None:
    """The dispute period of the last payment ends."""
    ends = all_of(house, Payment)[-1].dispute_period_ends
    assert ends is not None
    advance_to(house, ends + timedelta(seconds=5))
    house.settle_down()


def lever(house: House, path: str, **told: Any) -> Any:
    """Something happens at the bank or at Stripe, and we hear of it."""
    done = house.control("POST", f"stripe/{path}", told)
    house.settle_down()
    return done


def charge(house: House) -> str:
    return f"charges/{all_of(house, Payment)[0].stripe_charge_id}"


def dispute(house: House, **told: Any) -> str:
    """The path of a new dispute of the first payment."""
    return f"disputes/{lever(house, f'{charge(house)}/dispute', **told)['id']}"


def settle(house: House, path: str, outcome: str) -> None:
    lever(house, f"{path}/settle", outcome=outcome)


def at_stripe(house: House, kind: str = "transfer") -> list[int]:
    return [made["amount"] for made in house.stripe(kind)]


def kept(house: House) -> int:
    """What is held for the mentor in the books of the first payment."""
    return int(house.read(lambda: ledger.held(payments.locked_payment(1))))


def books(house: House, account: str) -> int:
    return sum(e.amount for e in all_of(house, LedgerEntry) if e.account == account)


def with_the_mentor(house: House) -> int:
    """What Stripe's book says the mentor has for all sessions."""
    return sum(at_stripe(house)) - sum(at_stripe(house, "transfer_reversal"))


def sold(house: House) -> House:
    """A confirmed, paid session; the platform has money of its own as well."""
    fund(house, 100_000)
    paid(house)
    house.settle_down()
    return house


def transferred(house: House) -> House:
    """The share is in the mentor's account."""
    let_it_end(house)
    assert at_stripe(house) == [5400]
    return house


def another(house: House) -> None:
    """The same mentor sells another session, and its dispute period ends."""
    jun = someone(house)
    jun.pay(jun.reach_payment("amara"))
    house.settle_down()
    let_it_end(house)


def at_fault(house: House) -> list[str]:
    """What `flask invariants` would find wrong."""
    return [str(each) for each in house.read(invariants.check)]
