"""Many hands at the same money in the same moment: each thing is done once, and nobody waits for nothing."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from discuno import journey
from discuno.admin import tokens
from discuno.kit import failpoints, outgoing
from discuno.kit.db import db, locked, transaction
from discuno.kit.errors import DomainError
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.jobs import REFUND
from discuno.payments.models import Account, Payment, PostingKind, Refund
from discuno.payouts import service as payouts
from discuno.payouts import transfers
from discuno.payouts.models import Transfer
from discuno.payouts.release import Run, release
from tests.crowd import Crowd
from tests.factories import all_of, change, the, when_reached
from tests.house import House
from tests.test_outbox import eventually

pytestmark = pytest.mark.story

SECRET = "a cron secret of the tests, long enough to be one"
TRANSFERS, REFUNDS = "POST /v1/transfers", "POST /v1/refunds"


@pytest.fixture
def crowd(bare: House) -> Iterator[House]:
    """A house where nobody has done anything yet; Stripe's webhooks are lost, and no failpoint outlives its test."""
    bare.control("POST", "weather/stripe", {"lose": -1})
    yield bare
    failpoints.arm(None)


def gather(house: House, mentors: int, each: int) -> None:
    """Payments whose share is due."""
    with house.app.app_context():
        Crowd(house.sandbox.world, house.sandbox.app.extensions["sandbox_settings"]).gather(mentors, each)
    house.control("POST", "stripe/balance", {"amount": 100_000, "currency": "usd"})
    house.control("DELETE", "stripe/requests")


def sent(house: House) -> list[int]:
    return [t["amount"] for t in house.stripe("transfer")]


def asked(house: House, what: str) -> int:
    """How often Stripe was asked for it."""
    return int(house.control("GET", "stripe/requests")["endpoints"].get(what, 0))


def do(house: House, act: Callable[[], Any]) -> Any:
    with house.app.app_context():
        return act()


def meet(house: House, first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """`second` begins when `first` has done everything but commit; what came of `second`."""

    def in_a_unit() -> Any:
        with transaction():
            return second()

    with ThreadPoolExecutor(1) as hand, house.app.app_context():
        # outside a transaction: inside one Postgres shows the first look again and again
        with transaction(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
            first()
            other = hand.submit(do, house, in_a_unit)
            waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            eventually(lambda: other.done() or watcher.execute(waiting).scalar_one() > 0)
        return other.result(10)


@pytest.fixture
def cron(crowd: House) -> Iterator[House]:
    """The same with the cron endpoint open."""
    before = crowd.app.extensions["settings"]
    crowd.app.extensions["settings"] = before.model_copy(update={"cron_jwt_secret": SecretStr(SECRET)})
    yield crowd
    crowd.app.extensions["settings"] = before


def test_four_runs_and_the_cron_endpoint_share_forty_payments_and_ask_stripe_forty_times(cron: House) -> None:
    gather(cron, mentors=10, each=4)

    def knock(_: int) -> int:
        token = do(cron, lambda: tokens.mint(SECRET))
        answer = cron.app.test_client().post(
            "/cron/transfer-funds", headers={"Authorization": f"Bearer {token}"}
        )
        return int(answer.get_json()["processed"])

    def run(_: int) -> int:
        made: Run = do(cron, lambda: release(seconds=60))
        return made.processed

    with ThreadPoolExecutor(6) as hands:
        runs, knocks = hands.map(run, range(4)), hands.map(knock, range(2))
        assert sum(runs) + sum(knocks) == 40
    assert sent(cron) == [5400] * 40
    assert len({t["transfer_group"] for t in cron.stripe("transfer")}) == 40
    assert asked(cron, TRANSFERS) == 40
    assert {t.status for t in all_of(cron, Transfer)} == {"sent"}


def test_a_payment_in_another_hand_is_passed_over_and_the_next_one_is_taken(crowd: House) -> None:
    gather(crowd, mentors=2, each=1)

    def in_hand() -> list[int]:
        db.session.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
        return [transfer.payment_id for transfer in transfers.due(limit=10)]

    assert meet(crowd, lambda: locked(Payment, 1), in_hand) == [2]


def test_what_one_run_has_claimed_no_other_takes_until_the_claim_is_over(crowd: House) -> None:
    gather(crowd, mentors=1, each=1)

    def take() -> list[bool]:
        with transaction():
            return [transfers.claim(transfer) for transfer in transfers.due(limit=10)]

    assert do(crowd, take) == [True]
    assert do(crowd, take) == []
    crowd.advance(outgoing.CLAIM + timedelta(seconds=1))
    assert do(crowd, take) == [True]


def object_to(house: House) -> None:
    """An admin says wait, in a process of their own."""

    def hold() -> None:
        with transaction():
            journey.hold(payments.locked_payment(1))

    with ThreadPoolExecutor(1) as admin:
        admin.submit(do, house, hold).result(10)


def test_a_hold_between_the_claim_and_the_call_keeps_the_money(crowd: House) -> None:
    gather(crowd, mentors=1, each=1)
    reached = when_reached("commit:payouts.release._claim:after", lambda: object_to(crowd))
    run: Run = do(crowd, lambda: release(seconds=10))
    assert reached.is_set()
    assert (run.processed, sent(crowd), asked(crowd, TRANSFERS)) == (0, [], 0)
    assert (the(crowd, Transfer).status, the(crowd, Transfer).blocked_by) == ("scheduled", "dispute")


def give_back(amount: int, nonce: str) -> Refund | None:
    """Ask for a refund of the first payment, inside a unit of work."""
    return journey.refund(payments.locked_payment(1), amount=amount, reason="test", nonce=nonce)


def test_two_admins_who_return_all_of_it_at_once_return_it_once(crowd: House) -> None:
    gather(crowd, mentors=1, each=1)
    with pytest.raises(DomainError, match="more than is left"):
        meet(crowd, lambda: give_back(6000, "one"), lambda: give_back(6000, "another"))
    assert [refund.amount for refund in all_of(crowd, Refund)] == [6000]


def test_one_click_that_comes_twice_at_once_is_one_refund(crowd: House) -> None:
    gather(crowd, mentors=1, each=1)
    assert meet(crowd, lambda: give_back(2000, "one"), lambda: give_back(2000, "one")) is None
    assert [refund.amount for refund in all_of(crowd, Refund)] == [2000]


def test_two_workers_at_one_refund_return_the_money_once(crowd: House) -> None:
    gather(crowd, mentors=1, each=1)
    do(crowd, lambda: _committed(lambda: give_back(2000, "one")))
    crowd.fault("POST /stripe/v1/refunds$", "slow", seconds=0.3, times=2)
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda _: do(crowd, lambda: outgoing.carry_out(REFUND, 1)), range(2)))
    crowd.advance(timedelta(minutes=1))
    do(crowd, lambda: outgoing.carry_out(REFUND, 1))
    assert [refund["amount"] for refund in crowd.stripe("refund")] == [2000]
    assert the(crowd, Refund).status == "succeeded"


