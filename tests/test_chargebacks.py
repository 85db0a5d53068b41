"""Banks, card networks and Stripe object: the money waits or comes back, and goes on by itself when they are done."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from discuno import journey, policy
from discuno.disputes.models import Dispute
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.payments import service as payments
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
)
from tests.factories import (
    ADMIN,
    all_of,
    dump,
    subjects,
    tell_us,
    the,
    work_until_done,
)
from tests.house import House

pytestmark = pytest.mark.story

TRANSFER = "POST /stripe/v1/transfers$"
AMARA = "amara@discuno.example"
MONEY = ("discuno_payment", "discuno_refund", "discuno_transfer", "discuno_transfer_reversal",
         "discuno_dispute", "discuno_ledger_entry")  # fmt: skip


@pytest.fixture
def sent(held: House) -> House:
    """A session whose share was transferred."""
    return transferred(held)


def test_before_the_transfer_the_share_waits_and_goes_by_itself_when_the_case_is_won(held: House) -> None:
    case = dispute(held)
    assert (the(held, Payment).status, kept(held)) == ("DISPUTED", 0)
    let_it_end(held)
    work_until_done(held, 2, timedelta(hours=2))
    assert (at_stripe(held), the(held, Transfer).blocked_by) == ([], "chargeback")
    settle(held, case, "won")
    assert at_stripe(held) == [5400]
    assert (the(held, Payment).status, the(held, Dispute).status) == ("TRANSFERRED", "won")
    assert (books(held, "fees"), books(held, "loss"), books(held, "debt")) == (-600, 0, 0)
    assert [s for s in subjects(held, ADMIN) if "Chargeback" in s] == [
        "Chargeback: open, $60.00",
        "Chargeback: won, $60.00",
    ]


def test_before_the_transfer_a_lost_case_ends_it(held: House) -> None:
    settle(held, dispute(held), "lost")
    let_it_end(held)
    assert (at_stripe(held), the(held, Transfer).status) == ([], "cancelled")
    assert (the(held, Payment).status, kept(held), books(held, "fees")) == ("DISPUTED", 0, 0)


def test_after_the_transfer_the_share_comes_back_and_stays_when_the_case_is_lost(sent: House) -> None:
    case = dispute(sent)
    assert at_stripe(sent, "transfer_reversal") == [5400]
    assert (the(sent, Transfer).status, the(sent, Payment).status) == ("reversed", "DISPUTED")
    assert (kept(sent), books(sent, "debt"), books(sent, "fees")) == (0, 0, 0)
    assert books(sent, "stripe_fees") >= 1500
    settle(sent, case, "lost")
    work_until_done(sent, 2, timedelta(days=1))
    assert (with_the_mentor(sent), kept(sent), books(sent, "loss")) == (0, 0, 0)


def test_after_a_win_the_share_goes_back_once_as_a_return_of_its_own(sent: House) -> None:
    case = dispute(sent)
    settle(sent, case, "won")
    release, returned = all_of(sent, Transfer)
    assert (release.status, returned.kind, returned.about) == ("reversed", "return", "dispute:1")
    assert (returned.status, returned.amount) == ("sent", 5400)
    assert sent.stripe("transfer")[1]["source_transaction"] is None
    for delivery in sent.control("GET", "deliveries"):
        if "dispute" in delivery["about"]:
            sent.control("POST", f"deliveries/{delivery['id']}/resend")
    work_until_done(sent, 2, timedelta(days=1))
    assert (at_stripe(sent), with_the_mentor(sent)) == ([5400, 5400], 5400)
    assert (the(sent, Payment).status, kept(sent), books(sent, "fees")) == ("TRANSFERRED", 0, -600)


def test_a_win_before_the_share_has_come_back_sends_it_when_it_has(sent: House) -> None:
    sent.fault("POST /stripe/v1/transfers/.*/reversals$", "drop_before", times=2)
    case = dispute(sent)
    assert the(sent, TransferReversal).status == "requested"
    settle(sent, case, "won")
    assert len(all_of(sent, Transfer)) == 1
    work_until_done(sent, 2, timedelta(minutes=1))
    assert (at_stripe(sent), at_stripe(sent, "transfer_reversal")) == ([5400, 5400], [5400])
    assert (kept(sent), books(sent, "debt")) == (0, 0)


def test_what_is_not_there_is_a_debt_that_the_next_share_pays_and_never_more(sent: House) -> None:
    account = the(sent, Transfer).destination
    fund(sent, -3_000, account)
    dispute(sent)
    assert (the(sent, TransferReversal).status, books(sent, "debt")) == ("failed", 5400)
    assert "$54.00 will be kept from later sessions" in subjects(sent, AMARA)
    assert "Amara Okafor owes $54.00" in subjects(sent, ADMIN)
    for expected in (
        [5400],
        [5400, 5400],
    ):  # the first of two later sessions pays the debt, the second is theirs
        another(sent)
        assert at_stripe(sent) == expected
        assert books(sent, "debt") == 0


def test_a_win_after_the_debt_was_paid_gives_that_back(sent: House) -> None:
    fund(sent, -3_000, the(sent, Transfer).destination)
    case = dispute(sent)
    another(sent)
    assert (books(sent, "debt"), at_stripe(sent)) == (0, [5400])
    settle(sent, case, "won")
    assert (books(sent, "debt"), at_stripe(sent), kept(sent)) == (0, [5400, 5400], 0)
    assert with_the_mentor(sent) == 2 * 5400


def test_a_win_while_the_debt_stands_ends_the_debt_and_moves_nothing(sent: House) -> None:
    fund(sent, -3_000, the(sent, Transfer).destination)
    settle(sent, dispute(sent), "won")
    assert (books(sent, "debt"), at_stripe(sent), kept(sent)) == (0, [5400], 0)


@pytest.mark.parametrize(("outcome", "mentor", "fees"), [("won", 5400, -600), ("lost", 3600, -400)])
def test_a_dispute_of_a_part_concerns_that_part(sent: House, outcome: str, mentor: int, fees: int) -> None:
    case = dispute(sent, amount=2000)
    assert at_stripe(sent, "transfer_reversal") == [1800]
    settle(sent, case, outcome)
    assert (with_the_mentor(sent), books(sent, "fees"), kept(sent)) == (mentor, fees, 0)


@pytest.mark.parametrize(("outcome", "mentor"), [("won", 5400), ("lost", 3600)])
def test_a_dispute_of_a_part_before_the_transfer_holds_all_of_it(
    held: House, outcome: str, mentor: int
) -> None:
    case = dispute(held, amount=2000)
    let_it_end(held)
    assert (at_stripe(held), kept(held)) == ([], 3600)
    settle(held, case, outcome)
    assert at_stripe(held) == [mentor]


def test_an_inquiry_keeps_the_money_and_moves_none(held: House) -> None:
    case = dispute(held, inquiry=True)
    let_it_end(held)
    found = the(held, Dispute)
    assert (found.is_inquiry, found.status, found.stripe_status) == (True, "open", "warning_needs_response")
    assert (at_stripe(held), kept(held), the(held, Transfer).blocked_by) == ([], 5400, "chargeback")
    settle(held, case, "lost")  # an inquiry can only close
    assert (the(held, Dispute).status, at_stripe(held)) == ("closed", [5400])


def test_an_inquiry_that_becomes_a_chargeback_takes_the_share_back(sent: House) -> None:
    case = dispute(sent, inquiry=True)
    assert at_stripe(sent, "transfer_reversal") == []
    lever(sent, case, status="needs_response")
    assert (the(sent, Dispute).is_inquiry, at_stripe(sent, "transfer_reversal")) == (False, [5400])


def refuse_refund(house: House, amount: int = 6000) -> str:
    with house.app.app_context(), pytest.raises(DomainError) as refused, transaction():
        journey.refund(payments.locked_payment(1), amount=amount, reason="test", nonce="wish")
    return refused.value.message


def test_while_a_bank_has_the_money_nothing_is_refunded_but_an_inquiry_may_be_ended_so(held: House) -> None:
    case = dispute(held, inquiry=True)
    lever(held, case, status="needs_response")
    assert refuse_refund(held, 1) == policy.REFUND_REFUSED[policy.RefundAnswer.DISPUTED]
    settle(held, case, "lost")
    assert refuse_refund(held, 1) == policy.REFUND_REFUSED[policy.RefundAnswer.TOO_MUCH]


def test_a_full_refund_ends_an_inquiry(held: House) -> None:
    dispute(held, inquiry=True)
    with held.app.app_context(), transaction():
        journey.refund(payments.locked_payment(1), amount=6000, reason="test", nonce="wish")
    held.settle_down()
    assert (the(held, Dispute).status, the(held, Payment).status) == ("closed", "REFUNDED")
    let_it_end(held)
    assert at_stripe(held) == []


def test_a_bank_that_takes_more_than_was_left_takes_it_from_the_platform(sent: House) -> None:
    with sent.app.app_context(), transaction():
        journey.refund(payments.locked_payment(1), amount=2000, reason="test", nonce="wish")
    work_until_done(sent, 1, timedelta(minutes=3))
    case = dispute(sent, amount=6000)
    assert (with_the_mentor(sent), books(sent, "fees"), books(sent, "loss")) == (0, 0, 2000)
    settle(sent, case, "won")
    assert (with_the_mentor(sent), books(sent, "fees"), books(sent, "loss")) == (3600, -400, 0)


def warn(house: House) -> Callable[[], None]:
    """A fraud warning, and how it ends: the payment is refunded in the Dashboard."""
    lever(house, f"{charge(house)}/fraud_warning")
    return lambda: lever(house, f"{charge(house)}/refund")


def review(house: House) -> Callable[[], None]:
    """A review, and how it ends: approved."""
    opened = lever(house, f"{charge(house)}/review")
    return lambda: lever(house, f"reviews/{opened['id']}/close", reason="approved")


@pytest.mark.parametrize(
    ("begin", "kind", "goes"),
    [(warn, "fraud_warning", []), (review, "review", [5400])],
    ids=["warning", "review"],
)
def test_a_fraud_warning_and_a_review_keep_the_money_until_they_are_over(
    held: House, begin: Callable[[House], Callable[[], None]], kind: str, goes: list[int]
) -> None:
    end = begin(held)
    let_it_end(held)
    work_until_done(held, 1, timedelta(hours=2))
    assert (at_stripe(held), the(held, Transfer).blocked_by) == ([], kind)
    assert the(held, Payment).status == "SUCCEEDED"
    end()
    assert (the(held, Dispute).status, at_stripe(held)) == ("closed", goes)


@pytest.mark.parametrize("word", ["pondering", "appeal_needs_response"])
def test_a_status_nobody_knows_is_shown_and_the_money_waits(held: House, word: str) -> None:
    case = dispute(held)
    lever(held, case, status=word, due_by=None)
    let_it_end(held)
    found = the(held, Dispute)
    assert (found.stripe_status, found.is_open, found.due_at, at_stripe(held)) == (word, True, None, [])
    settle(held, case, "won")
    assert at_stripe(held) == [5400]


def test_when_an_answer_is_due_is_known_and_null_and_0_mean_never(held: House) -> None:
    case = dispute(held)
    [at_the_bank] = held.stripe("dispute")
    due = datetime.fromtimestamp(at_the_bank["evidence_details"]["due_by"], UTC)
    assert the(held, Dispute).due_at == due
    for never in (0, None):
        lever(held, case, due_by=never)
        assert the(held, Dispute).due_at is None
        lever(held, case, due_by=int(due.timestamp()))


def test_a_lost_case_that_is_appealed_waits_again_and_is_still_lost_or_won(sent: House) -> None:
    case = dispute(sent)
    settle(sent, case, "lost")
    assert the(sent, Dispute).closed_at is not None
    lever(sent, case, status="appeal_under_review")
    found = the(sent, Dispute)
    assert (found.status, found.closed_at) == ("waiting", None)
    settle(sent, case, "won")
    assert (with_the_mentor(sent), kept(sent), the(sent, Payment).status) == (5400, 0, "TRANSFERRED")


def test_a_case_that_came_to_nothing_at_once_keeps_nothing(held: House) -> None:
    dispute(held, status="prevented")
    assert the(held, Dispute).status == "closed"
    let_it_end(held)
    assert at_stripe(held) == [5400]


def tell_again(house: House, order: Callable[[list[Any]], list[Any]]) -> None:
    """Every event that Stripe has sent is delivered once more, as a new one, in another order."""
    found = house.control("GET", "state?kinds=event")["stripe"]["event"]
    for number, each in enumerate(order(found)):
        if "account" not in each:
            tell_us(house, {**each, "id": f"evt_again_{number}_{each['id']}"})
    house.settle_down()


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_events_told_again_in_any_order_change_nothing(sent: House, outcome: str) -> None:
    settle(sent, dispute(sent), outcome)
    before = dump(sent, *MONEY)
    tell_again(sent, lambda found: [*reversed(found), *found])
    assert dump(sent, *MONEY) == before


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_case_of_which_we_heard_only_after_its_end_counts_the_same(sent: House, outcome: str) -> None:
    sent.control("POST", "weather/stripe", {"lose": -1})
    settle(sent, dispute(sent), outcome)
    assert all_of(sent, Dispute) == []
    tell_again(sent, lambda found: list(reversed(found)))
    mentor, fees = {"won": (5400, -600), "lost": (0, 0)}[outcome]
    assert (with_the_mentor(sent), books(sent, "fees"), kept(sent)) == (mentor, fees, 0)
    assert (books(sent, "debt"), books(sent, "loss")) == (0, 0)
