"""Webhooks as Cal.com sends them, and their signature."""

import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from discuno.sandbox.calcom import calendar
from discuno.sandbox.calcom.answers import iso
from discuno.sandbox.calcom.gate import Desk
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import Record

WEBHOOK_VERSION = "2021-10-20"


def signer(settings: SandboxSettings) -> Callable[[bytes], Mapping[str, str]]:
    """Headers for a body: hex HMAC-SHA256 of its bytes. No timestamp is signed, so it can be replayed."""

    def sign(body: bytes) -> Mapping[str, str]:
        digest = hmac.new(settings.calcom_webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        return {"X-Cal-Signature-256": digest, "X-Cal-Webhook-Version": WEBHOOK_VERSION}

    return sign


def announce(desk: Desk, trigger: str, booking: Record, **more: Any) -> None:
    """Owe the app a webhook about a booking. (The real sender tries once; our courier tries again.)"""
    payload = _payload(desk, booking) | more
    if trigger == "BOOKING_CANCELLED":
        payload.pop("metadata")  # as in the documented sample
        payload["destinationCalendar"] = []
    send(desk, trigger, payload)


def send(desk: Desk, trigger: str, payload: dict[str, Any]) -> None:
    """Owe the app a webhook in the usual envelope."""
    _owe(desk, {"triggerEvent": trigger, "createdAt": iso(desk.world.now()), "payload": payload})


def _owe(desk: Desk, event: dict[str, Any]) -> None:
    trigger = event["triggerEvent"]
    desk.courier.send("calcom", f"{desk.settings.app_url}/webhooks/calcom", json.dumps(event), trigger)


def send_flat(desk: Desk, trigger: str, booking: Record) -> None:
    """Owe the app a webhook about a meeting: flat, with the booking's own `createdAt` in it."""
    kind = calendar.type_of(desk.world, booking)
    absent = booking.get("absent_attendee", False)
    event = {
        "triggerEvent": trigger,
        "id": booking["number"],
        "uid": booking["id"],
        "idempotencyKey": f"{trigger.lower()}-{booking['id']}",
        "createdAt": iso(booking["created"]),
        "startTime": iso(booking["start"]),
        "endTime": iso(booking["end"]),
        "status": booking["status"],
        "metadata": booking["metadata"],
        "eventTypeId": booking["event_type"],
        "noShowHost": booking.get("absent_host", False),
        "user": {"email": kind["ownerEmail"], "name": kind["ownerName"], "timeZone": kind["timeZone"]},
        "attendees": [{**attendee_fields(booking["attendee"]), "noShow": absent}],
        "destinationCalendar": None,
    }
    _owe(desk, event)


def send_no_show(desk: Desk, booking: Record, who: str) -> None:
    """What Cal Video tells when one side has not joined; `who` is host or attendee."""
    kind = calendar.type_of(desk.world, booking)
    person = booking["attendee"]
    payload = {
        "title": booking["title"],
        "bookingId": booking["number"],
        "bookingUid": booking["id"],
        "startTime": iso(booking["start"]),
        "endTime": iso(booking["end"]),
        "attendees": [{**attendee_fields(person), "noShow": who == "attendee"}],
        "participants": [],
        "eventType": {"id": booking["event_type"]},
        "webhook": {"id": "whk_1", "subscriberUrl": "", "time": 5, "timeUnit": "MINUTE"},
        "message": f"The {who} has not joined",
    }
    if who == "host":
        payload |= {"hostEmail": kind["ownerEmail"], "noShowHost": True}
        send(desk, "AFTER_HOSTS_CAL_VIDEO_NO_SHOW", payload)
    else:
        send(desk, "AFTER_GUESTS_CAL_VIDEO_NO_SHOW", {**payload, "guests": [attendee_fields(person)]})


def owner_id(username: str) -> int:
    """A stable number for a host."""
    return zlib.crc32(username.encode()) % 1_000_000 + 1


def meeting_url(desk: Desk, uid: str) -> str:
    """Where the call of a booking would be."""
    return f"{desk.settings.own_url}/calcom/video/{uid}"


def attendee_fields(attendee: Record) -> dict[str, Any]:
    """An attendee with the fields that were given."""
    return {k: attendee[k] for k in ("name", "email", "timeZone", "phoneNumber") if attendee.get(k)}


def _payload(desk: Desk, booking: Record) -> dict[str, Any]:
    kind = calendar.type_of(desk.world, booking)
    url = meeting_url(desk, booking["id"])
    person = booking["attendee"]
    responses = {k: {"label": k, "value": person.get(k)} for k in ("name", "email") if person.get(k)}
    return {
        "uid": booking["id"],
        "bookingId": booking["number"],
        "eventTypeId": booking["event_type"],
        "type": kind["slug"],
        "title": booking["title"],
        "startTime": plain(booking["start"]),
        "endTime": plain(booking["end"]),
        "length": (booking["end"] - booking["start"]) // 60,
        "status": booking["status"].upper(),
        "organizer": {
            "id": owner_id(kind["username"]),
            "name": kind["ownerName"],
            "email": kind["ownerEmail"],
            "username": kind["username"],
            "timeZone": kind["timeZone"],
        },
        "attendees": [attendee_fields(person)],
        "responses": responses,
        "location": url,
        "videoCallData": {"type": "daily_video", "id": booking["id"], "password": "", "url": url},
        "metadata": {"videoCallUrl": url, **booking["metadata"]},
        "destinationCalendar": None,
        "iCalUID": booking["icsUid"],
        "iCalSequence": booking["sequence"],
        "price": 0,
        "currency": "usd",
    }


def plain(moment: int) -> str:
    """Webhooks carry no milliseconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
