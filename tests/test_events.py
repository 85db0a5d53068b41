"""Every Stripe event there is for us, told again, eight times at once, out of date, out of order, about nobody.

One life is lived through once; after that nothing that is only told again may change a row of money.
"""

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from discuno.edges import queue
from discuno.kit import outbox
from discuno.payments.models import LedgerEntry, Payment, Refund
from discuno.payouts.models import Transfer
from discuno.webhooks import handlers
from discuno.webhooks.models import WebhookEvent
from tests.catalogue import AMARA, OWEN
from tests.factories import (
    advance_to,
    all_of,
    change,
    dump,
    event,
    paid,
    signature,
    someone,
    tell_us,
    work_until_done,
)
from tests.house import House

pytestmark = pytest.mark.story

MONEY = tuple(
    f"discuno_{name}"
    for name in ("payment", "refund", "transfer", "transfer_reversal", "dispute", "ledger_entry", "payout",
                 "booking", "email")
)  # fmt: skip
KINDS = {  # which of Stripe's books an event's objects come from
    **dict.fromkeys((t for t in handlers.PLATFORM if t.startswith("checkout.session.")), "checkout.session"),
    **dict.fromkeys((t for t in handlers.PLATFORM if t.startswith("payment_intent.")), "payment_intent"),
    **dict.fromkeys(("charge.succeeded", "charge.updated", "charge.refunded"), "charge"),
    **dict.fromkeys((t for t in handlers.PLATFORM if "refund." in t), "refund"),
    **dict.fromkeys((t for t in handlers.PLATFORM if t.startswith("charge.dispute.")), "dispute"),
    **dict.fromkeys((t for t in handlers.PLATFORM if t.startswith("radar.")), "radar.early_fraud_warning"),
    **dict.fromkeys((t for t in handlers.PLATFORM if t.startswith("review.")), "review"),
    **dict.fromkeys((t for t in handlers.PLATFORM if t.startswith("transfer.")), "transfer"),
}
OURS_ALONE = {"balance.available", *(t for t in handlers.PLATFORM if t.startswith("payout."))}
LIES = {
    "status": "won", "payment_status": "paid", "amount": 1, "amount_total": 1, "amount_refunded": 1,
    "amount_reversed": 1, "currency": "eur", "open": True, "actionable": True, "closed_reason": None,
    "charge": "ch_none", "payment_intent": "pi_none", "destination": "acct_none", "metadata": {},
    "balance_transactions": [],
}  # fmt: skip
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def lived(built_house: House) -> House:
    """A house where all has happened: a sale reviewed, disputed, won, paid out; one refunded in vain, one unpaid."""
    house = built_house
    house.begin_with(AMARA, OWEN)
    house.control("POST", "stripe/balance", {"amount": 500_000, "currency": "usd"})
    paid(house)
    paid(house, card="4000000000005126")  # its refund fails later
    someone(house).reach_payment("amara")  # and never pays
    house.settle_down()
    first, second = (f"stripe/charges/{p.stripe_charge_id}" for p in all_of(house, Payment)[:2])
    house.control("POST", f"{second}/fraud_warning")
    review = house.control("POST", f"{first}/review")
    house.control("POST", f"stripe/reviews/{review['id']}/close", {"reason": "approved"})
    work_until_done(house, 1, timedelta(minutes=40))
    house.control("POST", f"{second}/refund", {"amount": 2000})
    ends = all_of(house, Payment)[0].dispute_period_ends
    assert ends is not None
    advance_to(house, ends + timedelta(seconds=5))
    house.settle_down()
    [transfer] = house.stripe("transfer")
    account = transfer["destination"]
    house.control("POST", "stripe/balance", {"amount": 50_000, "currency": "usd", "account": account})
    dispute = house.control("POST", f"{first}/dispute")
    house.settle_down()
    house.control("POST", f"stripe/disputes/{dispute['id']}/settle", {"outcome": "won"})
    house.settle_down()
    settled = {**news("balance.available", {"object": "balance"}), "account": account}
    work_through(house, settled, path="stripe/connect")
    work_until_done(house, 3, timedelta(days=2))
    assert {p["status"] for p in house.stripe("payout")} == {"paid"}
    return house


def test_the_life_has_every_kind_of_thing_in_it(lived: House) -> None:
    assert set(KINDS) | OURS_ALONE == set(handlers.PLATFORM)
    for kind in set(KINDS.values()):
        assert lived.stripe(kind), kind
    assert [t.kind for t in all_of(lived, Transfer) if t.stripe_transfer_id] == ["release", "return"]
    assert [r.status for r in all_of(lived, Refund)] == ["failed"]
    assert {e.kind for e in all_of(lived, LedgerEntry)} >= {
        "capture", "stripe_fee", "transfer", "reversal", "refund", "refund_undone",
        "dispute_withdrawn", "dispute_reinstated", "dispute_fee",
    }  # fmt: skip


