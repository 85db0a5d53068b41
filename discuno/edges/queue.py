"""Redis: the wake-up channel. RQ runs the outbox's rows, rq-scheduler ticks; neither is ever the truth.

RQ and rq-scheduler get a Job class that speaks JSON, because both would pickle otherwise, and who can
write to Redis could then run code. To replace rq-scheduler, this file is the only one to change.
"""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any
from uuid import uuid4

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer
from rq_scheduler import Scheduler

from discuno.config import Settings
from discuno.edges import sentry
from discuno.kit import clock, outbox
from discuno.kit.db import after_commit, session, transaction

log = structlog.get_logger()

TICK_EVERY = 10  # seconds between two sweeps; promise 1.5 allows a minute
JOB_TIMEOUT = 80  # seconds; shorter than an outbox claim

_redis: redis.Redis | None = None


class JsonJob(RqJob):
    """An RQ job that is JSON, whoever creates or fetches it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["serializer"] = JSONSerializer
        super().__init__(*args, **kwargs)


def configure(settings: Settings) -> None:
    """Set up the connection of this process; Redis need not be there yet."""
    global _redis
    options: dict[str, Any] = {"socket_connect_timeout": 2, "socket_timeout": 5}  # RQ's worker has its own
    if settings.redis_url.startswith("rediss://"):
        options["ssl_cert_reqs"] = None  # Heroku's Redis signs its own certificate
    _redis = redis.Redis.from_url(settings.redis_url, **options)


def connection() -> redis.Redis:
    """This process's Redis."""
    if _redis is None:
        raise RuntimeError("edges.queue was not configured")
    return _redis


def queue(name: str) -> Queue:
    """One of the outbox's queues."""
    return Queue(name, connection=connection(), job_class=JsonJob, serializer=JSONSerializer)


def is_there() -> bool:
    """Whether Redis answers."""
    try:
        return bool(connection().ping())
    except redis.RedisError:
        return False


# From the outbox to Redis


@after_commit
def drain() -> None:
    """After a commit that asked for work: tell Redis."""
    if outbox.owes_work():
        sweep()


def sweep() -> None:
    """Tell Redis of every row it may not know. If Redis is away the rows wait for the next sweep.

    They are marked first and told afterwards: what a crash leaves untold is told again by a later sweep.
    """
    with transaction():
        jobs = outbox.to_push()
        for job in jobs:
            job.pushed_at = clock.now()
    try:
        for job in jobs:
            _push(job)
    except redis.RedisError as error:
        log.warning("redis_away", error=type(error).__name__)
        with transaction():
            outbox.not_pushed([job.id for job in jobs])


def tick() -> None:
    """What rq-scheduler wakes a worker for: periodic tasks have their rows, and Redis knows of all that is due."""
    with transaction():
        outbox.plant_periodic()
    sweep()


def _push(job: outbox.Job) -> None:
    rq_id = f"outbox-{job.id}"
    if job.run_at > clock.now():
        wall = clock.on_the_wall(job.run_at) + timedelta(seconds=1)  # it cuts to whole seconds: never early
        wall = wall.astimezone(UTC).replace(tzinfo=None)  # and counts in naive UTC
        scheduler().enqueue_at(
            wall,
            run,
            job.id,
            job_id=f"{rq_id}-later",
            queue_name=job.queue,
            timeout=JOB_TIMEOUT,
            job_result_ttl=0,
        )
    elif not _waits_in_redis(rq_id):
        queue(job.queue).enqueue_call(run, args=(job.id,), job_id=rq_id, timeout=JOB_TIMEOUT, result_ttl=0)


def _waits_in_redis(rq_id: str) -> bool:
    """Whether a worker will come to it anyway; started long ago counts as lost."""
    try:
        return JsonJob.fetch(rq_id, connection=connection()).get_status() == JobStatus.QUEUED
    except NoSuchJobError:
        return False


# The hands


