"""Making, moving and cancelling bookings (2026-02-25, or 2024-08-13 in the same shape)."""

from typing import Annotated, Any

from flask import Response
from pydantic import AfterValidator, BaseModel, Field, StrictInt, model_validator

from discuno.sandbox.calcom import calendar, event_types, hooks
from discuno.sandbox.calcom.answers import Moment, Refusal, Zone, read, success
from discuno.sandbox.calcom.booking_view import view
from discuno.sandbox.calcom.gate import Desk, Route, has_key, key_holder
from discuno.sandbox.world import Record, World

VERSIONS = ("2026-02-25", "2024-08-13")
TAKEN = "User either already has booking at this time or is not available"
E_MAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
E164 = r"^\+[1-9]\d{6,14}$"


def within_limits(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata as it came if it is small enough; ValueError otherwise."""
    if len(metadata) > 50:
        raise ValueError("must have at most 50 keys")
    for key, value in metadata.items():
        if len(key) > 40:
            raise ValueError(f"key {key[:40]}… is longer than 40 characters")
        if isinstance(value, str) and len(value) > 500:
            raise ValueError(f"value of {key} is longer than 500 characters")
    return metadata


class Attendee(BaseModel):
    """Who comes; reachable by e-mail or phone."""

    name: str = Field(min_length=1)
    timeZone: Zone
    email: str | None = Field(default=None, pattern=E_MAIL)
    phoneNumber: str | None = Field(default=None, pattern=E164)
    language: str = "en"

    @model_validator(mode="after")
    def reachable(self) -> "Attendee":
        """Neither e-mail nor phone is a fault."""
        if not self.email and not self.phoneNumber:
            raise ValueError("either email or phoneNumber is required")
        return self


class Order(BaseModel):
    """Body of a new booking. `reservedSlotUid` is honoured though not in the published schema."""

    eventTypeId: StrictInt
    start: Moment
    attendee: Attendee
    guests: list[Annotated[str, Field(pattern=E_MAIL)]] = []
    bookingFieldsResponses: dict[str, Any] = {}
    metadata: Annotated[dict[str, str | int | float | bool], AfterValidator(within_limits)] = {}
    lengthInMinutes: StrictInt | None = None
    reservedSlotUid: str | None = None


class Move(BaseModel):
    """Body of a reschedule."""

    start: Moment
    rescheduledBy: str | None = None
    reschedulingReason: str | None = None


class Cancellation(BaseModel):
    """Body of a cancellation."""

    cancellationReason: str | None = None


def create(desk: Desk) -> Response:
    """POST /bookings: refused when the host is busy. A reservation is used up if named, else stepped over."""
    order = read(Order)
    kind = calendar.event_type(desk.world, order.eventTypeId)
    if order.lengthInMinutes is not None:
        raise Refusal(400, "lengthInMinutes can only be given for event types with several lengths.")
    span = (order.start, order.start + kind["lengthInMinutes"] * 60)
    require_free(desk.world, kind, span)
    if order.reservedSlotUid is not None:
        _consume(desk.world, kind, span, order.reservedSlotUid)
    details = order.model_dump(include={"guests", "metadata"})
    booking = enter(
        desk.world,
        kind,
        span,
        order.attendee.model_dump(),
        **details,
        responses=order.bookingFieldsResponses,
    )
    booking = amend(desk.world, booking, by_key_of=key_holder())
    hooks.announce(desk, _arrival(booking), booking)
    return success(view(desk, booking), 201)


def cancel(desk: Desk, uid: str) -> Response:
    """POST /bookings/{uid}/cancel; open to whoever knows the uid."""
    reason = read(Cancellation).cancellationReason
    by = event_types.key_owner(desk.world)["ownerEmail"] if has_key() else None
    return success(view(desk, call_off(desk, existing(desk.world, uid), reason=reason, by=by)))


def call_off(desk: Desk, booking: Record, *, reason: str | None, by: str | None) -> Record:
    """Cancel a booking; `by` is the e-mail address of whoever does, if that is known."""
    uid = booking["id"]
    if booking["status"] in ("cancelled", "rejected"):
        raise Refusal(400, f"Can't cancel booking with uid={uid} because it is {booking['status']} already.")
    why = {"cancellationReason": reason, "cancelledByEmail": by}
    booking = amend(desk.world, booking, status="cancelled", **why)
    told = {"cancellationReason": reason, "cancelledBy": by, "requestReschedule": False}
    hooks.announce(desk, "BOOKING_CANCELLED", booking, **told)
    return booking


def reschedule(desk: Desk, uid: str) -> Response:
    """POST /bookings/{uid}/reschedule, 201: a new booking under a new uid; the old one is cancelled."""
    return success(view(desk, put_off(desk, existing(desk.world, uid), read(Move))), 201)


def put_off(desk: Desk, old: Record, move: Move) -> Record:
    """Move a booking: the new one. Whoever knows the calendar's invitation finds it under the same icsUid."""
    uid = old["id"]
    _require_movable(old)
    kind = calendar.type_of(desk.world, old)
    span = (move.start, move.start + old["end"] - old["start"])
    require_free(desk.world, kind, span, except_uid=uid)
    kept = {k: old[k] for k in ("guests", "metadata", "responses")}
    why = {"reschedulingReason": move.reschedulingReason, "rescheduledByEmail": move.rescheduledBy}
    new = enter(desk.world, kind, span, old["attendee"], **kept, sequence=old["sequence"] + 1)
    lasting = {"status": old["status"], "icsUid": old["icsUid"], "rescheduledFromUid": uid}
    new = amend(desk.world, new, **lasting, **why)
    amend(desk.world, old, status="cancelled", rescheduledToUid=new["id"], **why)
    hooks.announce(
        desk,
        "BOOKING_RESCHEDULED",
        new,
        rescheduleId=old["number"],
        rescheduleUid=uid,
        rescheduleStartTime=hooks.plain(old["start"]),
        rescheduleEndTime=hooks.plain(old["end"]),
    )
    return new


def enter(
    world: World,
    kind: Record,
    span: calendar.Span,
    attendee: Record,
    *,
    guests: list[str],
    metadata: Record,
    responses: Record,
    sequence: int = 0,
) -> Record:
    """Write down a booking, without asking whether it may be."""
    now, uid = world.now(), world.new_id("", 22)
    booking = {
        "id": uid,
        "icsUid": f"{uid}@Cal.com",
        "number": 1000 + len(world.all("calcom_booking")),
        "event_type": int(kind["id"]),
        "username": kind["username"],
        "title": f"{kind['title']} between {kind['ownerName']} and {attendee['name']}",
        "status": "pending" if kind.get("requiresConfirmation") else "accepted",
        "start": span[0],
        "end": span[1],
        "attendee": attendee,
        "guests": guests,
        "metadata": metadata,
        "responses": responses,
        "sequence": sequence,
        "created": now,
        "updated": now,
    }
    return world.put("calcom_booking", booking)


def existing(world: World, uid: str) -> Record:
    """The booking of that uid; 404 if there is none."""
    booking = world.get("calcom_booking", uid)
    if booking is None:
        raise Refusal(404, f"Booking with uid={uid} was not found in the database")
    return booking


def amend(world: World, booking: Record, **change: Any) -> Record:
    """Store a changed booking."""
    return world.put("calcom_booking", {**booking, **change, "updated": world.now()})


def require_free(world: World, kind: Record, span: calendar.Span, except_uid: str | None = None) -> None:
    """400 when the span is past, outside the working hours, or overlaps an accepted booking."""
    if span[0] <= world.now():
        raise Refusal(400, "Attempting to book a meeting in the past.")
    if not calendar.within_hours(kind, span) or calendar.booked(world, kind["username"], span, except_uid):
        raise Refusal(400, TAKEN)


def _consume(world: World, kind: Record, span: calendar.Span, uid: str) -> None:
    """Use up a reservation; one that came before it wins, and so does any other if it has lapsed."""
    now = world.now()
    rival = calendar.reserved(world, kind["username"], span, except_uid=uid)
    if rival is not None:
        raise Refusal(
            400,
            "Someone else reserved this booking time slot before you. "
            f"This time slot will be freed up in {rival['until'] - now} seconds.",
        )
    world.delete("calcom_reservation", uid)


def _arrival(booking: Record) -> str:
    return "BOOKING_REQUESTED" if booking["status"] == "pending" else "BOOKING_CREATED"


def _require_movable(booking: Record) -> None:
    uid = booking["id"]
    if booking.get("rescheduledToUid"):
        raise Refusal(
            400,
            f"Can't reschedule booking with uid={uid} because it has been rescheduled already "
            f"to booking with uid={booking['rescheduledToUid']}.",
        )
    if booking["status"] in ("cancelled", "rejected"):
        raise Refusal(400, f"Can't reschedule booking with uid={uid} because it is {booking['status']}.")


ROUTES = [
    Route("POST", "/bookings", create, VERSIONS),
    Route("POST", "/bookings/<uid>/cancel", cancel, VERSIONS),
    Route("POST", "/bookings/<uid>/reschedule", reschedule, VERSIONS),
]
