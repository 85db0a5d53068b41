"""Money goes back once, or a person hears that it did not."""

from datetime import timedelta

import pytest

from discuno import journey
from discuno.kit.db import locked, transaction
from discuno.payments.models import Payment, Refund
from tests.factories import ADMIN, JUN, all_of, paid, standing, subjects, the, work_until_done
from tests.house import House

REFUND = "POST /stripe/v1/refunds$"
FAILING_CARD, LATE_CARD = "4000000000005126", "4000000000007726"


def ask_for_it(house: House, amount: int = 6000) -> None:
    """Ask for a refund of the one payment, as any part of the journey would."""
    with house.app.app_context(), transaction():
        journey.refund(locked(Payment, 1), amount=amount, reason="test")


def confirmed(house: House, **card: str) -> None:
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
    assert subjects(house, JUN)[1:] == ["Refunded: $60.00"]


def test_a_refund_asked_for_twice_goes_once_and_never_more_than_was_paid(house: House) -> None:
    confirmed(house)
    for amount in (2000, 6000, 4000, 1):
        ask_for_it(house, amount)
    house.settle_down()
    assert at_stripe(house) == [2000, 4000]
    assert len(all_of(house, Refund)) == 2
    assert the(house, Payment).status == "REFUNDED"


def test_a_refund_on_its_way_is_followed_until_it_has_arrived(house: House) -> None:
    confirmed(house, card=LATE_CARD)
    ask_for_it(house)
    house.settle_down()
    assert (the(house, Refund).status, the(house, Payment).status) == ("pending", "SUCCEEDED")
    assert len(subjects(house, JUN)) == 1
    work_until_done(house, 1, timedelta(minutes=2))
    assert (the(house, Refund).status, the(house, Payment).status) == ("succeeded", "REFUNDED")
    assert subjects(house, JUN)[1:] == ["Refunded: $60.00"]


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


def test_a_paid_booking_that_is_refunded_is_never_transferred(house: House) -> None:
    confirmed(house)
    ask_for_it(house, 100)
    house.settle_down()
    work_until_done(house, 2, timedelta(days=40))
    assert house.stripe("transfer") == []
    assert standing(house) == ("confirmed", "SUCCEEDED")
