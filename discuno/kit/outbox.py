"""Work to be done, as rows written in the same transaction as the change that needs it.

Redis only wakes the hands; these rows are what must be done. A row goes when its work is done.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from discuno.kit import clock
from discuno.kit.db import Base, HasId, UtcDateTime, one_or_none, rows, session

CLAIM = timedelta(seconds=90)  # a killed worker's claim is over after this; longer than any single call
PUSH_AGAIN = timedelta(seconds=30)  # a row whose push was lost (Redis flushed) is pushed again after this
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=15)
MAX_ATTEMPTS = 20  # at these retries, about three hours; then a person is told

Task = Callable[..., None]
TASKS: dict[str, tuple[str, Task]] = {}  # name → (queue, function)
PERIODIC: dict[str, timedelta] = {}  # name → how often at least
EVERY = "every:"  # the unique key of a periodic task's one row
QUEUES = ("money", "default", "mail", "news")  # in the order a worker serves them


class Later(Exception):
    """Raised by a task that has nothing to do yet: run it again then, without counting an attempt."""

    def __init__(self, run_at: datetime, why: str = "") -> None:
        super().__init__(why or f"again at {run_at.isoformat()}")
        self.run_at = run_at


class GiveUp(Exception):
    """Raised by a task for which trying again is pointless: a person must look."""


def task(name: str, queue: str = "default", every: timedelta | None = None) -> Callable[[Task], Task]:
    """Register a task; its arguments are ids and other plain JSON, never secrets. With `every` it is periodic."""

    def register(function: Task) -> Task:
        if name in TASKS:
            raise ValueError(f"two tasks are called {name}")
        if queue not in QUEUES:
            raise ValueError(f"no worker serves the queue {queue}")
        TASKS[name] = (queue, function)
        if every is not None:
            PERIODIC[name] = every
        return function

    return register


class Job(HasId, Base):
    """One piece of work. `unique_key` makes a second request for the same work a no-op."""

    __table_args__ = (
        sa.Index("ix_discuno_job_due", "run_at", "id", postgresql_where=sa.text("dead_at IS NULL")),
        sa.Index("ix_discuno_job_dead", "dead_at", postgresql_where=sa.text("dead_at IS NOT NULL")),
        sa.UniqueConstraint("unique_key"),
    )

    task: Mapped[str] = mapped_column(sa.Text)
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)
    queue: Mapped[str] = mapped_column(sa.Text)
    unique_key: Mapped[str | None] = mapped_column(sa.Text)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    pushed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    again: Mapped[bool] = mapped_column(sa.Boolean, default=False)  # asked for once more while it ran
    error: Mapped[str | None] = mapped_column(sa.Text)
    dead_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def add(
    name: str,
    *,
    run_at: datetime | None = None,
    unique_key: str | None = None,
    queue: str | None = None,
    **args: Any,
) -> None:
    """Ask for work, in the caller's transaction. With a key, a job already waiting under it is brought forward.

    `queue` is another than the task's own, when not all of its work is equally urgent.
    """
    now = clock.now()
    when = run_at or now
    row = {"task": name, "args": args, "queue": queue or TASKS[name][0], "unique_key": unique_key}
    insert = sa.dialects.postgresql.insert(Job).values(
        **row, run_at=when, created_at=now, attempts=0, again=False
    )
    sooner = insert.on_conflict_do_update(
        index_elements=["unique_key"],
        set_={
            "run_at": sa.func.least(Job.run_at, when),
            "pushed_at": None,
            "again": True,
            "attempts": sa.case((Job.dead_at.is_(None), Job.attempts), else_=0),
            "dead_at": None,
        },
    )
    session().execute(sooner if unique_key else insert)
    _owe()


def retry(job: Job) -> bool:
    """A person wants it done now, given up or not: its attempts count anew. False while a worker is at it."""
    if job.claimed_until is not None and job.claimed_until > clock.now():
        return False
    job.attempts, job.dead_at = 0, None
    _again(job, clock.now(), job.error or "")
    return True


def drop(unique_key: str) -> None:
    """Nobody wants this done any more. What a worker is at just now goes when it is finished."""
    free = sa.or_(Job.claimed_until.is_(None), Job.claimed_until < clock.now())
    session().execute(sa.delete(Job).where(Job.unique_key == unique_key, free))


def of_key(unique_key: str) -> Job | None:
    """The work that is asked for under a key, if there is any."""
    return one_or_none(sa.select(Job).where(Job.unique_key == unique_key))


def periodic_key(name: str) -> str:
    """The unique key of a periodic task's one row; asking for it under this key brings the next run forward."""
    return EVERY + name


