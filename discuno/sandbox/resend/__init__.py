"""A stand-in for Resend: letters are accepted, validated, delivered to a mailbox page, and reported."""

from functools import partial
from pathlib import Path

from flask import Blueprint

from discuno.sandbox.courier import Courier
from discuno.sandbox.resend import api, mailbox
from discuno.sandbox.resend.answers import Refusal, refuse
from discuno.sandbox.resend.delivery import signer
from discuno.sandbox.resend.gate import Desk, label
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import World

__all__ = ["blueprint", "signer"]


def blueprint(world: World, courier: Courier, settings: SandboxSettings) -> Blueprint:
    """/resend/emails…, the pages /mailbox…, and the levers /control/resend."""
    desk = Desk(world, courier, settings)
    home = Path(__file__).parent.parent
    room = Blueprint(
        "resend",
        __name__,
        template_folder=home / "templates",
        static_folder=home / "static",
        static_url_path="/mailbox/static",
    )
    for method, path, handle in (*api.ROUTES, *mailbox.ROUTES):
        room.add_url_rule(path, handle.__name__, partial(handle, desk), methods=[method])
    room.register_error_handler(Refusal, refuse)
    room.after_request(label)
    return room
