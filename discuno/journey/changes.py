"""What may still happen to a booking that was made: it is moved, it is cancelled, or somebody does not come."""

from datetime import datetime

from discuno import policy
from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.bookings import changes
from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.disputes.models import Decision
from discuno.disputes.reports import latest as latest_report
from discuno.journey import money, reports
from discuno.journey.reminders import plan_reminders
from discuno.kit import clock, outbox
from discuno.kit.errors import DomainError
from discuno.notifications import service as letters
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import transfers
from discuno.policy import CancelAnswer, CancelRefund

CANCELLED = "The session was cancelled and is refunded."
NOT_MADE = "This session is not confirmed, so there is nothing to change."
ABSENT = "The attendee is said not to have come."
MOVING = "We are just moving this session. Please look again in a moment."

# 9. It is cancelled. The hour is free at once, the money follows the policy.


def cancel_answer(booking: Booking, by: Party) -> CancelAnswer:
    """What policy says to cancelling now, before anybody presses the button."""
    return policy.cancellation(by.value, now=clock.now(), starts_at=booking.starts_at)


def why_not_cancelled(booking: Booking, by: Party) -> str | None:
    """Why it cannot be cancelled now, or None."""
    answer = cancel_answer(booking, by)
    return _why_not_made(booking) or (None if answer.allowed else answer.rule)


def cancel(booking: Booking, by: Party, reason: str = "", *, actor: Actor | None = None) -> None:
    """Cancel a confirmed session and return what policy returns. Twice does it once. Raises DomainError.

    `actor` is whoever is signed in and does it; without one the audit log names the side alone.
    """
    if booking.status == BookingStatus.CANCELLED:
        return
    why_not = why_not_cancelled(booking, by)
    if why_not is not None:
        raise DomainError(why_not, status=409)
    answer = cancel_answer(booking, by)
    changes.cancel(booking, by, reason)
    audit.record(actor or by.value, "cancel", f"booking:{booking.id}", reason or answer.rule)
    if booking.calcom_booking_uid is not None and by != Party.CALENDAR:
        outbox.add("cancel_at_calendar", booking_id=booking.id, unique_key=f"cancel:{booking.id}")
    payment = payments.of_booking(booking)
    if payment is not None:
        _settle_cancelled(payment, answer)
    _tell_both(booking, "cancelled", "booking_cancelled", "booking_cancelled_mentor")


def _settle_cancelled(payment: Payment, answer: CancelAnswer) -> None:
    if answer.refund == CancelRefund.ALL:
        refund_cancelled(payment)
        case = latest_report(payment)
        if case is not None:
            reports.decide_report(case, Decision.REFUNDED, CANCELLED, Party.HOUSE.value)
    elif answer.refund == CancelRefund.A_PERSON_DECIDES:
        money.needs_a_person(payment, "cancelled in the mentor's calendar, late, and nobody says by whom")
    transfers.review(payment)


def refund_cancelled(payment: Payment) -> None:
    """What a cancelled session returns by the rule goes back, as soon as no bank has it: once, whenever called."""
    booking = payment.booking
    if booking.cancelled_at is None or booking.cancelled_by is None:
        return
    rule = policy.cancellation(
        booking.cancelled_by.value, now=booking.cancelled_at, starts_at=booking.starts_at
    )
    if rule.refund == CancelRefund.ALL:
        money.refund_what_can_be(payment, reason="booking_cancelled")


def _why_not_made(booking: Booking) -> str | None:
    if booking.status != BookingStatus.CONFIRMED:
        return NOT_MADE
    return MOVING if changes.is_moving(booking) else None


def _tell_both(booking: Booking, what: str, to_attendee: str, to_mentor: str) -> None:
    """Both sides, once for each state of the booking."""
    event = f"booking:{booking.id}:{what}:{booking.sequence}"
    letters.tell(event, booking.attendee_email or "", to_attendee, booking_id=booking.id)
    letters.tell(event, booking.mentor.user.email, to_mentor, booking_id=booking.id)


