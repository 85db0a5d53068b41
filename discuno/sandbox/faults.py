"""Trouble on demand: latency, error answers, connections cut before or after the effect."""

import json
import re
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from flask import Flask, Response, g, request

from discuno.sandbox.world import World

Action = Literal["latency", "error", "rate_limit", "drop_before", "drop_after", "error_after"]


@dataclass
class Fault:
    """One rule: what goes wrong, for which requests, and how often."""

    id: str
    path: str  # regular expression, matched against "METHOD /path"
    action: Action
    times: int = 1  # how many requests it hits; -1 for all
    seconds: float = 0.0  # for latency
    status: int = 500  # for error and error_after
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def hits(self, method: str, path: str) -> bool:
        """Whether this rule is meant for that request."""
        return self.times != 0 and re.search(self.path, f"{method} {path}") is not None


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


def install(app: Flask, world: World, exempt: tuple[str, ...] = ("/control", "/mailbox")) -> None:
    """Let the planted faults strike every request of the vendors' paths."""

    @app.before_request
    def strike_before() -> Response | None:
        g.faults = [] if request.path.startswith(exempt) else take(world, request.method, request.path)
        for fault in g.faults:
            if fault.action == "latency":
                time.sleep(fault.seconds)
            elif fault.action == "drop_before":
                cut()
            elif fault.action in ("error", "rate_limit"):
                return refusal(fault)
        return None

    @app.after_request
    def strike_after(response: Response) -> Response:
        for fault in g.get("faults", []):
            if fault.action == "drop_after":
                cut()
            elif fault.action == "error_after":
                return refusal(fault)
        return response


def refusal(fault: Fault) -> Response:
    """The error answer a fault asks for."""
    status = 429 if fault.action == "rate_limit" else fault.status
    body = fault.body or {"error": {"type": "api_error", "message": "The sandbox was told to fail."}}
    response = Response(status=status, content_type="application/json")
    response.set_data(json.dumps(body))
    response.headers.update(fault.headers)
    return response


class ConnectionCut(Exception):
    """Raised after the socket was closed, so that nothing more is written to it."""


def cut() -> None:
    """Close the client's connection without an answer (needs werkzeug's server)."""
    sock = request.environ.get("werkzeug.socket")
    if sock is not None:
        sock.shutdown(2)
    raise ConnectionCut
