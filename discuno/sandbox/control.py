"""The levers of the sandbox, as JSON for tests and commands and as one page for people."""

import re
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from discuno.sandbox import faults
from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.stripe import accounts, disputes, pay, tick
from discuno.sandbox.stripe.cards import CARDS
from discuno.sandbox.stripe.desk import Desk, shown
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.world import World

RECENT = 25  # rows of a list on the page
STATE = ("checkout.session", "payment_intent", "charge", "refund", "transfer", "payout", "dispute", "account")


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


def _said() -> dict[str, Any]:
    return request.get_json(silent=True) or request.form.to_dict()


class Levers:
    """The views, and the desk they act at."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self) -> tuple[tuple[str, str, Any], ...]:
        """Method, path and view of every lever."""
        return (
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
            ("POST", "/stripe/accounts/<account>", self.account),
            ("POST", "/stripe/accounts/<account>/onboard", self.onboard),
            ("POST", "/stripe/settlement", self.settlement),
            ("POST", "/stripe/sessions/<session>/pay", self.pay),
            ("POST", "/stripe/charges/<charge>/dispute", self.dispute),
            ("POST", "/stripe/charges/<charge>/fraud_warning", self.fraud_warning),
            ("POST", "/stripe/disputes/<dispute>/settle", self.settle_dispute),
        )

    def advance(self) -> AnyResponse:
        """Move the clock by `seconds` and do what falls due; a form goes back to the page."""
        try:
            self.desk.world.advance(float(_said().get("seconds", 0)))
        except ValueError as error:
            raise Refusal(str(error)) from None
        done = tick.run(self.desk)
        return jsonify(now=self.desk.now, done=done) if request.is_json else redirect("/")

    def state(self) -> Response:
        """The clock and Stripe's objects."""
        objects = {kind: [shown(row) for row in self.desk.find(kind)] for kind in STATE}
        return jsonify(now=self.desk.now, shift=self.desk.world.shift, stripe=objects)

    def reset(self) -> Response:
        """Forget everything, once the deliveries in hand are made."""
        with self.desk.courier.carrying:
            self.desk.world.clear()
        return jsonify(ok=True)

    def plant(self) -> Response:
        """Plant a fault; the words are those of `Fault`."""
        try:
            return jsonify(asdict(faults.add(self.desk.world, **_said())))
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
            self.desk.courier.set_weather(channel, **_said())
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
            before = self._delivered()
            tried += self.desk.courier.deliver_due(early=True)
            if self._delivered() == before:
                break
        states = Counter(d["state"] for d in self.desk.world.all("delivery"))
        return jsonify(tried=tried, **states)

    def _delivered(self) -> int:
        return sum(1 for _ in self.desk.world.find("delivery", state="delivered"))

    def account(self, account: str) -> Response:
        """Flip a capability, payouts or requirements of an account."""
        with self.desk.world.lock:
            return jsonify(shown(accounts.steer(self.desk, account, _said())))

    def onboard(self, account: str) -> Response:
        """Finish onboarding, as the mentor would on Stripe's pages."""
        with self.desk.world.lock:
            return jsonify(shown(accounts.onboard(self.desk, account)))

    def settlement(self) -> Response:
        """How many days charges stay pending, from now on."""
        self.desk.change_setting("settlement_days", int(_said()["days"]))
        return jsonify(ok=True)

    def pay(self, session: str) -> Response:
        """Pay a session as a browser would, passing any challenge unless `challenge` is "fail"."""
        said = _said()
        secret = self.desk.load("checkout.session", session)["client_secret"]
        room = (self.desk.world, self.desk.courier, self.desk.settings)
        method = pay.tokenize(self.desk.world, said.get("card", "4242424242424242"), 12, 2040, "123", "94110")
        if "error" in method:
            return jsonify(type="error", error=method["error"])
        result = pay.confirm(
            *room, secret, method["id"], email=said.get("email"), billing=None, return_url=None
        )
        if result["type"] == "challenge" and said.get("challenge") != "leave":
            intent, passed = result["payment_intent"], said.get("challenge") != "fail"
            result = pay.finish_challenge(*room, intent, passed=passed)
        return jsonify(result)

    def dispute(self, charge: str) -> Response:
        """The buyer disputes a charge at the bank."""
        said = _said()
        with self.desk.world.lock:
            opened = disputes.open_dispute(
                self.desk,
                charge,
                said.get("reason", "fraudulent"),
                inquiry=bool(said.get("inquiry", False)),
                amount=said.get("amount"),
            )
            return jsonify(shown(opened))

    def fraud_warning(self, charge: str) -> Response:
        """The card network warns of fraud."""
        with self.desk.world.lock:
            return jsonify(shown(disputes.warn(self.desk, charge)))

    def settle_dispute(self, dispute: str) -> Response:
        """The bank decides: outcome won or lost."""
        with self.desk.world.lock:
            return jsonify(shown(disputes.settle(self.desk, dispute, _said()["outcome"])))

    def page(self) -> str:
        """What this is, its clock, its cards, and what happened lately."""

        def recent(kind: str) -> list[dict[str, Any]]:
            return self.desk.world.all(kind)[: -RECENT - 1 : -1]

        return render_template(
            "control.html",
            now=datetime.fromtimestamp(self.desk.now, UTC),
            ahead=round(self.desk.world.shift / 3600, 1),
            settings=self.desk.settings,
            cards=CARDS.values(),
            deliveries=recent("delivery"),
            sessions=recent("stripe.checkout.session"),
            transfers=recent("stripe.transfer"),
        )
