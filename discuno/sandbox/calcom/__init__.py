"""A stand-in for Cal.com's API v2: slots, reservations, bookings, event types, and their webhooks."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from discuno.sandbox.calcom import booking_list, bookings, control, event_types, hosting, owners, slots
from discuno.sandbox.calcom.answers import Refusal, refuse
from discuno.sandbox.calcom.gate import Desk, guarded, label
from discuno.sandbox.calcom.hooks import signer
from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import World

__all__ = ["blueprint", "signer"]

API = [
    *slots.ROUTES,
    *bookings.ROUTES,
    *booking_list.ROUTES,
    *hosting.ROUTES,
    *event_types.ROUTES,
    *owners.ROUTES,
]
EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def blueprint(world: World, courier: Courier, settings: SandboxSettings) -> Blueprint:
    """/calcom/v2/…, the call page /calcom/video/<uid>, and the levers /control/calcom/…"""
    desk = Desk(world, courier, settings)
    home = Path(__file__).parent.parent
    room = Blueprint(
        "calcom",
        __name__,
        template_folder=home / "templates",
        static_folder=home / "static",
        static_url_path="/calcom/static",
    )
    for number, route in enumerate(API):
        path = f"/calcom/v2{route.path}"
        room.add_url_rule(path, f"api_{number}", guarded(desk, route), methods=[route.method])
    for method, path, handle in control.ROUTES:
        room.add_url_rule(path, handle.__name__, _at_once(desk, handle), methods=[method])
    room.add_url_rule("/calcom/v2/<path:rest>", "unknown", _unknown, methods=EVERY_METHOD)
    room.register_error_handler(Refusal, refuse)
    room.after_request(label)
    return room


def _at_once(desk: Desk, handle: Callable[..., AnyResponse]) -> Callable[..., AnyResponse]:
    """A lever as a view that sees the world whole."""
    pull = partial(handle, desk)

    def view(**path: str) -> AnyResponse:
        with desk.world.lock:
            return pull(**path)

    return view


def _unknown(rest: str) -> Response:
    raise Refusal(404, f"Cannot {request.method} /v2/{rest}")
