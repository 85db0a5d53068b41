"""Before any Cal.com handler: the rate limit, the API key, and the version header."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Response, g, request

from discuno.sandbox.calcom.answers import Refusal
from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import World

WINDOW = 60.0  # seconds; a block lasts as long
PER_KEY = 120  # requests a window, for a key and for an address alike


@dataclass
class Limiter:
    """Counts each caller's requests in windows of real time; whoever passes the limit is blocked."""

    _callers: dict[str, tuple[float, int]] = field(default_factory=dict)  # (window ends, requests)

    def admit(self, caller: str, limit: int) -> tuple[int, int]:
        """Count one request: how many remain (negative: refused) and seconds until the window ends."""
        now = time.monotonic()
        ends, count = self._callers.get(caller, (0.0, 0))
        if now >= ends:
            ends, count = now + WINDOW, 0
        count += 1
        if count == limit + 1:
            ends = now + WINDOW
        self._callers[caller] = (ends, count)
        return limit - count, int(ends - now) + 1


@dataclass(frozen=True)
class Desk:
    """What every handler works with."""

    world: World
    courier: Courier
    settings: SandboxSettings
    limiter: Limiter = field(default_factory=Limiter)


@dataclass(frozen=True)
class Route:
    """One endpoint: who may enter, and which `cal-api-version` values it knows."""

    method: str
    path: str  # below /calcom/v2
    handle: Callable[..., Response]
    versions: tuple[str, ...]
    needs_key: bool = False


def guarded(desk: Desk, route: Route) -> Callable[..., Response]:
    """The view of a route: its handler behind the gate, one request at a time."""

    def enter(**path: str) -> Response:
        with desk.world.lock:
            g.calcom_key = _caller_with_key(desk)
            if route.needs_key and not g.calcom_key:
                raise Refusal(401, "Missing or invalid Authorization header.")
            _require_version(route)
            return route.handle(desk, **path)

    return enter


def has_key() -> bool:
    """Whether this request came with the API key, that is from the event types' owner."""
    return bool(g.calcom_key)


def _caller_with_key(desk: Desk) -> bool:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    setting = desk.world.get("calcom_setting", "rate_limit")
    limit = setting["limit"] if setting else PER_KEY
    remaining, reset = desk.limiter.admit(key or request.remote_addr or "", limit)
    g.calcom_limits = (limit, max(0, remaining), reset)
    if remaining < 0:
        raise Refusal(429, "CustomThrottlerGuard - Too many requests. Please try again later.")
    if not scheme:
        return False
    if scheme != "Bearer" or key != desk.settings.calcom_api_key:
        raise Refusal(401, "Invalid API Key")
    return True


def _require_version(route: Route) -> None:
    """Refuse a missing or foreign `cal-api-version`.

    The real service would silently answer in the shape of 2024-04-15. Refusing is stricter: a
    forgotten header shows in the first test, not as a field missing in production.
    """
    version = request.headers.get("cal-api-version")
    if version not in route.versions:
        raise Refusal(
            400,
            f"The header cal-api-version is {version or 'missing'}; this endpoint wants "
            f"{' or '.join(route.versions)}.",
        )


def label(response: Response) -> Response:
    """Put the request id and the limits on an answer of the API."""
    response.headers["X-Request-Id"] = str(uuid.uuid4())
    if "calcom_limits" in g:
        limit, remaining, reset = g.calcom_limits
        response.headers["X-RateLimit-Limit-Default"] = str(limit)
        response.headers["X-RateLimit-Remaining-Default"] = str(remaining)
        response.headers["X-RateLimit-Reset-Default"] = str(reset)
    return response