def run(job_id: int) -> None:
    """Do one row's work. Called by RQ, any number of times; the claim lets one through."""
    with transaction():
        job = outbox.claim(job_id)
    if job is None:
        return
    name, args = job.task, job.args
    log.info("job_started", task=name, job_id=job_id, **args)
    failed: BaseException | None = None
    try:
        _, task = outbox.TASKS[name]
        task(**args)
    except outbox.Later as later:
        failed = later
    except Exception as error:  # the rim: whatever a task does, its row is kept and tried again
        failed = error
        log.warning(
            "job_failed", task=name, job_id=job_id, error=f"{type(error).__name__}: {error}", exc_info=True
        )
        sentry.capture(error, task=name, job_id=job_id)
    with transaction():
        _record(job_id, failed)


def _record(job_id: int, failed: BaseException | None) -> None:
    job = session().get(outbox.Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        return
    if failed is None:
        outbox.finish(job)
    elif isinstance(failed, outbox.Later):
        outbox.postpone(job, failed)
    elif outbox.fail(job, failed):
        for tell in _on_death:
            tell(job)


OnDeath = Callable[[outbox.Job], None]
_on_death: list[OnDeath] = []


def on_death(callback: OnDeath) -> OnDeath:
    """Register whom to tell, in the same transaction, when a job is given up."""
    _on_death.append(callback)
    return callback


def run_due(limit: int = 1000) -> int:
    """Run what is due now in this process, without Redis: for tests and for `flask sweep`. Returns how many."""
    done = 0
    while done < limit:
        with transaction():
            job_id = outbox.next_due()
        if job_id is None:
            return done
        run(job_id)
        done += 1
    return done


class Worker(SimpleWorker):
    """An RQ worker that does not fork: claims, not processes, isolate jobs."""

    max_connection_wait_time = 5.0  # seconds between two looks for a Redis that is away
    asked_to_stop = False

    def handle_warm_shutdown_request(self) -> None:
        """RQ calls this on SIGTERM; a job in hand is finished first."""
        Worker.asked_to_stop = True


def work() -> None:
    """Work on the outbox's queues, in their order, until asked to stop; outlives its Redis."""
    signal.signal(signal.SIGTERM, _leave)
    while not Worker.asked_to_stop:
        try:
            _work_while_redis_is_there()
        except redis.RedisError as error:
            log.warning("redis_away", error=type(error).__name__)
        if not Worker.asked_to_stop:
            time.sleep(1)


def _work_while_redis_is_there() -> None:
    try:
        queues = [queue(name) for name in outbox.QUEUES]
        worker = Worker(queues, connection=connection(), job_class=JsonJob, serializer=JSONSerializer)
        worker.work(logging_level="WARNING")
    finally:
        signal.signal(signal.SIGTERM, _leave)  # RQ has put its own handlers there


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit


class Ticker(Scheduler):  # type: ignore[misc]  # rq-scheduler ships no types
    """rq-scheduler that outlives its Redis, and puts its ticks back when Redis has forgotten them."""

    def run(self, burst: bool = False) -> None:
        """Tick until stopped; while Redis is away, ask again every second."""
        self._install_signal_handlers()  # the base class does so too late: only once Redis has answered
        while True:
            try:
                super().run(burst)
                return
            except redis.RedisError as error:
                log.warning("redis_away", error=type(error).__name__)
                self.name = uuid4().hex  # the old name may still count as alive there
                time.sleep(self._interval)

    def register_death(self) -> None:
        """Without Redis there is nobody to tell, and no reason to stay."""
        with suppress(redis.RedisError):
            super().register_death()

    def remove_lock(self) -> None:
        """A lock that cannot be removed expires by itself."""
        with suppress(redis.RedisError):
            super().remove_lock()

    def enqueue_jobs(self) -> Any:
        """Before every round: the periodic sweep must be there."""
        if "tick-sweep" not in self:
            first = datetime.now(UTC).replace(tzinfo=None)
            self.schedule(
                first, tick, interval=TICK_EVERY, id="tick-sweep", queue_name="default", timeout=JOB_TIMEOUT
            )
        return super().enqueue_jobs()


def scheduler() -> Ticker:
    """The scheduler's end of Redis: for putting a job on its list, and for running it."""
    return Ticker(connection=connection(), interval=1, job_class=JsonJob, queue_class=JsonQueue)


class JsonQueue(Queue):
    """A queue whose jobs are JSON, for rq-scheduler, which knows no serializer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["serializer"] = JSONSerializer
        super().__init__(*args, **kwargs)
