"""Resend's endpoints for letters: one, a batch, and looking one up."""

import time
from collections.abc import Callable
from typing import Any

from flask import Response, jsonify, request
from pydantic import BaseModel, Field, ValidationError

from discuno.sandbox.resend.answers import Refusal, iso, levers
from discuno.sandbox.resend.delivery import deliver
from discuno.sandbox.resend.gate import Desk, enter, once
from discuno.sandbox.resend.letters import read, stored
from discuno.sandbox.world import Record

MOST_IN_BATCH = 100


class Levers(BaseModel, extra="forbid"):
    """Change of the stand-in's behaviour; what is not named stays."""

    requests_per_second: int | None = Field(default=None, ge=0)
    accept_seconds: float | None = Field(default=None, ge=0, le=30)


def send(desk: Desk) -> Response:
    """POST /emails: accept one letter and answer its id."""
    enter(desk)
    return once(desk, lambda: {"id": _accept(desk, read(request.get_json(silent=True)))})


def send_batch(desk: Desk) -> Response:
    """POST /emails/batch: up to 100 letters; strict (all or none) unless asked to be permissive."""
    enter(desk)
    permissive = request.headers.get("x-batch-validation") == "permissive"
    return once(desk, lambda: _accept_batch(desk, request.get_json(silent=True), permissive))


def show(desk: Desk, letter_id: str) -> Response:
    """GET /emails/{id}."""
    enter(desk)
    letter = desk.world.get("resend_email", letter_id)
    if letter is None:
        raise Refusal(404, "not_found", "Email not found")
    shown = ("id", "from", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "tags", "last_event")
    return jsonify(
        {
            "object": "email",
            **{field: letter[field] for field in shown},
            "created_at": iso(letter["created"]),
            "message_id": f"<{letter['id']}@resend.dev>",
        }
    )


def set_levers(desk: Desk) -> Response:
    """POST /control/resend: change the rate limit, or how long accepting takes."""
    try:
        change = Levers.model_validate(request.get_json(silent=True)).model_dump(exclude_none=True)
    except ValidationError as error:
        raise Refusal(422, "validation_error", str(error)) from error
    row = desk.world.put("resend_setting", {**levers(desk.world), **change})
    return jsonify(row)


def _accept(desk: Desk, letter: Record) -> str:
    """Take in a valid letter; returns its id."""
    time.sleep(levers(desk.world)["accept_seconds"])
    with desk.world.lock:
        kept = deliver(desk, stored(letter, desk.world.now()))
    return str(kept["id"])


def _accept_batch(desk: Desk, bodies: Any, permissive: bool) -> dict[str, Any]:
    if not isinstance(bodies, list) or not 1 <= len(bodies) <= MOST_IN_BATCH:
        raise Refusal(422, "validation_error", f"A batch is a list of 1 to {MOST_IN_BATCH} emails.")
    letters: list[Record] = []
    errors: list[dict[str, Any]] = []
    for index, body in enumerate(bodies):
        try:
            letters.append(_batchable(read(body)))
        except Refusal as refusal:
            if not permissive:
                raise
            errors.append({"index": index, "message": refusal.message})
    answer: dict[str, Any] = {"data": [{"id": _accept(desk, letter)} for letter in letters]}
    return {**answer, "errors": errors} if permissive else answer


def _batchable(letter: Record) -> Record:
    if letter["attachments"]:
        raise Refusal(422, "validation_error", "The `attachments` field is not supported in a batch.")
    return letter


ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("POST", "/resend/emails", send),
    ("POST", "/resend/emails/batch", send_batch),
    ("GET", "/resend/emails/<letter_id>", show),
    ("POST", "/control/resend", set_levers),
]
