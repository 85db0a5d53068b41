"""The mentor's share goes when it may, once, and not while anything stands against it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from discuno import journey, policy
from discuno.kit.db import transaction
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Account, Payment, PostingKind
from discuno.payouts.models import Transfer
from tests.factories import ADMIN, advance_to, all_of, change, paid, subjects, the, work_until_done
from tests.house import House

TRANSFER = "POST /stripe/v1/transfers$"
HOUR = timedelta(hours=1, seconds=1)


def refusal(code: str) -> dict[str, Any]:
    body = {"error": {"type": "invalid_request_error", "code": code, "message": "No."}}
    return {"action": "error", "status": 400, "body": body}


@pytest.fixture
def due(house: House) -> House:
    """A confirmed, paid session whose dispute period is over in five seconds."""
    paid(house)
    house.settle_down()
    ends = the(house, Payment).dispute_period_ends
    assert ends is not None
    advance_to(house, ends - timedelta(seconds=5))
    house.settle_down()
    return house


def let_it_end(house: House, by: timedelta = timedelta(seconds=6)) -> None:
    work_until_done(house, 1, by)


def sent(house: House) -> list[int]:
    return [t["amount"] for t in house.stripe("transfer")]


def test_nothing_goes_before_the_dispute_period_ends_and_the_share_goes_when_it_has(due: House) -> None:
    payment = the(due, Payment)
    assert payment.dispute_period_ends == payment.booking.ends_at + timedelta(hours=72)
    assert sent(due) == []
    let_it_end(due)
    [transfer] = due.stripe("transfer")
    assert (transfer["amount"], transfer["currency"]) == (5400, "usd")
    assert transfer["transfer_group"] == payment.transfer_group
    assert transfer["metadata"] == {"transfer_id": str(the(due, Transfer).id)}
    assert (the(due, Transfer).status, the(due, Payment).status) == ("sent", "TRANSFERRED")
    work_until_done(due, 2, timedelta(days=1))
    assert sent(due) == [5400]


@pytest.fixture
def paid_from_payment() -> Iterator[None]:
    before = policy.terms
    policy.adopt(policy.Terms(hold_starts_at="payment"))
    yield
    policy.adopt(before)


@pytest.mark.usefixtures("paid_from_payment")
def test_by_the_other_reading_the_period_counts_from_stripes_time_of_the_charge(house: House) -> None:
    paid(house)
    house.settle_down()
    [charge] = house.stripe("charge")
    charged = datetime.fromtimestamp(charge["created"], UTC)
    assert the(house, Payment).dispute_period_ends == charged + timedelta(hours=72)
    work_until_done(house, 1, timedelta(hours=72))
    assert sent(house) == [5400]


SUSPEND = "UPDATE discuno_mentor SET suspended_at = now(), suspended_reason = 'test'"
INACTIVE = "UPDATE discuno_mentor_stripe_account SET status = 'restricted'"
REASONS = [
    (
        "UPDATE discuno_payment SET dispute_requested = true",
        "dispute",
        "UPDATE discuno_payment SET dispute_requested = false",
    ),
    (
        "UPDATE discuno_payment SET needs_attention = 'x'",
        "attention",
        "UPDATE discuno_payment SET needs_attention = NULL",
    ),
    (SUSPEND, "mentor_suspended", "UPDATE discuno_mentor SET suspended_at = NULL"),
    (INACTIVE, "account", "UPDATE discuno_mentor_stripe_account SET status = 'active'"),
    (
        "UPDATE discuno_mentor_stripe_account SET manual_payouts_configured_at = NULL",
        "account",
        "UPDATE discuno_mentor_stripe_account SET manual_payouts_configured_at = now()",
    ),
]


def test_each_reason_to_wait_stops_the_transfer_until_it_is_lifted(due: House) -> None:
    for stop, word, lift in REASONS:
        change(due, stop)
        let_it_end(due, HOUR)
        assert (sent(due), the(due, Transfer).blocked_by) == ([], word)
        change(due, lift)
    let_it_end(due, HOUR)
    assert sent(due) == [5400]
    assert the(due, Transfer).blocked_by is None


def no_webhook(house: House) -> None:
    """Whatever Stripe tells us is lost: only asking helps."""
    house.control("POST", "weather/stripe", {"lose": -1})


def test_a_lost_answer_is_learned_from_the_webhook_at_once(due: House) -> None:
    due.fault(TRANSFER, "drop_after", times=2)
    let_it_end(due)
    assert (sent(due), the(due, Transfer).status) == ([5400], "sent")


SOON, KEY_GONE = timedelta(seconds=5), timedelta(hours=25)


@pytest.mark.parametrize(
    ("action", "later"),
    [("drop_after", SOON), ("drop_after", KEY_GONE), ("error_after", SOON), ("drop_before", KEY_GONE)],
    ids=str,
)
def test_a_transfer_whose_answer_was_lost_is_made_once(due: House, action: str, later: timedelta) -> None:
    no_webhook(due)
    due.fault(TRANSFER, action, times=2)
    let_it_end(due)
    assert the(due, Transfer).status == "sending"
    work_until_done(due, 2, later)
    assert sent(due) == [5400]
    assert the(due, Transfer).status == "sent"
    assert the(due, Transfer).stripe_transfer_id == due.stripe("transfer")[0]["id"]


def object_to(house: House, objects: bool = True) -> None:
    """An admin says wait, or no longer."""
    with house.app.app_context(), transaction():
        payment = payments.locked_payment(1)
        journey.hold(payment) if objects else journey.lift_hold(payment)


def test_a_transfer_that_never_reached_stripe_does_not_go_once_somebody_objects(due: House) -> None:
    due.fault(TRANSFER, "drop_before", times=2)
    let_it_end(due)
    object_to(due)
    work_until_done(due, 2, HOUR)
    assert (sent(due), the(due, Transfer).status) == ([], "sending")  # the request could still arrive
    work_until_done(due, 12, HOUR)
    assert (sent(due), the(due, Transfer).blocked_by) == ([], "dispute")
    object_to(due, False)
    due.settle_down()
    assert sent(due) == [5400]


def test_a_transfer_that_had_landed_when_somebody_objected_is_taken_back_until_nobody_does(
    due: House,
) -> None:
    no_webhook(due)
    due.fault(TRANSFER, "drop_after", times=2)
    let_it_end(due)
    object_to(due)
    work_until_done(due, 1, HOUR)
    assert (sent(due), back(due)) == ([5400], [5400])
    assert (the(due, Transfer).status, the(due, Payment).status) == ("reversed", "SUCCEEDED")
    object_to(due, False)
    due.settle_down()
    assert (sent(due), back(due)) == ([5400, 5400], [5400])
    assert [t.status for t in all_of(due, Transfer)] == ["reversed", "sent"]


def back(house: House) -> list[int]:
    return [r["amount"] for r in house.stripe("transfer_reversal")]


def test_a_refusal_that_only_needs_time_is_waited_out_with_a_new_key(due: House) -> None:
    due.fault(TRANSFER, times=1, **refusal("balance_insufficient"))
    let_it_end(due)
    transfer = the(due, Transfer)
    assert (transfer.status, transfer.blocked_by) == ("scheduled", "balance_insufficient")
    assert (transfer.retry_count, transfer.key) == (0, "transfer:1:2")
    let_it_end(due, HOUR)
    assert sent(due) == [5400]


def test_three_real_refusals_are_told_to_the_admin_once_and_it_waits_for_a_person(due: House) -> None:
    due.fault(TRANSFER, times=4, **refusal("parameter_invalid"))
    work_until_done(due, 4, timedelta(hours=3))
    assert subjects(due, ADMIN) == ["Transfer 1 was refused 3 times"]
    assert (sent(due), the(due, Transfer).blocked_by) == ([], "refused")
    assert the(due, Payment).booking.status == "confirmed"

    def once_more() -> None:
        command = ["retry-transfer", "1", "--reason", "Stripe has mended it"]
        said = due.app.test_cli_runner().invoke(args=command)
        assert said.output == "It is tried again within seconds.\n"
        due.settle_down()

    once_more()
    assert (sent(due), the(due, Transfer).retry_count) == ([], 1)
    once_more()
    assert (sent(due), the(due, Transfer).key) == ([5400], "transfer:1:5")


def test_a_transfer_that_landed_and_cannot_come_back_is_told_to_the_admin_and_is_no_debt(due: House) -> None:
    no_webhook(due)
    due.fault(TRANSFER, "drop_after", times=2)
    let_it_end(due)
    object_to(due)
    there = the(due, Transfer).destination
    due.control("POST", "stripe/balance", {"amount": -5400, "currency": "usd", "account": there})
    work_until_done(due, 1, HOUR)
    assert (sent(due), back(due)) == ([5400], [])
    assert "could not be taken back" in (the(due, Payment).needs_attention or "")
    assert due.read(lambda: ledger.debt_of(1, "usd")) == 0
    assert not any("kept from later" in subject for subject in subjects(due, "amara@discuno.example"))


def test_a_debt_made_while_a_new_key_was_waited_for_takes_the_share(due: House) -> None:
    no_webhook(due)
    due.fault(TRANSFER, "error", times=2)
    let_it_end(due)
    assert the(due, Transfer).status == "sending"
    with due.app.app_context(), transaction():
        legs = {Account.DEBT: 9000, Account.LOSS: -9000}
        ledger.post(PostingKind.WRITE_OFF, "test", legs, currency="usd", payment_id=None, mentor_id=1)
    work_until_done(due, 2, timedelta(minutes=2))
    assert (sent(due), the(due, Transfer).status) == ([], "netted")
    assert due.read(lambda: ledger.debt_of(1, "usd")) == 3600
