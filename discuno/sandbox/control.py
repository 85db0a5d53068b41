"""The levers of the sandbox, as JSON for tests and commands and as one page for people."""

import re
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from discuno.sandbox import faults
from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.stripe import tick
from discuno.sandbox.stripe.cards import CARDS
from discuno.sandbox.stripe.desk import Desk, shown
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.levers import StripeLevers, said
from discuno.sandbox.world import World

RECENT = 25  # rows of a list on the page
STATE = (
    "checkout.session",
    "payment_intent",
    "charge",
    "refund",
    "transfer",
    "transfer_reversal",
    "payout",
    "dispute",
    "file",
    "review",
    "radar.early_fraud_warning",
    "balance_transaction",
    "account",
)


def blueprint(world: World, courier: Courier, settings: SandboxSettings) -> Blueprint:
    """The page at `/` and everything under `/control`."""
    levers = Levers(Desk(world, courier, settings))
    room = Blueprint("control", __name__)
    room.add_url_rule("/", "page", levers.page)
    for method, path, view in levers.routes():
        room.add_url_rule(f"/control{path}", f"{method} {path}", view, methods=[method])
    room.register_error_handler(Refusal, _refused)
    return room


def _refused(refusal: Refusal) -> tuple[Response, int]:
    return jsonify(refusal.body("req_control")), refusal.status


class Levers:
    """The views, and the desk they act at."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self) -> tuple[tuple[str, str, Any], ...]:
        """Method, path and view of every lever."""
        stripes = StripeLevers(self.desk).routes()
        return (
            *((method, f"/stripe{path}", view) for method, path, view in stripes),
            ("POST", "/advance", self.advance),
            ("GET", "/state", self.state),
            ("POST", "/reset", self.reset),
            ("POST", "/faults", self.plant),
            ("GET", "/faults", self.planted),
            ("DELETE", "/faults", self.clear_faults),
            ("POST", "/weather/<channel>", self.weather),
            ("GET", "/deliveries", self.deliveries),
            ("POST", "/deliveries/<delivery>/resend", self.resend),
            ("POST", "/deliveries/flush", self.flush),
        )

    def advance(self) -> AnyResponse:
        """Move the clock by `seconds` and do what falls due; a form goes back to the page."""
        try:
            self.desk.world.advance(float(said().get("seconds", 0)))
        except ValueError as error:
            raise Refusal(str(error)) from None
        done = tick.run(self.desk)
        return jsonify(now=self.desk.now, done=done) if request.is_json else redirect("/")

    def state(self) -> Response:
        """The clock and Stripe's objects, of the kinds named in `?kinds=` or of all but events."""
        kinds = request.args["kinds"].split(",") if "kinds" in request.args else STATE
        objects = {kind: [shown(row) for row in self.desk.find(kind)] for kind in kinds}
        return jsonify(now=self.desk.now, shift=self.desk.world.shift, stripe=objects)

    def reset(self) -> Response:
        """Forget everything, once the deliveries in hand are made."""
        with self.desk.courier.carrying:
            self.desk.world.clear()
        current_app.extensions["stripe_traffic"].forget()
        return jsonify(ok=True)

    def plant(self) -> Response:
        """Plant a fault; the words are those of `Fault`."""
        try:
            return jsonify(asdict(faults.add(self.desk.world, **said())))
        except (TypeError, re.error) as error:
            raise Refusal(str(error)) from None

    def planted(self) -> Response:
        """The faults, with what is left of them."""
        return jsonify(self.desk.world.all("fault"))

    def clear_faults(self) -> Response:
        """Pull all faults out."""
        for fault in self.desk.world.all("fault"):
            self.desk.world.delete("fault", fault["id"])
        return jsonify(ok=True)

    def weather(self, channel: str) -> Response:
        """Change how webhooks of a channel fare."""
        try:
            self.desk.courier.set_weather(channel, **said())
        except TypeError as error:
            raise Refusal(str(error)) from None
        return jsonify(asdict(self.desk.courier.weather(channel)))

    def deliveries(self) -> Response:
        """Every webhook, oldest first."""
        return jsonify(self.desk.world.all("delivery"))

    def resend(self, delivery: str) -> AnyResponse:
        """Make one webhook due again."""
        self.desk.courier.resend(delivery)
        return jsonify(ok=True) if request.is_json else redirect("/")

    def flush(self) -> Response:
        """Try everything owed now, and what that brings, until nothing new leaves; counts by state."""
        tried = 0
        for _ in range(20):
            before = self._states().get("delivered")
            tried += self.desk.courier.deliver_due(early=True)
            if self._states().get("delivered") == before:
                break
        return jsonify(tried=tried, **self._states())

    def _states(self) -> dict[str, int]:
        return self.desk.world.tally("delivery", "state")

    def page(self) -> str:
        """What this is, its clock, its cards, and what happened lately."""

        def recent(kind: str) -> list[dict[str, Any]]:
            return self.desk.world.all(kind)[: -RECENT - 1 : -1]

        return render_template(
            "control.html",
            now=datetime.fromtimestamp(self.desk.now, UTC),
            at=partial(datetime.fromtimestamp, tz=UTC),
            ahead=round(self.desk.world.shift / 3600, 1),
            settings=self.desk.settings,
            cards=CARDS.values(),
            deliveries=recent("delivery"),
            sessions=recent("stripe.checkout.session"),
            transfers=recent("stripe.transfer"),
            bookings=recent("calcom_booking"),
            calcom_keys=self.desk.world.all("calcom_key"),
            levers=[(method, path, view.__doc__.partition("\n")[0]) for method, path, view in self.routes()],
        )
