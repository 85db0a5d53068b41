"""Taking turns: one rate for all processes together, kept in Redis; without Redis each keeps to a part of it.

The rule is the generic cell rate algorithm: every caller is told how long to wait for a turn of its own, and
turns are 1/rate apart. One that nobody took is not made up for: after a rest, too, a second has no more than `rate`.
"""

import threading
import time
from collections import deque
from uuid import uuid4

import redis

from discuno.edges import queue

ALONE = 0.5  # the share of the rate that a process takes when it cannot ask the others
KEPT = 60_000  # ms

_TURN = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local turn = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
redis.call('SET', KEYS[1], string.format('%.6f', turn + ARGV[1]), 'PX', ARGV[2])
return string.format('%.6f', turn - now)
"""

_MAY = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

_lock = threading.Lock()
_next: dict[str, float] = {}
_done: dict[str, deque[float]] = {}


def turn(name: str, rate: float) -> float:
    """How many seconds to wait before doing one more of `name`, at `rate` a second. The turn is taken by asking."""
    try:
        answer = queue.connection().eval(_TURN, 1, f"discuno:pace:{name}", 1 / rate, KEPT)
        return max(0.0, float(answer))
    except redis.RedisError:
        return _alone(name, rate * ALONE)


def _alone(name: str, rate: float) -> float:
    with _lock:
        now = time.monotonic()
        at = max(_next.get(name, 0.0), now)
        _next[name] = at + 1 / rate
        return max(0.0, at - now)


def may(name: str, most: int, *, seconds: int, alone: int) -> bool:
    """Whether one more of `name` may be done, with never more than `most` in so many seconds; then it counts.

    Without Redis each process does `alone` of them.
    """
    try:
        key = f"discuno:allowance:{name}"
        return bool(queue.connection().eval(_MAY, 1, key, most, seconds * 1000, uuid4().hex))
    except redis.RedisError:
        return _may_alone(name, alone, seconds)


def _may_alone(name: str, most: int, seconds: int) -> bool:
    with _lock:
        done, now = _done.setdefault(name, deque()), time.monotonic()
        while done and done[0] <= now - seconds:
            done.popleft()
        if len(done) >= most:
            return False
        done.append(now)
        return True
