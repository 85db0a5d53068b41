"""Objections that meet money in the air: nothing goes twice, nothing is left lying, whatever comes when."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from discuno.payments.models import Payment
from discuno.payouts.models import Transfer, TransferReversal
from tests.bank import (
    another,
    at_stripe,
    books,
    charge,
    dispute,
    fund,
    kept,
    let_it_end,
    lever,
    settle,
    transferred,
    with_the_mentor,
)  # fmt: skip
from tests.factories import all_of, the, when_reached, work_until_done
from tests.house import House

pytestmark = pytest.mark.story
TRANSFER = "POST /stripe/v1/transfers$"


@pytest.fixture
def sent(held: House) -> House:
    """A session whose share was transferred."""
    return transferred(held)


@pytest.mark.parametrize("late", [False, True], ids=["before its look-up", "its webhook too late"])
def test_a_dispute_while_the_transfer_is_in_flight_takes_it_back_when_it_lands(
    held: House, late: bool
) -> None:
    held.fault(TRANSFER, "drop_after", times=2)
    held.control("POST", "weather/stripe", {"lose": -1})  # the transfer's own event tells nothing
    let_it_end(held)
    assert (the(held, Transfer).status, at_stripe(held)) == ("sending", [5400])
    held.control("POST", "weather/stripe", {"lose": 0})
    if late:
        held.control("POST", f"stripe/{charge(held)}/dispute")
    else:
        dispute(held)
    work_until_done(held, 2, timedelta(minutes=1))
    assert at_stripe(held, "transfer_reversal") == [5400]
    assert (the(held, TransferReversal).status, books(held, "debt"), kept(held)) == ("made", 0, 0)
    settle(held, f"disputes/{held.stripe('dispute')[0]['id']}", "won")
    assert (with_the_mentor(held), books(held, "fees")) == (5400, -600)


def test_after_a_transfer_in_flight_was_taken_back_whole_a_lost_part_sends_the_rest(held: House) -> None:
    held.fault(TRANSFER, "drop_after", times=2)
    held.control("POST", "weather/stripe", {"lose": -1})
    let_it_end(held)
    held.control("POST", "weather/stripe", {"lose": 0})
    case = dispute(held, amount=2000)
    work_until_done(held, 2, timedelta(minutes=1))
    assert (with_the_mentor(held), kept(held)) == (0, 3600)
    settle(held, case, "lost")
    assert (with_the_mentor(held), kept(held)) == (3600, 0)


def test_two_cases_won_while_a_return_is_in_flight_return_the_money_once(sent: House) -> None:
    cases = [dispute(sent, amount=2000) for _ in range(2)]
    assert at_stripe(sent, "transfer_reversal") == [1800, 1800]
    sent.fault(TRANSFER, "drop_after", times=2)
    for case in cases:
        settle(sent, case, "won")
    for delivery in sent.control("GET", "deliveries"):
        if delivery["about"].startswith("charge.dispute"):
            sent.control("POST", f"deliveries/{delivery['id']}/resend")
    first = sent.stripe("dispute")[0]["id"]
    lever(sent, f"disputes/{first}", due_by=0)  # the first case again, while the return has no answer
    work_until_done(sent, 3, timedelta(minutes=2))
    assert at_stripe(sent) == [5400, 3600]
    assert (with_the_mentor(sent), kept(sent), books(sent, "debt")) == (5400, 0, 0)


def test_a_dispute_between_stripes_answer_and_our_record_takes_the_share_back(held: House) -> None:
    def the_bank_objects() -> None:
        with ThreadPoolExecutor(1) as hand:
            hand.submit(dispute, held).result(30)

    reached = when_reached("stripe:edges.stripe.money.transfer:after", the_bank_objects)
    let_it_end(held)
    assert reached.is_set()
    work_until_done(held, 1, timedelta(minutes=1))
    assert (at_stripe(held), at_stripe(held, "transfer_reversal")) == ([5400], [5400])
    assert (the(held, Payment).status, books(held, "debt"), kept(held)) == ("DISPUTED", 0, 0)


def test_what_is_won_while_a_return_is_in_flight_follows_it(sent: House) -> None:
    cases = [dispute(sent, amount=2000) for _ in range(2)]
    for case in cases:
        settle(sent, case, "lost")
    lever(sent, cases[0], status="appeal_under_review")
    sent.fault(TRANSFER, "drop_before", times=2)
    settle(sent, cases[0], "won")
    assert [t.status for t in all_of(sent, Transfer)] == ["sent", "sending"]
    lever(sent, cases[1], status="appeal_under_review")
    settle(sent, cases[1], "won")
    work_until_done(sent, 4, timedelta(hours=5))
    assert at_stripe(sent) == [5400, 1800, 1800]
    assert (with_the_mentor(sent), kept(sent)) == (5400, 0)


def test_a_share_that_paid_a_debt_and_was_disputed_is_the_mentors_again_after_a_win(sent: House) -> None:
    fund(sent, -3_000, the(sent, Transfer).destination)
    dispute(sent)
    another(sent)  # its share pays the debt
    second = all_of(sent, Payment)[1]
    opened = lever(sent, f"charges/{second.stripe_charge_id}/dispute")
    assert (books(sent, "debt"), [t.status for t in all_of(sent, Transfer)]) == (5400, ["sent", "netted"])
    another(sent)  # and this one's the second debt
    assert (books(sent, "debt"), at_stripe(sent)) == (0, [5400])
    settle(sent, f"disputes/{opened['id']}", "won")
    assert (books(sent, "debt"), books(sent, "held"), at_stripe(sent)) == (0, 0, [5400, 5400])
