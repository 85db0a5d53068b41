"""What a timeline is made of: one thing that happened, in words, and how its times are shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from discuno.bookings.models import Booking, Party
from discuno.kit.web import moment


@dataclass(frozen=True)
class Event:
    """One thing that happened, or is to come. `words` may be somebody's own; `files` are names and where they lie.

    `tone` is ok, wait, bad, note or plain; `kind` is booking, money, case, said, letter, note, audit or books.
    """

    at: datetime
    label: str
    words: str = ""
    tone: str = "plain"
    path: str | None = None
    who: str = ""
    kind: str = ""
    files: tuple[tuple[str, str], ...] = ()
    is_to_come: bool = False


class Hours(NamedTuple):
    """How times are shown within words: in which zone, by which clock ("12" or "24")."""

    zone: str = "UTC"
    clock: str = "24"

    def at(self, instant: datetime) -> str:
        """Wed 25 Nov 2026, 14:30 (UTC)."""
        return moment(instant, self.zone, self.clock)


def name_of(party: Party, booking: Booking) -> str:
    """Who that is, by name where it is a person's."""
    named = {
        Party.ATTENDEE: booking.attendee_name or "The attendee",
        Party.MENTOR: booking.mentor.name,
        Party.CALENDAR: "The mentor’s calendar",
    }
    return named.get(party, "Discuno")
