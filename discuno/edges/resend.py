"""Resend: handing over one letter, and reading what became of it.

Three errors leave this file. ResendDown: try again with the same key. ResendRefused: a definite no.
ResendSentBefore: it was handed over under this key, and only the answer was lost.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import resend
from resend.exceptions import ResendError
from resend.http_client_requests import RequestsClient

from discuno.config import Settings
from discuno.kit import failpoints
from discuno.kit.db import leave_transaction

TIMEOUT = 15  # seconds


class ResendDown(Exception):
    """No answer, too many requests, or trouble on their side."""


class ResendRefused(Exception):
    """A definite no, with Resend's words."""


class ResendSentBefore(Exception):
    """The key was taken by the same letter in other words: what it tells has moved on since the answer was lost."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter; its type may carry parameters."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class OutgoingLetter:
    """One letter, ready to be handed over."""

    sender: str
    to: str
    reply_to: str
    subject: str
    html: str
    text: str
    tags: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()


def configure(settings: Settings) -> None:
    """Set up the SDK of this process. No call is made."""
    resend.api_key = settings.resend_api_key.get_secret_value()
    resend.api_url = settings.resend_api_base
    resend.default_http_client = RequestsClient(timeout=TIMEOUT)


def send(letter: OutgoingLetter, *, key: str) -> str:
    """Hand over a letter; returns Resend's id. The same key never sends twice within a day.

    Raises ResendDown, ResendRefused, ResendSentBefore.
    """
    leave_transaction()
    params: resend.Emails.SendParams = {
        "from": letter.sender,
        "to": [letter.to],
        "reply_to": letter.reply_to,
        "subject": letter.subject,
        "html": letter.html,
        "text": letter.text,
        "tags": [{"name": name, "value": value} for name, value in letter.tags.items()],
    }
    if letter.attachments:
        params["attachments"] = [_attached(file) for file in letter.attachments]
    failpoints.reach("resend", "before")
    try:
        answer = resend.Emails.send(params, {"idempotency_key": key})
    except ResendError as error:
        raise _ours(error) from error
    failpoints.reach("resend", "after")
    resend_id = answer.get("id") if isinstance(answer, dict) else None
    if not resend_id:
        raise ResendDown("an answer without an id")
    return str(resend_id)


def _attached(file: Attachment) -> resend.Attachment:
    """In the SDK's form for bytes: a text in base64 has reached readers undecoded (resend-dotnet issue 58)."""
    return {"filename": file.filename, "content_type": file.content_type, "content": list(file.content)}


def _ours(error: ResendError) -> ResendDown | ResendRefused | ResendSentBefore:
    code = str(error.code)
    if error.error_type == "invalid_idempotent_request":
        return ResendSentBefore(f"{code} {error.error_type}")
    if code in ("429", "409", "408") or code.startswith("5") or not code.isdigit():
        return ResendDown(f"{code} {error.error_type}")
    return ResendRefused(f"{code} {error.error_type}: {error}")


class BadSignature(Exception):
    """The body was not signed by Resend with our secret."""


def read_webhook(body: bytes, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
    """The event in a signed body (Svix signature and timestamp). Raises BadSignature."""
    given = {name.lower(): value for name, value in headers.items()}
    try:
        resend.Webhooks.verify(
            {
                "payload": body.decode("utf-8"),
                "headers": {
                    "id": given.get("svix-id", ""),
                    "timestamp": given.get("svix-timestamp", ""),
                    "signature": given.get("svix-signature", ""),
                },
                "webhook_secret": secret,
            }
        )
        event = json.loads(body)
    except ValueError as error:
        raise BadSignature(str(error)) from error
    if not isinstance(event, dict):
        raise BadSignature("not an event")
    return event
