"""One stand-in on a free port, called as the app calls the real vendor, its webhooks caught in the app's place."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Blueprint, Flask, request
from werkzeug.serving import make_server

from discuno.sandbox import faults
from discuno.sandbox.courier import Courier, Signer
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import World


@dataclass
class Stand:
    """A running stand-in, and the webhooks that arrived."""

    url: str
    world: World
    courier: Courier
    settings: SandboxSettings
    hooks: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def told(self) -> list[dict[str, Any]]:
        """Deliver what is owed and return every webhook so far."""
        self.courier.deliver_due()
        return [json.loads(body) for _, body in self.hooks]


S = TypeVar("S", bound=Stand)


@contextmanager
def standing(
    kind: type[S],
    vendor: str,
    signer: Callable[[SandboxSettings], Signer],
    blueprint: Callable[[World, Courier, SandboxSettings], Blueprint],
) -> Iterator[S]:
    """The stand-in of a vendor, until the block ends."""
    app, world = Flask(__name__), World()
    faults.install(app, world)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    settings = SandboxSettings(app_url=url, own_url=url)
    courier = Courier(world, {vendor: signer(settings)})
    app.register_blueprint(blueprint(world, courier, settings))
    stand = kind(url, world, courier, settings)

    @app.post(f"/webhooks/{vendor}")
    def hook() -> str:
        stand.hooks.append((dict(request.headers), request.get_data()))
        return ""

    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield stand
    server.shutdown()
    server.server_close()
