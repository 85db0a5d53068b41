"""Before any Cal.com handler: the rate limit, the API key, and the version header."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, g, request

from discuno.sandbox.calcom.answers import Refusal
from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import World

WINDOW = 60.0  # seconds; a block lasts as long
PER_KEY = 120  # requests a window, for a key and for an address alike


def admit(world: World, caller: str, limit: int) -> tuple[int, int]:
    """Count one request in windows of real time: how many remain (negative: refused), seconds until the window ends.

    Whoever passes the limit is blocked. A world that forgets everything forgets this too.
    """
    now = time.monotonic()
    row = world.get("calcom_caller", caller) or {"ends": 0.0, "count": 0}
    is_current = now < row["ends"] <= now + WINDOW  # a journal may be older than the machine's last start
    ends, count = (row["ends"], row["count"] + 1) if is_current else (now + WINDOW, 1)
    if count == limit + 1:
        ends = now + WINDOW
    world.put("calcom_caller", {"id": caller, "ends": ends, "count": count})
    return limit - count, int(ends - now) + 1


@dataclass(frozen=True)
class Desk:
    """What every handler works with."""

    world: World
    courier: Courier
    settings: SandboxSettings


@dataclass(frozen=True)
class Route:
    """One endpoint: who may enter, and which `cal-api-version` values it knows; none, and it asks for none."""

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
            if route.needs_key and not has_key():
                raise Refusal(401, "Missing or invalid Authorization header.")
            _require_version(route)
            return route.handle(desk, **path)

    return enter


def has_key() -> bool:
    """Whether this request came with an API key: the platform's, or an owner's."""
    return g.calcom_key is not None


def key_holder() -> str | None:
    """The owner whose own key this request came with; None for the platform's key, and for none."""
    return g.calcom_key or None


def may_act_for(owner: str) -> bool:
    """Whether this request's key is this owner's, or the platform's, which is a member everywhere."""
    return has_key() and key_holder() in (None, owner)


def require_owner(owner: str) -> None:
    """403 for somebody else's key."""
    if not may_act_for(owner):
        raise Refusal(403, "You are not authorized to perform this action.")


def _caller_with_key(desk: Desk) -> str | None:
    """The username of a key's owner, "" for the platform's key, None without a key."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    setting = desk.world.get("calcom_setting", "rate_limit")
    limit = setting["limit"] if setting else PER_KEY
    remaining, reset = admit(desk.world, key or request.remote_addr or "", limit)
    g.calcom_limits = (limit, max(0, remaining), reset)
    if remaining < 0:
        raise Refusal(429, "CustomThrottlerGuard - Too many requests. Please try again later.")
    if not scheme:
        return None
    if scheme == "Bearer" and key == desk.settings.calcom_api_key:
        return ""
    owner = desk.world.get("calcom_key", key)
    if scheme != "Bearer" or owner is None:
        raise Refusal(401, "Invalid API Key")
    return str(owner["username"])


def _require_version(route: Route) -> None:
    """Refuse a missing or foreign `cal-api-version`.

    The real service would silently answer in the shape of 2024-04-15. Refusing is stricter: a
    forgotten header shows in the first test, not as a field missing in production.
    """
    version = request.headers.get("cal-api-version")
    if route.versions and version not in route.versions:
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
