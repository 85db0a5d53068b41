"""The path of one session's money, told off the books after whatever happened: every end has its words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from discuno import journey
from discuno.kit.db import session, transaction
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import path, sold
from discuno.payouts import sight as sights
from discuno.payouts.path import Path, Reader
from tests.bank import another, charge, dispute, let_it_end, lever, settle
from tests.factories import change
from tests.house import House
from tests.mentors import end_payout, has, look, steer
from tests.reporting import after_the_start, attendee

pytestmark = pytest.mark.story

DAY = timedelta(days=1, seconds=1)
READER = Reader(write_to="help@discuno.example", on_request=True)
PAID, HELD, OVER = ("Paid", "done"), ("Held until", "now"), ("Held until", "done")
SENT, BANK, READY = ("Transferred", "done"), ("In the bank", ""), ("Ready to pay out", "now")
TO_COME = ("Transferred", "")
DECISION = ("Waiting for a decision", "stop")
MOVING, ARRIVED = ("On its way to the bank", "now"), ("In the bank", "done")
BACK = ("Returned to the attendee", "done")
LIES = ("In your Stripe account", "stop")
TAKEN = ("Taken by the attendee’s bank", "stop")


def told(house: House, payment_id: int = 1, reader: Reader = READER) -> Path:
    """The path, as the page of the session has it."""
    found: Path = house.read(lambda: path.of_session(session().get_one(Payment, payment_id), reader))
    assert sum(line.amount for line in found.lines if not line.is_sum) == found.lines[-1].amount
    return found


def refund(house: House, amount: int = 6000, nonce: str = "wish") -> None:
    with house.app.app_context(), transaction():
        journey.refund(payments.locked_payment(1), amount=amount, reason="test", nonce=nonce)
    house.settle_down()


def hold(house: House) -> None:
    with house.app.app_context(), transaction():
        journey.hold(payments.locked_payment(1))


def report(house: House) -> None:
    after_the_start(house)
    attendee(house).reports()
    house.settle_down()


def pay_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is available goes to the bank, as when it goes by itself."""
    monkeypatch.setattr(house.app.extensions["settings"], "payout_mode", "automatic")
    look(house)


def restricted(house: House) -> None:
    steer(house, "", {"transfers": "inactive"})


def restored(house: House) -> None:
    steer(house, "", {"transfers": "active"})


def no_payouts(house: House) -> None:
    steer(house, "", {"payouts_enabled": False})


def suspended(house: House) -> None:
    change(house, "UPDATE discuno_mentor SET suspended_at = now(), suspended_reason = 'a test'")


def nothing(_house: House) -> None:
    """The attendee has paid, and that is all."""


def part(nonce: str) -> Callable[[House], None]:
    """A third of the payment goes back."""
    return lambda house: refund(house, 2000, nonce)


def answered(house: House) -> None:
    change(house, "UPDATE discuno_dispute SET answered_at = now()")


def lift(house: House) -> None:
    with house.app.app_context(), transaction():
        journey.lift_hold(payments.locked_payment(1))


def fraud_warning(house: House) -> None:
    lever(house, f"{charge(house)}/fraud_warning")


def bank_says(outcome: str) -> Callable[[House], None]:
    return lambda house: settle(house, f"disputes/{house.stripe('dispute')[-1]['id']}", outcome)


def lost(house: House) -> None:
    settle(house, dispute(house), "lost")


def empty_account(house: House) -> None:
    """The mentor's money has gone elsewhere, so that nothing can be taken back."""
    has(house, -5400)


@dataclass(frozen=True)
class Then:
    """What happened next, and what the path says then: steps, where the money is, the button, the mentor's share."""

    happens: Callable[[House], Any]
    steps: list[tuple[str, str]]
    places: set[str]
    button: str = ""
    yours: int = 5400


