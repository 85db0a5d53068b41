"""Connected balances and what leaves them for a bank: made with a key of ours, found again by our id."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import stripe

from discuno.edges.stripe.client import call
from discuno.edges.stripe.money import PAGE, at, id_of, ours

EARLIER = timedelta(hours=1)  # two clocks may differ


@dataclass(frozen=True)
class Balance:
    """A connected account's money, in minor units by currency."""

    available: dict[str, int]
    pending: dict[str, int]


@dataclass(frozen=True)
class PayoutRequest:
    """One payout, from our frozen row, which is as old as `since`."""

    payout_id: int
    stripe_account_id: str
    amount: int
    currency: str
    since: datetime
    key: str


@dataclass(frozen=True)
class PayoutFacts:
    """A payout as Stripe has it now. `undone` is the balance transaction that brought the money back."""

    id: str
    status: str
    amount: int
    currency: str
    payout_id: int | None  # our row, as we wrote it into the metadata
    arrives_on: datetime
    failure_code: str | None
    undone: str | None
    created: datetime


def _payout(found: stripe.Payout) -> PayoutFacts:
    return PayoutFacts(
        id=found.id,
        status=found.status,
        amount=found.amount,
        currency=found.currency,
        payout_id=ours(found, "payout_id"),
        arrives_on=at(found.arrival_date),
        failure_code=found.failure_code,
        undone=id_of(found.failure_balance_transaction),
        created=at(found.created),
    )


def balance_of(stripe_account_id: str) -> Balance:
    """What an account has, and what has not settled yet."""
    with call() as client:
        found = client.v1.balance.retrieve({}, {"stripe_account": stripe_account_id})
    return Balance(_by_currency(found.available), _by_currency(found.pending))


def _by_currency(amounts: Any) -> dict[str, int]:
    return {each.currency: each.amount for each in amounts}


def pay_out(wanted: PayoutRequest) -> PayoutFacts:
    """Send money from a connected account to the mentor's bank."""
    with call() as client:
        made = client.v1.payouts.create(
            {
                "amount": wanted.amount,
                "currency": wanted.currency,
                "metadata": {"payout_id": str(wanted.payout_id)},
            },
            {"stripe_account": wanted.stripe_account_id, "idempotency_key": wanted.key},
        )
    return _payout(made)


def find_payout(wanted: PayoutRequest) -> PayoutFacts | None:
    """The payout made for our row, if it was made."""
    found = payouts_of(wanted.stripe_account_id, wanted.since)
    return next((made for made in found if made.payout_id == wanted.payout_id), None)


def payouts_of(stripe_account_id: str, since: datetime) -> list[PayoutFacts]:
    """An account's payouts from then on, whoever made them."""
    created: Any = {"gte": int((since - EARLIER).timestamp())}
    with call() as client:
        found = client.v1.payouts.list(
            {"created": created, "limit": PAGE}, {"stripe_account": stripe_account_id}
        )
        return [_payout(each) for each in found.auto_paging_iter()]


def look_at_payout(stripe_account_id: str, stripe_payout_id: str) -> PayoutFacts:
    """A payout as it is now."""
    with call() as client:
        return _payout(
            client.v1.payouts.retrieve(stripe_payout_id, {}, {"stripe_account": stripe_account_id})
        )
