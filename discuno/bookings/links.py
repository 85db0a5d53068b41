"""Where a booking's pages are. An attendee has a signed link, void once its version is; the mentor signs in.

A link is all an attendee has, so it opens one booking and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from discuno.bookings.models import Booking
from discuno.kit import links

ATTENDEE = "booking-of-attendee"
MENTOR = "booking-of-mentor"  # in letters from before mentors could sign in


@dataclass(frozen=True)
class Claim:
    """What a link says that nobody else can have written: which booking, and which version of its link this is."""

    public_id: str
    version: int


def manage_path(booking: Booking) -> str:
    """The attendee's page of a booking, as it is linked to now."""
    return f"/booking/{manage_token(booking)}"


def manage_token(booking: Booking) -> str:
    """The attendee's present token."""
    return links.seal(ATTENDEE, {"b": booking.public_id, "v": booking.manage_token_version})


def host_path(booking: Booking) -> str:
    """The mentor's page of a booking, for the mentor who is signed in."""
    return f"/dashboard/bookings/{booking.public_id}"


def again_path(booking: Booking) -> str:
    """Where its session type is booked, by anybody."""
    return f"/mentor/{booking.mentor.username}/book/{booking.event_type_id}"


def times_path(booking: Booking, day: datetime) -> str:
    """The same, open at a day of the attendee's."""
    local = day.astimezone(ZoneInfo(booking.attendee_zone))
    query = {"zone": booking.attendee_zone, "month": f"{local:%Y-%m}", "day": f"{local:%Y-%m-%d}"}
    return f"{again_path(booking)}?{urlencode(query)}"


def read(salt: str, token: str) -> Claim | None:
    """What a token says, or None when it is not ours, or for something else."""
    said = links.unseal(salt, token)
    if said is None or not isinstance(said.get("b"), str) or not isinstance(said.get("v"), int):
        return None
    return Claim(str(said["b"]), int(said["v"]))
