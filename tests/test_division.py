"""Money that is divided by a decision: no part is ever negative, none is lost, and each side has what was decided."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from discuno import journey, policy
from discuno.disputes import reports, settling
from discuno.disputes.models import Decision
from discuno.disputes.settling import Terms
from discuno.kit import clock
from discuno.kit.db import session, transaction
from discuno.kit.errors import DomainError
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Account, Payment, Refund, RefundStatus
from discuno.policy import Divided
from tests.bank import (
    at_stripe,
    books,
    dispute,
    kept,
    let_it_end,
    lever,
    settle,
    transferred,
    with_the_mentor,
)
from tests.deciding import decider, reported
from tests.factories import change, the
from tests.house import House
from tests.reporting import after_the_start, attendee, mentor, sell_at_once
from tests.test_reports_orders import STEPS, Returned, Step, Undo
from tests.test_reports_orders import at_fault as wrong_here

# Who has what of the rest: pure

AMOUNT = 10**7


@st.composite
def divisions(draw: st.DrawFn) -> tuple[int, int, Divided]:
    """A price, our fee of it, and a decision about what stays of it."""
    amount = draw(st.integers(1, AMOUNT))
    gone = draw(st.integers(0, amount))
    fee = policy.split(amount, draw(st.integers(0, 10_000))).platform_fee
    return amount, fee, Divided(gone, draw(st.integers(0, amount - gone)))


@given(divisions(), st.integers(0, 2 * AMOUNT))
@example((6000, 600, Divided(6000, 0)), 6000)
def test_each_has_a_part_of_what_is_left_and_nobody_less_than_nothing(
    division: tuple[int, int, Divided], gone: int
) -> None:
    amount, fee, divided = division
    mentor, ours = policy.kept(amount, fee, gone, divided)
    assert mentor + ours == max(0, amount - gone)
    assert min(mentor, ours) >= 0
    assert policy.kept(amount, fee, divided.gone, divided)[0] == divided.mentor


@given(divisions(), st.integers(0, AMOUNT))
def test_one_cent_more_that_leaves_is_one_cent_less_of_one_of_both(
    division: tuple[int, int, Divided], gone: int
) -> None:
    amount, fee, divided = division
    before, after = policy.kept(amount, fee, gone, divided), policy.kept(amount, fee, gone + 1, divided)
    less = [was - now for was, now in zip(before, after, strict=True)]
    assert sorted(less) == ([0, 1] if gone < amount else [0, 0])


@given(divisions(), st.lists(st.integers(-AMOUNT, AMOUNT), min_size=1, max_size=8))
def test_what_leaves_and_comes_back_in_pieces_is_borne_as_in_one(
    division: tuple[int, int, Divided], changes: list[int]
) -> None:
    amount, fee, divided = division
    gone, parts = 0, []
    for change_ in changes:
        after = max(0, gone + change_)
        parts.append(policy.bearing(amount, fee, gone, after, divided))
        assert sum((parts[-1].mentor, parts[-1].platform_fee, parts[-1].loss)) == after - gone
        gone = after
    whole = policy.bearing(amount, fee, 0, gone, divided)
    for name in ("mentor", "platform_fee", "loss"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name)
    assert whole.loss == max(0, gone - amount)


# In any order with everything else: the journey, undone at the end of each life


def decided(decision: Decision, refund: int, given_: int | None = None) -> Step:
    """The open report is decided so, if that can be."""

    def step(payment: Payment) -> None:
        case = reports.latest(payment)
        if case is not None and case.is_open:
            terms = Terms(refund, given_)
            seen = settling.sight(payment, terms)
            journey.decide_report(case, decision, "So be it.", "operator", terms)
            assert (
                seen.mentor == policy.kept(6000, 600, 6000 - seen.left + refund, ledger.divided(payment))[0]
            )

    return step


def refund_by_hand(amount: int) -> Step:
    """An admin returns something besides."""
    return lambda payment: journey.refund(payment, amount=amount, reason="admin", nonce=f"admin:{amount}")


def refund_comes_back(payment: Payment) -> None:
    """The bank did not take the last refund that was made."""
    made = [refund for refund in payment.refunds if refund.status == RefundStatus.SUCCEEDED]
    if made:
        back = made[-1]
        failed = Returned(f"re_{back.id}", back.amount, back.id, status="failed")
        journey.refund_answered(back, failed)


MORE: dict[str, Step] = {
    **STEPS,
    "decided in part": decided(Decision.PARTLY, 2000),
    "split with more for the mentor": decided(Decision.SPLIT, 1000, 4900),
    "split with less for the mentor": decided(Decision.SPLIT, 2500, 700),
    "all is ours": decided(Decision.SPLIT, 0, 0),
    "a refund by hand": refund_by_hand(1500),
    "the refund comes back": refund_comes_back,
}


def live(house: House, steps: list[str], then: Callable[[Payment], None]) -> None:
    """One life, undone at its end."""
    was = clock.now()
    with house.app.app_context(), suppress(Undo), transaction() as unit:
        payment = payments.locked_payment(1)
        for step in steps:
            with suppress(DomainError):
                MORE[step](payment)
            unit.flush()
        then(payment)
        raise Undo
    clock.follow(was)


def comes_to_its_end(payment: Payment) -> None:
    """Whatever is left to do is done; the books are right, and nobody has more than was decided."""
    assert wrong_here() == []
    for _ in range(5):
        for step in ("stripe works", "time passes", "a release"):
            MORE[step](payment)
    assert wrong_here() == []
    share, ours = policy.kept(6000, 600, ledger.gone(payment), ledger.divided(payment))
    assert -ledger.balance(payment, Account.FEES) == ours
    sent = sum(t.amount - t.reversed_amount for t in payment.transfers if t.stripe_transfer_id is not None)
    waits = any(case.is_open for case in payment.disputes) or payment.needs_attention is not None
    assert (sent <= share) if waits else (sent == share)


@pytest.fixture
def met(house: House) -> House:
    """A paid session that has begun."""
    after_the_start(sell_at_once(house))
    return house


@pytest.mark.story
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(steps=st.lists(st.sampled_from(list(MORE)), min_size=2, max_size=10))
def test_whatever_comes_before_and_after_a_decision_nobody_has_more_than_was_decided(
    met: House, steps: list[str]
) -> None:
    live(met, ["says something else", *steps], comes_to_its_end)


A_RELEASE = ["time passes", "time passes", "time passes", "a release"]
LIVES = {
    "split, then the bank takes all, and loses": ["split with more for the mentor", "stripe works", *A_RELEASE,
                                                  "a chargeback", "stripe works", "it is won", "stripe works"],
    "split while the bank has it": ["a chargeback", "split with less for the mentor", "it is won", "stripe works"],
    "in part, and the refund comes back": ["decided in part", "stripe works", "the refund comes back"],
    "split, and the refund comes back": ["split with less for the mentor", "stripe works", *A_RELEASE,
                                         "the refund comes back"],
    "a refund before, one after": ["a refund by hand", "stripe works", "split with less for the mentor"],
    "a refund on its way, and then split": ["a refund by hand", "split with less for the mentor", "stripe works"],
    "all is ours, and the bank takes it": ["all is ours", "a chargeback", "it is lost"],
}  # fmt: skip


def test_lives_with_a_decision_that_could_go_wrong_come_to_a_good_end(met: House) -> None:
    for name, steps in LIVES.items():
        with met.app.app_context():
            session().expire_all()
        live(met, ["says something else", *steps], comes_to_its_end)
        assert name


# With Stripe: the money itself


def decides(house: House, decision: str, **amounts: str) -> None:
    """An admin decides the report, and what follows is done."""
    assert decider(house).decides(decision, **amounts).status_code == 303
    house.settle_down()


def stands(house: House) -> tuple[list[int], int, int, int]:
    """What was refunded, what the mentor has at Stripe, what is held for them, and our fee."""
    return at_stripe(house, "refund"), with_the_mentor(house), kept(house), -books(house, "fees")


DECISIONS = [
    (False, "partly", {"refund": "20"}, ([2000], 3600, 0, 400)),
    (False, "split", {"refund": "20", "mentor": "40"}, ([2000], 4000, 0, 0)),  # we give up our fee
    (False, "split", {"refund": "45", "mentor": "0"}, ([4500], 0, 0, 1500)),
    (True, "partly", {"refund": "20"}, ([2000], 3600, 0, 400)),
    (
        True,
        "split",
        {"refund": "0", "mentor": "60"},
        ([], 6000, 0, 0),
    ),  # more than was sent: the rest follows
    (True, "split", {"refund": "20", "mentor": "10"}, ([2000], 1000, 0, 3000)),
]


@pytest.mark.story
@pytest.mark.parametrize(("is_sent", "decision", "amounts", "then"), DECISIONS, ids=str)
def test_each_side_has_to_the_cent_what_was_decided(
    held: House,
    is_sent: bool,
    decision: str,
    amounts: dict[str, str],
    then: tuple[list[int], int, int, int],
) -> None:
    reported(held)
    if is_sent:  # the share was on its way when somebody objected, and has landed
        change(held, "UPDATE discuno_dispute SET status = 'closed', closed_at = now()")
        transferred(held)
        change(held, "UPDATE discuno_dispute SET status = 'open', closed_at = NULL")
    decides(held, decision, **amounts)
    if not is_sent:
        let_it_end(held)
    assert stands(held) == then
    jun, amara = attendee(held).reads("/report"), mentor(held).reads()
    given, back = f"${then[1] / 100:.2f}", f"${sum(then[0]) / 100:.2f}"
    assert (f"We have returned {back} to your card." in jun) == bool(then[0])
    assert given in amara


@pytest.mark.story
def test_a_chargeback_after_a_split_takes_from_each_what_the_split_gave_them(held: House) -> None:
    reported(held)
    decides(held, "split", refund="20", mentor="30")
    let_it_end(held)
    case = dispute(held, amount=2000)  # half of what is left
    held.settle_down()
    assert stands(held) == ([2000], 1500, 0, 500)
    settle(held, case, "won")
    held.advance(timedelta(hours=1))
    held.settle_down()
    assert stands(held) == ([2000], 3000, 0, 1000)


@pytest.mark.story
def test_a_refund_of_a_split_that_fails_later_is_shared_as_the_payment_was(held: House) -> None:
    reported(held)
    decides(held, "split", refund="20", mentor="30")
    let_it_end(held)
    made = held.stripe("refund")[0]["id"]
    lever(held, f"refunds/{made}/settle", status="failed")
    refund = the(held, Refund)
    assert (refund.status, the(held, Payment).needs_attention is None) == ("failed", False)
    assert (kept(held), -books(held, "fees"), with_the_mentor(held)) == (1800, 1200, 3000)
    assert "did not work at once" in attendee(held).reads("/report")