ALL_HELD = ([PAID, HELD, TO_COME, BANK], {"held"})
ALL_THERE = ([PAID, OVER, SENT, READY], {"account"})
DECIDED_LATER = ([PAID, DECISION, TO_COME, BANK], {"held", "stuck"})
WAITS = ([PAID, OVER, ("Transfer waits", "stop"), BANK], {"held", "stuck"})
LIVES = {
    "returned piece by piece": [
        Then(nothing, *ALL_HELD),
        Then(part("a third"), [PAID, HELD, TO_COME, BANK], {"held", "returned"}, yours=3600),
        Then(let_it_end, [PAID, OVER, SENT, READY], {"account", "returned"}, yours=3600),
        Then(part("another"), [PAID, OVER, SENT, READY], {"account", "returned"}, yours=1800),
        Then(part("the last"), [PAID, OVER, SENT, ("Taken back", "done")], {"returned"}, yours=0),
    ],
    "a report": [
        Then(report, *DECIDED_LATER, "Answer the report"),
        Then(answered, *DECIDED_LATER, "See the report"),
    ],
    "a hold, and it is lifted": [
        Then(hold, *DECIDED_LATER, "Write to us"),
        Then(lift, *ALL_HELD),
        Then(fraud_warning, *DECIDED_LATER, "Write to us"),
    ],
    "a chargeback before the transfer": [
        Then(dispute, [PAID, TAKEN], {"returned", "stuck"}, "See the session", 0),
        Then(bank_says("lost"), [PAID, ("Taken by the attendee’s bank", "done")], {"returned"}, yours=0),
    ],
    "a chargeback that is won": [
        Then(dispute, [PAID, TAKEN], {"returned", "stuck"}, "See the session", 0),
        Then(bank_says("won"), *ALL_HELD),
    ],
    "a chargeback after the transfer": [
        Then(let_it_end, *ALL_THERE),
        Then(
            dispute,
            [PAID, OVER, SENT, ("Taken back", "stop")],
            {"returned", "stuck"},
            "See the session",
            0,
        ),
        Then(bank_says("won"), *ALL_THERE),
    ],
    "a chargeback after the transfer that is lost": [
        Then(let_it_end, *ALL_THERE),
        Then(
            lost,
            [PAID, OVER, SENT, ("Taken back", "done")],
            {"returned"},
            yours=0,
        ),
    ],
    "an account that Stripe restricts": [
        Then(restricted, *ALL_HELD),
        Then(let_it_end, *WAITS, "Update at Stripe"),
        Then(restored, *ALL_THERE),
        Then(no_payouts, [PAID, OVER, SENT, LIES], {"account", "stuck"}, "Update at Stripe"),
    ],
    "a mentor who is suspended, and the attendee has it back": [
        Then(suspended, *ALL_HELD),
        Then(let_it_end, *WAITS, "Write to us"),
        Then(refund, [PAID, BACK], {"returned"}, yours=0),
    ],
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_every_end_has_its_words(held: House, life: list[Then]) -> None:
    for now in life:
        now.happens(held)
        found = told(held)
        labels = ("Held until" if s.label.startswith("Held until") else s.label for s in found.steps)
        assert list(zip(labels, (s.state for s in found.steps), strict=True)) == now.steps
        assert (set(found.places), found.yours) == (now.places, now.yours)
        assert (found.stuck.label if found.stuck else "") == now.button
        there = {place for place in sold.PLACES if place and 1 in found_at(held, place)}
        assert there == now.places, "the filters find it where it is"


def found_at(house: House, place: str) -> set[int]:
    """The payments that a filter of the money page shows."""

    def ask() -> set[int]:
        seen = sights.gather(session().get_one(Payment, 1).booking.mentor, READER)
        return {each.payment.id for each in sold.page(seen, sold.Wanted(at=place)).sessions}

    found: set[int] = house.read(ask)
    return found


def test_the_way_to_the_bank_and_back(held: House, monkeypatch: pytest.MonkeyPatch) -> None:
    let_it_end(held)
    pay_out(held, monkeypatch)
    way = told(held).steps[-1]
    assert (way.label, way.state) == MOVING
    assert way.detail.startswith("expected ")
    assert [(ref.id, ref.url) for ref in way.refs] == [
        (held.stripe("payout")[0]["id"], "/dashboard/payouts/1")
    ]
    end_payout(held, "paid")
    arrived = told(held)
    assert (arrived.steps[-1].label, arrived.steps[-1].state, set(arrived.places)) == (*ARRIVED, {"bank"})
    end_payout(held, "failed", failure_code="account_closed")
    back = told(held)
    assert (back.steps[-1].label, back.steps[-1].state) == ("Sent back by the bank", "stop")
    assert back.stuck is not None
    assert back.stuck.label == "Update at Stripe"
    steer(held, "/bank")
    look(held)
    again = told(held).steps[-1]
    assert (again.label, [ref.url for ref in again.refs]) == (MOVING[0], ["/dashboard/payouts/2"])


def test_a_share_split_over_two_payouts_is_told_part_by_part(
    held: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_it_end(held)
    has(held, -2400)  # Stripe has kept something of it for a while
    pay_out(held, monkeypatch)
    end_payout(held, "paid")
    has(held, 2400)
    look(held)
    step = told(held).steps[-1]
    assert (step.label, step.state, len(step.refs)) == ("In several places", "now", 2)
    assert "$30.00 in the bank" in step.detail
    assert "$24.00 on its way to the bank (expected" in step.detail


def test_a_share_that_pays_an_earlier_debt_says_so_and_the_earlier_one_too(held: House) -> None:
    let_it_end(held)
    empty_account(held)
    refund(held, 3000)
    first = told(held)
    assert "$27.00 had left already" in first.note
    another(held)
    second = told(held, 2)
    assert [(line.label, line.amount) for line in second.lines[-2:]] == [
        ("Paid what an earlier session owed", -2700),
        ("Left for you", 2700),
    ]
    assert [step.state for step in second.steps] == ["done", "done", "done", "now"]


def test_a_share_that_is_used_up_by_a_debt_has_no_way_to_the_bank(held: House) -> None:
    let_it_end(held)
    empty_account(held)
    refund(held)
    another(held)
    assert [(s.label, s.state) for s in told(held, 2).steps][2:] == [("Used for a debt", "done")]


def test_a_report_says_until_when_and_then_that_it_was_answered(held: House) -> None:
    assert told(held).steps[1].detail.startswith("your time, New York (UTC")
    report(held)
    found = told(held)
    assert found.stuck is not None
    assert "Please answer by" in found.stuck.sentence
    assert found.steps[1].detail.startswith("answer by ")
    answered(held)
    after = told(held).stuck
    assert after is not None
    assert "You have answered" in after.sentence


def test_a_free_session_has_no_money_in_it() -> None:
    found = path.of_session(None, READER)
    assert (found.steps, found.stuck, found.note) == ([], None, path.FREE)
