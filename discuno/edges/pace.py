"""Taking turns: one rate for all processes together, kept in Redis; without Redis each keeps to a part of it.

The rule is the generic cell rate algorithm: every caller is told how long to wait for a turn of its own, and
turns are 1/rate apart. A turn that nobody took may be made up for, `BURST` of them at most.
"""

import threading
import time

import redis

from discuno.edges import queue

BURST = 3  # turns that may be made up for; so at most rate + 3 in any second
ALONE = 0.5  # the share of the rate that a process takes when it cannot ask the others
KEPT = 60_000  # ms

_TURN = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local turn = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - ARGV[2] * ARGV[1])
redis.call('SET', KEYS[1], string.format('%.6f', turn + ARGV[1]), 'PX', ARGV[3])
return string.format('%.6f', turn - now)
"""

_lock = threading.Lock()
_next: dict[str, float] = {}


def turn(name: str, rate: float) -> float:
    """How many seconds to wait before doing one more of `name`, at `rate` a second. The turn is taken by asking."""
    try:
        answer = queue.connection().eval(_TURN, 1, f"discuno:pace:{name}", 1 / rate, BURST, KEPT)
        return max(0.0, float(answer))
    except redis.RedisError:
        return _alone(name, rate * ALONE)


def _alone(name: str, rate: float) -> float:
    with _lock:
        now = time.monotonic()
        at = max(_next.get(name, 0.0), now - BURST / rate)
        _next[name] = at + 1 / rate
        return max(0.0, at - now)
