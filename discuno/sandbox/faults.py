"""Trouble on demand: latency, error answers, connections cut before or after the effect."""

import json
import re
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from flask import Flask, Response, g, request

from discuno.sandbox.world import World

Action = Literal[
    "latency", "error", "rate_limit", "lock_timeout", "drop_before", "drop_after", "error_after", "slow"
]
TOO_MANY: dict[str, tuple[dict[str, str], dict[str, str]]] = {  # the two kinds of 429: error and headers
    "rate_limit": (
        {"code": "rate_limit", "message": "Request rate limit exceeded."},
        {"Stripe-Rate-Limited-Reason": "endpoint-rate"},
    ),
    "lock_timeout": (
        {"code": "lock_timeout", "message": "Another request is accessing this object right now."},
        {"Stripe-Should-Retry": "true"},
    ),
}


@dataclass
class Fault:
    """One rule: what goes wrong, for which requests, and how often."""

    id: str
    path: str  # regular expression, matched against "METHOD /path"
    action: Action
    times: int = 1  # how many requests it hits; -1 for all
    seconds: float = 0.0  # for latency and slow
    status: int = 500  # for error and error_after
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def hits(self, method: str, path: str) -> bool:
        """Whether this rule is meant for that request."""
        return self.times != 0 and re.search(self.path, f"{method} {path}") is not None

    @property
    def code(self) -> int:
        """The HTTP status of the error it answers with."""
        return 429 if self.action in TOO_MANY else self.status

    def words(self) -> dict[str, Any]:
        """The JSON body of the error it answers with."""
        if self.action in TOO_MANY:
            said = {"type": "invalid_request_error", **TOO_MANY[self.action][0]}
        else:
            said = {"type": "api_error", "message": "The sandbox was told to fail."}
        return self.body or {"error": said}

    def signs(self) -> dict[str, str]:
        """The headers of that answer, such as `Stripe-Should-Retry`."""
        usual = TOO_MANY[self.action][1] if self.action in TOO_MANY else {}
        return {**usual, **self.headers}


def add(world: World, **rule: Any) -> Fault:
    """Plant a fault; see `Fault` for its words."""
    fault = Fault(id=world.new_id("flt_"), **rule)
    re.compile(fault.path)
    world.put("fault", asdict(fault))
    return fault


def take(world: World, method: str, path: str) -> list[Fault]:
    """The faults that hit this request, each counted down by one."""
    with world.lock:
        found = []
        for row in world.all("fault"):
            fault = Fault(**row)
            if fault.hits(method, path):
                found.append(fault)
                if fault.times > 0:
                    world.put("fault", {**row, "times": fault.times - 1})
        return found


def install(app: Flask, world: World, exempt: tuple[str, ...] = ("/control", "/mailbox", "/static")) -> None:
    """Let the planted faults strike every request of the vendors' paths."""

    @app.before_request
    def strike_before() -> Response | None:
        plain = request.path == "/" or request.path.startswith(exempt)
        g.faults = [] if plain else take(world, request.method, request.path)
        _wait("latency")
        if _planted("drop_before"):
            return cut()
        refusing = _planted("error", *TOO_MANY)
        return refusal(refusing[0]) if refusing else None

    @app.after_request
    def strike_after(response: Response) -> Response:
        if _planted("drop_after"):
            return cut()
        spoiled = spoiling()
        return refusal(spoiled) if spoiled else response


def _planted(*actions: str) -> list[Fault]:
    return [fault for fault in g.get("faults", []) if fault.action in actions]


def _wait(action: Action) -> None:
    for fault in _planted(action):
        time.sleep(fault.seconds)


def slow() -> bool:
    """Whether this request was told to be slow inside the work."""
    return bool(_planted("slow"))


def dawdle() -> None:
    """Be slow inside the work, where an idempotency key is already in use (action `slow`)."""
    _wait("slow")


def spoiling() -> Fault | None:
    """The fault that turns this request's answer into an error although the work is done."""
    return next(iter(_planted("error_after")), None)


def refusal(fault: Fault) -> Response:
    """The error answer a fault asks for."""
    response = Response(json.dumps(fault.words()), fault.code, content_type="application/json")
    response.headers.update(fault.signs())
    return response


def cut() -> Response:
    """Close the client's connection without an answer (needs werkzeug's server, which then gives up quietly)."""
    sock = request.environ.get("werkzeug.socket")
    if sock is not None:
        with suppress(OSError):  # cut already, before the work
            sock.shutdown(socket.SHUT_RDWR)
    return Response(status=503)
