"""Reports, answers, chargebacks, refunds and releases in any order: the books stay right, and nobody has it twice.

Each life is lived in one transaction that is undone, by the journey alone: there is nothing to wait for.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discuno import journey
from discuno.admin.books import invariants
from discuno.bookings.models import Party
from discuno.disputes import reports
from discuno.disputes.models import Decision, Dispute
from discuno.disputes.service import ChargebackSeen
from discuno.kit import clock
from discuno.kit.db import session, transaction
from discuno.kit.errors import DomainError
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment, RefundStatus
from discuno.payouts.models import ReversalStatus, TransferStatus
from discuno.policy import ReportReason
from tests.house import House
from tests.reporting import after_the_start, sell_at_once

AT = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Moved:
    """What a bank has moved."""

    id: str
    amount: int
    fee: int = 0
    currency: str = "usd"


@dataclass(frozen=True)
class Returned:
    """A refund as Stripe has it."""

    id: str
    amount: int
    refund_id: int
    status: str = "succeeded"

    @property
    def entry(self) -> str:
        """The balance transaction that took the money."""
        return f"txn_{self.id}"


Step = Callable[[Payment], object]


def with_case(act: Callable[[Dispute], object]) -> Step:
    """Do something to the last report, if there is one."""

    def step(payment: Payment) -> None:
        case = reports.latest(payment)
        if case is not None:
            act(case)

    return step


def bank(word: str, *moves: int) -> Step:
    """What the bank says, with all that it has moved so far."""
    moved = tuple(Moved(f"txn_{number}", amount) for number, amount in enumerate(moves))

    def step(payment: Payment) -> None:
        if word == "needs_response" or len(payment.disputes) > len(filed(payment)):
            seen = ChargebackSeen("du_1", word, "fraudulent", 6000, "usd", None, AT, moved)
            journey.chargeback_seen(payment, seen)

    return step


def filed(payment: Payment) -> list[Dispute]:
    """Its reports."""
    return [case for case in payment.disputes if case.stripe_id is None]


def time_passes(_payment: Payment) -> None:
    """A day and a half."""
    clock.follow(clock.now() + timedelta(hours=36))


def release(payment: Payment) -> None:
    """The release run comes by, and Stripe does what it is asked."""
    for transfer in list(payment.transfers):
        due = transfer.status == TransferStatus.SCHEDULED and transfer.blocked_by is None
        if due and transfer.next_try_at <= clock.now() and journey.may_transfer(transfer):
            journey.transfer_made(transfer, f"tr_{transfer.id}", transfer.amount)


def stripe_works(payment: Payment) -> None:
    """What was asked back comes back, and what was to be returned is."""
    for transfer in list(payment.transfers):
        for asked in list(transfer.reversals):
            if asked.status == ReversalStatus.REQUESTED:
                journey.reversal_made(asked, f"trr_{asked.id}", asked.amount)
    for refund in list(payment.refunds):
        if refund.status == RefundStatus.REQUESTED and journey.may_send_refund(refund):
            journey.refund_answered(refund, Returned(f"re_{refund.id}", refund.amount, refund.id))


def says(reason: ReportReason) -> Step:
    """The attendee reports it."""
    return lambda payment: journey.report(payment, reason, "So it was.", (), Party.ATTENDEE)


STEPS: dict[str, Step] = {
    "says that nobody came": says(ReportReason.MENTOR_ABSENT),
    "says something else": says(ReportReason.OTHER),
    "withdraws": with_case(journey.withdraw_report),
    "answers": with_case(lambda case: journey.answer_report(case, "I was there.", (), agrees=False)),
    "agrees": with_case(lambda case: journey.answer_report(case, "It is true.", (), agrees=True)),
    "the answer is due": with_case(journey.answer_is_due),
    "decided for the mentor": with_case(
        lambda case: journey.decide_report(case, Decision.RELEASED, "So be it.", "operator")
    ),
    "a chargeback": bank("needs_response", -6000),
    "it is won": bank("won", -6000, 6000),
    "it is lost": bank("lost", -6000),
    "time passes": time_passes,
    "a release": release,
    "stripe works": stripe_works,
}


class Undo(Exception):
    """Ends a transaction whose life was only tried."""


def live(house: House, steps: list[str], then: Callable[[Payment], None]) -> None:
    """One life, undone at its end."""
    with house.app.app_context(), suppress(Undo), transaction() as unit:
        payment = payments.locked_payment(1)
        for step in steps:
            with suppress(DomainError):
                STEPS[step](payment)
            unit.flush()
        then(payment)
        raise Undo


def at_fault() -> list[str]:
    session().flush()
    session().execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))  # each posting sums to zero
    session().execute(sa.text("SET CONSTRAINTS ALL DEFERRED"))
    return [str(v) for finding in invariants.ask() for v in finding.violations]


def comes_to_its_end(payment: Payment) -> None:
    """Everybody does what is left to do, for a week."""
    assert at_fault() == []
    for _ in range(5):
        for step in ("stripe works", "time passes", "a release"):
            STEPS[step](payment)
    assert at_fault() == []
    sent = sum(t.amount - t.reversed_amount for t in payment.transfers if t.stripe_transfer_id is not None)
    cases = filed(payment)
    if any(case.decision == Decision.REFUNDED for case in cases):
        assert sent == 0
        assert ledger.gone(payment) >= 6000 or is_taken(payment)
    elif any(case.is_open for case in payment.disputes):
        assert sent == 0
    else:
        assert sent == (0 if ledger.gone(payment) else 5400)


def is_taken(payment: Payment) -> bool:
    """Whether a bank has the money, or has not decided."""
    return any(case.forbids_refund for case in payment.disputes)


@pytest.fixture
def met(house: House) -> House:
    """A paid session that has begun."""
    after_the_start(sell_at_once(house))
    return house


@pytest.mark.story
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(steps=st.lists(st.sampled_from(list(STEPS)), min_size=2, max_size=12))
def test_whatever_comes_in_whatever_order_nobody_has_it_twice(met: House, steps: list[str]) -> None:
    live(met, steps, comes_to_its_end)


LIVES = {
    "filed at the last moment": ["time passes", "time passes", "says something else", "time passes", "a release"],
    "taken back and returned": ["time passes", "time passes", "time passes", "a release", "a chargeback",
                                "stripe works", "it is won", "stripe works", "a release"],
    "agreed while the bank has it, and won": ["says that nobody came", "a chargeback", "agrees", "it is won"],
    "due while the bank has it, and won": ["says that nobody came", "a chargeback", "time passes", "time passes",
                                           "the answer is due", "it is won", "stripe works"],
    "withdrawn, said again, agreed": ["says something else", "withdraws", "says that nobody came", "agrees"],
    "decided, and said again": ["says something else", "decided for the mentor", "says that nobody came"],
}  # fmt: skip


def test_lives_that_could_go_wrong_come_to_a_good_end(met: House) -> None:
    for steps in LIVES.values():
        live(met, steps, comes_to_its_end)
