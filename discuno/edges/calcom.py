"""Cal.com API v2: slots, reservations and bookings of mentors who keep their calendar there.

Cal.com knows no idempotency key: before a create is repeated, `find_booking` asks whether it happened.
Two errors leave this file. CalcomDown: the outcome is unknown. CalcomRefused: a definite no.
"""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from pydantic import BaseModel, ValidationError

from discuno.config import Settings
from discuno.kit import failpoints
from discuno.kit.db import leave_transaction

SLOTS = "2024-09-04"
BOOKINGS = "2026-02-25"  # a missing version header silently selects the oldest shape
TIMEOUT = (5, 15)  # seconds
OUR_KEY = "discunoBooking"  # in the metadata of every booking that we make


class CalcomDown(Exception):
    """No answer, or one that tells nothing: the outcome is unknown."""


class CalcomRefused(Exception):
    """A definite no, with Cal.com's words."""


class Place(BaseModel):
    """A booking at Cal.com, as far as we need it; unknown fields are tolerated."""

    uid: str
    status: str = "accepted"
    meetingUrl: str | None = None
    location: str | None = None
    metadata: dict[str, Any] = {}

    @property
    def is_pending(self) -> bool:
        """Whether it still waits for the host."""
        return self.status == "pending"

    @property
    def link(self) -> str | None:
        """Where the session takes place, when it is an address."""
        for address in (self.meetingUrl, self.location):
            if address and address.startswith(("https://", "http://")):
                return address
        return None


_base = ""
_key = ""
_mine = threading.local()  # a requests session is not for several threads at once


def configure(settings: Settings) -> None:
    """Set up the connection of this process. No call is made."""
    global _base, _key
    _base = settings.calcom_api_base
    _key = settings.calcom_api_key.get_secret_value() if settings.calcom_api_key else ""


def _ask(method: str, path: str, version: str, **request: Any) -> Any:
    """One call; returns what stands under `data`."""
    leave_transaction()
    headers = {"cal-api-version": version, "Authorization": f"Bearer {_key}"}
    failpoints.reach("calcom", "before")
    try:
        answer = _session().request(
            method, f"{_base}{path}", headers=headers, timeout=TIMEOUT, allow_redirects=False, **request
        )
        body = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise CalcomDown(f"{method} {path}: {type(error).__name__}") from error
    failpoints.reach("calcom", "after")
    if answer.status_code in (401, 403, 429) or answer.status_code >= 500:  # our key, our pace, their trouble
        raise CalcomDown(f"{method} {path}: {answer.status_code}")
    if answer.status_code >= 400:
        raise CalcomRefused(_message(body))
    return body.get("data") if isinstance(body, dict) else None


def _session() -> requests.Session:
    if not hasattr(_mine, "session"):
        _mine.session = requests.Session()
    session: requests.Session = _mine.session
    return session


def _message(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or "Cal.com refused without saying why")[:500]


def slots(event_type_id: int, first: datetime, last: datetime) -> list[datetime]:
    """Free starting times between two instants, in UTC."""
    query = {"eventTypeId": str(event_type_id), "start": _utc(first), "end": _utc(last), "timeZone": "UTC"}
    data = _ask("GET", "/slots", SLOTS, params=query)
    try:
        return sorted(
            datetime.fromisoformat(s["start"]).astimezone(UTC) for day in data.values() for s in day
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CalcomDown("slots in a shape that we do not know") from error


def reserve(event_type_id: int, start: datetime, lasting: timedelta) -> str:
    """Keep a slot while somebody pays; returns the reservation's uid."""
    wanted = {
        "eventTypeId": event_type_id,
        "slotStart": _utc(start),
        "reservationDuration": int(lasting.total_seconds() // 60),
    }
    return str(_ask("POST", "/slots/reservations", SLOTS, json=wanted)["reservationUid"])


def drop_reservation(uid: str) -> None:
    """Give a reserved slot back; one that is gone already is no trouble."""
    try:
        _ask("DELETE", f"/slots/reservations/{uid}", SLOTS)
    except CalcomRefused:
        return


def book(
    event_type_id: int,
    start: datetime,
    *,
    name: str,
    email: str,
    zone: str,
    booking_id: str,
    reservation: str | None,
) -> Place:
    """Make the booking, with our id in its metadata."""
    wanted: dict[str, Any] = {
        "eventTypeId": event_type_id,
        "start": _utc(start),
        "attendee": {"name": name, "email": email, "timeZone": zone, "language": "en"},
        "metadata": {OUR_KEY: booking_id},
    }
    if reservation is not None:
        wanted["reservedSlotUid"] = reservation
    return _place(_ask("POST", "/bookings", BOOKINGS, json=wanted))


def accept(uid: str) -> Place:
    """Accept, as the host, a booking of a type that asks for the host's confirmation."""
    return _place(_ask("POST", f"/bookings/{uid}/confirm", BOOKINGS, json={}))


def cancel(uid: str, reason: str) -> None:
    """Take a booking back; one that is cancelled already is no trouble."""
    try:
        _ask("POST", f"/bookings/{uid}/cancel", BOOKINGS, json={"cancellationReason": reason})
    except CalcomRefused:
        return


def find_booking(event_type_id: int, start: datetime, *, email: str, booking_id: str) -> Place | None:
    """The live booking that carries our id, if an earlier attempt made it after all."""
    for found in _bookings(event_type_id, start, email):
        if found.metadata.get(OUR_KEY) == booking_id and found.status in ("accepted", "pending"):
            return found
    return None


def _bookings(event_type_id: int, start: datetime, email: str) -> Iterator[Place]:
    skip, page = 0, 100
    while True:
        query: dict[str, str] = {
            "eventTypeId": str(event_type_id),
            "attendeeEmail": email,
            "afterStart": _utc(start - timedelta(minutes=1)),
            "take": str(page),
            "skip": str(skip),
        }
        data = _ask("GET", "/bookings", BOOKINGS, params=query) or []
        yield from (_place(item) for item in data)
        if len(data) < page:
            return
        skip += page


def _place(data: Any) -> Place:
    try:
        return Place.model_validate(data)
    except ValidationError as error:
        raise CalcomDown("a booking in a shape that we do not know") from error


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_signed(body: bytes, header: str, secret: str) -> bool:
    """Whether Cal.com signed this body with our secret."""
    ours = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(ours.encode(), header.strip().lower().encode())
