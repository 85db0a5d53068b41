"""A stand-in for the phone of whoever looks after money: their six digits, by this world's clock."""

import tomllib
from pathlib import Path
from typing import Any

import pyotp
from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import World

CATALOGUE = Path(__file__).parent / "catalogue.toml"
STEP = 30  # seconds that a code is shown
KIND = "authenticator"


def blueprint(world: World, _courier: Courier, _settings: SandboxSettings) -> Blueprint:
    """The page /authenticator."""
    phone = Phone(world)
    room = Blueprint("authenticator", __name__)
    room.add_url_rule("/authenticator", "page", phone.page, methods=["GET"])
    room.add_url_rule("/authenticator", "add", phone.add, methods=["POST"])
    return room


class Phone:
    """Everybody's app on one page: those of the catalogue, and those that were added by hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.planted = tomllib.loads(CATALOGUE.read_text())["staff"]

    def page(self) -> Response:
        """What each app shows now. It reloads itself when the codes turn, unless somebody types."""
        now, adding = self.world.now(), "add" in request.args
        left = STEP - now % STEP
        apps = [{**app, "code": self._code(app["secret"], now)} for app in self._apps()]
        page = render_template("authenticator.html", apps=apps, left=left, adding=adding, wrong="")
        response = make_response(page)
        if not adding:
            response.headers["Refresh"] = str(left + 1)
        return response

    def add(self) -> AnyResponse:
        """One more, by the secret that the page of the app shows in letters."""
        secret = "".join(request.form.get("secret", "").split()).upper()
        try:
            self._code(secret, 0)
        except ValueError:
            wrong = "That is no secret: it has letters and the digits 2 to 7 alone."
            page = render_template("authenticator.html", apps=[], left=0, adding=True, wrong=wrong)
            return make_response(page, 422)
        name = request.form.get("name", "").strip()[:100] or "Somebody"
        self.world.put(KIND, {"id": secret, "name": name})
        return redirect("/authenticator")

    def _apps(self) -> list[dict[str, Any]]:
        added = [{"name": app["name"], "email": "", "secret": app["id"]} for app in self.world.all(KIND)]
        keys = ("name", "email")
        return [*({k: p[k] for k in keys} | {"secret": p["authenticator"]} for p in self.planted), *added]

    @staticmethod
    def _code(secret: str, now: int) -> str:
        if not secret:
            raise ValueError("no secret")
        return pyotp.TOTP(secret).at(now)
