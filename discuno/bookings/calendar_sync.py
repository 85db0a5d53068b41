"""The door that compares: Cal.com tells what happened once at most, so every hour we look for ourselves."""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from discuno.bookings.models import Booking, BookingStatus
from discuno.edges import calcom
from discuno.edges.calcom import Place
from discuno.kit import clock, outbox
from discuno.kit.db import rows, session, transaction
from discuno.mentors.models import EventType

APART = timedelta(seconds=4)  # between two look-ups: bookings being made need Cal.com's calls more
A_FEW = 5


class NotBelievable(Exception):
    """Most of our bookings are not in the list: it is the list that is wrong."""


@outbox.task("compare_calendars", every=timedelta(hours=1))
def compare_calendars() -> None:
    """Compare what is to come at Cal.com with our rows; what differs is looked at, one by one. Raises CalcomDown."""
    with transaction():
        linked = _linked_types()
    if not linked:
        return
    there = {place.uid: place for place in calcom.upcoming() if place.event_type_id in linked}
    with transaction():  # after the list: what was made meanwhile is looked at in vain, which does no harm
        ours = _to_come()
        different = [b for b in ours if not _is_the_same(b, there.get(b.calcom_booking_uid or ""))]
        missing = sum(b.calcom_booking_uid not in there for b in different)
        if not is_believable(missing, len(ours)):
            raise NotBelievable(f"{missing} of our {len(ours)} bookings are not in Cal.com's list")
        when = clock.now()
        for booking in different:
            key = f"follow:{booking.id}"
            outbox.add("follow_booking", booking_id=booking.id, run_at=when, unique_key=key)
            when += APART
        for uid in _strangers(there.values(), linked):
            outbox.add("follow_stranger", uid=uid, run_at=when, unique_key=f"stranger:{uid}")
            when += APART


def is_believable(missing: int, ours: int) -> bool:
    """Whether a list that lacks so many of our bookings can be right: else a wrong key would cancel them all."""
    return missing <= max(A_FEW, ours // 2)


def _linked_types() -> dict[int, bool]:
    """Cal.com's ids of our session types, and whether they are paid for."""
    found = rows(sa.select(EventType).where(EventType.calcom_event_type_id.is_not(None)))
    paid = {t.calcom_event_type_id for t in found if not t.is_free}
    return {t.calcom_event_type_id: t.calcom_event_type_id in paid for t in found if t.calcom_event_type_id}


def _to_come() -> list[Booking]:
    is_over = sa.func.upper(Booking.during) <= clock.now()
    statement = sa.select(Booking).where(
        Booking.status == BookingStatus.CONFIRMED, Booking.calcom_booking_uid.is_not(None), sa.not_(is_over)
    )
    return rows(statement.order_by(Booking.id))


def _is_the_same(booking: Booking, place: Place | None) -> bool:
    return place is not None and place.start == booking.starts_at


def _strangers(there: Iterable[Place], linked: dict[int, bool]) -> list[str]:
    """Bookings of paid types that no row of ours knows."""
    of_paid = [place.uid for place in there if linked.get(place.event_type_id or 0)]
    known = sa.select(Booking.calcom_booking_uid).where(Booking.calcom_booking_uid.in_(of_paid))
    ours = set(session().execute(known).scalars())
    return [uid for uid in of_paid if uid not in ours]
