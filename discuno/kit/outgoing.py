"""Writing to a vendor exactly once: decide, call, record, for every kind of row that moves money.

A row is the intention. It carries a frozen request and an idempotency key of (kind, row, epoch). The rules are
those of the shared sheet on faults, section 1:

- the intention is committed before the call;
- after an unknown outcome the vendor is asked what it has made, by list, before anything is sent again;
- silence keeps the key; a stored 5xx would be replayed under it, so 60 s later, if nothing is there, a new epoch
  begins;
- a key older than 12 h may soon be forgotten: only a look-up and a new epoch are safe;
- a definite refusal begins a new epoch, because the old key replays it for 24 h; waiting burns no attempt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from discuno.kit import clock, outbox
from discuno.kit.db import UtcDateTime, transaction

SETTLE = timedelta(seconds=60)  # a request that got a 5xx is surely over by then
KEY_IS_OLD = timedelta(hours=12)  # vendors keep keys for 24 h
CLAIM = timedelta(seconds=90)
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=5), timedelta(minutes=15)


class OutcomeUnknown(Exception):
    """Nobody knows whether it happened. `answered`: a 5xx came, which the vendor may have stored under the key."""

    answered = False


class Busy(OutcomeUnknown):
    """The vendor was too busy to begin (429, a lock, the key in use): the same key, a little later."""


class Refused(Exception):
    """A definite no. `code` is the vendor's; branch on it, never on the text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class KeyReused(Exception):
    """Our key came with other parameters than before: a bug of ours, never to be answered with a new key."""


class Outgoing:
    """Columns of a row that is an intention to write at a vendor."""

    epoch: Mapped[int] = mapped_column(sa.Integer, default=1)
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # first call under the present key
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # last 5xx under the present key
    unknown_count: Mapped[int] = mapped_column(sa.Integer, default=0)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(sa.Text)

    @property
    def has_unknown_outcome(self) -> bool:
        """Whether the vendor may have been told already, under the present key."""
        return self.attempted_at is not None


def may_renew(row: Outgoing, now: datetime) -> bool:
    """Whether an empty look-up proves that nothing was made, so that a new key is safe."""
    if row.attempted_at is not None and now - row.attempted_at >= KEY_IS_OLD:
        return True
    return row.answered_at is not None and now - row.answered_at >= SETTLE


def renew(row: Outgoing) -> None:
    """Begin a new epoch: a new key, after a definite no or a proven absence."""
    row.epoch += 1
    row.attempted_at = row.answered_at = None
    row.unknown_count = 0


def backoff(tries: int) -> timedelta:
    """5 s, 10 s, 20 s … up to 15 min."""
    return min(FIRST_RETRY * (1 << min(max(tries, 1) - 1, 20)), LONGEST_RETRY)


Row = TypeVar("Row", bound=Outgoing)
Request = TypeVar("Request")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Kind(Generic[Row, Request, Answer]):
    """How one kind of row is written. All but `find` and `create` run inside a transaction, with the row locked."""

    lock: Callable[[int], Row]
    is_open: Callable[[Row], bool]  # whether there is still something to do
    frozen: Callable[[Row], Request]  # the request as it was made under the present key
    prepare: Callable[
        [Row], Request | None
    ]  # ask the guard, freeze; None when it must not go (the row says why)
    find: Callable[[Request], Answer | None]
    create: Callable[[Request], Answer]
    made: Callable[[Row, Answer], None]
    refused: Callable[[Row, str], None]  # decides when to try again; the epoch has risen
    alarm: Callable[[Row, str], None]  # tell a person


class Result(Enum):
    """What became of one try."""

    MADE = "made"
    REFUSED = "refused"
    WAITS = "waits"  # not now; `next_try_at` or the row's state says when