def news(kind: str, about: dict[str, Any]) -> dict[str, Any]:
    """An event with an id of its own."""
    return {**event(kind), "id": f"evt_told_{next(numbers)}", "data": {"object": about}}


def work_through(house: House, *told: dict[str, Any], path: str = "stripe") -> list[WebhookEvent]:
    """The events come and are worked on; as they are stored then."""
    for each in told:
        assert say(house, each, path).status_code == 200
    house.work()
    ids = {each["id"] for each in told}
    return [stored for stored in all_of(house, WebhookEvent) if stored.external_id in ids]


def say(house: House, told: dict[str, Any], path: str) -> Any:
    if path == "stripe":
        return tell_us(house, told)
    body = json.dumps(told).encode()
    secret = house.sandbox.app.extensions["sandbox_settings"].stripe_connect_webhook_secret
    return tell_us(house, body, path, **{"Stripe-Signature": signature(body, secret)})


def forget(house: House) -> None:
    """What cannot be explained is no longer tried: the next test begins with an empty list of work."""
    change(house, "DELETE FROM discuno_job WHERE task = 'handle_event'")


def photograph(house: House) -> dict[str, list[str]]:
    """All about money, without when we last looked and look next."""
    change(house, "UPDATE discuno_payment SET asked_at = NULL")
    change(house, "UPDATE discuno_payout SET next_try_at = created_at")
    return dump(house, *MONEY)


@pytest.fixture
def unchanged(lived: House) -> Iterator[House]:
    """The house, whose money must be as it was after the test."""
    before = photograph(lived)
    yield lived
    after = photograph(lived)
    forget(lived)
    assert after == before


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_event_told_again_changes_nothing(unchanged: House, kind: str) -> None:
    told = [news(kind, about) for about in unchanged.stripe(KINDS[kind]) if not about.get("source_transfer")]
    stored = work_through(unchanged, *told)
    assert [e.error for e in stored if e.handled_at is None] == []
    assert len(stored) == len(told) > 0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_event_that_is_out_of_date_or_lies_changes_nothing(unchanged: House, kind: str) -> None:
    lies = [
        {**about, **{name: lie for name, lie in LIES.items() if name in about}}
        for about in unchanged.stripe(KINDS[kind])
        if not about.get("source_transfer")
    ]
    work_through(unchanged, *(news(kind, about) for about in lies))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_event_about_nobody_is_kept_and_changes_nothing(unchanged: House, kind: str) -> None:
    nobody = {"id": f"{unchanged.stripe(KINDS[kind])[0]['id'].split('_')[0]}_nobody", "metadata": {}}
    [stored] = work_through(unchanged, news(kind, nobody))
    assert stored.handled_at is None
    assert stored.error is not None


@pytest.mark.parametrize("about", [{}, {"id": 1}, {"id": None, "metadata": []}], ids=str)
def test_an_event_that_makes_no_sense_is_kept(unchanged: House, about: dict[str, Any]) -> None:
    stored = work_through(unchanged, *(news(kind, about) for kind in KINDS))
    assert all(e.handled_at is None and e.error for e in stored)


@pytest.mark.parametrize(
    "kind",
    [
        "checkout.session.completed",
        "charge.dispute.closed",
        "refund.updated",
        "transfer.reversed",
        "review.closed",
    ],
)
def test_an_event_that_comes_eight_times_at_once_changes_nothing(unchanged: House, kind: str) -> None:
    told = [news(kind, unchanged.stripe(KINDS[kind])[0]) for _ in range(4)] * 2

    def hand(_: int) -> None:
        with unchanged.app.app_context():
            queue.run_due()

    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda each: tell_us(unchanged, each).text, told))
        list(hands.map(hand, range(4)))
    unchanged.work()
    assert sorted(answers) == ["known\n"] * 4 + ["stored\n"] * 4
    ids = {each["id"] for each in told}
    assert all(e.handled_at for e in all_of(unchanged, WebhookEvent) if e.external_id in ids)


@pytest.mark.parametrize("kind", sorted(OURS_ALONE))
def test_what_happens_to_our_own_balance_is_no_mentors(unchanged: House, kind: str) -> None:
    [stored] = work_through(unchanged, news(kind, {"object": "payout", "id": "po_ours"}))
    assert stored.outcome == ("our balance" if kind == "balance.available" else handlers.NOT_OURS)


