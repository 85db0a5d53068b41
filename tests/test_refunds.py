"""Money goes back once, or a person hears that it did not."""

from datetime import timedelta

import pytest

from discuno import journey
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment, Refund
from discuno.payouts.models import Transfer, TransferReversal
from tests.factories import (
    ADMIN,
    JUN,
    all_of,
    change,
    paid,
    someone,
    standing,
    subjects,
    the,
    work_until_done,
)
from tests.house import House

pytestmark = pytest.mark.story

REFUND = "POST /stripe/v1/refunds$"
FAILING_CARD, LATE_CARD = "4000000000005126", "4000000000007726"


def ask_for_it(house: House, amount: int = 6000, nonce: str = "wish") -> None:
    """Ask for a refund of the one payment, as any part of the journey would."""
    with house.app.app_context(), transaction():
        journey.refund(payments.locked_payment(1), amount=amount, reason="test", nonce=nonce)


def confirmed(house: House, **card: str) -> None:
    """Paid and confirmed, at a platform that has money for more than Stripe's fee."""
    house.control("POST", "stripe/balance", {"amount": 10_000, "currency": "usd"})
    paid(house, **card)
    house.settle_down()


def at_stripe(house: House) -> list[int]:
    return [r["amount"] for r in house.stripe("refund")]


SOON, KEY_GONE = timedelta(seconds=5), timedelta(hours=30)


@pytest.mark.parametrize(
    ("action", "later"),
    [("drop_after", SOON), ("drop_after", KEY_GONE), ("error_after", KEY_GONE), ("drop_before", SOON)],
    ids=str,
)
def test_a_refund_whose_answer_was_lost_is_made_once(house: House, action: str, later: timedelta) -> None:
    confirmed(house)
    house.fault(REFUND, action, times=2)  # the SDK itself tries once more
    house.control("POST", "weather/stripe", {"lose": -1})  # no webhook helps
    ask_for_it(house)
    house.settle_down()
    assert the(house, Refund).status == "requested"
    work_until_done(house, 1, later)
    assert at_stripe(house) == [6000]
    assert (the(house, Refund).status, the(house, Payment).status) == ("succeeded", "REFUNDED")
    told = [subject for subject in subjects(house, JUN) if "efund" in subject]
    assert told == ["Your refund of $60.00 has begun", "Refunded: $60.00"]


def test_a_refund_asked_for_twice_goes_once_and_never_more_than_was_paid(house: House) -> None:
    confirmed(house)
    ask_for_it(house, 2000, "first")
    ask_for_it(house, 2000, "first")
    with pytest.raises(DomainError, match="more than is left"):
        ask_for_it(house, 6000, "all of it")
    ask_for_it(house, 4000, "the rest")
    with pytest.raises(DomainError, match="more than is left"):
        ask_for_it(house, 1, "one more")
    house.settle_down()
    assert at_stripe(house) == [2000, 4000]
    assert len(all_of(house, Refund)) == 2
    assert the(house, Payment).status == "REFUNDED"


def test_a_refund_on_its_way_is_followed_until_it_has_arrived(house: House) -> None:
    confirmed(house, card=LATE_CARD)
    ask_for_it(house)
    house.settle_down()
    assert (the(house, Refund).status, the(house, Payment).status) == ("pending", "SUCCEEDED")
    assert subjects(house, JUN)[1:] == ["Your refund of $60.00 has begun"]
    work_until_done(house, 1, timedelta(minutes=2))
    assert (the(house, Refund).status, the(house, Payment).status) == ("succeeded", "REFUNDED")
    assert subjects(house, JUN)[1:] == ["Your refund of $60.00 has begun", "Refunded: $60.00"]


@pytest.mark.parametrize("how", ["by the bank, later", "by Stripe, at once"])
def test_a_refund_that_fails_is_told_to_the_admin_and_the_attendee(house: House, how: str) -> None:
    confirmed(house, card=FAILING_CARD)
    if how == "by Stripe, at once":
        refusal = {"error": {"type": "invalid_request_error", "code": "charge_disputed", "message": "No."}}
        house.fault(REFUND, "error", status=400, body=refusal)
    ask_for_it(house)
    house.settle_down()
    work_until_done(house, 2, timedelta(minutes=2))
    assert the(house, Refund).status == "failed"
    assert subjects(house, ADMIN) == ["Refund failed: payment 1"]
    assert subjects(house, JUN)[-1] == "Your refund of $60.00 is delayed"
    assert the(house, Payment).needs_attention is not None


