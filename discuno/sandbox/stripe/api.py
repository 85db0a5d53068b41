"""The door: who asks, whether the request is well formed, and the answer in Stripe's shape."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from discuno.sandbox import faults
from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.stripe import accounts, files, hosted, tick
from discuno.sandbox.stripe.desk import API_VERSION, Ask, Desk
from discuno.sandbox.stripe.errors import BadParam, Refusal
from discuno.sandbox.stripe.expand import render
from discuno.sandbox.stripe.forms import nested
from discuno.sandbox.stripe.idempotency import Answer, Keys
from discuno.sandbox.stripe.routes import ROUTES, Route
from discuno.sandbox.stripe.traffic import Traffic, contended
from discuno.sandbox.stripe.validate import clean
from discuno.sandbox.world import World

VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Door:
    """Where requests are served: the desk, the idempotency keys and the traffic."""

    desk: Desk
    keys: Keys
    traffic: Traffic


def blueprint(world: World, courier: Courier, settings: SandboxSettings) -> Blueprint:
    """Everything under `/stripe`: the API of both generations and the pages Stripe hosts."""
    desk = Desk(world, courier, settings)
    keys, traffic = Keys(world), Traffic()
    api = Blueprint("stripe", __name__, url_prefix="/stripe", template_folder="templates")
    api.record_once(lambda setup: setup.app.extensions.update(stripe_traffic=traffic))
    for number, route in enumerate(ROUTES):
        api.add_url_rule(
            route.path, f"r{number}", _view(Door(desk, keys, traffic), route), methods=[route.method]
        )
    api.add_url_rule("/<path:rest>", "unknown", _unknown(desk), methods=VERBS)
    hosted.add(api, desk)
    return api


def _view(door: Door, route: Route) -> Callable[..., Response]:
    endpoint = f"{route.method} {route.path}"

    def view(**ids: str) -> Response:
        request_id = door.desk.world.new_id("req_", 14)
        try:
            door.traffic.admit(door.desk, endpoint)
            answer = _answer(door, route, ids, request_id)
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body(request_id), headers=refusal.headers)
        return _response(answer, request_id)

    return view


def _unknown(desk: Desk) -> Callable[..., Response]:
    def view(rest: str) -> Response:
        request_id = desk.world.new_id("req_", 14)
        refusal = Refusal(f"Unrecognized request URL ({request.method}: /{rest}).", status=404)
        return _response(Answer(404, refusal.body(request_id)), request_id)

    return view


def _answer(door: Door, route: Route, ids: dict[str, str], request_id: str) -> Answer:
    desk = door.desk
    _authorize(desk)
    account = request.headers.get("Stripe-Account")
    if account:
        accounts.load(desk, account)
    params = _params(route)
    ask = Ask(params, ids, account)

    if request.method != "POST":
        return _work(desk, route, ask, request_id)

    def write() -> Answer:
        with door.traffic.holding(contended(desk, ask), slow=faults.slow()):
            return _work(desk, route, ask, request_id)

    key = request.headers.get("Idempotency-Key")
    if not key:
        return write()
    fingerprint = json.dumps([request.path, account, params], sort_keys=True, default=str)
    return door.keys.once(f"{account or ''}:{key}", fingerprint, write)


def _work(desk: Desk, route: Route, ask: Ask, request_id: str) -> Answer:
    faults.dawdle()
    answer = _execute(desk, route, ask, request_id)
    spoiled = faults.spoiling()
    return Answer(spoiled.code, spoiled.words(), headers=spoiled.signs()) if spoiled else answer


def _authorize(desk: Desk) -> None:
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(key.encode(), desk.settings.stripe_secret_key.encode()):
        said = f"Invalid API Key provided: {key[:7]}****" if key else "You did not provide an API key."
        raise Refusal(said, status=401, kept=False)
    version = request.headers.get("Stripe-Version")
    if version != API_VERSION:
        raise Refusal(
            f"Invalid Stripe API version: {version}; this sandbox speaks {API_VERSION}.", kept=False
        )


def _params(route: Route) -> dict[str, Any]:
    try:
        raw = _raw(route)
        if route.refuse:
            route.refuse(raw)
        return clean(route.params, raw)
    except BadParam as bad:
        raise Refusal(bad.message, bad.code, bad.param, kept=False) from None


def _raw(route: Route) -> dict[str, Any]:
    if route.method == "GET":
        return nested(request.args.items(multi=True))
    if not route.path.startswith("/v2/"):
        return nested([*request.form.items(multi=True), *files.received(request.files)])
    body = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise BadParam("The body must be a JSON object.", "")
    return body


def _execute(desk: Desk, route: Route, ask: Ask, request_id: str) -> Answer:
    with desk.world.lock:
        tick.run(desk)
        try:
            record = route.handle(desk, ask)
            return Answer(200, render(desk, record, ask.params.get("expand") or []))
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body(request_id), refusal.kept)


def _response(answer: Answer, request_id: str) -> Response:
    response = Response(json.dumps(answer.body), answer.status, content_type="application/json")
    response.headers.update(answer.headers)
    response.headers["Request-Id"] = request_id
    response.headers["Stripe-Version"] = API_VERSION
    key = request.headers.get("Idempotency-Key")
    if key:
        response.headers["Idempotency-Key"] = key
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
