"""Levers that Cal.com does not have: event types to start with, and bookings made elsewhere."""

from collections.abc import Callable
from typing import Literal

from flask import Response, jsonify, redirect, render_template, request
from pydantic import BaseModel, Field, StrictInt
from werkzeug.wrappers import Response as AnyResponse

from discuno.sandbox.calcom import bookings, calendar, event_types, hooks, owners
from discuno.sandbox.calcom.answers import Moment, Refusal, read
from discuno.sandbox.calcom.booking_view import view
from discuno.sandbox.calcom.gate import Desk
from discuno.sandbox.world import Record


class Busy(BaseModel):
    """A time taken directly on Cal.com; without an end it is one session long."""

    eventTypeId: StrictInt
    start: Moment
    end: Moment | None = None
    announce: bool = True  # whether the webhook of it is sent


class Foreign(BaseModel):
    """A booking of one of our types, made at Cal.com itself by somebody who need not be a stranger."""

    eventTypeId: StrictInt
    start: Moment
    email: str = "somebody.else@example.com"
    metadata: dict[str, str] = {}


class Act(BaseModel):
    """What somebody does to a booking at Cal.com: `by` is host, attendee, or nobody when it is not said who."""

    by: Literal["host", "attendee", "nobody"] = "host"
    reason: str = ""
    start: Moment | None = None
    days: int = 1  # later, when no start is given


class RateLimit(BaseModel):
    """Requests a caller may make in 60 s."""

    limit: StrictInt = Field(ge=0)


def put_event_type(desk: Desk) -> Response:
    """Create or replace an event type by owner and slug; answers its id."""
    return jsonify({"id": int(event_types.put(desk.world, read(event_types.Seeded))["id"])})


def change_event_type(desk: Desk, number: str) -> Response:
    """Change an event type as its owner would at Cal.com: rename, lengthen, hide, remove."""
    kind = desk.world.get("calcom_event_type", number)
    if kind is None:
        raise Refusal(404, f"Event type with id {number} not found.")
    changed = {**kind, **read(event_types.Change).model_dump(exclude_none=True)}
    return jsonify({"id": int(desk.world.put("calcom_event_type", changed)["id"])})


def give_key(desk: Desk) -> Response:
    """Give an owner an API key of their own."""
    return jsonify({"username": owners.give_key(desk.world, read(owners.NewKey))["username"]})


def revoke_key(desk: Desk, key: str) -> Response:
    """Take an owner's key away."""
    owners.known_key(desk.world, key)
    desk.world.delete("calcom_key", key)
    return jsonify({"revoked": True})


def take(desk: Desk) -> Response:
    """Take an hour as the host's other calendars would: over reservations, and not as a booking of a type of ours."""
    busy = read(Busy)
    kind = calendar.event_type(desk.world, busy.eventTypeId)
    span = (busy.start, busy.end or busy.start + kind["lengthInMinutes"] * 60)
    bookings.require_free(desk.world, kind, span)
    elsewhere = {**kind, "slug": "elsewhere", "title": "Something else", "requiresConfirmation": False}
    elsewhere = event_types.put(desk.world, event_types.Seeded.model_validate(elsewhere))
    booking = _stranger(desk, elsewhere, span, "somebody.else@example.com", {})
    if busy.announce:
        hooks.announce(desk, "BOOKING_CREATED", booking)
    return jsonify(view(desk, booking))


def book(desk: Desk) -> Response:
    """Book one of our types on Cal.com's own page, with whatever metadata somebody has copied."""
    foreign = read(Foreign)
    kind = calendar.event_type(desk.world, foreign.eventTypeId)
    span = (foreign.start, foreign.start + kind["lengthInMinutes"] * 60)
    bookings.require_free(desk.world, kind, span)
    booking = _stranger(desk, kind, span, foreign.email, foreign.metadata)
    hooks.announce(
        desk, "BOOKING_REQUESTED" if booking["status"] == "pending" else "BOOKING_CREATED", booking
    )
    return jsonify(view(desk, booking))


