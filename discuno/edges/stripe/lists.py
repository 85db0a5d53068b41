"""Stripe's lists, page by page: what there is, so that our rows can be compared with it.

Lists are read-after-write. What a list says is only a reason to look: whoever repairs something retrieves it.
`since` cuts by Stripe's own time of creation; a page's `after` is the cursor of the next one, None on the last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from discuno.edges.stripe.client import call
from discuno.edges.stripe.money import at, id_of, ours

PAGE = 100
Fact = TypeVar("Fact")


@dataclass(frozen=True)
class Page(Generic[Fact]):
    """One page, newest first."""

    items: tuple[Fact, ...]
    after: str | None


@dataclass(frozen=True)
class Cut:
    """Which part of a list: from when on, after which object, of which connected account (None: our own)."""

    since: datetime
    after: str | None = None
    account: str | None = None

    def params(self, **more: Any) -> Any:
        """As Stripe wants it said."""
        params = {"limit": PAGE, "created": {"gte": int(self.since.timestamp())}, **more}
        return params if self.after is None else {**params, "starting_after": self.after}

    @property
    def options(self) -> Any:
        """The account is a header."""
        return {} if self.account is None else {"stripe_account": self.account}


def _page(found: Any, fact: Callable[[Any], Fact]) -> Page[Fact]:
    data = list(found.data)
    return Page(tuple(map(fact, data)), data[-1].id if found.has_more and data else None)


@dataclass(frozen=True)
class EventFacts:
    """An event as its webhook would have brought it."""

    id: str
    type: str
    account: str | None
    livemode: bool
    payload: dict[str, Any]


def _event(found: Any) -> EventFacts:
    account = getattr(found, "account", None)
    return EventFacts(found.id, found.type, account, found.livemode, found.to_dict(for_json=True))


def undelivered_events(cut: Cut) -> Page[EventFacts]:
    """Events of the last 30 days whose webhook Stripe could not deliver."""
    with call() as client:
        found = client.v1.events.list(cut.params(delivery_success=False), cut.options)
    return _page(found, _event)


@dataclass(frozen=True)
class ChargeFacts:
    """A charge. `payment_id` is our row as its metadata says, which is only a hint."""

    id: str
    payment_intent_id: str | None
    paid: bool
    payment_id: int | None


def _charge(found: Any) -> ChargeFacts:
    return ChargeFacts(found.id, id_of(found.payment_intent), found.paid, ours(found, "payment_id"))


def charges(cut: Cut) -> Page[ChargeFacts]:
    """Charges, failed ones too."""
    with call() as client:
        return _page(client.v1.charges.list(cut.params()), _charge)


@dataclass(frozen=True)
class Standing:
    """A refund, dispute, fraud warning, review or payout, and how it stands."""

    id: str
    status: str
    moved: tuple[str, ...] = ()  # of a dispute: its balance transactions


def _standing(found: Any) -> Standing:
    moved = tuple(str(id_of(entry)) for entry in getattr(found, "balance_transactions", None) or ())
    return Standing(found.id, found.status or "pending", moved)


def _warning(found: Any) -> Standing:
    return Standing(found.id, "actionable" if found.actionable else "settled")


def _review(found: Any) -> Standing:
    return Standing(found.id, "open" if found.open else str(found.reason))


def refunds(cut: Cut) -> Page[Standing]:
    """Refunds, whoever made them."""
    with call() as client:
        return _page(client.v1.refunds.list(cut.params()), _standing)


def disputes(cut: Cut) -> Page[Standing]:
    """Disputes, inquiries too."""
    with call() as client:
        return _page(client.v1.disputes.list(cut.params()), _standing)


def fraud_warnings(cut: Cut) -> Page[Standing]:
    """Early fraud warnings, settled ones too."""
    with call() as client:
        return _page(client.v1.radar.early_fraud_warnings.list(cut.params()), _warning)


def reviews(cut: Cut) -> Page[Standing]:
    """Reviews that are open; Stripe lists no others."""
    with call() as client:
        return _page(client.v1.reviews.list(cut.params()), _review)


def payouts(cut: Cut) -> Page[Standing]:
    """Payouts from an account to its bank, whoever made them."""
    with call() as client:
        return _page(client.v1.payouts.list(cut.params(), cut.options), _standing)


@dataclass(frozen=True)
class TransferSeen:
    """A transfer, and how much of it came back. Minor units."""

    id: str
    amount: int
    amount_reversed: int
    currency: str
    destination: str | None
    transfer_group: str | None


def _transfer(found: Any) -> TransferSeen:
    destination = id_of(found.destination)
    return TransferSeen(
        found.id, found.amount, found.amount_reversed, found.currency, destination, found.transfer_group
    )


def transfers(cut: Cut) -> Page[TransferSeen]:
    """Transfers to connected accounts, whoever made them."""
    with call() as client:
        return _page(client.v1.transfers.list(cut.params()), _transfer)


@dataclass(frozen=True)
class Entry:
    """A balance transaction of the platform: what moved its balance by `net` = `amount` - `fee`, in minor units.

    `source` is the object it was made for. `transfer` is a reversal's; `intent` and `payment_id` are a charge's.
    """

    id: str
    type: str
    source: str | None
    transfer: str | None
    intent: str | None
    payment_id: int | None
    amount: int
    fee: int
    net: int
    currency: str
    created: datetime


def _entry(found: Any) -> Entry:
    source = found.source
    return Entry(
        id=found.id,
        type=found.type,
        source=id_of(source),
        transfer=id_of(getattr(source, "transfer", None)),
        intent=id_of(getattr(source, "payment_intent", None)),
        payment_id=ours(source, "payment_id"),
        amount=found.amount,
        fee=found.fee,
        net=found.net,
        currency=found.currency,
        created=at(found.created),
    )


def entries(cut: Cut) -> Page[Entry]:
    """Everything that has moved the platform's balance."""
    with call() as client:
        found = client.v1.balance_transactions.list(cut.params(expand=["data.source"]))
    return _page(found, _entry)


def balance(account: str | None = None) -> dict[str, int]:
    """What an account has at Stripe by currency, available and pending together, in minor units."""
    with call() as client:
        found = client.v1.balance.retrieve({}, {} if account is None else {"stripe_account": account})
    totals: dict[str, int] = {}
    parts: list[Any] = [*found.available, *found.pending]
    for part in parts:
        totals[part.currency] = totals.get(part.currency, 0) + part.amount
    return totals
