"""Letters that remind both sides of a session, the day before and the hour before: true when they are sent."""

from datetime import datetime
from zoneinfo import ZoneInfo

from discuno import policy
from discuno.bookings import links
from discuno.bookings.models import Booking
from discuno.kit import clock
from discuno.kit.web import day, moment
from discuno.notifications.booking_letters import (
    HOST,
    MANAGE,
    Facts,
    paid,
    rule_of_cancelling,
    takes_place,
    the_booking,
)
from discuno.notifications.letters import (
    ATTENDEE_REASON,
    MENTOR_REASON,
    Letter,
    Unless,
    letter,
    session_facts,
)
from discuno.notifications.models import OptionalKind
from discuno.payouts import share

SO_CLOSE = 90  # minutes, up to which they are counted
DAYS = ("today", "tomorrow", "the day after tomorrow")
MINUTES = {0: "in less than a minute", 1: "in a minute", 60: "in an hour"}


def how_soon(starts_at: datetime, now: datetime, zone: str) -> str:
    """In 40 minutes, today, tomorrow: as somebody in a zone would say it now, whose days are not all of 24 hours."""
    minutes = round((starts_at - now).total_seconds() / 60)
    if minutes <= SO_CLOSE:
        return MINUTES.get(minutes, f"in {minutes} minutes")
    here = ZoneInfo(zone)
    days = (starts_at.astimezone(here).date() - now.astimezone(here).date()).days
    return DAYS[days] if days < len(DAYS) else f"on {day(starts_at, zone)}"


def _begun(words: str) -> str:
    return words[:1].upper() + words[1:]


def _no_longer(lead: str) -> Unless:
    """Cancelled or moved since it was owed, of which there is another letter; begun, or too close."""

    def is_so(booking_id: int, owed_at: datetime) -> bool:
        booking = the_booking(booking_id)
        is_useful = policy.may_remind(policy.REMINDERS[lead], now=clock.now(), starts_at=booking.starts_at)
        return not takes_place(booking) or booking.changed_at > owed_at or not is_useful

    return is_so


# To the attendee


@letter("reminder_day", about="booking_id", unless=_no_longer("day"), optional=OptionalKind.DAY_BEFORE)
def reminder_day(booking_id: int) -> Letter:
    """To the attendee: their session is tomorrow; where they meet, and what can still be done about it."""
    return _to_attendee(the_booking(booking_id))


@letter("reminder_hour", about="booking_id", unless=_no_longer("hour"), optional=OptionalKind.HOUR_BEFORE)
def reminder_hour(booking_id: int) -> Letter:
    """To the attendee: their session is in an hour; where they meet."""
    return _to_attendee(the_booking(booking_id))


def _to_attendee(booking: Booking) -> Letter:
    zone, name = booking.attendee_zone, booking.mentor.name
    soon = how_soon(booking.starts_at, clock.now(), zone)
    where = (
        "You meet at the address below."
        if booking.meeting_url
        else f"{booking.mentor.first_name} will write to you about where you meet, unless you know already."
    )
    return Letter(
        subject=f"{_begun(soon)}: {booking.title} with {name}",
        sender="bookings",
        heading=f"Your session is {soon}",
        paragraphs=[
            f"{name} expects you on {moment(booking.starts_at, zone)}. {where}",
            *_what_can_be_done(booking),
        ],
        facts=session_facts(booking, zone),
        action=(MANAGE, links.manage_path(booking)),
        reason=ATTENDEE_REASON,
    )


def _what_can_be_done(booking: Booking) -> list[str]:
    """Until when it can be moved or cancelled for nothing; and when that is over, what is left to do."""
    payment, now = paid(booking), clock.now()
    why_not = policy.why_not_moved(now=now, starts_at=booking.starts_at, moves=booking.moves)
    if payment is not None and why_not and now > booking.starts_at - policy.FREE_CANCELLATION:
        return [
            "It can no longer be moved, and a cancellation returns nothing any more. If you cannot come, please "
            f"cancel it all the same, so that {booking.mentor.first_name} does not wait for you."
        ]
    until = moment(booking.starts_at - policy.MOVE_UNTIL, booking.attendee_zone)
    return [
        rule_of_cancelling(booking, payment),
        why_not or f"You can move it to another time until {until}.",
    ]


# To the mentor


@letter("reminder_day_mentor", about="booking_id", unless=_no_longer("day"), optional=OptionalKind.DAY_BEFORE)
def reminder_day_mentor(booking_id: int) -> Letter:
    """To the mentor: they have a session tomorrow; with whom, and about what."""
    return _to_mentor(the_booking(booking_id))


@letter(
    "reminder_hour_mentor", about="booking_id", unless=_no_longer("hour"), optional=OptionalKind.HOUR_BEFORE
)
def reminder_hour_mentor(booking_id: int) -> Letter:
    """To the mentor: they have a session in an hour; with whom, and about what."""
    return _to_mentor(the_booking(booking_id))


def _to_mentor(booking: Booking) -> Letter:
    zone, name, payment = booking.mentor.zone, booking.attendee_name, paid(booking)
    soon = how_soon(booking.starts_at, clock.now(), zone)
    where = (
        "You meet at the address below."
        if booking.meeting_url
        else "We know of no place where you meet: please write to them about it, unless you have."
    )
    cancelling = (
        "If you cannot come, cancel it on its page: the attendee then gets all of it back."
        if payment is not None
        else "If you cannot come, please cancel it on its page."
    )
    return Letter(
        subject=f"{_begun(soon)}: {booking.title} with {name}",
        sender="bookings",
        heading=f"Your session is {soon}",
        paragraphs=[
            f"{name} comes on {moment(booking.starts_at, zone)}. {where}",
            share.sentence(payment),
            cancelling,
        ],
        facts=_facts_of_mentor(booking, zone),
        action=(HOST, links.host_path(booking)),
        reason=MENTOR_REASON,
    )


def _facts_of_mentor(booking: Booking, zone: str) -> Facts:
    note = [("They would like to talk about", booking.note)] if booking.note else []
    address = ("Attendee's e-mail", booking.attendee_email or "")
    return [*session_facts(booking, zone), address, *note]
