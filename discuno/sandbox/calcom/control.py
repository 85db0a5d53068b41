"""Levers that Cal.com does not have: event types to start with, and bookings made elsewhere."""

from collections.abc import Callable

from flask import Response, jsonify, render_template
from pydantic import BaseModel, Field, StrictInt

from discuno.sandbox.calcom import bookings, calendar, event_types, hooks
from discuno.sandbox.calcom.answers import Moment, read
from discuno.sandbox.calcom.booking_view import view
from discuno.sandbox.calcom.gate import Desk


class Busy(BaseModel):
    """A time taken directly on Cal.com; without an end it is one session long."""

    eventTypeId: StrictInt
    start: Moment
    end: Moment | None = None
    announce: bool = True  # whether the webhook of it is sent


class RateLimit(BaseModel):
    """Requests a caller may make in 60 s."""

    limit: StrictInt = Field(ge=0)


def put_event_type(desk: Desk) -> Response:
    """Create or replace an event type by owner and slug; answers its id."""
    return jsonify({"id": int(event_types.put(desk.world, read(event_types.Seeded))["id"])})


def take(desk: Desk) -> Response:
    """Book a time as a stranger would on Cal.com's own page: over reservations, without our metadata."""
    busy = read(Busy)
    kind = calendar.event_type(desk.world, busy.eventTypeId)
    span = (busy.start, busy.end or busy.start + kind["lengthInMinutes"] * 60)
    bookings.require_free(desk.world, kind, span)
    stranger = {
        "name": "Somebody Else",
        "email": "somebody.else@example.com",
        "timeZone": kind["timeZone"],
        "language": "en",
    }
    booking = bookings.enter(desk.world, kind, span, stranger, guests=[], metadata={}, responses={})
    if busy.announce:
        hooks.announce(desk, "BOOKING_CREATED", booking)
    return jsonify(view(desk, booking))


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


ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("POST", "/control/calcom/event-types", put_event_type),
    ("POST", "/control/calcom/busy", take),
    ("GET", "/control/calcom/bookings", all_bookings),
    ("POST", "/control/calcom/rate-limit", set_rate_limit),
    ("GET", "/calcom/video/<uid>", video),
]
