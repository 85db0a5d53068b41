"""The door that compares: Cal.com tells what happened once at most, so every hour we look for ourselves."""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from discuno import journey
from discuno.bookings.acting import acting_for
from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.edges import calcom
from discuno.edges.calcom import CalcomKeyRefused, Place
from discuno.kit import clock, outbox
from discuno.kit.db import locked, rows, session, transaction
from discuno.mentors import calendars
from discuno.mentors.models import Calendar, EventType, Mentor

APART = timedelta(seconds=4)  # between two look-ups: bookings being made need Cal.com's calls more
A_FEW = 5


class NotBelievable(Exception):
    """Most of our bookings are not in the list: it is the list that is wrong."""


@outbox.task("compare_calendars", every=timedelta(hours=1))
def compare_calendars() -> None:
    """Compare what is to come at Cal.com with our rows; what differs is looked at, one by one. Raises CalcomDown.

    Mentors with a key of their own are a job each; all others are seen by the platform's key, at once.
    """
    with transaction():
        when = clock.now()
        for mentor in calendars.linked():
            key = f"compare:{mentor.id}"
            outbox.add("compare_calendar", mentor_id=mentor.id, run_at=when, unique_key=key)
            when += APART
        is_used = any(_is_used(t) for t in _linked_types(None)) or _to_come(None)
    if is_used:
        _compare(None, list(calcom.upcoming()))


@outbox.task("compare_calendar")
def compare_calendar(mentor_id: int) -> None:
    """The same for one mentor, by their own key. Raises CalcomDown."""
    with transaction():
        mentor = locked(Mentor, mentor_id)
        as_mentor, is_known = acting_for(mentor), mentor.calcom_key is not None
    if not is_known:
        return
    try:
        with as_mentor:
            there = list(calcom.upcoming())
    except CalcomKeyRefused:
        with transaction():
            mentor = locked(Mentor, mentor_id)
            journey.calendar_silent(Party.HOUSE.value, mentor, calendars.KEY_REFUSED)
        return
    _compare(mentor_id, there)


def _compare(mentor_id: int | None, seen: list[Place]) -> None:
    with transaction():  # after the list: what was made meanwhile is looked at in vain, which does no harm
        types = _linked_types(mentor_id)
        linked = {t.calcom_event_type_id for t in types}
        there = {place.uid: place for place in seen if place.event_type_id in linked}
        ours = _to_come(mentor_id)
        different = [b for b in ours if not _is_the_same(b, there.get(b.calcom_booking_uid or ""))]
        missing = sum(b.calcom_booking_uid not in there for b in different)
        if not is_believable(missing, len(ours)):
            raise NotBelievable(f"{missing} of our {len(ours)} bookings are not in Cal.com's list")
        when = clock.now()
        for booking in different:
            key = f"follow:{booking.id}"
            outbox.add("follow_booking", booking_id=booking.id, run_at=when, unique_key=key)
            when += APART
        for uid in _strangers(there.values(), types):
            outbox.add("follow_stranger", uid=uid, run_at=when, unique_key=f"stranger:{uid}")
            when += APART


def is_believable(missing: int, ours: int) -> bool:
    """Whether a list that lacks so many of our bookings can be right: else a wrong key would cancel them all."""
    return missing <= max(A_FEW, ours // 2)


def _by_key_of(mentor_id: int | None) -> sa.ColumnElement[bool]:
    """Of this mentor; or of nobody who has a key of their own."""
    return Mentor.id == mentor_id if mentor_id is not None else Mentor.calcom_key.is_(None)


def _linked_types(mentor_id: int | None) -> list[EventType]:
    """Our session types that Cal.com has, or had."""
    statement = sa.select(EventType).join(Mentor, Mentor.id == EventType.mentor_id)
    return rows(statement.where(EventType.calcom_event_type_id.is_not(None), _by_key_of(mentor_id)))


def _is_used(event_type: EventType) -> bool:
    """Whether free times come from there: not any more once its mentor has left Cal.com."""
    return event_type.mentor.calendar == Calendar.CALCOM


def _to_come(mentor_id: int | None) -> list[Booking]:
    is_over = sa.func.upper(Booking.during) <= clock.now()
    statement = sa.select(Booking).join(Mentor, Mentor.id == Booking.mentor_id)
    statement = statement.where(
        Booking.status == BookingStatus.CONFIRMED, Booking.calcom_booking_uid.is_not(None), sa.not_(is_over)
    )
    return rows(statement.where(_by_key_of(mentor_id)).order_by(Booking.id))


def _is_the_same(booking: Booking, place: Place | None) -> bool:
    return place is not None and place.start == booking.starts_at


def _strangers(there: Iterable[Place], types: list[EventType]) -> list[str]:
    """Bookings of types that are sold here alone, which no row of ours knows."""
    guarded = [place.uid for place in there if any(_passes_the_till(place, t) for t in types)]
    known = sa.select(Booking.calcom_booking_uid).where(Booking.calcom_booking_uid.in_(guarded))
    ours = set(session().execute(known).scalars())
    return [uid for uid in guarded if uid not in ours]


def _passes_the_till(place: Place, event_type: EventType) -> bool:
    is_of_it = place.event_type_id == event_type.calcom_event_type_id
    return is_of_it and calendars.is_sold_here_alone(event_type, place.created_at)
