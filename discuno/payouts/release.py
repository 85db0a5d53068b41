"""The release run: every share whose time has come and that nothing stands against goes to its mentor, once.

rq-scheduler, the cron endpoint and any number of workers call the same function. Rows are claimed with SKIP LOCKED,
so that two runs share the work; calls are paced below Stripe's limit, a few at once, one per connected account.
"""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

import structlog
from flask import Flask, current_app

from discuno.kit import clock, outbox, outgoing
from discuno.kit.db import transaction
from discuno.kit.outgoing import Result
from discuno.payouts import transfers
from discuno.payouts.jobs import TRANSFER

log = structlog.get_logger()

RUN_AT_LEAST_EVERY = timedelta(minutes=10)
SLICE = 20.0  # seconds a worker gives to one run before it looks for other work
IN_FLIGHT = 16  # calls at once: at 20 a second each may take 0.8 s
BATCH = 60  # rows in hand at most: three seconds' worth, so that no claim grows old


@dataclass
class Run:
    """What one run did. `failed` counts definite refusals; what waits is not a failure."""

    processed: int = 0
    failed: int = 0
    waiting: int = 0

    @property
    def total(self) -> int:
        """How many transfers were taken in hand."""
        return self.processed + self.failed + self.waiting

    def count(self, result: Result) -> None:
        """Add one outcome."""
        self.processed += result is Result.MADE
        self.failed += result is Result.REFUSED
        self.waiting += result is Result.WAITS


@outbox.task("release_due", every=RUN_AT_LEAST_EVERY)
def release_due() -> None:
    """One slice of the release run; the next when something is due. Ends early when other money work waits."""
    release(SLICE, should_stop=_other_work_waits)
    with transaction():
        next_due = transfers.next_due()
    now = clock.now()
    when = min(next_due or now + RUN_AT_LEAST_EVERY, now + RUN_AT_LEAST_EVERY)
    raise outbox.Later(max(when, now), "until the next share is due")  # never before work that is due already


def _other_work_waits() -> bool:
    with transaction():
        return outbox.is_due("money")


def release(seconds: float, should_stop: Callable[[], bool] = lambda: False) -> Run:
    """Transfer what is due, for at most so many seconds. Safe to run any number of times at once."""
    with transaction():
        transfers.look_again_at_blocked()
    ends = time.monotonic() + seconds
    with _Hands(current_app._get_current_object()) as hands:  # type: ignore[attr-defined]  # a thread needs the app itself
        while True:
            going_on = time.monotonic() < ends and not should_stop()
            if going_on and hands.want > 0:
                hands.take(_claim(hands.want))
            if not going_on or hands.idle:
                break
            hands.wait_for_one()
    run = hands.run
    if run.total:
        log.info("release_run", processed=run.processed, failed=run.failed, waiting=run.waiting)
    return run


@dataclass(frozen=True)
class _Claimed:
    """A row of ours for a minute and a half, and whose money it is."""

    transfer_id: int
    mentor_id: int


def _claim(limit: int) -> list[_Claimed]:
    """Take rows in hand; those that the guard keeps are marked and left."""
    with transaction():
        return [
            _Claimed(transfer.id, transfer.payment.booking.mentor_id)
            for transfer in transfers.due(limit)
            if transfers.claim(transfer)
        ]


class _Hands:
    """A few threads that send, one at a time for each mentor: Stripe locks an account while it writes to it."""

    def __init__(self, app: Flask) -> None:
        self.run = Run()
        self._app = app
        self._pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="release")
        self._backlog: list[_Claimed] = []
        self._flying: dict[Future[Result], _Claimed] = {}

    def __enter__(self) -> "_Hands":
        return self

    def __exit__(self, *_: object) -> None:
        """Finish what is in flight; what was not begun is given back to whoever comes next."""
        while self._flying:
            self._collect()
        self._pool.shutdown()
        with transaction():
            transfers.give_back([claimed.transfer_id for claimed in self._backlog])

    @property
    def want(self) -> int:
        """How many more rows to claim; asked for in gulps, because a claim is a transaction."""
        return BATCH - len(self._backlog) if len(self._backlog) <= BATCH // 2 else 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing in hand."""
        return not self._backlog and not self._flying

    def take(self, claimed: list[_Claimed]) -> None:
        """Add to what is in hand, and begin what can be begun."""
        self._backlog += claimed
        self._begin()

    def wait_for_one(self) -> None:
        """Until a call has come back; then begin others."""
        self._collect()
        self._begin()

    def _collect(self) -> None:
        done, _ = wait(self._flying, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in done:
            claimed = self._flying.pop(future)
            error = future.exception()
            if error is not None:  # the claim expires, and the row is looked up
                log.error("transfer_failed", transfer_id=claimed.transfer_id, exc_info=error)
            self.run.count(Result.WAITS if error is not None else future.result())

    def _begin(self) -> None:
        busy = {claimed.mentor_id for claimed in self._flying.values()}
        left = []
        for claimed in self._backlog:
            if len(self._flying) < IN_FLIGHT and claimed.mentor_id not in busy:
                busy.add(claimed.mentor_id)
                self._flying[self._pool.submit(self._send, claimed.transfer_id)] = claimed
            else:
                left.append(claimed)
        self._backlog = left

    def _send(self, transfer_id: int) -> Result:
        with self._app.app_context():
            return outgoing.carry_out(TRANSFER, transfer_id)
