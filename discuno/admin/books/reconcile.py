"""Our rows and Stripe's, compared to the cent: `flask --app wsgi reconcile`, and every night.

A run is a walk of small steps, one page of one list each: the command takes them one after the other, at night each
is a job that asks for the next. What is provably ours is repaired, everything else is drift. A second run changes
nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from discuno.admin.books import books, drift
from discuno.admin.books.steps import STEPS, Done, Walk
from discuno.admin.models import Drift
from discuno.kit import clock, outbox
from discuno.kit.db import locked, transaction

log = structlog.get_logger()

WINDOW = timedelta(days=7)
NIGHTLY = timedelta(hours=24)
AT_NIGHT = timedelta(hours=3)  # after midnight, UTC


def begin(window: timedelta) -> Walk:
    """A new run."""
    with transaction():  # and so the clock is the database's
        now = clock.now().replace(microsecond=0)
    return Walk(now, now - window, next(iter(STEPS)))


def take(walk: Walk) -> tuple[Done, Walk | None]:
    """One step, and the walk that is left; None at its end."""
    done = STEPS[walk.step](walk)
    if done.after is not None:
        return done, replace(walk, after=done.after)
    names = list(STEPS)
    following = names[names.index(walk.step) + 1 :]
    return done, replace(walk, step=following[0], after=None) if following else None


def run(window: timedelta) -> Iterator[tuple[str, Done]]:
    """A whole run, here and now; every step is told of when it is done."""
    walk: Walk | None = begin(window)
    while walk is not None:
        step = walk.step
        done, walk = take(walk)
        yield step, done


def open_drift() -> list[str]:
    """What differs now, in words."""
    with transaction():
        return [str(each) for each in books.open_drift()]


def accept(drift_id: int, actor: str, reason: str) -> None:
    """A person has looked at it and it is as it should be. Raises NotFound."""
    with transaction():
        drift.accept(locked(Drift, drift_id), actor, reason)


# At night


@outbox.task("reconcile", every=NIGHTLY)
def reconcile() -> None:
    """Begin a run, every night at about three."""
    walk = begin(WINDOW)
    with transaction():
        _go_on(walk)
        midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    tonight = midnight + AT_NIGHT
    raise outbox.Later(tonight if tonight > walk.began else tonight + NIGHTLY, "until tonight")


@outbox.task("reconcile_page")
def reconcile_page(began: str, since: str, step: str, after: str | None) -> None:
    """One step of a run; the next one is asked for."""
    walk = Walk(datetime.fromisoformat(began), datetime.fromisoformat(since), step, after)
    done, following = take(walk)
    if done.repaired:
        log.info("reconciled", step=step, looked=done.looked, repaired=done.repaired)
    if following is not None:
        with transaction():
            _go_on(following)


def _go_on(walk: Walk) -> None:
    began, since = walk.began.isoformat(), walk.since.isoformat()
    key = f"reconcile:{began}:{walk.step}:{walk.after or ''}"
    outbox.add("reconcile_page", unique_key=key, began=began, since=since, step=walk.step, after=walk.after)