@pytest.mark.parametrize("kind", sorted(handlers.CONNECT))
def test_an_event_of_a_mentors_account_is_looked_up_there(unchanged: House, kind: str) -> None:
    account = unchanged.stripe("transfer")[0]["destination"]
    payouts = unchanged.stripe("payout")
    about = payouts[0] if kind.startswith("payout.") and payouts else {"id": "x_nobody", "object": "any"}
    known = {**news(kind, about), "account": account}
    stranger = {**news(kind, about), "account": "acct_stranger"}
    stored = {e.account: e for e in work_through(unchanged, known, stranger, path="stripe/connect")}
    assert stored["acct_stranger"].handled_at is None
    assert "acct_stranger" in str(stored["acct_stranger"].error)
    assert (stored[account].handled_at is not None) is (bool(payouts) or not kind.startswith("payout."))


@pytest.mark.parametrize(
    "kind", ["v2.core.account[requirements].updated", "v2.core.account.closed", "v2.core.account.updated"]
)
def test_a_thin_event_names_an_account_and_nothing_more(unchanged: House, kind: str) -> None:
    account = unchanged.stripe("transfer")[0]["destination"]
    thin = {"object": "v2.core.event", "type": kind, "livemode": False}
    known, stranger, empty = (
        {**thin, "id": f"evt_told_{next(numbers)}", "related_object": related}
        for related in ({"id": account}, {"id": "acct_stranger"}, None)
    )
    stored = {e.external_id: e for e in work_through(unchanged, known, stranger, empty)}
    assert stored[known["id"]].outcome == "account 1: active"
    assert [stored[each["id"]].handled_at for each in (stranger, empty)] == [None, None]


@pytest.mark.parametrize("kind", ["customer.created", "v2.core.event_destination.ping", "charge.failed", "x"])
def test_what_means_nothing_to_us_is_done_with(unchanged: House, kind: str) -> None:
    [stored] = work_through(unchanged, news(kind, {"id": "any_1"}))
    assert stored.outcome == handlers.NOTHING_TO_DO


FIRST_HEARD = ("checkout.session.completed", "charge.updated", "charge.refunded", "charge.dispute.created")
ORDERS = [
    order for n in range(2, 5) for order in itertools.permutations(FIRST_HEARD, n) if FIRST_HEARD[0] in order
]


def heard(house: House, order: tuple[str, ...]) -> tuple[list[Any], ...]:
    """A sale that was partly refunded and then disputed before we heard of anything: what we make of it."""
    house.control("POST", "weather/stripe", {"lose": -1})
    house.control("POST", "stripe/balance", {"amount": 50_000, "currency": "usd"})
    paid(house)
    [charge] = house.stripe("charge")
    house.control("POST", f"stripe/charges/{charge['id']}/refund", {"amount": 2000})
    house.control("POST", f"stripe/charges/{charge['id']}/dispute", {"amount": 4000})
    found = house.control("GET", "state?kinds=event")["stripe"]["event"]
    for kind in order:
        house.work()
        tell_us(house, next(each for each in found if each["type"] == kind))
    work_until_done(house, 4, outbox.FIRST_RETRY * 16)
    legs = sorted((e.kind, e.account, e.amount) for e in all_of(house, LedgerEntry))
    return [p.status for p in all_of(house, Payment)], [r.status for r in all_of(house, Refund)], legs


@pytest.mark.parametrize("order", [o for o in ORDERS if len(o) == 4], ids="-".join)
def test_the_order_in_which_we_hear_of_things_does_not_matter(house: House, order: tuple[str, ...]) -> None:
    status, refunds, legs = heard(house, order)
    assert (status, refunds) == (["DISPUTED"], ["succeeded"])
    assert [leg for leg in legs if leg[1] == "stripe"] == [
        ("capture", "stripe", 6000),
        ("dispute_fee", "stripe", -1500),
        ("dispute_withdrawn", "stripe", -4000),
        ("refund", "stripe", -2000),
        ("stripe_fee", "stripe", -204),
    ]


@pytest.mark.parametrize("first", FIRST_HEARD[2:])
def test_an_objection_to_a_payment_we_have_not_heard_of_is_enough_to_hear_of_it(
    house: House, first: str
) -> None:
    status, _, legs = heard(house, (first,))
    assert status == (["DISPUTED"] if "dispute" in first else ["SUCCEEDED"])
    assert ("capture", "stripe", 6000) in legs
