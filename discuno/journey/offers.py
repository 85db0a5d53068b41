"""What a mentor sells: saved, switched on and off, removed. A price never touches what was sold before it."""

from dataclasses import asdict

import sqlalchemy as sa

from discuno.bookings.models import Booking
from discuno.kit.db import session
from discuno.kit.errors import DomainError
from discuno.mentors import calendars, offers
from discuno.mentors.models import Calendar, EventType, Mentor
from discuno.mentors.offers import MOST_TYPES, Wanted
from discuno.payments import service as payments
from discuno.payouts import service as payouts


class NeedsStripe(DomainError):
    """A paid session type cannot be switched on: its money would have nowhere to go."""

    def __init__(self) -> None:
        super().__init__(
            "A paid session can be switched on once Stripe lets you be paid. "
            "Save it switched off, or make it free, and switch it on when your account is ready.",
            status=409,
            heading="Set up Stripe first",
        )


def save_offer(mentor: Mentor, event_type: EventType | None, wanted: Wanted) -> EventType:
    """Make or change a session type, under the mentor's lock. Raises NeedsStripe, and DomainError.

    Bookings carry their own copy of what was sold, so a change holds for new ones alone.
    """
    require_payable(mentor, wanted.price, enabled=wanted.enabled)
    was_sold = event_type is not None and calendars.is_sold(event_type)
    saved = event_type or _same(mentor, wanted) or _new(mentor)
    if not offers.is_from_calcom(saved):
        saved.title, saved.description = wanted.title, wanted.description
        saved.duration_minutes = wanted.duration_minutes
    saved.price, saved.currency = wanted.price, wanted.currency
    saved.buffer_minutes, saved.notice_minutes = wanted.buffer_minutes, wanted.notice_minutes
    saved.enabled = wanted.enabled
    calendars.saved(saved, was_sold=was_sold)
    session().add(saved)
    session().flush()  # a new one gets its number, for the audit log
    return saved


def _same(mentor: Mentor, wanted: Wanted) -> EventType | None:
    """One that is made of exactly this: a form that was sent twice makes one session type."""
    return next((t for t in offers.of_mentor(mentor) if offers.facts(t) == asdict(wanted)), None)


def _new(mentor: Mentor) -> EventType:
    """One more, last in the list. Raises DomainError where it could not be booked."""
    if mentor.calendar == Calendar.CALCOM:
        raise DomainError(
            "Your session types come from Cal.com. Make a new one there, then ask Cal.com again.", status=409
        )
    known = offers.of_mentor(mentor)
    if len(known) >= MOST_TYPES:
        raise DomainError(f"You have {MOST_TYPES} session types, which is as many as we keep.", status=409)
    return EventType(
        mentor=mentor, mentor_id=mentor.id, position=max((t.position for t in known), default=-1) + 1
    )


def require_payable(mentor: Mentor, price: int, *, enabled: bool) -> None:
    """Raise NeedsStripe for a paid session that is switched on while nobody can be paid for it."""
    if enabled and price > 0 and not payouts.can_be_paid(mentor):
        raise NeedsStripe


def switch_offer(event_type: EventType, *, on: bool) -> bool:
    """Let it be booked, or not; False if it was so already. Raises NeedsStripe."""
    if event_type.enabled == on:
        return False
    require_payable(event_type.mentor, event_type.price, enabled=on)
    was_sold, event_type.enabled = calendars.is_sold(event_type), on
    calendars.saved(event_type, was_sold=was_sold)
    return True


def settlement_words(currency: str, usual: str | None) -> str | None:
    """What a mentor who is paid in `usual` should know of a currency, or None when their share goes by itself."""
    settled, code = payments.settled_as(currency), currency.upper()
    if settled == currency or (settled is None and usual in (None, currency)):
        return None
    if settled is None:
        return (
            f"Stripe may settle payments in {code} in another currency. "
            "Your share of such a payment then waits until a person has seen to it."
        )
    return (
        f"Stripe settles payments in {code} as {settled.upper()}. "
        "Your share of each waits until a person has seen to it."
    )


def why_not_removed(event_type: EventType) -> str | None:
    """Why a session type has to stay, in a sentence, or None when nobody would miss it."""
    if offers.is_from_calcom(event_type) and event_type.is_in_calendar:
        return "It comes from Cal.com. Switch it off here, or remove it there."
    sold = sa.select(Booking.id).where(Booking.event_type_id == event_type.id).limit(1)
    if session().execute(sold).first() is not None:
        return "Somebody has chosen it before, and the books keep what was chosen. Switch it off instead."
    return None


def remove_offer(event_type: EventType) -> None:
    """Forget a session type that nobody ever chose, under the mentor's lock. Raises DomainError for any other."""
    session().refresh(
        event_type, with_for_update={"of": EventType}
    )  # who chooses it now comes before or after
    reason = why_not_removed(event_type)
    if reason is not None:
        raise DomainError(reason, status=409, heading="This session type stays")
    session().delete(event_type)
