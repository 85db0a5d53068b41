"""Every list: by cursor in both directions, by time, by what it may be filtered by."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_bench import Bench

pytestmark = pytest.mark.story

Lister = Callable[[dict[str, Any]], Any]


def book(bench: Bench) -> dict[str, Lister]:
    """Two of everything, a hundred seconds apart; the lists that show them."""
    mentor = bench.mentor()
    for _ in range(2):
        charge = bench.paid_charge("4000000000000077")
        transfer = bench.transfer(mentor, source_transaction=charge.id, amount=1000)
        bench.v1.transfers.reversals.create(transfer.id, {"amount": 100})
        bench.v1.refunds.create({"charge": charge.id, "amount": 100})
        bench.v1.payouts.create({"amount": 100, "currency": "usd"}, {"stripe_account": mentor})
        bench.control(f"/stripe/charges/{charge.id}/review")
        bench.control(f"/stripe/charges/{charge.id}/fraud_warning")
        bench.control(f"/stripe/charges/{charge.id}/dispute", inquiry=True)
        bench.control("/advance", seconds=100)
    v1 = bench.v1
    return {
        "charges": v1.charges.list,
        "sessions": v1.checkout.sessions.list,
        "intents": v1.payment_intents.list,
        "refunds": v1.refunds.list,
        "transfers": v1.transfers.list,
        "disputes": v1.disputes.list,
        "reviews": v1.reviews.list,
        "warnings": v1.radar.early_fraud_warnings.list,
        "entries": lambda asked: v1.balance_transactions.list({**asked, "type": "charge"}),
        "payouts": lambda asked: v1.payouts.list(asked, {"stripe_account": mentor}),
        "payment events": lambda asked: v1.events.list({**asked, "type": "charge.succeeded"}),
        "payout events": lambda asked: v1.events.list(
            {**asked, "type": "payout.*"}, {"stripe_account": mentor}
        ),
    }


def test_lists_are_cut_by_cursor_and_by_time(bench: Bench) -> None:
    for name, listed in book(bench).items():
        new, old = listed({}).data
        between = old.created + 50
        ids = {
            "limit": [o.id for o in listed({"limit": 1}).data],
            "after": [o.id for o in listed({"starting_after": new.id}).data],
            "before": [o.id for o in listed({"ending_before": old.id}).data],
            "gte": [o.id for o in listed({"created": {"gte": between}}).data],
            "gt": [o.id for o in listed({"created": {"gt": new.created}}).data],
            "lte": [o.id for o in listed({"created": {"lte": old.created}}).data],
            "lt": [o.id for o in listed({"created": {"lt": between}}).data],
            "exactly": [o.id for o in listed({"created": new.created}).data],
        }
        assert ids == {
            "limit": [new.id],
            "after": [old.id],
            "before": [new.id],
            "gte": [new.id],
            "gt": [],
            "lte": [old.id],
            "lt": [old.id],
            "exactly": [new.id],
        }, name


def test_balance_transactions_are_filtered_by_type_and_source_and_belong_to_one_account(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge("4000000000000077")
    transfer = bench.transfer(mentor, source_transaction=charge.id)
    [entry] = bench.v1.balance_transactions.list({"source": transfer.id}).data
    assert (entry.type, entry.net) == ("transfer", -5400)
    [arrival] = bench.v1.balance_transactions.list({"type": "payment"}, {"stripe_account": mentor}).data
    assert (arrival.source, arrival.net) == (transfer.destination_payment, 5400)
    with pytest.raises(stripe.InvalidRequestError):
        bench.v1.balance_transactions.retrieve(arrival.id)


def test_events_that_stripe_knows_it_could_not_deliver_are_found_on_both_scopes(bench: Bench) -> None:
    mentor = bench.mentor()
    bench.told()
    bench.control("/weather/stripe", lose_knowing=-1)
    bench.control("/weather/stripe_connect", lose_knowing=1)
    bench.control(f"/stripe/accounts/{mentor}", details_submitted=False)
    charge = bench.paid_charge()
    asked = {"delivery_success": False, "types": ["charge.succeeded", "account.updated"]}
    [lost] = bench.v1.events.list(asked).data
    assert lost.data.object.id == charge.id
    [update] = bench.v1.events.list(asked, {"stripe_account": mentor}).data
    assert (update.type, update.account) == ("account.updated", mentor)
    since = {"created": {"gte": lost.created + 60}}
    assert bench.v1.events.list({**asked, **since}).data == []
    assert bench.told() == []
    delivered = bench.v1.events.list({"delivery_success": True}, {"stripe_account": mentor}).data
    assert "account.updated" in [event.type for event in delivered]


def test_a_webhook_lost_on_the_way_counts_as_delivered(bench: Bench) -> None:
    bench.control("/weather/stripe", lose=-1)
    bench.paid_charge()
    assert bench.v1.events.list({"delivery_success": False}).data == []


def test_events_are_kept_for_thirty_days_and_asked_for_by_at_most_twenty_types(bench: Bench) -> None:
    bench.paid_charge()
    with pytest.raises(stripe.InvalidRequestError, match="types"):
        bench.v1.events.list({"types": ["charge.succeeded"] * 21})
    with pytest.raises(stripe.InvalidRequestError, match="types"):
        bench.v1.events.list({"types": ["charge.succeeded"], "type": "charge.*"})
    bench.control("/advance", seconds=31 * 86400)
    assert "charge.succeeded" not in [event.type for event in bench.v1.events.list({"limit": 100}).data]
