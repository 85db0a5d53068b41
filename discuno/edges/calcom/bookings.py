"""Bookings at Cal.com. It knows no idempotency key: every write is looked up before it is repeated."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from discuno.edges.calcom.client import BOOKINGS, CalcomDown, CalcomMissing, CalcomRefused, ask, in_path
from discuno.edges.calcom.slots import forget_slots, utc

OUR_KEY = "discunoBooking"  # in the metadata of every booking that we make
PAGE = 100
MOST_MOVES = 20  # of one booking, to be followed


class Shape(BaseModel):
    """A part of an answer: unknown fields are passed over, null is as if it were not there, numbers may be ids."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return {k: v for k, v in given.items() if v is not None} if isinstance(given, dict) else given


class Person(Shape):
    """A host or an attendee. A managed user's `email` is mangled, `display_email` is not."""

    email: str = ""
    display_email: str = ""
    absent: bool = False

    def is_called(self, email: str) -> bool:
        """Whether this is their address."""
        return email.lower() in (self.email.lower(), self.display_email.lower())


class Place(Shape):
    """A booking at Cal.com, as far as we need it."""

    uid: str
    start: datetime
    status: str = "accepted"
    event_type_id: int | None = None
    created_at: datetime | None = None
    meeting_url: str | None = None
    location: str | None = None
    ics_uid: str | None = None
    metadata: dict[str, Any] = {}
    hosts: list[Person] = []
    attendees: list[Person] = []
    absent_host: bool = False
    cancellation_reason: str = ""
    cancelled_by_email: str = ""
    rescheduled_from_uid: str | None = None
    rescheduled_to_uid: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it still waits for the host."""
        return self.status == "pending"

    @property
    def is_live(self) -> bool:
        """Whether it will take place, or may."""
        return self.status in ("accepted", "pending")

    @property
    def link(self) -> str | None:
        """Where the session takes place, when it is an address."""
        for address in (self.meeting_url, self.location):
            if address and address.startswith(("https://", "http://")):
                return address
        return None


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
        "start": utc(start),
        "attendee": {"name": name, "email": email, "timeZone": zone, "language": "en"},
        "metadata": {OUR_KEY: booking_id},
    }
    if reservation is not None:
        wanted["reservedSlotUid"] = reservation
    try:
        return _place(ask("POST", "/bookings", BOOKINGS, json=wanted))
    finally:
        forget_slots(event_type_id)


def accept(uid: str) -> Place:
    """Accept, as the host, a booking of a type that asks for the host's confirmation."""
    return _changed(ask("POST", f"/bookings/{in_path(uid)}/confirm", BOOKINGS, json={}))


def get(uid: str) -> Place | None:
    """A booking as it stands, or None when there is none."""
    try:
        return _place(ask("GET", f"/bookings/{in_path(uid)}", BOOKINGS))
    except CalcomMissing:
        return None


def latest(uid: str) -> Place | None:
    """What a booking has become: itself, or what it was rescheduled to, however often. None when it is gone."""
    for _ in range(MOST_MOVES):
        place = get(uid)
        if place is None or place.rescheduled_to_uid is None:
            return place
        uid = place.rescheduled_to_uid
    raise CalcomDown("a booking that was rescheduled too often to be followed")


def cancel(uid: str, reason: str) -> None:
    """Take a booking back, wherever it was rescheduled to; one that is cancelled already is no trouble.

    Raises CalcomRefused only when it still stands: Cal.com has been asked.
    """
    try:
        _changed(
            ask("POST", f"/bookings/{in_path(uid)}/cancel", BOOKINGS, json={"cancellationReason": reason})
        )
    except CalcomRefused:
        place = latest(uid)
        if place is None or not place.is_live:
            return
        if place.uid == uid:
            raise
        cancel(place.uid, reason)


def reschedule(uid: str, start: datetime, *, by: str) -> Place:
    """Move a booking: the answer is a new one with a new uid. One that was moved already is what it has become."""
    wanted = {"start": utc(start), "rescheduledBy": by}
    try:
        return _changed(ask("POST", f"/bookings/{in_path(uid)}/reschedule", BOOKINGS, json=wanted))
    except CalcomRefused:
        place = latest(uid)
        if place is None or place.uid == uid:
            raise
        return place


def mark_absent(uid: str, email: str) -> None:
    """Say that the attendee has not come. Said twice it is said once."""
    said = {"attendees": [{"email": email, "absent": True}]}
    ask("POST", f"/bookings/{in_path(uid)}/mark-absent", BOOKINGS, json=said)


def find_booking(event_type_id: int, start: datetime, *, email: str, booking_id: str) -> Place | None:
    """The live booking that carries our id, if an earlier attempt made it after all."""
    wanted = {
        "eventTypeId": str(event_type_id),
        "attendeeEmail": email,
        "afterStart": utc(start - timedelta(minutes=1)),
    }
    for found in _bookings(wanted):
        if found.metadata.get(OUR_KEY) == booking_id and found.is_live:
            return found
    return None


def upcoming() -> Iterator[Place]:
    """Every live booking that our key may see and that is not over, the next one first; a page is a call."""
    return _bookings({"status": "upcoming,unconfirmed", "sortStart": "asc"})


def _bookings(wanted: dict[str, str]) -> Iterator[Place]:
    skip = 0
    while True:
        page = {**wanted, "take": str(PAGE), "skip": str(skip)}
        data = ask("GET", "/bookings", BOOKINGS, params=page) or []
        yield from (_place(item) for item in data)
        if len(data) < PAGE:
            return
        skip += PAGE


def _changed(data: Any) -> Place:
    place = _place(data)
    if place.event_type_id is not None:
        forget_slots(place.event_type_id)
    return place


def _place(data: Any) -> Place:
    try:
        return Place.model_validate(data)
    except ValidationError as error:
        raise CalcomDown("a booking in a shape that we do not know") from error
