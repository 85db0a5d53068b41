"""What Cal.com tells by webhook: one small shape for every trigger, wrapped or flat. It is a hint, not the truth."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

UID = re.compile(r"[A-Za-z0-9_-]{1,200}")  # it becomes part of an address


class Unreadable(LookupError):
    """A message in a shape that we do not know."""


@dataclass(frozen=True)
class Told:
    """What a message names. `former_uid` is what a rescheduled booking was; `at` is when it was told, if it says so.

    `absent` are the addresses of attendees who are said not to have come, of `attendees` there are so many.
    """

    uid: str
    former_uid: str | None
    event_type_id: int | None
    at: datetime | None
    host_absent: bool
    absent: tuple[str, ...]
    attendees: int

    def says_absent(self, email: str) -> bool:
        """Whether this attendee is said not to have come; a single attendee may be listed under a mangled address."""
        return email.lower() in self.absent or (self.attendees == 1 and len(self.absent) == 1)


def is_signed(body: bytes, header: str, secret: str) -> bool:
    """Whether Cal.com signed this body with our secret."""
    ours = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(ours.encode(), header.strip().lower().encode())


def read_news(event: dict[str, Any]) -> Told:
    """The message of any trigger that is about a booking. Raises Unreadable when it names none.

    A flat one carries the booking's own `createdAt`, which may be months old; its start is what dates it.
    """
    payload = event.get("payload")
    about = payload if isinstance(payload, dict) else event
    dated = event.get("createdAt") if about is payload else about.get("startTime")
    people = [p for p in _list(about.get("attendees")) if isinstance(p, dict)]
    uid = _uid(about.get("uid")) or _uid(about.get("bookingUid"))
    if uid is None:
        raise Unreadable("the message names no booking")
    return Told(
        uid=uid,
        former_uid=_uid(about.get("rescheduleUid")),
        event_type_id=_number(about.get("eventTypeId")) or _number(_dict(about.get("eventType")).get("id")),
        at=_instant(dated),
        host_absent=about.get("noShowHost") is True,
        absent=tuple(str(p.get("email") or "").lower() for p in people if p.get("noShow") is True),
        attendees=len(people),
    )


def _uid(found: object) -> str | None:
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return text if UID.fullmatch(text) else None


def _number(found: object) -> int | None:
    text = str(found)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _instant(found: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(str(found))
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _list(found: object) -> list[Any]:
    return found if isinstance(found, list) else []


def _dict(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
