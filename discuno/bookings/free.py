"""The door to free times: the mentor's own calendar, or Cal.com's, less what we have promised ourselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from discuno import policy
from discuno.bookings import service as bookings
from discuno.bookings.acting import acting_for
from discuno.bookings.service import NOBODY, Besides
from discuno.edges import calcom
from discuno.edges.calcom import CalcomDown, CalcomRefused
from discuno.kit import clock
from discuno.kit.db import leave_transaction
from discuno.mentors.models import Calendar, EventType

AROUND = timedelta(days=14)  # other times are looked for so far to each side


@dataclass(frozen=True)
class FreeTimes:
    """Free starting times in order. `as_of` is when they were true, if the other calendar would not say it now."""

    starts: list[datetime]
    as_of: datetime | None = None


def free_starts(
    event_type: EventType, first: datetime, last: datetime, besides: Besides = NOBODY
) -> list[datetime]:
    """Free starting times between two instants, both included, in order. Raises CalcomDown, CalcomRefused."""
    return free_times(event_type, first, last, besides).starts


def free_times(
    event_type: EventType, first: datetime, last: datetime, besides: Besides = NOBODY
) -> FreeTimes:
    """The same, with its age. Who asks for one instant has chosen it: then Cal.com itself is asked, now."""
    if event_type.calcom_event_type_id is None:  # one that has it lives on there
        is_own = event_type.mentor.calendar == Calendar.BUILTIN
        return FreeTimes(bookings.own_starts(event_type, first, last, besides) if is_own else [])
    is_chosen = first == last
    earliest, latest = bookings.window(event_type, clock.now())
    first, last = max(first, earliest), min(last, latest)
    if first > last:
        return FreeTimes([])
    type_id, beyond = event_type.calcom_event_type_id, last + bookings.length(event_type)
    as_mentor = acting_for(event_type.mentor)
    leave_transaction()  # the end of the question is exclusive, and no slot may reach over it
    with as_mentor:
        if is_chosen:
            seen = calcom.Slots(calcom.slots(type_id, first, beyond))
        else:
            seen = calcom.known_slots(type_id, first, beyond)
    inside = [start for start in seen.starts if first <= start <= last]
    return FreeTimes(bookings.still_free(event_type, inside, besides), seen.as_of)


def near(event_type: EventType, lost: datetime, besides: Besides = NOBODY) -> list[datetime]:
    """The free times nearest to one that was lost, in order; none when the calendar does not say."""
    try:
        found = free_starts(event_type, lost - AROUND, lost + AROUND, besides)
    except (CalcomDown, CalcomRefused):
        return []
    nearest = sorted(found, key=lambda start: (abs(start - lost), start))[: policy.NEAR_TIMES]
    return sorted(nearest)
