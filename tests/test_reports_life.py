"""The whole life of a report: who answers, who does not, who decides, and what the money does meanwhile."""

from datetime import timedelta

import pytest

from discuno.disputes.models import Dispute
from discuno.payments.models import Payment, Refund
from discuno.payouts.models import Transfer
from tests.bank import (
    at_fault,
    at_stripe,
    books,
    dispute,
    fund,
    kept,
    let_it_end,
    settle,
    with_the_mentor,
)
from tests.factories import advance_to, all_of, change, paid, the, work_until_done
from tests.house import House
from tests.reporting import SAID, after_the_start, answering, attendee, audited, both, decided, mentor, told
from tests.signing import AMARA

pytestmark = pytest.mark.story

HERE = "I was in the room for the whole hour."
TWO_DAYS = timedelta(hours=48)
TRANSFER = "POST /stripe/v1/transfers$"


@pytest.fixture
def met(held: House) -> House:
    """One that began a little while ago."""
    after_the_start(held)
    return held


@pytest.mark.parametrize(("seconds", "goes"), [(-1, []), (1, [5400])], ids=["before the end", "after it"])
def test_a_report_keeps_the_money_until_the_last_second_and_not_after_it(
    held: House, seconds: int, goes: list[int]
) -> None:
    ends = the(held, Payment).dispute_period_ends
    assert ends is not None
    jun = attendee(held)
    advance_to(held, ends + timedelta(seconds=seconds))
    answer = jun.reports()
    if goes:
        assert answer.status_code == 409
        assert "The time to report a problem is over" in answer.text
        assert SAID in answer.text  # what was typed is not lost
        assert "mailto:" in answer.text
        assert "Ask the bank" in answer.text
    else:
        assert answer.status_code == 303
    held.advance(timedelta(seconds=5))
    held.settle_down()
    assert at_stripe(held) == goes


def test_who_withdraws_a_report_may_make_another_until_the_period_ends(met: House) -> None:
    jun, amara = attendee(met), mentor(met)
    assert amara.sends("/absent").status_code == 303
    jun.reports()
    for _ in range(2):
        assert jun.sends("/report/withdraw").status_code == 303
    html = jun.reads("/report")
    assert "You have withdrawn your report." in html
    assert "Send the report" in html
    assert (the(met, Dispute).decision, the(met, Payment).status) == ("withdrawn", "SUCCEEDED")
    jun.reports("cut_short")
    assert [case.reason for case in all_of(met, Dispute)] == ["mentor_absent", "cut_short"]
    jun.sends("/report/withdraw")
    let_it_end(met)
    assert "You have withdrawn this report" in jun.reads("/report")
    assert at_stripe(met) == [5400]  # whoever did not come, and does not object, has paid
    assert "Your share of $54.00 was transferred to your Stripe account on" in mentor(met).reads()


def test_a_mentor_who_does_not_answer_in_two_days_has_not_come(met: House) -> None:
    attendee(met).reports()
    met.settle_down()
    met.advance(TWO_DAYS - timedelta(seconds=30))
    met.settle_down()
    assert decided(met) == (None, "open", "DISPUTED")
    met.advance(timedelta(minutes=1))
    met.settle_down()
    assert decided(met) == ("refunded", "closed", "REFUNDED")
    assert at_stripe(met, "refund") == [6000]
    assert audited(met) == [("house", "report refunded")]
    assert told(met, "report:1:decided") == both("report_decided")
    assert "We have returned $60.00 to your card" in attendee(met).reads("/report")
    assert "returned to the attendee in full" in mentor(met).reads()
    let_it_end(met)
    assert at_stripe(met) == []


def test_a_mentor_who_was_there_says_so_and_a_person_decides(met: House) -> None:
    attendee(met).reports()
    met.settle_down()
    amara = answering(met)
    for _ in range(2):
        assert amara.sends("/answer", stand="there", text=HERE).status_code == 303
    met.settle_down()
    assert told(met, ":answered") == {
        ("report_answered", "jun@example.com"),
        ("report_answered_mentor", AMARA),
        ("report_answered_admin", "admin"),
    }
    assert HERE in attendee(met).reads("/report")
    let_it_end(met)
    met.advance(TWO_DAYS)
    met.settle_down()
    assert (decided(met), at_stripe(met)) == ((None, "open", "DISPUTED"), [])
    run = met.app.test_cli_runner()
    assert run.invoke(args=["decide-report", "1", "released", "--reason", "The log says so."]).exit_code == 0
    met.settle_down()
    assert decided(met) == ("released", "closed", "TRANSFERRED")
    assert (at_stripe(met), at_stripe(met, "refund")) == ([5400], [])


def test_a_report_that_meets_a_transfer_in_flight_takes_it_back(held: House) -> None:
    held.fault(TRANSFER, "drop_after", times=2)
    held.control("POST", "weather/stripe", {"lose": -1})  # the transfer's own event tells nothing
    let_it_end(held)
    assert (the(held, Transfer).status, at_stripe(held)) == ("sending", [5400])
    change(held, "UPDATE discuno_payment SET dispute_period_ends = dispute_period_ends + interval '1 day'")
    assert attendee(held).reports().status_code == 303
    work_until_done(held, 2, timedelta(minutes=1))
    assert at_stripe(held, "transfer_reversal") == [5400]
    assert (the(held, Payment).status, kept(held), books(held, "debt")) == ("DISPUTED", 5400, 0)
    change(held, "UPDATE discuno_payment SET dispute_period_ends = dispute_period_ends - interval '1 day'")
    attendee(held).sends("/report/withdraw")
    held.settle_down()
    assert with_the_mentor(held) == 5400


def test_what_a_report_has_decided_to_return_does_not_go_to_the_mentor_when_the_bank_gives_it_back(
    met: House,
) -> None:
    attendee(met).reports()
    case = dispute(met)
    assert answering(met).sends("/answer", stand="not_there", text="").status_code == 303
    met.settle_down()
    assert all_of(met, Refund) == []  # the bank has it, and must not be paid twice
    assert "Your bank has taken the payment back" in attendee(met).reads("/report")
    settle(met, case, "won")
    work_until_done(met, 1, timedelta(minutes=3))
    let_it_end(met)
    refund = the(met, Refund)  # asked for at once; the stand-in refunds no charge that was ever charged back
    assert (refund.amount, refund.status, at_stripe(met)) == (6000, "failed", [])
    assert "a person sees to it" in attendee(met).reads("/report")
    assert the(met, Payment).needs_attention is not None


def test_a_refund_that_fails_after_the_decision_needs_a_person(house: House) -> None:
    fund(house, 100_000)
    paid(house, card="4000000000005126")  # refunds to it fail
    house.settle_down()
    after_the_start(house)
    attendee(house).reports()
    answering(house).sends("/answer", stand="not_there", text="")
    house.settle_down()
    work_until_done(house, 1, timedelta(minutes=3))
    assert the(house, Refund).status == "failed"
    assert "refund failed" in (the(house, Payment).needs_attention or "")
    assert "a person sees to it" in attendee(house).reads("/report")
    let_it_end(house)
    assert (at_stripe(house), at_fault(house)) == ([], [])
