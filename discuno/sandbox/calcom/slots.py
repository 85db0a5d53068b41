"""Slots and their reservations (version 2024-09-04)."""

import uuid
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, jsonify, request
from pydantic import BaseModel, Field, StrictInt

from discuno.sandbox.calcom import calendar
from discuno.sandbox.calcom.answers import Moment, Refusal, iso, known_zone, query, read, success
from discuno.sandbox.calcom.gate import Desk, Route, has_key, key_holder, require_owner
from discuno.sandbox.world import Record

VERSION = ("2024-09-04",)
DEFAULT_MINUTES = 5


class Wanted(BaseModel):
    """Body of a reservation; times in UTC, `reservationDuration` in minutes."""

    eventTypeId: StrictInt
    slotStart: Moment
    slotDuration: StrictInt | None = None
    reservationDuration: StrictInt | None = Field(default=None, ge=1)


def show(desk: Desk) -> Response:
    """GET /slots: free times by local date; without any, an empty object."""
    kind = _asked_for(desk)
    zone = ZoneInfo(query("timeZone", known_zone, "UTC"))
    with_end = query("format", _format, "time") == "range"
    days: dict[str, list[dict[str, str]]] = {}
    moving = request.args.get("bookingUidToReschedule")
    for start, end in calendar.free_slots(desk.world, kind, _window(), moving):
        slot = {"start": _local(start, zone)}
        if with_end:
            slot["end"] = _local(end, zone)
        days.setdefault(slot["start"][:10], []).append(slot)
    return success(days)


def reserve(desk: Desk) -> Response:
    """POST /slots/reservations: keep a slot from others for some minutes.

    As in the real service only overlaps are checked, not the working hours.
    """
    row = _reservation(desk, read(Wanted), str(uuid.uuid4()))
    return success(_view(desk.world.put("calcom_reservation", row)), 201)


def get(desk: Desk, uid: str) -> Response:
    """GET a reservation; data is null when there is none (any more)."""
    row = desk.world.get("calcom_reservation", uid)
    return success(_view(row) if row and row["until"] > desk.world.now() else None)


def change(desk: Desk, uid: str) -> Response:
    """PATCH a reservation: other slot, or a new term from now."""
    if desk.world.get("calcom_reservation", uid) is None:
        raise Refusal(404, f"Reserved slot with uid={uid} not found.")
    return success(_view(desk.world.put("calcom_reservation", _reservation(desk, read(Wanted), uid))))


def release(desk: Desk, uid: str) -> Response:
    """DELETE a reservation; an unknown one is fine."""
    desk.world.delete("calcom_reservation", uid)
    return jsonify({"status": "success"})


def _asked_for(desk: Desk) -> Record:
    number = query("eventTypeId", int)
    if number is not None:
        return calendar.event_type(desk.world, number)
    slug, host = request.args.get("eventTypeSlug"), request.args.get("username")
    if not slug or not host:
        raise Refusal(400, "One of eventTypeId, or eventTypeSlug with username, is required.")
    for kind in desk.world.find("calcom_event_type", slug=slug, username=host):
        return kind
    raise Refusal(404, f"Event type with slug {slug} not found.")


def _window() -> calendar.Span:
    start = query("start", partial(calendar.day_or_moment, end=False))
    end = query("end", partial(calendar.day_or_moment, end=True))
    if start is None or end is None or end <= start:
        raise Refusal(400, "Invalid time range given - check the 'start' and 'end' query parameters.")
    return start, end


def _format(text: str) -> str:
    if text not in ("range", "time"):
        raise ValueError("must be one of range, time")
    return text


def _local(moment: int, zone: ZoneInfo) -> str:
    """Local time with its offset; at offset zero Cal.com writes Z."""
    local = datetime.fromtimestamp(moment, zone)
    return local.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _reservation(desk: Desk, wanted: Wanted, uid: str) -> Record:
    kind = calendar.event_type(desk.world, wanted.eventTypeId)
    if wanted.slotDuration is not None:
        raise Refusal(400, "slotDuration can only be given for event types with several lengths.")
    if wanted.reservationDuration is not None and not has_key():
        raise Refusal(401, "reservationDuration can only be used for authenticated requests.")
    if wanted.reservationDuration is not None:
        require_owner(kind["username"])
    span = (wanted.slotStart, wanted.slotStart + kind["lengthInMinutes"] * 60)
    if calendar.booked(desk.world, kind["username"], span):
        raise Refusal(422, "Can't reserve a slot if the event is already booked.")
    if calendar.reserved(desk.world, kind["username"], span, except_uid=uid):
        raise Refusal(
            422,
            "This time slot is already reserved by another user. Please choose a different time.",
        )
    minutes = wanted.reservationDuration or DEFAULT_MINUTES
    return {
        "id": uid,
        "event_type": wanted.eventTypeId,
        "username": kind["username"],
        "start": span[0],
        "end": span[1],
        "minutes": minutes,
        "by_key_of": key_holder(),
        "until": desk.world.now() + minutes * 60,
    }


def _view(row: Record) -> dict[str, Any]:
    return {
        "eventTypeId": row["event_type"],
        "slotStart": iso(row["start"]),
        "slotEnd": iso(row["end"]),
        "slotDuration": (row["end"] - row["start"]) // 60,
        "reservationUid": row["id"],
        "reservationDuration": row["minutes"],
        "reservationUntil": iso(row["until"]),
    }


ROUTES = [
    Route("GET", "/slots", show, VERSION),
    Route("POST", "/slots/reservations", reserve, VERSION),
    Route("GET", "/slots/reservations/<uid>", get, VERSION),
    Route("PATCH", "/slots/reservations/<uid>", change, VERSION),
    Route("DELETE", "/slots/reservations/<uid>", release, VERSION),
]
