"""Cal.com API v2: slots, reservations and bookings of mentors who keep their calendar there.

Two errors leave this edge. CalcomDown: the outcome is unknown. CalcomRefused: a definite no. By whose key a call
goes is said around it: `with acting_for(key):`; a mentor's key that is not taken is CalcomKeyRefused, a CalcomDown.
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
from discuno.edges.calcom.client import (
    CalcomDown,
    CalcomKeyRefused,
    CalcomMissing,
    CalcomRefused,
    acting_for,
    configure,
)
from discuno.edges.calcom.owners import Owner, TypeSeen, event_types, subscribe, who_am_i
from discuno.edges.calcom.slots import Slots, drop_reservation, forget_slots, known_slots, reserve, slots
from discuno.edges.calcom.webhooks import Told, Unreadable, is_signed, read_news

__all__ = [
    "OUR_KEY",
    "CalcomDown",
    "CalcomKeyRefused",
    "CalcomMissing",
    "CalcomRefused",
    "Owner",
    "Place",
    "Slots",
    "Told",
    "TypeSeen",
    "Unreadable",
    "accept",
    "acting_for",
    "book",
    "cancel",
    "configure",
    "drop_reservation",
    "event_types",
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
    "subscribe",
    "upcoming",
    "who_am_i",
]