@pytest.mark.parametrize(("returned", "goes"), [(6000, []), (100, [5310]), (5999, [1])])
def test_what_was_returned_is_never_transferred_and_the_rest_is_shared_as_the_whole_was(
    house: House, returned: int, goes: list[int]
) -> None:
    confirmed(house)
    ask_for_it(house, returned)
    house.settle_down()
    work_until_done(house, 2, timedelta(days=40))
    assert [t["amount"] for t in house.stripe("transfer")] == goes
    assert standing(house) == ("confirmed", "TRANSFERRED" if goes else "REFUNDED")


def transferred(house: House) -> None:
    """The one share is in the mentor's account, settled, and no bank has taken it from there."""
    confirmed(house)
    change(house, "UPDATE discuno_mentor_stripe_account SET payouts_enabled = false")
    work_until_done(house, 2, timedelta(days=40))
    assert [t["amount"] for t in house.stripe("transfer")] == [5400]


def test_after_the_transfer_the_mentors_part_comes_back_first_and_then_the_money_goes(house: House) -> None:
    transferred(house)
    ask_for_it(house, 2000, "a third")
    house.settle_down()
    work_until_done(house, 1, timedelta(minutes=1))
    assert [r["amount"] for r in house.stripe("transfer_reversal")] == [1800]
    ask_for_it(house, 4000, "the rest")
    work_until_done(house, 2, timedelta(minutes=1))
    assert [r["amount"] for r in house.stripe("transfer_reversal")] == [1800, 3600]
    assert at_stripe(house) == [2000, 4000]
    reversal, refund = house.stripe("transfer_reversal")[1], house.stripe("refund")[1]
    assert reversal["created"] <= refund["created"]
    assert (the(house, Transfer).status, the(house, Payment).status) == ("reversed", "REFUNDED")


def test_a_share_that_cannot_come_back_is_a_debt_that_the_next_share_pays(house: House) -> None:
    transferred(house)
    account = the(house, Transfer).destination
    house.control("POST", "stripe/balance", {"amount": -5000, "currency": "usd", "account": account})
    ask_for_it(house)
    work_until_done(house, 2, timedelta(minutes=1))
    assert at_stripe(house) == [6000]
    assert (the(house, TransferReversal).status, owed(house)) == ("failed", 5400)
    assert "$54.00 will be kept from later sessions" in subjects(house, "amara@discuno.example")
    assert "Amara Okafor owes $54.00" in subjects(house, ADMIN)

    jun = someone(house)
    jun.pay(jun.reach_payment("amara"))
    house.settle_down()
    work_until_done(house, 2, timedelta(days=40))
    assert [t["amount"] for t in house.stripe("transfer")] == [5400]  # the first; the second paid the debt
    assert [t.status for t in all_of(house, Transfer)] == ["sent", "netted"]
    assert owed(house) == 0


def owed(house: House) -> int:
    mentor_id = the_first(house).booking.mentor_id
    return int(house.read(lambda: ledger.debt_of(mentor_id, "usd")))


def the_first(house: House) -> Payment:
    return all_of(house, Payment)[0]


def test_a_refund_made_at_stripe_by_hand_counts_like_one_of_ours(house: House) -> None:
    transferred(house)
    house.control("POST", f"stripe/charges/{the(house, Payment).stripe_charge_id}/refund", {})
    house.settle_down()
    work_until_done(house, 1, timedelta(minutes=1))
    assert (the(house, Refund).reason, the(house, Refund).status) == ("made_at_stripe", "succeeded")
    assert [r["amount"] for r in house.stripe("transfer_reversal")] == [5400]
    assert the(house, Payment).status == "REFUNDED"


def test_a_wish_to_return_what_stripe_has_returned_already_learns_the_truth(house: House) -> None:
    confirmed(house)
    house.control("POST", "weather/stripe", {"lose": -1})
    house.control("POST", f"stripe/charges/{the(house, Payment).stripe_charge_id}/refund", {})
    ask_for_it(house)
    work_until_done(house, 1, timedelta(minutes=1))
    ours, theirs = all_of(house, Refund)
    assert (ours.status, theirs.status, theirs.reason) == ("failed", "succeeded", "made_at_stripe")
    assert subjects(house, JUN)[1:] == ["Refunded: $60.00"]
    assert subjects(house, ADMIN) == []


def test_a_refund_that_the_bank_sends_back_is_not_a_refund_any_more(house: House) -> None:
    confirmed(house)
    ask_for_it(house)
    house.settle_down()
    assert the(house, Payment).status == "REFUNDED"
    [refund] = house.stripe("refund")
    house.control("POST", f"stripe/refunds/{refund['id']}/settle", {"status": "failed"})
    house.settle_down()
    assert (the(house, Refund).status, the(house, Payment).status) == ("failed", "SUCCEEDED")
    assert house.read(lambda: ledger.held(the_first(house))) == 5400
    assert subjects(house, ADMIN) == ["Refund failed: payment 1"]
    work_until_done(house, 2, timedelta(days=40))
    assert house.stripe("transfer") == []  # a person decides
