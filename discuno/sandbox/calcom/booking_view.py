"""A booking in the shape the API answers with."""

from typing import Any

from discuno.sandbox.calcom import calendar, hooks
from discuno.sandbox.calcom.answers import iso
from discuno.sandbox.calcom.gate import Desk
from discuno.sandbox.world import Record

WHEN_GIVEN = (
    "cancellationReason",
    "cancelledByEmail",
    "reschedulingReason",
    "rescheduledByEmail",
    "rescheduledFromUid",
    "rescheduledToUid",
)


def view(desk: Desk, booking: Record) -> dict[str, Any]:
    """The booking as `data`."""
    kind = calendar.type_of(desk.world, booking)
    url = hooks.meeting_url(desk, booking["id"])
    return {
        "id": booking["number"],
        "uid": booking["id"],
        "title": booking["title"],
        "description": "",
        "status": booking["status"],
        "hosts": [_host(kind)],
        "start": iso(booking["start"]),
        "end": iso(booking["end"]),
        "duration": (booking["end"] - booking["start"]) // 60,
        "eventTypeId": booking["event_type"],
        "eventType": {"id": booking["event_type"], "slug": kind["slug"]},
        "location": url,
        "meetingUrl": url,
        "absentHost": booking.get("absent_host", False),
        "createdAt": iso(booking["created"]),
        "updatedAt": iso(booking["updated"]),
        "attendees": [_attendee(booking)],
        "guests": booking["guests"],
        "metadata": booking["metadata"],
        "bookingFieldsResponses": booking["responses"],
        "icsUid": booking["icsUid"],
        **{name: booking[name] for name in WHEN_GIVEN if booking.get(name)},
    }


def _host(kind: Record) -> dict[str, Any]:
    return {
        "id": hooks.owner_id(kind["username"]),
        "name": kind["ownerName"],
        "email": kind["ownerEmail"],
        "displayEmail": kind["ownerEmail"],
        "username": kind["username"],
        "timeZone": kind["timeZone"],
    }


def _attendee(booking: Record) -> dict[str, Any]:
    person = booking["attendee"]
    return {
        **hooks.attendee_fields(person),
        "displayEmail": person.get("email"),
        "language": person["language"],
        "absent": booking.get("absent_attendee", False),
    }
