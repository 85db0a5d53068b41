"""A session as a calendar file: that it takes place, that it was moved, that it was cancelled (RFC 5545, 5546).

A file belongs to one reader: times are in their zone, and the link is theirs. The same state of a booking always
gives the same bytes, so that a letter sent twice changes nothing in a calendar.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import (
    Calendar,
    Event,
    Timezone,
    TimezoneDaylight,
    TimezoneStandard,
    vCalAddress,
    vUri,
)

from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.kit.text import one_line

REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"
FEED_NAME, FEED_EVERY = "Discuno sessions", timedelta(hours=1)  # how often calendars are asked to look
DAY, YEAR = timedelta(days=1), timedelta(days=400)  # a little more, so that each yearly change is seen
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # where a zone begins whose clocks have not changed for a year


@dataclass(frozen=True)
class CalendarFile:
    """A calendar file, ready to be attached or downloaded. The method in it and in its type must be the same."""

    content: str
    method: str
    filename: str

    @property
    def content_type(self) -> str:
        """Its MIME type; without the method in it, mail readers show an attachment and no invitation."""
        return f"text/calendar; charset=utf-8; method={self.method}"


def invitation(
    booking: Booking, reader: Party, *, zone: str, organizer: str, url: str | None
) -> CalendarFile:
    """The state of a booking for the calendar of one side, who is in `zone` and whose page of it is at `url`.

    The reader is its only guest: nobody's address is told to the other side by a calendar.
    `organizer` is an e-mail address of ours and never the mentor's: who is the organizer may not change, and a
    cancellation counts only when it comes from the same one.
    """
    takes_place = booking.status == BookingStatus.CONFIRMED
    method = REQUEST if takes_place else CANCEL
    calendar = _calendar(method)
    starts, ends = _local(booking, zone)
    if starts.tzinfo is not UTC:
        calendar.add_component(_time_zone(zone, booking.starts_at, booking.ends_at))
    event = _event(booking, starts, ends, organizer, _description(booking, url))
    event.add("attendee", _guest(booking, reader))
    _add_place(event, one_line(booking.meeting_url))
    calendar.add_component(event)
    content = calendar.to_ical(sorted=False).decode()
    return CalendarFile(content, method, "invite.ics" if takes_place else "cancelled.ics")


def feed(bookings: Sequence[Booking], *, zone: str, organizer: str, url_of: Callable[[Booking], str]) -> str:
    """A mentor's sessions for a calendar that subscribes to them, in `zone`; the same rows are the same bytes.

    Calendars get shared, so it tells who comes and to what, and where to read more: no address, note or way in.
    """
    calendar = _calendar(PUBLISH)
    calendar.add("name", FEED_NAME)
    calendar.add("x-wr-calname", FEED_NAME)
    calendar.add("refresh-interval", FEED_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    hours = [_local(booking, zone) for booking in bookings]
    if any(starts.tzinfo is not UTC for starts, _ in hours):
        first, last = min(b.starts_at for b in bookings), max(b.ends_at for b in bookings)
        calendar.add_component(_time_zone(zone, first, last))
    for booking, (starts, ends) in zip(bookings, hours, strict=True):
        about = f"Your page of this session:\n{url_of(booking)}"
        event = _event(booking, starts, ends, organizer, about)
        event.add("url", url_of(booking))
        calendar.add_component(event)
    content: str = calendar.to_ical(sorted=False).decode()
    return content


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    for name, value in (
        ("version", "2.0"),
        ("prodid", "-//Discuno//Bookings//EN"),
        ("calscale", "GREGORIAN"),
        ("method", method),
    ):
        calendar.add(name, value)
    return calendar


def _local(booking: Booking, zone: str) -> tuple[datetime, datetime]:
    """Start and end in the reader's zone; in UTC where the zone cannot say them.

    A local time that occurs twice, when clocks go back, means the first one: the second has no other name than UTC.
    """
    there = ZoneInfo(zone)
    starts, ends = booking.starts_at.astimezone(there), booking.ends_at.astimezone(there)
    if zone == "UTC" or starts.fold or ends.fold:
        return booking.starts_at, booking.ends_at
    return starts, ends


def _event(booking: Booking, starts: datetime, ends: datetime, organizer: str, about: str) -> Event:
    """What everybody may know of a session."""
    takes_place = booking.status == BookingStatus.CONFIRMED
    event = Event()
    for name, value in (
        ("uid", one_line(booking.uid)),
        ("sequence", booking.sequence),
        ("dtstamp", booking.changed_at),
        ("last-modified", booking.changed_at),
        ("dtstart", starts),
        ("dtend", ends),
        ("summary", _summary(booking, takes_place)),
        ("description", about),
        ("status", "CONFIRMED" if takes_place else "CANCELLED"),
        ("transp", "OPAQUE" if takes_place else "TRANSPARENT"),
    ):
        event.add(name, value)
    event.add("organizer", _person(organizer, "Discuno"))
    return event


def _add_place(event: Event, place: str) -> None:
    """Where they meet, in the three properties that the three big calendars look at."""
    if place:
        event.add("location", place)
    if place.startswith(("https://", "http://")):
        event.add("url", place)
        event.add("conference", vUri(place, params={"VALUE": "URI", "FEATURE": "VIDEO", "LABEL": "Join"}))


def _summary(booking: Booking, takes_place: bool) -> str:
    words = f"{booking.title}: {booking.mentor.name} with {booking.attendee_name}"
    return one_line(words if takes_place else f"Cancelled: {words}")


def _description(booking: Booking, url: str | None) -> str:
    booked = (
        f"{booking.title}, {booking.duration_minutes} minutes, with {booking.mentor.name} "
        f"for {booking.attendee_name}. Booked at Discuno."
    )
    return one_line(booked) + (f"\n\nYour page of this session:\n{url}" if url else "")


def _person(address: str, name: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{one_line(address)}")
    person.params["CN"] = one_line(name).replace('"', "'")  # a parameter can hold no quotation mark
    return person


def _guest(booking: Booking, reader: Party) -> vCalAddress:
    mentor = booking.mentor
    if reader == Party.MENTOR:
        guest = _person(mentor.user.email, mentor.name)
    else:
        guest = _person(booking.attendee_email or "", booking.attendee_name or "")
    guest.params["CUTYPE"] = "INDIVIDUAL"
    guest.params["ROLE"] = "REQ-PARTICIPANT"
    guest.params["PARTSTAT"] = "ACCEPTED"  # who has paid need not be asked whether they come
    guest.params["RSVP"] = "FALSE"
    return guest


# The rules of a zone around a session. The library's own generator puts the spring change an hour late and
# overlooks short seasons (Casablanca), so they are read off the zone itself.


@dataclass(frozen=True)
class _Change:
    """From this instant on clocks show another time."""

    at: datetime
    before: timedelta
    after: timedelta
    name: str


def _time_zone(zone: str, starts: datetime, ends: datetime) -> Timezone:
    """The VTIMEZONE that is right from a session's start to its end, and until the next change of clocks."""
    there = ZoneInfo(zone)
    changes = list(_changes(there, starts - YEAR, ends + YEAR))
    past = [change for change in changes if change.at <= starts]
    during = [change for change in changes if starts < change.at <= ends]
    later = [change for change in changes if change.at > ends]
    opening = past[-1] if past else _always(there, starts)
    told = [opening, *during, *later[:1]]
    lowest = min(change.after for change in told)
    time_zone = Timezone()
    time_zone.add("tzid", zone)
    for change in told:
        time_zone.add_component(_observance(change, is_summer=change.after > lowest))
    return time_zone


