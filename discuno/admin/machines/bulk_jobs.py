"""The hands of bulk runs: one row a transaction, a few rows at a time, so that other work is not kept waiting."""

import sqlalchemy as sa
import structlog

from discuno.accounts.audit import Actor
from discuno.admin.machines import bulk_runs
from discuno.admin.models import BulkItem, BulkRun
from discuno.journey import bulk
from discuno.kit import clock, outbox
from discuno.kit.db import locked, transaction
from discuno.kit.errors import DomainError

log = structlog.get_logger()
PIECE = 25  # rows, before other work has its turn
OUR_FAULT = "It could not be done; the fault is ours, and it was written down."


@outbox.task("bulk_run")
def bulk_run(run_id: int) -> None:
    """The next piece of a run. Killed at any line, every row is done once: its outcome is committed with it."""
    for _ in range(PIECE):
        if not _do_next(run_id):
            break
    with transaction():
        is_over = bulk_runs.close(locked(BulkRun, run_id))
        now = clock.now()
    if not is_over:
        raise outbox.Later(now, "the next piece")


def _do_next(run_id: int) -> bool:
    """One row; False when there is none left to be done here. What goes wrong with it is kept beside it."""
    taken: list[int] = []
    try:
        return _do_one(run_id, taken)
    except DomainError as refused:
        _failed(taken[0], refused.message)
    except sa.exc.OperationalError:
        raise  # the database is busy or away: nothing is wrong with the row, and the job is tried again
    except Exception as error:
        log.error("bulk_item_failed", run_id=run_id, item_id=taken, exc_info=error)
        if not taken:
            raise
        _failed(taken[0], OUR_FAULT)
    return True


def _do_one(run_id: int, taken: list[int]) -> bool:
    with transaction():
        run = bulk_runs.running(run_id)
        item = bulk_runs.next_item(run) if run is not None else None
        if run is None or item is None:
            return False
        taken.append(item.id)
        reason = f"{run.reason} (bulk run {run_id})"
        skipped = bulk.do_to_one(run.act, item.about_id, Actor(run.asked_by), reason)
        bulk_runs.settle(item, "skipped" if skipped else "done", skipped or "")
    return True


def _failed(item_id: int, why: str) -> None:
    with transaction():
        item = locked(BulkItem, item_id)
        if item.outcome is None:
            bulk_runs.settle(item, "failed", why)
