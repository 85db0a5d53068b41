"""Copies of what Cal.com has said of free times, in Redis, for all processes. Redis may lose them, or be away."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import redis

from discuno.edges import queue
from discuno.kit import clock

KEPT = timedelta(minutes=15)
ASKING = 20  # seconds; no call lasts longer
CHANGES = "changes"  # the field of a type that counts how often something of it has changed

Days = tuple[datetime, datetime]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Copy:
    """What was learned, when, and whether nothing of the type has changed since then."""

    starts: list[datetime]
    asked_at: datetime
    is_unchanged: bool

    @property
    def age(self) -> timedelta:
        """How long ago it was learned."""
        return clock.now() - self.asked_at


def look(event_type_id: int, days: Days) -> Copy | None:
    """What is known of these days; None when it is too old to be shown to anybody."""

    def read(connection: redis.Redis) -> list[Any]:
        return cast(list[Any], connection.hmget(_key(event_type_id), [CHANGES, _field(days)]))

    found = _with_redis(read, [None, None])
    if found[1] is None:
        return None
    kept = json.loads(found[1])
    copy = Copy(
        starts=[datetime.fromtimestamp(second, UTC) for second in kept["starts"]],
        asked_at=datetime.fromtimestamp(kept["asked_at"], UTC),
        is_unchanged=kept["changes"] == int(found[0] or 0),
    )
    return copy if copy.age < KEPT else None


def keep(event_type_id: int, days: Days, starts: list[datetime], changes: int) -> None:
    """Put down what was learned; `changes` is how often the type had changed before it was asked for."""
    kept = {
        "starts": [int(start.timestamp()) for start in starts],
        "asked_at": clock.now().timestamp(),
        "changes": changes,
    }

    def write(connection: redis.Redis) -> None:
        connection.hset(_key(event_type_id), _field(days), json.dumps(kept, separators=(",", ":")))
        connection.expire(_key(event_type_id), KEPT)

    _with_redis(write, None)


def changes(event_type_id: int) -> int:
    """How often something of this type has changed, as far as is remembered."""
    return _with_redis(lambda connection: int(connection.hget(_key(event_type_id), CHANGES) or 0), 0)


def changed(event_type_id: int) -> None:
    """Something of this type has changed: no copy of it is fresh any more."""

    def write(connection: redis.Redis) -> None:
        connection.hincrby(_key(event_type_id), CHANGES, 1)
        connection.expire(_key(event_type_id), KEPT)

    _with_redis(write, None)


def may_ask(event_type_id: int, days: Days) -> bool:
    """Whether nobody else is asking for these days; then the question is ours until `asked`, or for 20 seconds."""
    return _with_redis(
        lambda connection: bool(connection.set(_asking(event_type_id, days), 1, nx=True, ex=ASKING)), True
    )


def asked(event_type_id: int, days: Days) -> None:
    """The answer is here, or will not come."""
    _with_redis(lambda connection: connection.delete(_asking(event_type_id, days)), None)


def _with_redis(act: Callable[[redis.Redis], Answer], otherwise: Answer) -> Answer:
    try:
        return act(queue.connection())
    except redis.RedisError:
        return otherwise


def _key(event_type_id: int) -> str:
    return f"discuno:slots:{event_type_id}"


def _field(days: Days) -> str:
    return f"{days[0]:%Y-%m-%d}/{days[1]:%Y-%m-%d}"


def _asking(event_type_id: int, days: Days) -> str:
    return f"{_key(event_type_id)}:asking:{_field(days)}"
