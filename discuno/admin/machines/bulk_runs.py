"""One act on many rows: which they are is frozen at the start; what becomes of each is written beside it."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from discuno import policy
from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.admin.machines.bulk_acts import ACTS, Ids
from discuno.admin.models import BulkItem, BulkRun, BulkStatus
from discuno.kit import clock, outbox
from discuno.kit.db import one_or_none, rows, session
from discuno.kit.errors import DomainError

NOTHING = "Nothing matches any more; somebody or something was faster."
MORE = "More rows match by now than when you looked. Please look again before you agree to it."
RUNS_ALREADY = "This is being done already, by {who}. Please wait until that run is over, or stop it."
LATER = timedelta(seconds=2)  # somebody else has the last rows in hand
LISTED = 20  # runs on a page
SHOWN = 50  # rows of a run on a page


@dataclass(frozen=True)
class Progress:
    """How far a run has come: how many rows ended in which way."""

    total: int
    done: int
    skipped: int
    failed: int

    @property
    def looked_at(self) -> int:
        """How many are over, one way or another."""
        return self.done + self.skipped + self.failed

    @property
    def waiting(self) -> int:
        """How many nobody has looked at."""
        return self.total - self.looked_at


# Begun


def matching(ids: Ids) -> int:
    """How many rows that are; one more than a run may have stands for more."""
    some = ids.limit(policy.BULK_MOST + 1).subquery()
    return int(session().execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def start(
    act: str, ids: Ids, reason: str, actor: Actor, *, at_most: int | None = None, after: int | None = None
) -> BulkRun:
    """Freeze which rows are meant, and ask for the work. One page begins one run: `after` is its newest before.

    `at_most` is how many rows were agreed to. Raises DomainError when there are more by now, or none, or when a run
    of this kind is under way; and without a reason.
    """
    session().execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('discuno_bulk_run'))"))
    again = _begun_since(act, actor.name, after) if after is not None else None
    if again is not None:
        return again
    _refuse_second(act)
    run = BulkRun(
        act=act,
        status=BulkStatus.RUNNING,
        reason=reason.strip(),
        asked_by=actor.name,
        total=0,
        began_at=clock.now(),
    )
    session().add(run)
    session().flush()
    run.total = _freeze(run, ids)
    if run.total == 0:
        raise DomainError(NOTHING, status=409)
    if at_most is not None and run.total > at_most:
        raise DomainError(MORE, status=409)
    audit.record(actor, f"begin {act}", f"bulk:{run.id}", reason, after={"rows": run.total})
    outbox.add("bulk_run", run_id=run.id, unique_key=f"bulk:{run.id}")
    return run


def _begun_since(act: str, by: str, after: int) -> BulkRun | None:
    """What this page has begun already, when it is sent twice."""
    mine = sa.select(BulkRun).where(BulkRun.id > after, BulkRun.act == act, BulkRun.asked_by == by)
    return one_or_none(mine.order_by(BulkRun.id).limit(1))


def _refuse_second(act: str) -> None:
    running = one_or_none(
        sa.select(BulkRun).where(BulkRun.act == act, BulkRun.status == BulkStatus.RUNNING).limit(1)
    )
    if running is not None:
        raise DomainError(RUNS_ALREADY.format(who=running.asked_by), status=409)


def _freeze(run: BulkRun, ids: Ids) -> int:
    meant = ids.subquery()
    [row_id] = meant.c
    chosen = sa.select(sa.literal(run.id), row_id, sa.literal("")).order_by(row_id).limit(policy.BULK_MOST)
    session().execute(sa.insert(BulkItem).from_select(["run_id", "about_id", "words"], chosen))
    frozen = sa.select(sa.func.count()).where(BulkItem.run_id == run.id)
    return int(session().execute(frozen).scalar_one())


def newest_id() -> int:
    """The number of the newest run, which a page remembers; 0 when there is none."""
    return int(session().execute(sa.select(sa.func.coalesce(sa.func.max(BulkRun.id), 0))).scalar_one())


# Worked through


def running(run_id: int) -> BulkRun | None:
    """The run, kept from being stopped until the unit of work ends; None when it is over."""
    found = one_or_none(sa.select(BulkRun).where(BulkRun.id == run_id).with_for_update(read=True))
    return found if found is not None and found.status == BulkStatus.RUNNING else None


def next_item(run: BulkRun) -> BulkItem | None:
    """The next row that nobody has in hand, locked."""
    waiting = sa.select(BulkItem).where(BulkItem.run_id == run.id, BulkItem.outcome.is_(None))
    return one_or_none(waiting.order_by(BulkItem.id).limit(1).with_for_update(skip_locked=True))


def settle(item: BulkItem, outcome: str, words: str = "") -> None:
    """What became of a row: done, skipped or failed, and why."""
    item.outcome, item.words = outcome, words


def close(run: BulkRun) -> bool:
    """It is done when every row was looked at; whether it is over. Under the run's lock."""
    left = sa.select(sa.exists().where(BulkItem.run_id == run.id, BulkItem.outcome.is_(None)))
    if run.status == BulkStatus.RUNNING and not session().execute(left).scalar():
        run.move_to(BulkStatus.DONE)
        run.ended_at = clock.now()
    return run.status != BulkStatus.RUNNING


def stop(run: BulkRun, actor: Actor) -> bool:
    """Nothing more is begun once this is committed; False when it was over before. Under the run's lock."""
    if run.status != BulkStatus.RUNNING:
        return False
    run.move_to(BulkStatus.STOPPED)
    run.ended_at = clock.now()
    audit.note(actor, f"stop {run.act}", f"bulk:{run.id}")
    return True


# Looked at


def latest(before: int | None = None) -> list[BulkRun]:
    """The newest runs, or those before one; one more than a page shows."""
    statement = sa.select(BulkRun).order_by(BulkRun.id.desc()).limit(LISTED + 1)
    return rows(statement.where(BulkRun.id < before) if before is not None else statement)


def progress(run: BulkRun) -> Progress:
    """How far it has come."""
    counted = sa.select(BulkItem.outcome, sa.func.count()).where(BulkItem.run_id == run.id)
    found = {
        outcome: int(number) for outcome, number in session().execute(counted.group_by(BulkItem.outcome))
    }
    return Progress(run.total, found.get("done", 0), found.get("skipped", 0), found.get("failed", 0))


def items(run: BulkRun, outcome: str = "", after: int | None = None) -> list[BulkItem]:
    """Rows of a run in their order, of one outcome or of all; one more than a page shows."""
    statement = _items(run, outcome).limit(SHOWN + 1)
    return rows(statement.where(BulkItem.id > after) if after is not None else statement)


def every_item(run: BulkRun) -> list[BulkItem]:
    """All of them, of which there are at most `policy.BULK_MOST`."""
    return rows(_items(run, ""))


def _items(run: BulkRun, outcome: str) -> sa.Select[BulkItem]:
    statement = sa.select(BulkItem).where(BulkItem.run_id == run.id).order_by(BulkItem.id)
    if outcome == "waiting":
        return statement.where(BulkItem.outcome.is_(None))
    return statement.where(BulkItem.outcome == outcome) if outcome else statement


def label(act: str) -> str:
    """What the act is called; an act of an older version by its plain name."""
    return ACTS[act].label if act in ACTS else act
