"""What people do in Stripe's Dashboard: refunds, transfers, accounts and balances changed by hand."""

import pytest
import requests
import stripe

from tests.sandbox.stripe_bench import Bench
from tests.sandbox.test_stripe_payouts import available

pytestmark = pytest.mark.story


def failure(bench: Bench, lever: str, **said: object) -> str:
    """What a lever answers when it cannot."""
    answer = requests.post(f"{bench.url}/control/stripe{lever}", json=said, timeout=10)
    assert answer.status_code >= 400
    return str(answer.json()["error"].get("code") or answer.json()["error"]["message"])


def test_a_refund_by_hand_is_told_like_any_other(bench: Bench) -> None:
    charge = bench.paid_charge()
    part = bench.control(f"/stripe/charges/{charge.id}/refund", amount=1000)
    rest = bench.control(f"/stripe/charges/{charge.id}/refund")
    assert (part["amount"], rest["amount"], rest["status"]) == (1000, 5000, "succeeded")
    assert bench.told()[-4:] == ["refund.created", "charge.refunded"] * 2
    assert failure(bench, f"/charges/{charge.id}/refund") == "charge_already_refunded"


def test_transfers_are_made_and_reversed_by_hand(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge("4000000000000077")
    made = bench.control(
        "/stripe/transfers", destination=mentor, amount=5000, currency="usd", source_transaction=charge.id
    )
    reversal = bench.control(f"/stripe/transfers/{made['id']}/reverse", amount=2000)
    assert (made["transfer_group"], reversal["amount"]) == ("booking_7", 2000)
    assert available(bench, mentor) == 3000
    assert bench.told()[-2:] == ["transfer.created", "transfer.reversed"]
    assert failure(bench, f"/transfers/{made['id']}/reverse", amount=3001) == "amount_too_large"


@pytest.mark.parametrize(
    ("card", "status", "told"),
    [
        ("4000000000007726", "succeeded", ["refund.updated", "charge.refund.updated"]),
        ("4000000000007726", "canceled", ["refund.updated", "charge.refund.updated"]),
        ("4000000000007726", "failed", ["refund.failed", "refund.updated", "charge.refund.updated"]),
        ("4242424242424242", "failed", ["refund.failed", "refund.updated", "charge.refund.updated"]),
    ],
)
def test_a_refund_ends_once_and_booked_money_comes_back(
    bench: Bench, card: str, status: str, told: list[str]
) -> None:
    charge = bench.paid_charge(card)
    refund = bench.v1.refunds.create({"charge": charge.id})
    bench.control(f"/stripe/refunds/{refund.id}/settle", status=status)
    bench.control("/advance", seconds=61)  # what the card would have done by itself must not follow
    ended = bench.v1.refunds.retrieve(refund.id)
    back = status != "succeeded"
    assert (ended.status, bench.v1.charges.retrieve(charge.id).refunded) == (status, not back)
    assert ("failure_balance_transaction" in ended) is back
    if back:
        assert bench.v1.balance_transactions.retrieve(ended.failure_balance_transaction).net == 6000
    assert bench.told()[-len(told) :] == told
    assert "cannot become" in failure(bench, f"/refunds/{refund.id}/settle", status="canceled")


def test_a_refund_that_waits_for_funds_gives_nothing_back_when_canceled(bench: Bench) -> None:
    charge = bench.paid_charge("4000000000000077")
    bench.control("/stripe/balance", amount=-5796)
    refund = bench.v1.refunds.create({"charge": charge.id})
    assert refund.pending_reason == "insufficient_funds"
    bench.control(f"/stripe/refunds/{refund.id}/settle", status="canceled")
    bench.control("/stripe/balance", amount=9000)
    bench.control("/advance", seconds=61)
    assert available(bench) == 9000


@pytest.mark.parametrize("quiet", [True, False])
def test_an_account_that_left_is_refused_everywhere(bench: Bench, quiet: bool) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge("4000000000000077")
    transfer = bench.transfer(mentor, source_transaction=charge.id, amount=100)
    bench.control(f"/stripe/accounts/{mentor}/close", quiet=quiet)
    with pytest.raises(stripe.PermissionError) as refused:
        bench.v1.balance.retrieve({}, {"stripe_account": mentor})
    assert refused.value.error.code == "account_invalid"
    with pytest.raises(stripe.PermissionError):
        bench.v1.transfers.reversals.create(transfer.id)
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        bench.transfer(mentor, source_transaction=charge.id)
    assert (unknown.value.code, unknown.value.param) == ("resource_missing", "destination")
    assert ("account.application.deauthorized" in bench.told("/webhooks/stripe/connect")) is not quiet
    shown = bench.client.v2.core.accounts.retrieve(mentor, {"include": ["configuration.recipient"]})
    transfers = shown.configuration.recipient.capabilities.stripe_balance.stripe_transfers
    assert (shown.closed, transfers.status) == (True, "restricted")
    assert bench.v1.accounts.list().data == []


def test_money_that_has_not_settled_when_its_account_leaves_stops_no_clock(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    daily = {"settings": {"payouts": {"schedule": {"interval": "daily"}}}}
    bench.v1.accounts.update(mentor, daily)
    bench.transfer(mentor, source_transaction=charge.id)
    bench.control(f"/stripe/accounts/{mentor}/close")
    bench.settle()
    assert available(bench) == 396
    assert bench.control("/state", method="GET")["stripe"]["payout"] == []


def test_draining_a_balance_provokes_what_an_empty_one_does(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge("4000000000000077")
    transfer = bench.transfer(mentor, source_transaction=charge.id, amount=5000)
    assert bench.control("/stripe/balance", amount=-796)["available"][0]["amount"] == 0
    with pytest.raises(stripe.InvalidRequestError) as poor:
        bench.transfer(mentor, source_transaction=charge.id, amount=1)
    bench.control("/stripe/balance", amount=-1, account=mentor)
    with pytest.raises(stripe.InvalidRequestError) as short:
        bench.v1.transfers.reversals.create(transfer.id)
    assert poor.value.code == short.value.code == "balance_insufficient"
    newest = bench.v1.balance_transactions.list({"type": "adjustment"}).data[0]
    assert (newest.amount, newest.source) == (-796, None)


def test_settled_platform_money_is_told_once_however_much_it_is(bench: Bench) -> None:
    bench.paid_charge()
    bench.paid_charge()
    bench.settle()
    [event] = [e for e in bench.webhooks() if e.type == "balance.available"]
    assert event.data.object.available[0].amount == 2 * 5796


def test_an_account_may_wait_longer_for_its_money_than_the_charge_does(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge("4000000000000077")
    bench.control("/stripe/settlement", days=7, account=mentor)
    bench.transfer(mentor, source_transaction=charge.id)
    bench.settle()
    assert available(bench, mentor) == 0
    bench.control("/advance", seconds=5 * 86400)
    assert available(bench, mentor) == 5400


def test_a_lever_says_what_it_could_not_read(bench: Bench) -> None:
    assert "KeyError('days')" in failure(bench, "/settlement")
    assert failure(bench, "/charges/ch_none/refund") == "resource_missing"


def test_the_page_for_people_explains_every_lever(bench: Bench) -> None:
    page = requests.get(bench.url, timeout=5).text
    assert "POST /control/stripe/transfers/&lt;of&gt;/reverse" in page
    assert "Somebody reverses a transfer in the Dashboard" in page


def test_the_state_shows_every_kind_and_events_when_asked(bench: Bench) -> None:
    bench.paid_charge("4000000000005423")
    usual = bench.control("/state", method="GET")["stripe"]
    assert [w["actionable"] for w in usual["radar.early_fraud_warning"]] == [True]
    assert [e["type"] for e in usual["balance_transaction"]] == ["charge"]
    assert (usual["transfer_reversal"], usual["review"], "event" in usual) == ([], [], False)
    asked = bench.control("/state?kinds=event,charge", method="GET")["stripe"]
    assert sorted(asked) == ["charge", "event"]
    assert asked["event"][-1]["type"] == "radar.early_fraud_warning.created"
