"""The Stripe.js stand-in: its script, the frames that hold card fields, and what they ask the server."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request

from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.stripe import pay
from discuno.sandbox.world import World

ROOM = Path(__file__).parent / "js"
PARTS = ("wire", "elements", "checkout", "door")  # of the one script, in this order
PAGES = {"payment", "address", "controller"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {app}"
)
GONE = {"error": {"message": "No such Checkout Session: is the client secret right?", "code": None}}


def blueprint(world: World, courier: Courier, settings: SandboxSettings) -> Blueprint:
    """Everything under /js; one per sandbox."""
    till = Till(world, courier, settings)
    room = Blueprint(
        "stripe_js", __name__, url_prefix="/js", static_folder="js", static_url_path="", template_folder="js"
    )
    room.add_url_rule("/stripe.js", view_func=script)
    room.add_url_rule("/frames/<name>.html", view_func=till.frame)
    room.add_url_rule("/challenge/<intent>", view_func=till.challenge)
    room.add_url_rule("/challenge/<intent>", view_func=till.answer_challenge, methods=["POST"])
    room.add_url_rule("/sessions", view_func=till.session)
    room.add_url_rule("/sessions/confirm", view_func=till.confirm, methods=["POST"])
    room.add_url_rule("/payment_methods", view_func=till.tokenize, methods=["POST"])
    room.before_request(till.refuse_strangers)
    room.after_request(till.guard)
    return room


def script() -> Response:
    """The parts as one classic script, for the real one is no module either."""
    parts = "\n".join((ROOM / "sdk" / f"{part}.js").read_text() for part in PARTS)
    return Response(
        f"(() => {{\n'use strict';\n\n{parts}}})();\n", content_type="text/javascript; charset=utf-8"
    )


def known_session(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer 404 in Stripe's shape when the client secret names no session."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Response:
        try:
            return view(*args, **kwargs)
        except pay.UnknownSession:
            response = jsonify(GONE)
            response.status_code = 404
            return response

    return answer


@dataclass(frozen=True)
class Till:
    """The views, and the world they act on."""

    world: World
    courier: Courier
    settings: SandboxSettings

    def frame(self, name: str) -> str:
        """A page that lives in a frame; it talks to the app's origin only."""
        if name not in PAGES:
            abort(404)
        return render_template(f"pages/{name}.html", app=self.settings.app_url)

    def challenge(self, intent: str) -> str:
        """The bank's page of 3-D Secure."""
        return render_template("pages/challenge.html", app=self.settings.app_url, intent=intent)

    def answer_challenge(self, intent: str) -> Response:
        """What the cardholder told the bank."""
        passed = bool(body().get("passed"))
        return jsonify(pay.finish_challenge(self.world, self.courier, self.settings, intent, passed=passed))

    @known_session
    def session(self) -> Response:
        """The browser's view of a Checkout Session, and where its buyer goes afterwards."""
        view = pay.session_view(self.world, request.args.get("client_secret", ""))
        record = self.world.get("stripe.checkout.session", view["id"]) or {}
        return jsonify({**view, "returnUrl": record.get("return_url")})

    @known_session
    def confirm(self) -> Response:
        """Pay an open session with a payment method made by `tokenize`."""
        wish = body()
        return jsonify(
            pay.confirm(
                self.world,
                self.courier,
                self.settings,
                str(wish.get("client_secret")),
                str(wish.get("payment_method")),
                email=wish.get("email"),
                billing=wish.get("billing"),
                return_url=wish.get("return_url"),
            )
        )

    def tokenize(self) -> Response:
        """Turn card fields into a payment method; the page only ever learns its id."""
        card = body()
        month, year = int(card.get("exp_month") or 0), int(card.get("exp_year") or 0)
        number, code = str(card.get("number", "")), str(card.get("cvc", ""))
        made = pay.tokenize(self.world, number, month, year, code, card.get("zip"))
        return jsonify({"error": made["error"]} if "error" in made else {"id": made["id"]})

    def refuse_strangers(self) -> None:
        """Let no other site's page read or pay a session."""
        origin = request.headers.get("Origin")
        if origin and origin not in (self.settings.app_url, request.host_url.rstrip("/")):
            abort(403, f"The sandbox serves {self.settings.app_url}, not {origin}.")

    def guard(self, response: Response) -> Response:
        """The headers that keep scripts, frames and origins where they belong."""
        response.headers["Content-Security-Policy"] = POLICY.format(app=self.settings.app_url)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Access-Control-Allow-Origin"] = self.settings.app_url
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Vary"] = "Origin"
        return response


def body() -> dict[str, Any]:
    """The JSON object of this request, or 400."""
    sent = request.get_json()
    if not isinstance(sent, dict):
        abort(400)
    return sent
