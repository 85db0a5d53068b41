"""Work as rows: what waits, is late, runs, fails or was given up; by task, and what comes by the clock."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.admin import bars, lists, spans
from discuno.admin.bars import Chart, Series
from discuno.admin.lists import Page
from discuno.admin.spans import Span
from discuno.kit import clock, outbox
from discuno.kit.db import rows, session
from discuno.kit.lifecycle import Status
from discuno.kit.outbox import EVERY, PERIODIC, Job
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind
from discuno.policy import JOB_IS_LATE

FILTERS = ("state", "task", "q")
DONE = "periodic"  # what the row of a periodic task says after a run that went well


class JobState(Status):
    """How a piece of work stands; the row says so by its times."""

    DEAD = (
        "dead",
        "Given up",
        "bad",
        "It was tried too often, or trying again is pointless. A person has to look.",
    )
    RUNNING = ("running", "Running", "note", "A worker is at it.")
    LATE = ("late", "Late", "wait", "It should have been begun by now. Perhaps no worker is there.")
    FAILING = ("failing", "Failing", "bad", "It went wrong, and is tried again by itself.")
    WAITING = ("waiting", "Waiting", "plain", "It is not due yet, or only just.")


J = JobState


def _are() -> Mapping[str, sa.ColumnElement[bool]]:
    """What a row has to be, to count as each; the first that fits is it."""
    now = clock.now()
    is_dead, is_run = Job.dead_at.is_not(None), sa.func.coalesce(Job.claimed_until > now, sa.false())
    is_late, fails = Job.run_at < now - JOB_IS_LATE, Job.attempts > 0
    found: dict[str, sa.ColumnElement[bool]] = {}
    before: list[sa.ColumnElement[bool]] = []
    for state, fits in ((J.DEAD, is_dead), (J.RUNNING, is_run), (J.LATE, is_late), (J.FAILING, fails)):
        found[state.value] = sa.and_(fits, *(sa.not_(each) for each in before))
        before.append(fits)
    return {**found, J.WAITING.value: sa.not_(sa.or_(*before))}


def state_of(job: Job) -> JobState:
    """The same of one row."""
    now = clock.now()
    if job.dead_at is not None:
        return J.DEAD
    if job.claimed_until is not None and job.claimed_until > now:
        return J.RUNNING
    if job.run_at < now - JOB_IS_LATE:
        return J.LATE
    return J.FAILING if job.attempts else J.WAITING


@dataclass(frozen=True)
class Task:
    """All work of one kind: how many rows stand how, and since when the oldest is due."""

    name: str
    numbers: dict[JobState, int]
    due_since: datetime | None


def by_task() -> list[Task]:
    """Every kind of work of which there is any, what needs a person first."""
    are = _are()
    counts = [sa.func.count().filter(are[state.value]) for state in JobState]
    due = sa.func.min(Job.run_at).filter(Job.dead_at.is_(None), Job.run_at <= clock.now())
    found = session().execute(sa.select(Job.task, due, *counts).group_by(Job.task).order_by(Job.task))
    tasks = [Task(name, dict(zip(JobState, n, strict=True)), since) for name, since, *n in found]
    return sorted(tasks, key=lambda task: (-task.numbers[J.DEAD], -task.numbers[J.LATE], task.name))


def by_day() -> Chart:
    """What is due when: a week back, and two weeks ahead."""
    span = Span(spans.today() - timedelta(days=7), spans.today() + timedelta(days=15))
    are, piece = _are(), span.piece_of(Job.run_at).label("piece")
    kinds = (are[J.DEAD.value], are[J.LATE.value], sa.true())
    state = sa.case(*((fits, n) for n, fits in enumerate(kinds))).label("state")
    sums: dict[int, Counter[int]] = {n: Counter() for n in range(len(kinds))}
    counted = sa.select(piece, state, sa.func.count()).where(span.is_within(Job.run_at))
    for n, kind, number in session().execute(counted.group_by(piece, state)):
        sums[kind][n] = number
    dead, late, others = (bars.values(span, each) for each in sums.values())
    series = [
        Series("Not late", "earned", others),
        Series("Late", "late", late),
        Series("Given up", "back", dead, -1),
    ]
    return Chart("Work by the day on which it is due", span, series)


def page(wanted: Mapping[str, str], before: int | None) -> Page[Job]:
    """Those that the filters mean, the newest first."""
    statement, are = sa.select(Job), _are()
    if wanted.get("state") in are:
        statement = statement.where(are[wanted["state"]])
    if "task" in wanted:
        statement = statement.where(Job.task == wanted["task"])
    if "q" in wanted:
        statement = statement.where(Job.unique_key == wanted["q"])
    return lists.newest(statement, Job.id, before)


@dataclass(frozen=True)
class Periodic:
    """What comes by the clock: how often at least, and its row, which there always is once a tick has come."""

    name: str
    every: timedelta
    job: Job | None

    @property
    def last(self) -> datetime | None:
        """When it ran last, if that run went well and it did not say itself when to come again."""
        return self.job.run_at - self.every if self.job is not None and self.job.error == DONE else None

    @property
    def says(self) -> str:
        """What it said last, where that is more than that it was done."""
        return self.job.error or "" if self.job is not None and self.job.error != DONE else ""


def periodic() -> list[Periodic]:
    """All of it."""
    there = {job.task: job for job in rows(sa.select(Job).where(Job.unique_key.startswith(EVERY)))}
    return [Periodic(name, every, there.get(name)) for name, every in sorted(PERIODIC.items())]


def retry(job: Job, actor: str | Actor, reason: str) -> bool:
    """Have it done now, its attempts counted anew; False while a worker is at it. If it fails again, that is told."""
    before = {"task": job.task, "attempts": job.attempts, "error": job.error}
    if not outbox.retry(job):
        return False
    audit.record(actor, "retry job", f"job:{job.id}", reason, before=before)
    alerts.over(AlertKind.JOB, f"job:{job.id}")
    return True
