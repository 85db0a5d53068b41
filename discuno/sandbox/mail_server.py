"""A mail server of the stand-ins: what Resend does not take comes here, and lies in the same mailbox."""

import base64
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ValidationError

from discuno.sandbox.resend.answers import Refusal, refuse
from discuno.sandbox.resend.letters import stored
from discuno.sandbox.world import Record, World

BODIES = ("text/plain", "text/html")
OWN_LINES = ("list-unsubscribe", "list-unsubscribe-post", "message-id", "date")
Mood = Literal["takes", "busy", "refuses", "silent"]


class Lever(BaseModel, extra="forbid"):
    """How it answers: it takes letters, is busy (451), refuses (550), or takes one and does not say so."""

    mood: Mood


@dataclass
class Post:
    """What is done with a letter that comes in."""

    world: World

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep it, or do as the lever says; the answer is SMTP's."""
        mood = _mood(self.world)
        if mood == "busy":
            return "451 Try again later"
        if mood == "refuses":
            return "550 No such mailbox"
        self._keep(envelope)
        if mood == "silent" and server.transport is not None:
            server.transport.close()
        return "250 Taken"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        message: EmailMessage = BytesParser(policy=policy.default).parsebytes(raw)
        with self.world.lock:
            now = self.world.now()
            letter = stored(_read(message, envelope.rcpt_tos), now)
            events = [{"event": "sent", "at": now, "to": envelope.rcpt_tos}]
            self.world.put(
                "resend_email", {**letter, "carrier": "smtp", "events": events, "last_event": "sent"}
            )


def _read(message: EmailMessage, recipients: list[str]) -> Record:
    parts = {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}
    bodies = {name: str(parts[name].get_content()) if name in parts else None for name in BODIES}
    return {
        "from": str(message["From"]),
        "to": recipients,
        "cc": [],
        "bcc": [],
        "reply_to": [str(message["Reply-To"])] if message["Reply-To"] else [],
        "subject": str(message["Subject"]),
        "html": bodies["text/html"],
        "text": bodies["text/plain"],
        "headers": {name: str(value) for name, value in message.items() if name.lower() in OWN_LINES},
        "tags": [],
        "attachments": [
            _file(part) for part in message.walk() if not part.is_multipart() and not _is_body(part)
        ],
    }


def _is_body(part: Any) -> bool:
    return part.get_content_type() in BODIES and not part.get_filename()


def _file(part: Any) -> Record:
    data = part.get_payload(decode=True)
    return {
        "filename": part.get_filename() or part.get_content_type().replace("/", "."),
        "content_type": str(part["Content-Type"]),
        "content_id": None,
        "path": None,
        "size": len(data),
        "content": base64.b64encode(data).decode(),
    }


def _mood(world: World) -> Mood:
    row = world.get("smtp_setting", "lever") or {}
    mood: Mood = row.get("mood", "takes")
    return mood


def open_post(world: World, host: str, port: int) -> Controller:
    """Listen in a thread of its own until `stop()` is called."""
    controller = Controller(Post(world), hostname=host, port=port)
    controller.start()
    return controller


def blueprint(world: World) -> Blueprint:
    """The lever POST /control/smtp."""
    room = Blueprint("smtp", __name__)

    @room.post("/control/smtp")
    def lever() -> Response:
        try:
            wanted = Lever.model_validate(request.get_json(silent=True))
        except ValidationError as error:
            raise Refusal(422, "validation_error", str(error)) from error
        return jsonify(world.put("smtp_setting", {"id": "lever", "mood": wanted.mood}))

    room.register_error_handler(Refusal, refuse)
    return room
