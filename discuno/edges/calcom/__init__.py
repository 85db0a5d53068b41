"""Cal.com API v2: slots, reservations and bookings of mentors who keep their calendar there.

Two errors leave this edge. CalcomDown: the outcome is unknown. CalcomRefused: a definite no.
"""

from discuno.edges.calcom.bookings import (
    OUR_KEY,
    Place,
    accept,
    book,
    cancel,
    find_booking,
    get,
    latest,
    mark_absent,
    reschedule,
    upcoming,
)
from discuno.edges.calcom.client import CalcomDown, CalcomMissing, CalcomRefused, configure
from discuno.edges.calcom.slots import Slots, drop_reservation, forget_slots, known_slots, reserve, slots
from discuno.edges.calcom.webhooks import Told, Unreadable, is_signed, read_news

__all__ = [
    "OUR_KEY",
    "CalcomDown",
    "CalcomMissing",
    "CalcomRefused",
    "Place",
    "Slots",
    "Told",
    "Unreadable",
    "accept",
    "book",
    "cancel",
    "configure",
    "drop_reservation",
    "find_booking",
    "forget_slots",
    "get",
    "is_signed",
    "known_slots",
    "latest",
    "mark_absent",
    "read_news",
    "reschedule",
    "reserve",
    "slots",
    "upcoming",
]
