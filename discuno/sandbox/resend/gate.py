"""Before any Resend handler: the rate limit, the API key, and the idempotency key."""

import hashlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response, g, jsonify, request

from discuno.sandbox.courier import Courier
from discuno.sandbox.resend.answers import Refusal, levers
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import World

KEY_LIFE = 24 * 3600  # seconds, by the world's clock


@dataclass
class Limiter:
    """Counts requests in windows of one second of real time, for the whole team."""

    _ends: float = 0.0
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, limit: int) -> tuple[int, int]:
        """Count one request: how many remain (negative: refused) and seconds until the window ends."""
        with self._lock:
            now = time.monotonic()
            if now >= self._ends:
                self._ends, self._count = now + 1.0, 0
            self._count += 1
            return limit - self._count, max(1, math.ceil(self._ends - now))


@dataclass(frozen=True)
class Desk:
    """What every handler works with."""

    world: World
    courier: Courier
    settings: SandboxSettings
    limiter: Limiter = field(default_factory=Limiter)
    in_flight: set[str] = field(default_factory=set)  # idempotency keys being worked on


def enter(desk: Desk) -> None:
    """Admit this request, or refuse it: too many (429), no key (401), wrong key (403)."""
    limit = levers(desk.world)["requests_per_second"]
    if limit:
        remaining, reset = desk.limiter.admit(limit)
        g.resend_limits = (limit, remaining, reset)
        if remaining < 0:
            raise Refusal(
                429,
                "rate_limit_exceeded",
                f"Too many requests. You can only make {limit} requests per second.",
            )
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not key:
        raise Refusal(401, "missing_api_key", "Missing API key in the authorization header.")
    if key != desk.settings.resend_api_key:
        raise Refusal(403, "invalid_api_key", "API key is invalid.")


def label(response: Response) -> Response:
    """Put the limits on an answer of the API."""
    if "resend_limits" in g:
        limit, remaining, reset = g.resend_limits
        response.headers["ratelimit-limit"] = str(limit)
        response.headers["ratelimit-remaining"] = str(max(0, remaining))
        response.headers["ratelimit-reset"] = str(reset)
        if remaining < 0:
            response.headers["retry-after"] = str(reset)
    return response


def once(desk: Desk, work: Callable[[], dict[str, Any]]) -> Response:
    """Do the work once per idempotency key: the same request again gets the first answer.

    409 for another body under the same key, and while the first is still being worked on. Only
    answers that succeeded are kept.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return jsonify(work())
    if not 1 <= len(key) <= 256:
        raise Refusal(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
    print_ = hashlib.sha256(request.path.encode() + b"\n" + request.get_data()).hexdigest()
    kept = _claim(desk, key, print_)
    if kept is not None:
        return jsonify(kept)
    try:
        answer = work()
        row = {"id": key, "print": print_, "answer": answer, "at": desk.world.now()}
        desk.world.put("resend_idempotency", row)
        return jsonify(answer)
    finally:
        desk.in_flight.discard(key)


def _claim(desk: Desk, key: str, print_: str) -> dict[str, Any] | None:
    """The kept answer, or None with the key now in flight."""
    with desk.world.lock:
        row = desk.world.get("resend_idempotency", key)
        if row is not None and row["at"] + KEY_LIFE > desk.world.now():
            if row["print"] != print_:
                raise Refusal(
                    409,
                    "invalid_idempotent_request",
                    "Same idempotency key used with a different request payload.",
                )
            answer: dict[str, Any] = row["answer"]
            return answer
        if key in desk.in_flight:
            raise Refusal(
                409,
                "concurrent_idempotent_requests",
                "Same idempotency key used while original request is still in progress.",
            )
        desk.in_flight.add(key)
        return None