def carry_out(kind: Kind[Row, Request, Answer], row_id: int) -> Result:
    """Bring one intention to the vendor, or learn that it is there. Safe twice, at once, and after any crash."""
    decided = _decide(kind, row_id)
    if decided is None:
        return Result.WAITS
    request, look_first = decided
    try:
        if look_first:
            found = kind.find(request)
            if found is not None:
                return _made(kind, row_id, found)
            again = _after_absence(kind, row_id)
            if again is None:
                return Result.WAITS
            request = again
        return _made(kind, row_id, kind.create(request))
    except Refused as refusal:
        return _refused(kind, row_id, refusal)
    except KeyReused as reuse:
        return _reused(kind, row_id, request, reuse)
    except OutcomeUnknown as unknown:
        _unknown(kind, row_id, unknown)
        return Result.WAITS


def work(kind: Kind[Row, Request, Answer], row_id: int) -> None:
    """A task's body: one try, and the next one when the row wants it. Raises outbox.Later."""
    if carry_out(kind, row_id) is Result.MADE:
        return
    with transaction():
        row = kind.lock(row_id)
        again = row.next_try_at if kind.is_open(row) else None
        why = row.error or "not yet"
    if again is not None:
        raise outbox.Later(max(again, clock.now() + FIRST_RETRY), why)


def _decide(kind: Kind[Row, Request, Answer], row_id: int) -> tuple[Request, bool] | None:
    """The request to make, and whether to look first; the intention is committed with it."""
    with transaction():
        row = kind.lock(row_id)
        if not kind.is_open(row):
            return None
        if row.has_unknown_outcome:
            _claim(row)
            return kind.frozen(row), True
        request = _prepare(kind, row)
        return (request, False) if request is not None else None


def _prepare(kind: Kind[Row, Request, Answer], row: Row) -> Request | None:
    request = kind.prepare(row)
    if request is None:
        row.claimed_until = None
        return None
    row.attempted_at = row.attempted_at or clock.now()
    _claim(row)
    return request


def _claim(row: Outgoing) -> None:
    row.claimed_until = clock.now() + CLAIM


def _after_absence(kind: Kind[Row, Request, Answer], row_id: int) -> Request | None:
    """Nothing is there: send again under the same key, under a new one, or not yet."""
    with transaction():
        row = kind.lock(row_id)
        if not kind.is_open(row):
            return None
        if may_renew(row, clock.now()):
            renew(row)
        elif row.answered_at is not None:
            row.next_try_at, row.claimed_until = row.answered_at + SETTLE, None
            return None
        return _prepare(kind, row)


def _made(kind: Kind[Row, Request, Answer], row_id: int, answer: Answer) -> Result:
    with transaction():
        row = kind.lock(row_id)
        row.claimed_until = row.error = None
        kind.made(row, answer)
    return Result.MADE


def _refused(kind: Kind[Row, Request, Answer], row_id: int, refusal: Refused) -> Result:
    with transaction():
        row = kind.lock(row_id)
        if kind.is_open(row):
            row.claimed_until, row.error = None, str(refusal)[:2000]
            renew(row)
            kind.refused(row, refusal.code)
    return Result.REFUSED


def _reused(kind: Kind[Row, Request, Answer], row_id: int, request: Request, reuse: KeyReused) -> Result:
    """Our own mistake: whatever is there is adopted, and a person is told. The key stays until it is old."""
    found = kind.find(request)
    if found is not None:
        return _made(kind, row_id, found)
    with transaction():
        row = kind.lock(row_id)
        row.claimed_until, row.error = None, str(reuse)[:2000]
        row.next_try_at = clock.now() + KEY_IS_OLD
        kind.alarm(row, "idempotency_error")
    return Result.WAITS


def _unknown(kind: Kind[Row, Request, Answer], row_id: int, unknown: OutcomeUnknown) -> None:
    with transaction():
        row = kind.lock(row_id)
        if not kind.is_open(row):
            return
        now = clock.now()
        row.claimed_until, row.error = None, f"{type(unknown).__name__}: {unknown}"[:2000]
        row.unknown_count += 1
        if unknown.answered:
            row.answered_at = now
        row.next_try_at = now + backoff(row.unknown_count)
