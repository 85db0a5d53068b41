"""How Resend refuses, how it writes times, and the levers of this stand-in."""

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Response, jsonify

from discuno.sandbox.world import Record, World

LEVERS = {"requests_per_second": 5, "accept_seconds": 0.0}


@dataclass
class Refusal(Exception):
    """A request Resend would answer with an error."""

    status: int
    name: str
    message: str


def refuse(refusal: Refusal) -> Response:
    """The error in Resend's shape."""
    response = jsonify({"statusCode": refusal.status, "name": refusal.name, "message": refusal.message})
    response.status_code = refusal.status
    return response


def iso(moment: int) -> str:
    """Unix seconds as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def levers(world: World) -> Record:
    """`requests_per_second` (0: no limit) and `accept_seconds`, how long accepting a letter takes."""
    return {"id": "levers", **LEVERS, **(world.get("resend_setting", "levers") or {})}
