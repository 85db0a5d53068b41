"""Work written down is done: after a crash, without Redis, and not twice; what cannot be done is told."""

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from discuno.edges import queue
from discuno.kit import clock, outbox
from discuno.kit.db import db, transaction
from discuno.kit.outbox import Job, Later
from tests.factories import ADMIN, all_of, change, paid, standing, subjects, the
from tests.house import House

ran: list[int] = []
behaviour: list[Callable[[], None]] = []


def act(number: int) -> None:
    """A task whose fate the test decides."""
    ran.append(number)
    if behaviour:
        behaviour[-1]()


@pytest.fixture(autouse=True)
def a_task() -> Iterator[None]:
    """A task that exists in these tests alone."""
    outbox.TASKS["act"] = ("default", act)
    ran.clear()
    yield
    behaviour.clear()
    del outbox.TASKS["act"]


def ask(house: House, **more: Any) -> None:
    with house.app.app_context(), transaction():
        outbox.add("act", number=1, **more)


def fail() -> None:
    raise RuntimeError("it does not work")


def run(house: House, job_id: int) -> None:
    with house.app.app_context():
        queue.run(job_id)


def eventually(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_worker_killed_at_its_work_leaves_it_to_another_once_its_claim_is_over(bare: House) -> None:
    ask(bare)
    job_id = the(bare, Job).id
    with bare.app.app_context(), transaction():
        assert outbox.claim(job_id) is not None  # and here it is killed
    run(bare, job_id)
    assert ran == []
    bare.advance(outbox.CLAIM + timedelta(seconds=1))
    run(bare, job_id)
    run(bare, job_id)
    assert ran == [1]
    assert all_of(bare, Job) == []


def test_a_worker_that_is_quicker_than_the_commit_of_who_woke_it_waits_for_it(bare: House) -> None:
    ask(bare)
    job_id = the(bare, Job).id
    with bare.app.app_context(), transaction() as unit:
        unit.execute(sa.update(Job).values(pushed_at=None))
    with bare.app.app_context(), transaction():
        assert [j.id for j in outbox.to_push()] == [job_id]  # the sweep holds the row while it tells Redis
        early = threading.Thread(target=run, args=(bare, job_id))
        early.start()
        # outside a transaction: inside one Postgres shows the first look again and again
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
            waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            eventually(lambda: other.execute(waiting).scalar_one() > 0 or not early.is_alive())
        assert early.is_alive()
    early.join(timeout=10)
    assert ran == [1]


def test_a_rolled_back_change_leaves_no_work_behind(bare: House) -> None:
    def change_that_fails() -> None:
        with transaction():
            outbox.add("act", number=1)
            raise RuntimeError("the change failed")

    with bare.app.app_context(), pytest.raises(RuntimeError, match="the change"):
        change_that_fails()
    assert all_of(bare, Job) == []
    assert redis_keys(bare) == set()


def test_work_asked_for_twice_under_a_key_is_done_once_and_earlier_if_the_second_says_so(
    bare: House,
) -> None:
    with bare.app.app_context():
        soon = clock.now() + timedelta(hours=1)
    ask(bare, unique_key="k", run_at=soon)
    ask(bare, unique_key="k")
    assert bare.work() == 1
    assert ran == [1]


def test_work_asked_for_again_while_it_runs_is_done_again(bare: House) -> None:
    ask(bare, unique_key="k")
    behaviour.append(lambda: ask(bare, unique_key="k") if len(ran) == 1 else None)
    bare.work()
    assert ran == [1, 1]


def test_work_that_is_not_due_yet_counts_no_attempt(bare: House) -> None:
    def not_yet() -> None:
        raise Later(clock.now() + timedelta(minutes=5), "not yet")

    ask(bare)
    behaviour.append(not_yet)
    bare.work()
    assert (the(bare, Job).attempts, the(bare, Job).error) == (0, "not yet")
    behaviour.clear()
    bare.work()
    assert ran == [1]
    bare.advance(timedelta(minutes=5))
    bare.work()
    assert ran == [1, 1]


def test_work_that_fails_twenty_times_is_given_up_told_once_and_can_be_asked_for_again(bare: House) -> None:
    ask(bare, unique_key="k")
    behaviour.append(fail)
    for _ in range(outbox.MAX_ATTEMPTS + 2):
        bare.work()
        bare.advance(outbox.LONGEST_RETRY)
    assert ran == [1] * outbox.MAX_ATTEMPTS
    assert the(bare, Job).dead_at is not None
    assert subjects(bare, ADMIN) == ["Given up after 20 attempts: act"]
    assert "RuntimeError: it does not work" in bare.letters(ADMIN)[0]["text"]
    behaviour.clear()
    ask(bare, unique_key="k")
    bare.work()
    assert all_of(bare, Job) == []


def redis_keys(house: House) -> set[str]:
    with house.app.app_context():
        return {key.decode() for key in queue.connection().scan_iter("rq:job:*")}


def work_from_redis(house: House) -> int:
    """Do what waits in Redis, as an RQ worker finds it there."""
    done = 0
    with house.app.app_context():
        for name in outbox.QUEUES:
            for rq_id in queue.queue(name).get_job_ids():
                queue.queue(name).remove(rq_id)
                queue.JsonJob.fetch(rq_id, connection=queue.connection()).perform()
                done += 1
    return done


def test_what_lies_in_redis_is_json_with_ids_alone(house: House) -> None:
    paid(house)
    eventually(lambda: len(redis_keys(house)) >= 2)
    with house.app.app_context():
        for key in redis_keys(house):
            raw = queue.connection().hgetall(key)[b"data"]
            function, instance, args, kwargs = json.loads(zlib.decompress(raw))
            assert (function, instance, kwargs) == ("discuno.edges.queue.run", None, {})
            assert [type(arg) for arg in args] == [int]


def test_a_flushed_redis_is_filled_again_by_the_sweep(house: House) -> None:
    paid(house)
    house.control("POST", "deliveries/flush")
    assert redis_keys(house) != set()
    with house.app.app_context():
        queue.connection().flushall()
    house.advance(outbox.PUSH_AGAIN + timedelta(seconds=1))
    for _ in range(4):
        with house.app.app_context():
            queue.sweep()
        work_from_redis(house)
    assert standing(house) == ("confirmed", "SUCCEEDED")
    assert len(subjects(house, "jun@example.com")) == 1


def test_every_periodic_task_has_its_one_row_after_a_tick(bare: House) -> None:
    for _ in range(2):  # a row that is gone comes back
        for _ in range(2):
            with bare.app.app_context():
                queue.tick()
        assert sorted(job.task for job in all_of(bare, Job)) == sorted(outbox.PERIODIC)
        change(bare, "DELETE FROM discuno_job")


@pytest.fixture
def redis_away(house: House) -> Iterator[House]:
    """A house whose Redis does not answer."""
    settings = house.app.extensions["settings"]
    queue.configure(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    yield house
    queue.configure(settings)


def test_without_redis_nothing_is_refused_and_all_is_done_later(redis_away: House) -> None:
    paid(redis_away)
    assert redis_away.app.test_client().get("/readyz").get_json()["redis"] is False
    redis_away.control("POST", "deliveries/flush")
    queue.configure(redis_away.app.extensions["settings"])
    with redis_away.app.app_context():
        queue.sweep()
    while work_from_redis(redis_away):
        pass
    assert standing(redis_away) == ("confirmed", "SUCCEEDED")


def test_future_work_goes_to_rq_scheduler_and_comes_back_when_it_is_due(bare: House) -> None:
    change(bare, "UPDATE discuno_clock SET ahead = interval '3 days'")  # a shifted house must not confuse it
    with bare.app.app_context(), transaction():
        outbox.add("act", number=1, run_at=clock.now() + timedelta(seconds=0.6))
    job_id = the(bare, Job).id
    with bare.app.app_context():
        ticker = queue.scheduler()
        assert [j.id for j in ticker.get_jobs() if j.id != "tick-sweep"] == [f"outbox-{job_id}-later"]
        assert queue.queue("default").get_job_ids() == []

        def comes_back() -> bool:
            ticker.enqueue_jobs()
            return f"outbox-{job_id}-later" in queue.queue("default").get_job_ids()

        eventually(comes_back)
        assert "tick-sweep" in ticker  # put back by itself
        job = RqJob.fetch(f"outbox-{job_id}-later", queue.connection(), serializer=JSONSerializer)
        assert job.args in ([job_id], (job_id,))
    eventually(lambda: work_from_redis(bare) > 0)
    assert ran == [1]
