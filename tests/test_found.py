"""What the machine of tests/chaos has found, each as the shortest story of it."""

import pytest

from discuno.payments.models import Payment, Refund
from tests.factories import paid, standing, the
from tests.house import House

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
