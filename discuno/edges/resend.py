"""Resend: handing over letters, one or many at once, and reading what became of them. Raises mail.py's errors."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import requests
import resend
from resend.exceptions import ResendError
from resend.http_client import HTTPClient

from discuno.config import Settings
from discuno.edges.mail import (
    Attachment,
    CarrierBusy,
    CarrierClosed,
    CarrierRefused,
    CarrierUnsure,
    OutgoingLetter,
    QuotaSpent,
    SentBefore,
)
from discuno.kit import failpoints
from discuno.kit.db import leave_transaction

TIMEOUT = 15  # seconds
MOST_IN_BATCH = 100
QUOTAS = ("daily_quota_exceeded", "monthly_quota_exceeded")
BUSY = ("429", "425")  # too many requests, too early: nothing was begun
CLOSED = ("401", "403")  # the key, or the domain
UNSURE = ("408", "409")  # no answer in time; the same key is being worked on


class NotReached(Exception):
    """There was no connection, so nothing can have been taken."""


class Client(HTTPClient):
    """The SDK's way out, over connections that are kept, and telling whether there was one at all."""

    def __init__(self) -> None:
        self._session = requests.Session()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: dict[str, object] | list[object] | None = None,
        files: dict[str, Any] | None = None,
        data: dict[str, str] | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request. Raises NotReached, or whatever `requests` raises; the SDK wraps both."""
        try:
            answer = self._session.request(
                method, url, headers=dict(headers), json=json, files=files, data=data, timeout=TIMEOUT
            )
        except requests.ConnectTimeout as error:
            raise NotReached(type(error).__name__) from error
        except requests.ConnectionError as error:
            if _was_never_open(error):
                raise NotReached(type(error).__name__) from error
            raise
        return answer.content, answer.status_code, answer.headers


def _was_never_open(error: requests.ConnectionError) -> bool:
    """Whether the connection was not made; one that broke may have carried the letter."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return type(cause).__name__ in ("NewConnectionError", "NameResolutionError")


def configure(settings: Settings) -> None:
    """Set up the SDK of this process. No call is made."""
    resend.api_key = settings.resend_api_key.get_secret_value()
    resend.api_url = settings.resend_api_base
    resend.default_http_client = Client()


def send(letter: OutgoingLetter, *, key: str) -> str:
    """Hand over a letter; returns Resend's id. The same key never sends twice within a day."""
    leave_transaction()
    failpoints.reach("resend", "before")
    try:
        answer: Any = resend.Emails.send(_params(letter), {"idempotency_key": key})
    except ResendError as error:
        raise _ours(error) from error
    failpoints.reach("resend", "after")
    return _id(answer)


def send_batch(letters: Sequence[OutgoingLetter], *, key: str) -> list[str]:
    """Hand over at most a hundred, without files, in one call: all of them are taken, or none. Ids in their order."""
    leave_transaction()
    failpoints.reach("resend", "before")
    try:
        answer: Any = resend.Batch.send([_params(letter) for letter in letters], {"idempotency_key": key})
    except ResendError as error:
        raise _ours(error) from error
    failpoints.reach("resend", "after")
    taken = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(taken, list) or len(taken) != len(letters):
        raise CarrierUnsure("an answer without an id for each letter")
    return [_id(each) for each in taken]


def _id(answer: Any) -> str:
    """The SDK hands on what is no error to it, whatever it is: without an id nothing is known."""
    resend_id = answer.get("id") if isinstance(answer, dict) else None
    if not resend_id:
        raise CarrierUnsure("an answer without an id")
    return str(resend_id)


def _params(letter: OutgoingLetter) -> resend.Emails.SendParams:
    params: resend.Emails.SendParams = {
        "from": letter.sender,
        "to": [letter.to],
        "reply_to": letter.reply_to,
        "subject": letter.subject,
        "html": letter.html,
        "text": letter.text,
        "tags": [{"name": name, "value": value} for name, value in letter.tags.items()],
    }
    if letter.headers:
        params["headers"] = dict(letter.headers)
    if letter.attachments:
        params["attachments"] = [_attached(file) for file in letter.attachments]
    return params


def _attached(file: Attachment) -> resend.Attachment:
    """In the SDK's form for bytes: a text in base64 has reached readers undecoded (resend-dotnet issue 58)."""
    return {"filename": file.filename, "content_type": file.content_type, "content": list(file.content)}


def _ours(error: ResendError) -> Exception:
    code, kind = str(error.code), error.error_type
    said = f"{code} {kind}"
    if kind == "invalid_idempotent_request":
        return SentBefore(said)
    if isinstance(error.__context__, NotReached):
        return CarrierBusy("no connection to Resend")
    if kind in QUOTAS:
        return QuotaSpent(said)
    if code in BUSY:
        return CarrierBusy(said)
    if code in UNSURE or code.startswith("5") or not code.isdigit():
        return CarrierUnsure(said)
    refused = CarrierClosed if code in CLOSED else CarrierRefused
    return refused(f"{said}: {error}")


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
