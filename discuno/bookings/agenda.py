"""A mentor's own bookings: what comes, what was, what was cancelled; one of them; and what has happened to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from discuno.bookings.models import Booking, BookingStatus, ChangeKind, Party
from discuno.kit import clock
from discuno.kit.db import one_or_none, rows
from discuno.kit.errors import NotFound
from discuno.kit.web import moment
from discuno.mentors.models import Mentor

PAGE = 20  # bookings on one page
FEED_FROM = timedelta(days=30)  # a calendar feed tells of sessions that ended no longer ago
FEED_CANCELLED = timedelta(days=7)  # and so long that one was cancelled
FEED_AT_MOST = 1000
STARTS, ENDS = sa.func.lower(Booking.during), sa.func.upper(Booking.during)
MADE = (BookingStatus.CONFIRMED, BookingStatus.CANCELLED)


class Show(StrEnum):
    """The three lists."""

    UPCOMING = "upcoming"
    PAST = "past"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Listed:
    """One page of a list; `after` begins the next one, and is None on the last."""

    bookings: list[Booking]
    after: str | None


def listed(mentor: Mentor, show: Show, query: str = "", after: str = "") -> Listed:
    """A page of the mentor's bookings whose attendee's name or address contains every word of the query.

    `after` is the public id of the last booking of the page before; an unknown one begins at the start.
    """
    statement = _of(mentor).where(_is_shown(show), *_matching(query))
    last = _find(mentor, after) if after else None
    if last is not None:
        statement = statement.where(_is_beyond(show, last))
    order = (STARTS, Booking.id) if show == Show.UPCOMING else (STARTS.desc(), Booking.id.desc())
    found = rows(statement.order_by(*order).limit(PAGE + 1))
    return Listed(found[:PAGE], found[PAGE - 1].public_id if len(found) > PAGE else None)


def of_mentor(mentor: Mentor, public_id: str) -> Booking:
    """Load and authorize in one: a booking of this mentor's. Raises NotFound for anybody else's."""
    found = _find(mentor, public_id)
    if found is None:
        raise NotFound("There is no such booking.")
    return found


def feed(mentor: Mentor) -> list[Booking]:
    """What a calendar should show: confirmed sessions, and for a while those that were cancelled."""
    now = clock.now()
    lately = sa.and_(Booking.status == BookingStatus.CANCELLED, Booking.cancelled_at > now - FEED_CANCELLED)
    shown = sa.or_(Booking.status == BookingStatus.CONFIRMED, lately)
    statement = _of(mentor).where(shown, now - FEED_FROM < ENDS)
    return rows(statement.order_by(STARTS, Booking.id).limit(FEED_AT_MOST))


def _of(mentor: Mentor) -> sa.Select[Booking]:
    return sa.select(Booking).where(
        Booking.mentor_id == mentor.id, Booking.status.in_(MADE), Booking.attendee_email.is_not(None)
    )


def _find(mentor: Mentor, public_id: str) -> Booking | None:
    return one_or_none(_of(mentor).where(Booking.public_id == public_id))


def _is_shown(show: Show) -> ColumnElement[bool]:
    if show == Show.CANCELLED:
        return Booking.status == BookingStatus.CANCELLED
    is_over = clock.now() >= ENDS
    return sa.and_(Booking.status == BookingStatus.CONFIRMED, is_over if show == Show.PAST else ~is_over)


def _is_beyond(show: Show, last: Booking) -> ColumnElement[bool]:
    here = sa.tuple_(STARTS, Booking.id)
    there = sa.tuple_(sa.literal(last.starts_at), sa.literal(last.id))
    return here > there if show == Show.UPCOMING else here < there


def _matching(query: str) -> Iterator[ColumnElement[bool]]:
    for word in query.split()[:5]:
        text = Booking.attendee_name + " " + Booking.attendee_email
        yield text.icontains(word, autoescape=True)


# What has happened to one


@dataclass(frozen=True)
class Told:
    """One thing that happened. `tone` is done or stop; `words` may be somebody's own."""

    at: datetime
    label: str
    words: str = ""
    tone: str = "done"


def story(booking: Booking, hours: str) -> list[Told]:
    """What has happened to a booking, for its mentor; times in their zone, `hours` is "12" or "24"."""
    made = booking.confirmed_at or booking.created_at
    return [Told(made, f"{booking.attendee_name} booked it"), *_changes(booking, hours)]


def _changes(booking: Booking, hours: str) -> Iterator[Told]:
    for change in booking.changes:
        who = _who(change.by, booking)
        match change.kind:
            case ChangeKind.MOVED if change.before is not None and change.after is not None:
                times = [moment(start, booking.mentor.zone, hours) for start in (change.before, change.after)]
                yield Told(change.at, f"{who} moved it", f"From {times[0]} to {times[1]}.")
            case ChangeKind.CANCELLED:
                yield Told(change.at, f"{who} cancelled it", change.words, "stop")
            case ChangeKind.MENTOR_ABSENT:
                yield Told(change.at, f"{who} said that you did not come", change.words, "stop")
            case ChangeKind.ATTENDEE_ABSENT:
                yield Told(change.at, f"{who} said that {booking.attendee_name} did not come", change.words)


def _who(party: Party, booking: Booking) -> str:
    named = {
        Party.ATTENDEE: booking.attendee_name or "The attendee",
        Party.MENTOR: "You",
        Party.CALENDAR: "Your calendar",
    }
    return named.get(party, "Discuno")
