"""A letter as Resend takes it: validated, brought to one shape, stored."""

import base64
import binascii
import mimetypes
import re
import uuid
from collections.abc import Callable
from email.utils import parseaddr
from typing import Any

from discuno.sandbox.resend.answers import Refusal
from discuno.sandbox.world import Record

ADDRESS = re.compile(r"^[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+$")
TAG = re.compile(r"^[A-Za-z0-9_-]{1,256}$")
MOST_RECIPIENTS = 50
MOST_BYTES = 40 * 1024 * 1024  # attachments together, encoded


def read(body: Any) -> Record:
    """The letter of a request body; 422 with the first fault found."""
    if not isinstance(body, dict):
        raise Refusal(422, "validation_error", "The request body must be a JSON object.")
    for check in CHECKS:
        check(body)
    return {
        "from": body["from"],
        **{field: many(body.get(field)) for field in ("to", "cc", "bcc", "reply_to")},
        "subject": body["subject"],
        "html": body.get("html"),
        "text": body.get("text"),
        "headers": body.get("headers") or {},
        "tags": body.get("tags") or [],
        "attachments": [_attachment(a) for a in body.get("attachments") or []],
    }


def stored(letter: Record, now: int) -> Record:
    """A new letter with an id and no history yet."""
    return {"id": str(uuid.uuid4()), **letter, "created": now, "events": [], "last_event": "queued"}


def many(value: Any) -> list[str]:
    """One address or a list of them, as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def bare(address: str) -> str:
    """The address alone, without a name, in lower case."""
    return parseaddr(address)[1].lower()


def content(attachment: Record) -> bytes:
    """The bytes of a stored attachment; none for one that was given by its path."""
    return base64.b64decode(attachment["content"])


def _require_fields(body: Record) -> None:
    for field in ("from", "to", "subject"):
        if not body.get(field):
            raise Refusal(422, "missing_required_field", f"Missing `{field}` field.")
    if not body.get("html") and not body.get("text"):
        raise Refusal(422, "missing_required_field", "Missing `html` or `text` field.")


def _check_addresses(body: Record) -> None:
    for field in ("from", "to", "cc", "bcc", "reply_to"):
        for address in many(body.get(field)):
            if not isinstance(address, str) or not _is_address(address):
                raise _invalid(
                    f"Invalid `{field}` field. The email address needs to follow the "
                    "`email@example.com` or `Name <email@example.com>` format."
                )
    if len(many(body["to"])) > MOST_RECIPIENTS:
        raise _invalid(f"The `to` field has more than {MOST_RECIPIENTS} addresses.")


def _is_address(text: str) -> bool:
    if "\n" in text or "\r" in text:
        return False
    named = re.fullmatch(r"[^<>]*<([^<>]+)>", text)
    return ADDRESS.fullmatch(named.group(1) if named else text) is not None


def _check_words(body: Record) -> None:
    for field in ("subject", "html", "text"):
        if body.get(field) is not None and not isinstance(body[field], str):
            raise _invalid(f"The `{field}` must be a string.")
    if re.search(r"[\r\n]", body["subject"]):
        raise _invalid("The `\\n` is not allowed in the `subject` field.")


def _check_headers(body: Record) -> None:
    headers = body.get("headers") or {}
    if not isinstance(headers, dict):
        raise _invalid("The `headers` field must be an object.")
    for name, value in headers.items():
        if not isinstance(value, str) or re.search(r"[\r\n]", name + value):
            raise _invalid(f"Invalid header `{name[:40]}`.")


def _check_tags(body: Record) -> None:
    for tag in body.get("tags") or []:
        words = (tag.get("name"), tag.get("value")) if isinstance(tag, dict) else (None, None)
        if not all(isinstance(word, str) and TAG.fullmatch(word) for word in words):
            raise _invalid("Tags should only contain ASCII letters, numbers, underscores, or dashes.")


def _check_schedule(body: Record) -> None:
    if body.get("scheduled_at"):
        raise _invalid("The sandbox sends at once: `scheduled_at` is not supported here.")


def _check_attachments(body: Record) -> None:
    attachments = body.get("attachments") or []
    for attachment in attachments:
        if not isinstance(attachment, dict) or not (attachment.get("content") or attachment.get("path")):
            raise Refusal(
                422, "invalid_attachment", "Attachment must have either a `content` or `path` property."
            )
    if sum(len(a.get("content") or "") for a in attachments) > MOST_BYTES:
        raise _invalid("The attachments are larger than 40 MB together.")


def _attachment(given: Record) -> Record:
    """One shape for content sent as base64, as a list of bytes, or named by its path and not fetched."""
    raw = given.get("content") or ""
    try:
        data = bytes(raw) if isinstance(raw, list) else base64.b64decode(raw, validate=True)
    except (ValueError, TypeError, binascii.Error) as error:
        raise Refusal(422, "invalid_attachment", "Attachment content is not base64.") from error
    filename = given.get("filename") or str(given.get("path", "")).rsplit("/", 1)[-1] or "attachment"
    return {
        "filename": filename,
        "content_type": given.get("content_type")
        or mimetypes.guess_type(filename)[0]
        or "application/octet-stream",
        "content_id": given.get("content_id") or given.get("inline_content_id"),
        "path": given.get("path"),
        "size": len(data),
        "content": base64.b64encode(data).decode(),
    }


def _invalid(message: str) -> Refusal:
    return Refusal(422, "validation_error", message)


CHECKS: tuple[Callable[[Record], None], ...] = (
    _require_fields,
    _check_addresses,
    _check_words,
    _check_headers,
    _check_tags,
    _check_schedule,
    _check_attachments,
)