def plant_periodic() -> None:
    """See to it that every periodic task has its row."""
    there = set(session().execute(sa.select(Job.task).where(Job.unique_key.startswith(EVERY))).scalars())
    for name in PERIODIC.keys() - there:
        add(name, unique_key=periodic_key(name))


def silent(since: timedelta) -> list[Job]:
    """Periodic rows that should have been begun so long ago, and that no worker has in hand."""
    now = clock.now()
    free = sa.or_(Job.claimed_until.is_(None), Job.claimed_until < now)
    late = sa.select(Job).where(Job.unique_key.startswith(EVERY), Job.run_at <= now - since, free)
    return rows(late.order_by(Job.run_at, Job.id))


def _owe() -> None:
    session().info["owes_work"] = True


def owes_work() -> bool:
    """Whether this session has asked for work since this was last asked."""
    return bool(session().info.pop("owes_work", False))


def to_push(limit: int = 500) -> list[Job]:
    """Rows that Redis should know of and may not: never pushed, or pushed long ago and due and still here."""
    now = clock.now()
    unknown = sa.or_(
        Job.pushed_at.is_(None),
        sa.and_(Job.run_at <= now, Job.pushed_at < now - PUSH_AGAIN),
    )
    free = sa.or_(Job.claimed_until.is_(None), Job.claimed_until < now)
    statement = (
        sa.select(Job)
        .where(Job.dead_at.is_(None), unknown, free)
        .order_by(Job.run_at, Job.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return rows(statement)


def not_pushed(job_ids: list[int]) -> None:
    """Redis was not told of these after all: the next sweep tells it at once."""
    session().execute(sa.update(Job).where(Job.id.in_(job_ids)).values(pushed_at=None))


def is_due(queue: str) -> bool:
    """Whether something in this queue could be run now."""
    return _next_due(queue) is not None


def next_due() -> int | None:
    """The id of the first row that may be claimed now."""
    return _next_due()


def _next_due(queue: str | None = None) -> int | None:
    now = clock.now()
    free = sa.or_(Job.claimed_until.is_(None), Job.claimed_until < now)
    statement = sa.select(Job.id).where(Job.dead_at.is_(None), Job.run_at <= now, free)
    if queue is not None:
        statement = statement.where(Job.queue == queue)
    return session().execute(statement.order_by(Job.run_at, Job.id).limit(1)).scalar_one_or_none()


def claim(job_id: int) -> Job | None:
    """Take a due row for this worker, or None when it is gone, dead, early, or somebody else's."""
    now = clock.now()
    statement = (
        sa.select(Job)
        .where(Job.id == job_id, Job.dead_at.is_(None), Job.run_at <= now)
        .where(sa.or_(Job.claimed_until.is_(None), Job.claimed_until < now))
        .with_for_update()  # waits for the sweep that is just pushing it; skipping would lose the wake-up
    )
    job = one_or_none(statement)
    if job is not None:
        job.claimed_until = now + CLAIM
        job.attempts += 1
        job.again = False
    return job


def finish(job: Job) -> None:
    """The work is done and the row goes; asked for once more while it ran, or periodic, it stays and runs again."""
    if job.again:
        _again(job, clock.now(), "asked for once more")
    elif is_periodic(job):
        _again(job, clock.now() + PERIODIC[job.task], "periodic")
    else:
        session().delete(job)
    job.attempts = 0


def is_periodic(job: Job) -> bool:
    """Whether this is the one row of a periodic task; such a row never dies."""
    return job.task in PERIODIC and job.unique_key == periodic_key(job.task)


def postpone(job: Job, later: Later) -> None:
    """Nothing to do yet; asked for once more while it ran, it runs at once."""
    _again(job, clock.now() if job.again else later.run_at, str(later))
    job.attempts = 0 if is_periodic(job) else job.attempts - 1


def fail(job: Job, error: BaseException) -> bool:
    """It went wrong: try again later, or, after too many tries, stop and answer True: tell a person.

    A periodic task is told of once and goes on.
    """
    job.error = f"{type(error).__name__}: {error}"[:2000]
    if is_periodic(job):
        _again(job, clock.now() + retry_delay(job.attempts), job.error)
        return job.attempts == MAX_ATTEMPTS
    if isinstance(error, GiveUp) or job.attempts >= MAX_ATTEMPTS:
        job.dead_at = clock.now()
        job.claimed_until = None
        return True
    _again(job, clock.now() + retry_delay(job.attempts), job.error)
    return False


def _again(job: Job, run_at: datetime, why: str) -> None:
    job.run_at = run_at
    job.error = why[:2000]
    job.claimed_until = None
    job.pushed_at = None
    _owe()


def retry_delay(attempts: int) -> timedelta:
    """2 s, 4 s, 8 s … up to 15 min: quick for a hiccup, patient for an outage."""
    doublings = min(max(attempts, 1) - 1, 20)
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
