"""What the machine of tests/chaos has found, each as the shortest story of it."""

import pytest

from discuno.disputes import jobs as dispute_doors
from discuno.payments import jobs as payment_doors
from discuno.payments.models import Payment, Refund
from discuno.payouts.models import TransferReversal
from tests.factories import all_of, dump, paid, standing, the
from tests.house import House
from tests.mentors import do, has, share_arrives

pytestmark = pytest.mark.story

INQUIRY, CHARGEBACK, WARNING = "4000000000001976", "4000000000000259", "4000000000005423"


@pytest.mark.parametrize("mentor", ["amara", "owen"])
@pytest.mark.parametrize(
    ("card", "word"), [(INQUIRY, "DISPUTED"), (CHARGEBACK, "DISPUTED"), (WARNING, "SUCCEEDED")]
)
def test_an_objection_that_comes_before_the_confirmation_does_not_leave_the_booking_held(
    house: House, mentor: str, card: str, word: str
) -> None:
    paid(house, mentor, card=card)
    house.settle_down()
    assert standing(house) == ("confirmed", word)


def test_money_that_went_back_before_the_confirmation_frees_the_hour(house: House) -> None:
    paid(house)
    house.control("POST", f"stripe/charges/{house.stripe('charge')[0]['id']}/refund", {})
    house.settle_down()
    assert standing(house) == ("refused", "REFUNDED")
    assert the(house, Refund).amount == the(house, Payment).amount


def test_what_could_not_be_taken_back_is_not_asked_for_again_because_something_else_is_told_again(
    house: House,
) -> None:
    house.control("POST", "stripe/balance", {"amount": 10_000, "currency": "usd"})
    share_arrives(house)
    has(house, -5400)
    charge = house.stripe("charge")[0]["id"]
    house.control("POST", f"stripe/charges/{charge}/dispute", {"inquiry": True})
    house.control("POST", f"stripe/charges/{charge}/refund", {"amount": 2000})
    house.settle_down()
    asked = [(r.about, r.amount, str(r.status)) for r in all_of(house, TransferReversal)]
    assert asked == [("refund:1", 1800, "failed")]
    before = dump(house, "discuno_transfer_reversal")
    do(house, dispute_doors.follow_dispute, house.stripe("dispute")[0]["id"])
    do(house, payment_doors.learn_refund, house.stripe("refund")[0]["id"])
    house.settle_down()
    assert dump(house, "discuno_transfer_reversal") == before