# 10. It is moved. The payment stays; its dispute period and the calendars follow.


def why_not_moved(booking: Booking) -> str | None:
    """Why the attendee may not move it now, or None."""
    why_not = _why_not_made(booking)
    if why_not is not None:
        return why_not
    offered = booking.event_type.enabled and booking.event_type.is_in_calendar
    if booking.mentor.suspended_at is not None or not offered:
        return f"{booking.mentor.name} does not offer this session at other times now."
    return policy.why_not_moved(now=clock.now(), starts_at=booking.starts_at, moves=booking.moves)


def ask_to_move(booking: Booking, start: datetime) -> None:
    """The attendee wants another time. A mentor's other calendar is asked first; ours agrees at once.

    The database refuses an hour that is somebody else's. Raises DomainError.
    """
    why_not = why_not_moved(booking)
    if why_not is not None:
        raise DomainError(why_not, status=409)
    if start == booking.starts_at:
        return
    if booking.calcom_booking_uid is None:  # whatever calendar the mentor has now, it is in ours alone
        moved(booking, start, Party.ATTENDEE)
        return
    changes.hold_new_hour(booking, start)
    outbox.add("move_at_calendar", booking_id=booking.id, unique_key=f"move:{booking.id}")


def moved(booking: Booking, start: datetime, by: Party) -> None:
    """It takes place at another time: the dispute period follows, old links end, both are told. Once a time."""
    if booking.status != BookingStatus.CONFIRMED or start == booking.starts_at:
        changes.let_new_hour_go(booking)
        return
    changes.move(booking, start, by)
    changes.replace_link(booking, by)
    payment = payments.of_booking(booking)
    if payment is not None and payment.paid_at is not None:
        payments.session_moved(payment)
        transfers.review(payment)
        money.wake_release()
    _tell_both(booking, "moved", "booking_moved", "booking_moved_mentor")
    plan_reminders(booking)


def move_refused(booking: Booking) -> None:
    """The other calendar does not have the new time: everything stays as it was, and the attendee is told."""
    start = changes.wanted_start(booking)
    if start is None:
        return
    changes.let_new_hour_go(booking)
    event = f"booking:{booking.id}:not_moved:{start:%Y%m%dT%H%M}:{booking.sequence}"
    letters.tell(event, booking.attendee_email or "", "booking_not_moved", booking_id=booking.id)


# 11. The link to it is replaced, or sent once more.


def replace_link(booking: Booking, by: Party) -> None:
    """Whoever has the old link has nothing any more; the new one goes to the booking's address."""
    changes.replace_link(booking, by)
    send_link(booking)


def send_link(booking: Booking) -> None:
    """Send the present link to the booking's address, and nowhere else. Once in ten minutes."""
    event = f"booking:{booking.id}:link:{booking.manage_token_version}:{clock.now():%Y%m%dT%H%M}"[:-1]
    letters.tell(event, booking.attendee_email or "", "booking_link", booking_id=booking.id)


# 12. The attendee did not come. The mentor kept the hour, so the money goes its way.


def attendee_absent(booking: Booking, by: Party, *, actor: Actor | None = None) -> None:
    """Write down that the attendee is said not to have come; they are told, and can object. Raises DomainError."""
    if booking.status != BookingStatus.CONFIRMED:
        raise DomainError(NOT_MADE, status=409)
    if not policy.may_say_absent(now=clock.now(), starts_at=booking.starts_at):
        raise DomainError("Please wait until ten minutes after the start.", status=409)
    if changes.attendee_absent(booking, by):
        audit.record(actor or by.value, "attendee absent", f"booking:{booking.id}", ABSENT)
        if booking.calcom_booking_uid is not None and by != Party.CALENDAR:
            outbox.add("mark_absent_at_calendar", booking_id=booking.id, unique_key=f"absent:{booking.id}")
        event = f"booking:{booking.id}:attendee_absent:{booking.sequence}"
        letters.tell(event, booking.attendee_email or "", "attendee_absent", booking_id=booking.id)
