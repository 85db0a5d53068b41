"""Payouts that end otherwise, banks that stop working, and what Stripe asks of an account."""

import pytest
import stripe

from tests.sandbox.stripe_bench import RECIPIENT, Bench
from tests.sandbox.test_stripe_payouts import available

pytestmark = pytest.mark.story

CONNECT = "/webhooks/stripe/connect"
FAILED = ["payout.failed", "account.external_account.updated", "account.updated"]


@pytest.fixture
def mentor(bench: Bench) -> str:
    """A mentor with 54 dollars available."""
    mentor = bench.mentor()
    bench.transfer(mentor, source_transaction=bench.paid_charge("4000000000000077").id)
    return mentor


def pay_out(bench: Bench, mentor: str, amount: int = 5400) -> stripe.Payout:
    """Send the mentor's money to the bank."""
    return bench.v1.payouts.create({"amount": amount, "currency": "usd"}, {"stripe_account": mentor})


@pytest.mark.parametrize(
    ("statuses", "told", "left"),
    [
        (["paid"], ["payout.created", "payout.updated", "payout.paid"], 0),
        (["failed"], ["payout.created", "payout.updated", *FAILED], 5400),
        (["paid", "failed"], ["payout.created", "payout.updated", "payout.paid", *FAILED], 5400),
        (["canceled"], ["payout.created", "payout.canceled"], 5400),
    ],
)
def test_a_payout_ends_as_told_and_only_once(
    bench: Bench, mentor: str, statuses: list[str], told: list[str], left: int
) -> None:
    payout = pay_out(bench, mentor)
    for status in statuses:
        ended = bench.control(f"/stripe/payouts/{payout.id}/settle", status=status)
        assert ended["status"] == status
    bench.settle()
    assert bench.v1.payouts.retrieve(payout.id, {}, {"stripe_account": mentor}).status == statuses[-1]
    assert available(bench, mentor) == left
    assert bench.told(CONNECT)[-len(told) :] == told
    assert (ended["failure_balance_transaction"] is not None) is (left > 0)


