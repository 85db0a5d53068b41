"""One clock for every process: the database's, with whatever shift the sandbox has given it."""

from datetime import UTC, datetime, timedelta

_ahead = timedelta(0)


def now() -> datetime:
    """The current instant, aware and in UTC, as the database would tell it."""
    return datetime.now(UTC) + _ahead


def follow(database_now: datetime) -> None:
    """Set this process by the database, so that a worker whose own clock is wrong pays nothing early."""
    global _ahead
    _ahead = database_now - datetime.now(UTC)


def on_the_wall(instant: datetime) -> datetime:
    """When `instant` comes by this machine's own clock: what Redis and rq-scheduler count by."""
    return instant - _ahead
