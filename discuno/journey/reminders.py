"""Both sides are reminded of a session the day before and the hour before, unless they have only just heard of it.

A reminder is a job of the future, planted with what it reminds of: no sweep looks for sessions that draw near.
"""

from discuno import policy
from discuno.bookings.models import Booking, BookingStatus
from discuno.kit import clock, outbox
from discuno.notifications import service as letters


def plan_reminders(booking: Booking) -> None:
    """Plant them for the time it has now. One that is planted already waits until that time by itself."""
    for lead, reminder in policy.REMINDERS.items():
        due, key = booking.starts_at - reminder.before, f"remind:{booking.id}:{lead}"
        if due - clock.now() < policy.REMINDER_QUIET:
            outbox.drop(key)
        else:
            outbox.add("remind", run_at=due, unique_key=key, booking_id=booking.id, lead=lead)


def remind(booking: Booking, lead: str) -> None:
    """Owe both their letter, once a time that it has. Raises Later when it was moved to a later one."""
    reminder = policy.REMINDERS[lead]
    if booking.status != BookingStatus.CONFIRMED:
        return
    due = booking.starts_at - reminder.before
    if due > clock.now():
        raise outbox.Later(due)
    if policy.may_remind(reminder, now=clock.now(), starts_at=booking.starts_at):
        event, template = f"booking:{booking.id}:reminder:{lead}:{booking.sequence}", f"reminder_{lead}"
        letters.tell(event, booking.attendee_email or "", template, booking_id=booking.id)
        letters.tell(event, booking.mentor.user.email, f"{template}_mentor", booking_id=booking.id)