def test_a_failed_payout_names_its_reason_and_stops_the_bank_until_it_is_mended(
    bench: Bench, mentor: str
) -> None:
    payout = pay_out(bench, mentor)
    failed = bench.control(f"/stripe/payouts/{payout.id}/settle", status="failed", failure_code="no_account")
    assert (failed["failure_code"], failed["failure_message"]) == (
        "no_account",
        "The bank account could not be located.",
    )
    account = bench.v1.accounts.retrieve(mentor)
    assert (account.payouts_enabled, account.external_accounts.data[0].status) == (False, "errored")
    assert account.requirements.currently_due == ["external_account"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay_out(bench, mentor)
    assert refused.value.code == "payouts_not_allowed"
    bench.control(f"/stripe/accounts/{mentor}/bank")
    assert bench.told(CONNECT)[-2:] == ["account.external_account.updated", "account.updated"]
    assert bench.v1.accounts.retrieve(mentor).requirements.currently_due == []
    assert pay_out(bench, mentor).status == "pending"


def test_onboarding_again_mends_the_bank_too(bench: Bench, mentor: str) -> None:
    bench.control(f"/stripe/accounts/{mentor}", payouts_fail=True)
    pay_out(bench, mentor)
    bench.settle()
    bench.control(f"/stripe/accounts/{mentor}/onboard")
    again = pay_out(bench, mentor)
    bench.settle()
    assert bench.v1.payouts.retrieve(again.id, {}, {"stripe_account": mentor}).status == "paid"


def test_payouts_are_listed_by_status_and_time(bench: Bench, mentor: str) -> None:
    first = pay_out(bench, mentor, 1000)
    bench.control(f"/stripe/payouts/{first.id}/settle", status="paid")
    bench.control("/advance", seconds=100)
    second = pay_out(bench, mentor, 1000)
    acting = {"stripe_account": mentor}

    def found(**asked: object) -> list[str]:
        return [p.id for p in bench.v1.payouts.list(asked, acting).data]

    assert found(status="paid") == [first.id]
    assert found(status="pending") == [second.id]
    assert found(created={"gt": first.created + 50}) == [second.id]
    assert found(arrival_date={"lte": first.arrival_date}) == [first.id]
    assert bench.v1.payouts.list().data == []


def test_an_automatic_payout_names_what_it_carried_and_is_reconciled(bench: Bench) -> None:
    mentor = bench.mentor()
    daily = {"settings": {"payouts": {"schedule": {"interval": "daily"}}}}
    bench.v1.accounts.update(mentor, daily)
    bench.transfer(mentor, source_transaction=bench.paid_charge().id)
    bench.settle()
    acting = {"stripe_account": mentor}
    [payout] = bench.v1.payouts.list({}, acting).data
    bench.settle()
    carried = bench.v1.balance_transactions.list({"payout": payout.id}, acting).data
    assert sorted(e.net for e in carried) == [-5400, 5400]
    assert bench.v1.payouts.retrieve(payout.id, {}, acting).reconciliation_status == "completed"
    assert bench.told(CONNECT)[-2:] == ["payout.paid", "payout.reconciliation_completed"]


def test_settled_money_that_reaches_a_daily_account_is_gone_the_next_day(bench: Bench) -> None:
    mentor = bench.mentor()
    daily = {"settings": {"payouts": {"schedule": {"interval": "daily"}}}}
    bench.v1.accounts.update(mentor, daily)
    bench.transfer(mentor, source_transaction=bench.paid_charge("4000000000000077").id)
    assert available(bench, mentor) == 5400
    bench.control("/advance", seconds=86401)
    assert available(bench, mentor) == 0


def test_a_payout_by_hand_does_not_say_what_it_carried(bench: Bench, mentor: str) -> None:
    payout = pay_out(bench, mentor)
    assert payout.reconciliation_status == "not_applicable"
    with pytest.raises(stripe.InvalidRequestError, match="not manual"):
        bench.v1.balance_transactions.list({"payout": payout.id}, {"stripe_account": mentor})


def test_a_capability_that_flips_is_told_with_the_account(bench: Bench, mentor: str) -> None:
    bench.told(CONNECT)
    asked = {"currently_due": ["individual.id_number"], "current_deadline": 1_900_000_000}
    bench.control(f"/stripe/accounts/{mentor}", transfers="inactive", requirements=asked)
    capability, account = bench.webhooks(CONNECT)[-2:]
    assert (capability.type, capability.data.object.status) == ("capability.updated", "inactive")
    assert account.data.object.requirements.current_deadline == 1_900_000_000
    assert account.data.previous_attributes.capabilities.transfers == "active"
    include = {"include": ["configuration.recipient", "requirements"]}
    shown = bench.client.v2.core.accounts.retrieve(mentor, include)
    [entry] = shown.requirements.entries
    assert (entry.description, entry.minimum_deadline.status) == ("individual.id_number", "currently_due")
    assert shown.requirements.summary.minimum_deadline.time == "2030-03-17T17:46:40.000Z"
    thin = [d["about"] for d in bench.control("/deliveries", method="GET") if d["about"].startswith("v2.")]
    assert thin[-2:] == [
        "v2.core.account[configuration.recipient].capability_status_updated",
        "v2.core.account[requirements].updated",
    ]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"transfers": "pending"}, "pending", "requirements_pending_verification"),
        ({"transfers": "inactive"}, "restricted", "requirements_past_due"),
        (
            {"transfers": "inactive", "requirements": {"disabled_reason": "rejected.fraud"}},
            "rejected",
            "rejected_fraud",
        ),
    ],
)
def test_v2_says_why_transfers_do_not_work(
    bench: Bench, mentor: str, change: dict[str, object], status: str, code: str
) -> None:
    bench.control(f"/stripe/accounts/{mentor}", **change)
    shown = bench.client.v2.core.accounts.retrieve(mentor, {"include": ["configuration.recipient"]})
    transfers = shown.configuration.recipient.capabilities.stripe_balance.stripe_transfers
    assert (transfers.status, [d.code for d in transfers.status_details]) == (status, [code])


def test_accounts_keep_their_metadata_in_both_generations(bench: Bench) -> None:
    marked = {**RECIPIENT, "metadata": {"mentor": "7", "note": "x"}}
    account = bench.client.v2.core.accounts.create(marked)
    bench.client.v2.core.accounts.update(account.id, {"metadata": {"note": ""}, "display_name": "G. H."})
    assert bench.client.v2.core.accounts.retrieve(account.id).metadata.to_dict() == {"mentor": "7"}
    old = bench.v1.accounts.create({"metadata": {"mentor": "8"}})
    assert bench.v1.accounts.retrieve(old.id).metadata.to_dict() == {"mentor": "8"}


def test_v2_accounts_are_listed_page_by_page(bench: Bench) -> None:
    made = [bench.client.v2.core.accounts.create(RECIPIENT).id for _ in range(5)]
    listed = bench.client.v2.core.accounts.list({"limit": 2}).auto_paging_iter()
    assert [account.id for account in listed] == made[::-1]


def test_the_sdk_still_stumbles_over_balance_settings_and_raw_requests_do_not(
    bench: Bench, mentor: str
) -> None:
    with pytest.raises(AttributeError):
        bench.v1.balance_settings.retrieve({}, {"stripe_account": mentor})
    raw = bench.client.raw_request("get", "/v1/balance_settings", stripe_account=mentor)
    assert raw.data["payments"]["payouts"]["schedule"] == {"interval": "manual"}
