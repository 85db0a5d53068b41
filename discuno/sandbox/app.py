"""All stand-ins as one Flask app, and the server that runs it with its courier and its clock."""

import logging
import socket
import threading
from collections.abc import Mapping
from dataclasses import replace
from wsgiref.types import WSGIApplication

from aiosmtpd.controller import Controller
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from discuno.sandbox import authenticator, calcom, control, faults, mail_server, resend, stripe_js
from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.stripe import api, events, tick
from discuno.sandbox.stripe.desk import Desk
from discuno.sandbox.world import World

LIVE = ("sk_live", "rk_live", "pk_live", "cal_live_")
HEARTBEAT = 0.25  # seconds between two looks at the clock


class LiveKey(ValueError):
    """Somebody gave the sandbox a key that could move real money."""


def create_sandbox(settings: SandboxSettings) -> Flask:
    """The app with every stand-in; its world and courier are in `app.extensions`."""
    refuse_live(settings)
    world = World(settings.journal)
    signers = {
        **events.signers(settings),
        "calcom": calcom.signer(settings),
        "resend": resend.signer(settings),
    }
    courier = Courier(world, signers)
    app = Flask("discuno.sandbox")
    app.extensions.update(world=world, courier=courier, sandbox_settings=settings)
    faults.install(app, world)
    for room in (api, stripe_js, calcom, resend, authenticator, control):
        app.register_blueprint(room.blueprint(world, courier, settings))
    app.register_blueprint(mail_server.blueprint(world))
    return app


def refuse_live(settings: SandboxSettings) -> None:
    """Raise LiveKey when any of the keys looks live."""
    keys = {
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
        "STRIPE_PUBLISHABLE_KEY": settings.stripe_publishable_key,
        "CALCOM_API_KEY": settings.calcom_api_key,
    }
    for name, key in keys.items():
        if key.startswith(LIVE):
            raise LiveKey(f"The sandbox does not start with live keys: {name} is one.")


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Keep errors, drop the rest."""
        if type == "error":
            logging.getLogger("discuno.sandbox").error(message, *args)


class Sandbox:
    """A running sandbox: the server, the courier and the clock, each in its thread."""

    def __init__(self, app: Flask, server: BaseWSGIServer) -> None:
        self.app, self.server = app, server
        self.world: World = app.extensions["world"]
        self.courier: Courier = app.extensions["courier"]
        self._desk = Desk(self.world, self.courier, app.extensions["sandbox_settings"])
        self._stop = threading.Event()
        self._post: Controller | None = None
        self._ticker = threading.Thread(target=self._tick, name="clock", daemon=True)
        self._serving = threading.Thread(
            target=server.serve_forever, args=(0.05,), name="sandbox", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.app.extensions["sandbox_settings"].own_url)

    def start(self) -> None:
        """Listen, carry webhooks and let time pass, in the background."""
        self.courier.start()
        self._ticker.start()
        self._serving.start()

    def open_post(self, host: str, port: int) -> None:
        """Take letters by SMTP as well."""
        self._post = mail_server.open_post(self.world, host, port)

    def wait(self) -> None:
        """Block until the server stops."""
        while self._serving.is_alive():
            self._serving.join(timeout=1)

    def stop(self) -> None:
        """Stop all three and close the port."""
        self._stop.set()
        if self._post is not None:
            self._post.stop()
        self.server.shutdown()
        self.courier.stop()
        self._ticker.join(timeout=5)
        self.server.server_close()

    def _tick(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            tick.run(self._desk)


def serve(
    settings: SandboxSettings,
    host: str = "127.0.0.1",
    port: int = 0,
    mounts: Mapping[str, WSGIApplication] | None = None,
) -> Sandbox:
    """Start a sandbox; port 0 takes any free one, and `own_url` follows. `mounts` are other apps, by path."""
    with socket.create_server((host, port)) as listener:
        if port == 0:
            settings = replace(settings, own_url=f"http://{host}:{listener.getsockname()[1]}")
        app = create_sandbox(settings)
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, dict(mounts or {}))  # type: ignore[method-assign]  # how Flask wraps middleware
        server = make_server(host, port, app, threaded=True, request_handler=Quiet, fd=listener.fileno())
        running = Sandbox(app, server)
    running.start()
    return running
