"""The job that sums days, on transactions of its own: at once, in pieces, and again when something was spoilt."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from discuno.admin.money import day_sums, sums_jobs
from discuno.kit import outbox
from discuno.kit.db import session, transaction
from discuno.payments.models import Payment
from tests.factories import change, paid
from tests.house import House

pytestmark = pytest.mark.story


def rows_kept() -> list[tuple[object, ...]]:
    return [tuple(row) for row in session().execute(day_sums.kept().order_by(*day_sums.KEY))]


@pytest.fixture
def long_past(house: House) -> House:
    """Two payments, paid far apart; the job has more stretches to go through than days with something in them."""
    paid(house)
    house.settle_down()
    house.advance(timedelta(days=400))
    paid(house)
    house.settle_down()
    house.advance(timedelta(days=2))
    return house


def test_the_job_sums_what_is_over_and_two_at_once_do_it_once(long_past: House) -> None:
    def one() -> None:
        with long_past.app.app_context():
            sums_jobs.sum_days()

    hands = [threading.Thread(target=one) for _ in range(2)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    with long_past.app.app_context(), transaction():
        found = rows_kept()
        assert [row[4] for row in found] == [1, 1]  # a payment a day, on two days
        assert {row[3] for row in found} == {"usd"}
        assert sum(int(str(row[6])) for row in found) == 1200


def test_a_very_long_past_is_summed_in_several_runs(
    long_past: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums_jobs, "AT_MOST", 2)
    long_past.advance(timedelta(days=400))
    paid(long_past)
    long_past.settle_down()  # the last of them by hand: everything else that is due has run
    long_past.advance(timedelta(days=2))
    change(long_past, "DELETE FROM discuno_day_sum")
    with long_past.app.app_context():
        with pytest.raises(outbox.Later):
            sums_jobs.sum_days()
        with transaction():
            assert len(rows_kept()) == 2
        sums_jobs.sum_days()
        with transaction():
            assert len(rows_kept()) == 3


def test_the_operator_sums_again_what_was_spoilt(long_past: House) -> None:
    with long_past.app.app_context():
        sums_jobs.sum_days()
        with transaction():
            good = rows_kept()
    change(long_past, "UPDATE discuno_day_sum SET captured = captured + 1")
    runner = long_past.app.test_cli_runner()
    with long_past.app.app_context(), transaction():
        newest = session().execute(sa.select(sa.func.max(Payment.paid_at))).scalar_one()
    answer = runner.invoke(args=["rebuild-sums", "--since", f"{newest:%Y-%m-%d}"])
    assert answer.exit_code == 0, answer.output
    with long_past.app.app_context(), transaction():
        assert rows_kept() != good  # the first day is older
    assert runner.invoke(args=["rebuild-sums"]).exit_code == 0
    with long_past.app.app_context(), transaction():
        assert rows_kept() == good