def _changes(there: ZoneInfo, first: datetime, last: datetime) -> Iterator[_Change]:
    """Every change of the offset between two instants; two within a day would be taken for one."""
    low = first
    while low < last:
        high = low + DAY
        if _offset(there, low) != _offset(there, high):
            yield _change_between(there, low, high)
        low = high


def _change_between(there: ZoneInfo, low: datetime, high: datetime) -> _Change:
    before, after = _offset(there, low), _offset(there, high)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _offset(there, middle) == before else (low, middle)
    return _Change(high.replace(microsecond=0), before, after, _name(there, high))


def _always(there: ZoneInfo, instant: datetime) -> _Change:
    offset = _offset(there, instant)
    return _Change(EPOCH - offset, offset, offset, _name(there, instant))


def _offset(there: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(there).utcoffset() or timedelta(0)


def _name(there: ZoneInfo, instant: datetime) -> str:
    return instant.astimezone(there).tzname() or ""


def _observance(change: _Change, *, is_summer: bool) -> TimezoneStandard | TimezoneDaylight:
    """One stretch of a zone. It begins at the local time that was shown until then (RFC 5545, 3.6.5)."""
    stretch = TimezoneDaylight() if is_summer else TimezoneStandard()
    stretch.add("dtstart", (change.at + change.before).replace(tzinfo=None))
    stretch.add("tzoffsetfrom", change.before)
    stretch.add("tzoffsetto", change.after)
    stretch.add("tzname", change.name)
    return stretch
