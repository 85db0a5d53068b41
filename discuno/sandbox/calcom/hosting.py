"""What a host does with a booking: confirm, decline, say who did not come."""

from flask import Response
from pydantic import BaseModel

from discuno.sandbox.calcom import hooks
from discuno.sandbox.calcom.answers import Refusal, read, success
from discuno.sandbox.calcom.booking_view import view
from discuno.sandbox.calcom.bookings import VERSIONS, amend, existing
from discuno.sandbox.calcom.gate import Desk, Route, require_owner
from discuno.sandbox.world import Record


class Decline(BaseModel):
    """Body of a decline."""

    reason: str | None = None


class Missing(BaseModel):
    """One attendee and whether they were absent."""

    email: str
    absent: bool


class Absence(BaseModel):
    """Body of mark-absent; a party not named stays as it is."""

    host: bool | None = None
    attendees: list[Missing] = []


def confirm(desk: Desk, uid: str) -> Response:
    """POST /bookings/{uid}/confirm: a pending booking becomes accepted."""
    booking = amend(desk.world, _pending(desk, uid), status="accepted")
    hooks.announce(desk, "BOOKING_CREATED", booking)
    return success(view(desk, booking))


def decline(desk: Desk, uid: str) -> Response:
    """POST /bookings/{uid}/decline: a pending booking becomes rejected."""
    reason = read(Decline).reason
    booking = amend(desk.world, _pending(desk, uid), status="rejected")
    hooks.announce(desk, "BOOKING_REJECTED", booking, rejectionReason=reason)
    return success(view(desk, booking))


def mark_absent(desk: Desk, uid: str) -> Response:
    """POST /bookings/{uid}/mark-absent, from the start on."""
    absence = read(Absence)
    booking = _hosted(desk, uid)
    if desk.world.now() < booking["start"]:
        raise Refusal(400, f"Bookings can only be marked as absent after their start. uid={uid}")
    if absence.host is not None:
        booking = amend(desk.world, booking, absent_host=absence.host)
    for person in absence.attendees:
        if person.email == booking["attendee"].get("email"):
            booking = amend(desk.world, booking, absent_attendee=person.absent)
    _tell_of_absence(desk, booking)
    return success(view(desk, booking))


def _hosted(desk: Desk, uid: str) -> Record:
    """A booking whose host it is that asks."""
    booking = existing(desk.world, uid)
    require_owner(booking["username"])
    return booking


def _pending(desk: Desk, uid: str) -> Record:
    booking = _hosted(desk, uid)
    if booking["status"] != "pending":
        raise Refusal(400, f"Booking with uid={uid} is {booking['status']}, it does not wait for the host.")
    return booking


def _tell_of_absence(desk: Desk, booking: Record) -> None:
    no_show = booking.get("absent_attendee", False)
    payload = {
        "bookingUid": booking["id"],
        "bookingId": booking["number"],
        "attendees": [{"email": booking["attendee"].get("email"), "noShow": no_show}],
        "message": f"{booking['attendee'].get('email')} {'marked as' if no_show else 'not'} no-show",
    }
    hooks.send(desk, "BOOKING_NO_SHOW_UPDATED", payload)


ROUTES = [
    Route("POST", "/bookings/<uid>/confirm", confirm, VERSIONS, needs_key=True),
    Route("POST", "/bookings/<uid>/decline", decline, VERSIONS, needs_key=True),
    Route("POST", "/bookings/<uid>/mark-absent", mark_absent, VERSIONS, needs_key=True),
]
