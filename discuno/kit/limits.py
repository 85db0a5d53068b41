"""How often one address, and one browser, may ask for something. The library `limits` counts, in Redis.

Without Redis each process counts for itself, so that losing Redis does not open the doors. (Flask-Limiter keeps one
set of limits for all apps of a process, which tests cannot use; it counts by the same library.)
"""

import ipaddress
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import structlog
from flask import Flask, current_app, request, session
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

View = TypeVar("View", bound=Callable[..., Any])
HERE = "discuno-limits"
log = structlog.get_logger()


class Counter:
    """Who has asked how often: known to all processes through Redis, or to this one alone while Redis is away."""

    def __init__(self, storage: str, pool: Any) -> None:
        """Through the connections that the app has already. No call is made."""
        shared = storage_from_string(
            storage, wrap_exceptions=True, connection_pool=pool, key_prefix="discuno:asked"
        )
        self._shared = MovingWindowRateLimiter(shared)
        self._alone = MovingWindowRateLimiter(MemoryStorage())

    def seconds_to_wait(self, rate: RateLimitItem, *who: str) -> int:
        """Count one more; 0 when it may go on, else how long to wait."""
        try:
            return self._ask(self._shared, rate, *who)
        except StorageError as error:
            log.warning("counting_alone", error=str(error)[:200])
            return self._ask(self._alone, rate, *who)

    @staticmethod
    def _ask(limiter: MovingWindowRateLimiter, rate: RateLimitItem, *who: str) -> int:
        if limiter.hit(rate, *who):
            return 0
        return max(1, int(limiter.get_window_stats(rate, *who).reset_time - time.time()) + 1)


def address() -> str:
    """Who asks: the address the router saw. Of a newer address the part that one household or server has (/64)."""
    asked = request.remote_addr or ""
    try:
        found = ipaddress.ip_address(asked)
    except ValueError:
        return asked
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else asked


def at_most(name: str, per_address: str, per_visitor: str) -> Callable[[View], View]:
    """Answer whoever asks too often with 429 and the seconds to wait; views of one name are counted together.

    Rates are in the library's words ("20 per minute"). Addresses are allowed more than browsers: a school has one for
    everybody. A browser that keeps no cookie has its address alone.
    """
    of_address, of_visitor = parse(per_address), parse(per_visitor)

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            visitor = session.get("visitor")
            _count(of_address, name, "address", address())
            if visitor:
                _count(of_visitor, name, "visitor", str(visitor))
            return view(*args, **kwargs)

        guarded.__dict__["rate"] = name  # a test sees to it that every writing page has one
        return cast(View, guarded)

    return guard


def _count(rate: RateLimitItem, *who: str) -> None:
    wait = current_app.extensions[HERE].seconds_to_wait(rate, *who)
    if wait:
        raise TooManyRequests(retry_after=wait)


def install(app: Flask, storage: str, pool: Any) -> None:
    """Count for this app."""
    app.extensions[HERE] = Counter(storage, pool)