def _stranger(desk: Desk, kind: Record, span: calendar.Span, email: str, metadata: dict[str, str]) -> Record:
    person = {"name": "Somebody Else", "email": email, "timeZone": kind["timeZone"], "language": "en"}
    return bookings.enter(desk.world, kind, span, person, guests=[], metadata=metadata, responses={})


def _act() -> Act:
    """The body of a lever, or the form of a button."""
    return read(Act) if request.is_json else Act.model_validate(request.form.to_dict())


def _done(desk: Desk, booking: Record) -> AnyResponse:
    return jsonify(view(desk, booking)) if request.is_json else redirect("/")


def cancel(desk: Desk, uid: str) -> AnyResponse:
    """Somebody cancels a booking at Cal.com itself."""
    act, booking = _act(), bookings.existing(desk.world, uid)
    done = bookings.call_off(desk, booking, reason=act.reason, by=_address(desk, booking, act))
    return _done(desk, done)


def move(desk: Desk, uid: str) -> AnyResponse:
    """Somebody moves a booking at Cal.com itself; without a start, by `days`."""
    act, booking = _act(), bookings.existing(desk.world, uid)
    start = act.start if act.start is not None else booking["start"] + act.days * 24 * 3600
    moved = bookings.Move.model_construct(start=start, rescheduledBy=_address(desk, booking, act))
    return _done(desk, bookings.put_off(desk, booking, moved))


def no_show(desk: Desk, uid: str) -> AnyResponse:
    """Cal Video has seen nobody on one side."""
    act, booking = _act(), bookings.existing(desk.world, uid)
    hooks.send_no_show(desk, booking, act.by)
    return _done(desk, booking)


def meeting(desk: Desk, uid: str, what: str) -> AnyResponse:
    """A meeting has started, or ended."""
    booking = bookings.existing(desk.world, uid)
    hooks.send_flat(desk, f"MEETING_{what.upper()}", booking)
    return _done(desk, booking)


def _address(desk: Desk, booking: Record, act: Act) -> str | None:
    host = calendar.type_of(desk.world, booking)["ownerEmail"]
    known: dict[str, str | None] = {"host": host, "attendee": booking["attendee"].get("email")}
    return known.get(act.by)


def all_bookings(desk: Desk) -> Response:
    """Every booking, oldest first."""
    return jsonify({"bookings": [view(desk, b) for b in desk.world.all("calcom_booking")]})


def set_rate_limit(desk: Desk) -> Response:
    """Change the rate limit of every caller."""
    limit = read(RateLimit).limit
    desk.world.put("calcom_setting", {"id": "rate_limit", "limit": limit})
    return jsonify({"limit": limit})


def video(desk: Desk, uid: str) -> Response:
    """The page behind a meeting's link."""
    page = render_template("calcom/video.html", booking=view(desk, bookings.existing(desk.world, uid)))
    return Response(
        page, headers={"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:"}
    )


ROUTES: list[tuple[str, str, Callable[..., AnyResponse]]] = [
    ("POST", "/control/calcom/event-types", put_event_type),
    ("POST", "/control/calcom/event-types/<number>", change_event_type),
    ("POST", "/control/calcom/keys", give_key),
    ("POST", "/control/calcom/keys/<key>/revoke", revoke_key),
    ("POST", "/control/calcom/busy", take),
    ("POST", "/control/calcom/foreign", book),
    ("POST", "/control/calcom/bookings/<uid>/cancel", cancel),
    ("POST", "/control/calcom/bookings/<uid>/move", move),
    ("POST", "/control/calcom/bookings/<uid>/no-show", no_show),
    ("POST", "/control/calcom/bookings/<uid>/meeting/<any(started, ended):what>", meeting),
    ("GET", "/control/calcom/bookings", all_bookings),
    ("POST", "/control/calcom/rate-limit", set_rate_limit),
    ("GET", "/calcom/video/<uid>", video),
]
