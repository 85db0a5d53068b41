"""Money out: connected accounts, transfers, reversals, balances and payouts."""

import pytest
import requests
import stripe

from tests.sandbox.stripe_bench import RECIPIENT, Bench

pytestmark = pytest.mark.story

ONBOARDED = ["account.external_account.created", "capability.updated", "account.updated"]


def available(bench: Bench, account: str | None = None) -> int:
    options = {"stripe_account": account} if account else {}
    return bench.v1.balance.retrieve({}, options).available[0].amount


def pending(bench: Bench, account: str | None = None) -> int:
    options = {"stripe_account": account} if account else {}
    return bench.v1.balance.retrieve({}, options).pending[0].amount


def test_a_charge_settles_after_two_days(bench: Bench) -> None:
    bench.paid_charge()
    assert (available(bench), pending(bench)) == (0, 5796)
    bench.control("/advance", seconds=2 * 86400 + 1)
    assert (available(bench), pending(bench)) == (5796, 0)


def test_some_cards_settle_at_once(bench: Bench) -> None:
    bench.paid_charge("4000000000000077")
    assert available(bench) == 5796


def test_a_transfer_of_pending_money_arrives_pending_and_settles_with_its_charge(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    transfer = bench.transfer(mentor, source_transaction=charge.id, transfer_group="booking_7")
    assert (transfer.amount, transfer.reversed, transfer.transfer_group) == (5400, False, "booking_7")
    assert (available(bench, mentor), pending(bench, mentor)) == (0, 5400)
    bench.settle()
    assert (available(bench, mentor), pending(bench, mentor), available(bench)) == (5400, 0, 396)
    assert "transfer.created" in bench.told()
    assert "balance.available" in bench.told("/webhooks/stripe/connect")


def test_the_transfers_of_a_charge_never_exceed_it(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    bench.transfer(mentor, source_transaction=charge.id)
    with pytest.raises(stripe.InvalidRequestError, match="600 left"):
        bench.transfer(mentor, source_transaction=charge.id, amount=601)
    assert bench.transfer(mentor, source_transaction=charge.id, amount=600).amount == 600


def test_a_transfer_without_source_needs_available_money(bench: Bench) -> None:
    mentor = bench.mentor()
    bench.paid_charge()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.transfer(mentor)
    assert refused.value.code == "balance_insufficient"
    bench.settle()
    assert bench.transfer(mentor).source_transaction is None


def test_a_settled_source_does_not_help_once_the_money_is_gone(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    bench.settle()
    bench.v1.payouts.create({"amount": 1000, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.transfer(mentor, source_transaction=charge.id)
    assert refused.value.code == "balance_insufficient"


def test_currency_and_group_must_be_the_charges(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.transfer(mentor, source_transaction=charge.id, currency="eur")
    assert refused.value.param == "currency"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.transfer(mentor, source_transaction=charge.id, transfer_group="another")
    assert refused.value.param == "transfer_group"


def test_stripe_does_not_stop_a_transfer_of_a_refunded_charge(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    bench.v1.refunds.create({"charge": charge.id})
    assert bench.transfer(mentor, source_transaction=charge.id).amount == 5400


def test_transfers_are_listed_by_group_at_once(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    made = bench.transfer(mentor, source_transaction=charge.id)
    found = bench.v1.transfers.list({"transfer_group": "booking_7"}).data
    assert [t.id for t in found] == [made.id]
    assert bench.v1.transfers.list({"transfer_group": "booking_8"}).data == []
    assert len(bench.v1.transfers.list({"destination": mentor}).data) == 1


def test_reversals_are_partial_and_bounded(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge("4000000000000077")
    transfer = bench.transfer(mentor, source_transaction=charge.id)
    bench.v1.transfers.reversals.create(transfer.id, {"amount": 2000})
    with pytest.raises(stripe.InvalidRequestError, match="greater than"):
        bench.v1.transfers.reversals.create(transfer.id, {"amount": 3401})
    bench.v1.transfers.reversals.create(transfer.id)
    now = bench.v1.transfers.retrieve(transfer.id)
    assert (now.reversed, now.amount_reversed, len(now.reversals.data)) == (True, 5400, 2)
    assert (available(bench), available(bench, mentor)) == (5796, 0)
    assert bench.told().count("transfer.reversed") == 2


def test_a_reversal_needs_what_the_mentor_still_has(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge("4000000000000077")
    transfer = bench.transfer(mentor, source_transaction=charge.id)
    bench.v1.payouts.create({"amount": 5000, "currency": "usd"}, {"stripe_account": mentor})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.transfers.reversals.create(transfer.id)
    assert refused.value.code == "balance_insufficient"


def test_a_v2_account_onboards_on_the_hosted_page(bench: Bench) -> None:
    account = bench.client.v2.core.accounts.create(RECIPIENT)
    transfers = account.configuration.recipient.capabilities.stripe_balance.stripe_transfers
    assert transfers.status == "restricted"
    onboarding = {"refresh_url": "http://x/again", "return_url": "http://x/back"}
    use_case = {"type": "account_onboarding", "account_onboarding": onboarding}
    link = bench.client.v2.core.account_links.create({"account": account.id, "use_case": use_case})
    assert "finish" in requests.get(link.url, timeout=5).text
    left = requests.post(link.url, data={"answer": "finish"}, allow_redirects=False, timeout=5)
    assert left.headers["Location"] == "http://x/back"
    again = requests.get(link.url, allow_redirects=False, timeout=5)
    assert again.headers["Location"] == "http://x/again"
    now = bench.client.v2.core.accounts.retrieve(account.id, {"include": ["configuration.recipient"]})
    assert now.configuration.recipient.capabilities.stripe_balance.stripe_transfers.status == "active"
    assert now.identity is None
    assert bench.told("/webhooks/stripe/connect") == ONBOARDED


def test_a_v1_account_opens_its_dashboard_once_onboarded(bench: Bench) -> None:
    account = bench.v1.accounts.create(
        {
            "country": "US",
            "email": "grace@example.com",
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "stripe_dashboard": {"type": "express"},
                "requirement_collection": "stripe",
            },
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    assert (account.capabilities.transfers, account.payouts_enabled) == ("inactive", False)
    with pytest.raises(stripe.InvalidRequestError):
        bench.v1.accounts.login_links.create(account.id)
    bench.control(f"/stripe/accounts/{account.id}/onboard")
    login = bench.v1.accounts.login_links.create(account.id)
    assert "Express dashboard" in requests.get(login.url, timeout=5).text
    told = bench.webhooks("/webhooks/stripe/connect")
    assert [event.type for event in told] == ONBOARDED
    assert {event.account for event in told} == {account.id}


def test_no_transfer_reaches_an_account_whose_capability_is_off(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    bench.control(f"/stripe/accounts/{mentor}", transfers="inactive")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.transfer(mentor, source_transaction=charge.id)
    assert refused.value.code == "transfers_not_allowed"


def test_an_unknown_account_is_a_permission_error(bench: Bench) -> None:
    with pytest.raises(stripe.PermissionError) as refused:
        bench.v1.balance.retrieve({}, {"stripe_account": "acct_none"})
    assert refused.value.error.code == "account_invalid"


def test_a_payout_travels_for_two_days(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge("4000000000000077")
    bench.transfer(mentor, source_transaction=charge.id)
    acting = {"stripe_account": mentor}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.payouts.create({"amount": 5401, "currency": "usd"}, acting)
    assert refused.value.code == "balance_insufficient"
    payout = bench.v1.payouts.create({"amount": 5400, "currency": "usd"}, acting)
    assert (payout.status, available(bench, mentor)) == ("pending", 0)
    bench.settle()
    assert bench.v1.payouts.retrieve(payout.id, {}, acting).status == "paid"
    told = bench.told("/webhooks/stripe/connect")[len(ONBOARDED) :]
    assert told == [
        "payout.created",
        "payout.updated",
        "payout.paid",
    ]
    assert bench.v1.payouts.list().data == []


def test_a_failed_payout_gives_the_money_back_and_stops_payouts(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge("4000000000000077")
    bench.transfer(mentor, source_transaction=charge.id)
    bench.control(f"/stripe/accounts/{mentor}", payouts_fail=True)
    acting = {"stripe_account": mentor}
    payout = bench.v1.payouts.create({"amount": 5400, "currency": "usd"}, acting)
    bench.settle()
    failed = bench.v1.payouts.retrieve(payout.id, {}, acting)
    assert (failed.status, failed.failure_code, available(bench, mentor)) == (
        "failed",
        "account_closed",
        5400,
    )
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.payouts.create({"amount": 1, "currency": "usd"}, acting)
    assert refused.value.code == "payouts_not_allowed"


def test_an_account_on_the_daily_schedule_is_paid_out_by_itself(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    daily = {"settings": {"payouts": {"schedule": {"interval": "daily"}}}}
    bench.v1.accounts.update(mentor, daily)
    bench.transfer(mentor, source_transaction=charge.id)
    bench.settle()
    [payout] = bench.v1.payouts.list({}, {"stripe_account": mentor}).data
    assert (payout.amount, payout.automatic) == (5400, True)


def test_balance_transactions_add_up_to_the_balance(bench: Bench) -> None:
    mentor, charge = bench.mentor(), bench.paid_charge()
    bench.transfer(mentor, source_transaction=charge.id)
    bench.v1.refunds.create({"charge": charge.id, "amount": 100})
    entries = bench.v1.balance_transactions.list().data
    assert [e.type for e in entries] == ["refund", "transfer", "charge"]
    assert sum(e.net for e in entries) == pending(bench) == 5796 - 5400 - 100