def _committed(act: Callable[[], Any]) -> Any:
    with transaction():
        return act()


def test_two_shares_of_one_mentor_at_once_pay_their_debt_once(crowd: House) -> None:
    gather(crowd, mentors=1, each=2)

    def owe() -> None:
        mentor_id = payments.locked_payment(1).booking.mentor_id
        legs = {Account.DEBT: 700, Account.LOSS: -700}
        ledger.post(PostingKind.WRITE_OFF, "x", legs, currency="usd", payment_id=None, mentor_id=mentor_id)

    do(crowd, lambda: _committed(owe))

    def freeze(transfer_id: int) -> bool:
        return transfers.freeze(payouts.locked_transfer(transfer_id))

    assert meet(crowd, lambda: freeze(1), lambda: freeze(2))
    assert sorted(t.amount for t in all_of(crowd, Transfer)) == [4700, 5400]


def test_a_refund_waits_until_the_mentors_part_has_come_back(crowd: House) -> None:
    gather(crowd, mentors=1, each=1)
    do(crowd, lambda: release(seconds=10))
    do(crowd, lambda: _committed(lambda: give_back(2000, "one")))
    do(crowd, lambda: outgoing.carry_out(REFUND, 1))
    assert (asked(crowd, REFUNDS), crowd.stripe("refund")) == (0, [])
    crowd.work()
    crowd.advance(timedelta(minutes=1))
    crowd.work()
    assert [r["amount"] for r in crowd.stripe("transfer_reversal")] == [1800]
    assert [r["amount"] for r in crowd.stripe("refund")] == [2000]


def test_the_run_looks_again_an_hour_later_at_what_nothing_stands_against_any_more(crowd: House) -> None:
    gather(crowd, mentors=1, each=1)
    change(crowd, "UPDATE discuno_mentor SET suspended_at = now(), suspended_reason = 'test'")
    assert do(crowd, lambda: release(seconds=10)).processed == 0
    assert the(crowd, Transfer).blocked_by == "mentor_suspended"
    change(crowd, "UPDATE discuno_mentor SET suspended_at = NULL")
    assert do(crowd, lambda: release(seconds=10)).processed == 0
    crowd.advance(timedelta(hours=1, seconds=1))
    assert do(crowd, lambda: release(seconds=10)).processed == 1
