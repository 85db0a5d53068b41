"""Letters about what became of a session: moved, cancelled, or missed by the attendee."""

from datetime import datetime

from discuno import policy
from discuno.bookings import links
from discuno.bookings.models import Booking, BookingChange, ChangeKind, Party
from discuno.kit.web import moment
from discuno.notifications.booking_letters import (
    HOST,
    MANAGE,
    Facts,
    for_attendee,
    for_mentor,
    how_long_it_is_held,
    money_back,
    paid,
    takes_place,
    the_booking,
    unless,
)
from discuno.notifications.letters import ATTENDEE_REASON, MENTOR_REASON, Letter, letter, session_facts
from discuno.payouts import share
from discuno.policy import CancelRefund

FILE_MOVES = "The calendar file with this letter moves it in your calendar."
FILE_REMOVES = "The calendar file with this letter takes it out of your calendar."


def _has_changed(booking_id: int, owed_at: datetime) -> bool:
    """It was moved or cancelled after the letter was owed, and there is another letter about that."""
    booking = the_booking(booking_id)
    return not takes_place(booking) or booking.changed_at > owed_at


# Moved


def _last_move(booking: Booking) -> BookingChange | None:
    made = [change for change in booking.changes if change.kind == ChangeKind.MOVED]
    return made[-1] if made else None


def _moved_facts(booking: Booking, zone: str) -> Facts:
    """The old time beside the new one."""
    facts, move = session_facts(booking, zone), _last_move(booking)
    if move is not None and move.before is not None:
        now = facts.index(("When", moment(booking.starts_at, zone)))
        facts[now : now + 1] = [("It was", moment(move.before, zone)), ("It is now", facts[now][1])]
    return facts


def _who(party: Party | None, booking: Booking, reader: Party) -> str:
    """Who did something, as a sentence to the reader begins."""
    if party == reader:
        return "You have"
    named = {Party.ATTENDEE: booking.attendee_name or "The attendee", Party.MENTOR: booking.mentor.name}
    if party == Party.CALENDAR:
        return "Your calendar has" if reader == Party.MENTOR else f"{booking.mentor.name}'s calendar has"
    return f"{named[party]} has" if party in named else "We have"


def _who_moved(booking: Booking, reader: Party) -> str:
    move = _last_move(booking)
    return _who(move.by if move is not None else None, booking, reader)


@letter("booking_moved", about="booking_id", unless=_has_changed, attaches=True)
def booking_moved(booking_id: int) -> Letter:
    """To the attendee: the old time and the new one; the payment stays."""
    booking = the_booking(booking_id)
    return Letter(
        subject=f"Moved: {booking.title} with {booking.mentor.name}",
        sender="bookings",
        heading="Your session was moved",
        paragraphs=[
            f"{_who_moved(booking, Party.ATTENDEE)} moved the session to another time. {FILE_MOVES}",
            "There is nothing more to pay. The links in our earlier letters no longer work; the one below does.",
            *how_long_it_is_held(paid(booking), booking.attendee_zone),
        ],
        facts=_moved_facts(booking, booking.attendee_zone),
        action=(MANAGE, links.manage_path(booking)),
        reason=ATTENDEE_REASON,
        calendar=for_attendee(booking),
    )


@letter("booking_moved_mentor", about="booking_id", unless=_has_changed, attaches=True)
def booking_moved_mentor(booking_id: int) -> Letter:
    """To the mentor: the old time and the new one, and what it means for the money."""
    booking = the_booking(booking_id)
    return Letter(
        subject=f"Moved: {booking.title} with {booking.attendee_name}",
        sender="bookings",
        heading="A session was moved",
        paragraphs=[
            f"{_who_moved(booking, Party.MENTOR)} moved the session to another time. {FILE_MOVES}",
            share.sentence(paid(booking)),
        ],
        facts=_moved_facts(booking, booking.mentor.zone),
        action=(HOST, links.host_path(booking)),
        reason=MENTOR_REASON,
        calendar=for_mentor(booking),
    )


@letter("booking_not_moved", about="booking_id", unless=_has_changed)
def booking_not_moved(booking_id: int) -> Letter:
    """To the attendee: the mentor's calendar did not have the other time; nothing was changed."""
    booking = the_booking(booking_id)
    return Letter(
        subject=f"Not moved: {booking.title} with {booking.mentor.name}",
        sender="bookings",
        heading="Your session could not be moved",
        paragraphs=[
            f"You asked for another time, and {booking.mentor.name}'s calendar no longer has it free. "
            "So everything stays as it was: the session takes place at the time below.",
            "If that time does not suit you, choose another one.",
        ],
        facts=session_facts(booking, booking.attendee_zone),
        action=(MANAGE, links.manage_path(booking)),
        reason=ATTENDEE_REASON,
    )


# Cancelled


def _refund_or_why_none(booking: Booking) -> tuple[str, Facts]:
    payment = paid(booking)
    if payment is None:
        return "Nothing was charged for it.", []
    back = money_back(payment, "booking_cancelled")
    if back is not None:
        return back
    if payment.refunded >= payment.amount:
        return "All of your payment was returned before.", []
    answer = policy.cancellation(
        (booking.cancelled_by or Party.HOUSE).value,
        now=booking.cancelled_at or booking.changed_at,
        starts_at=booking.starts_at,
    )
    why = {
        CancelRefund.NOTHING: answer.rule,
        CancelRefund.A_PERSON_DECIDES: f"{answer.rule} We will write to you.",
        CancelRefund.ALL: "Your bank has taken the payment back or is asked to, so we cannot return it as well.",
    }[answer.refund]
    return why, [("Refund", "To be decided" if answer.refund == CancelRefund.A_PERSON_DECIDES else "None")]


def _cancelled_facts(booking: Booking, zone: str) -> Facts:
    reason = [("Reason given", booking.cancel_reason)] if booking.cancel_reason else []
    return [*session_facts(booking, zone), *reason]


@letter("booking_cancelled", about="booking_id", attaches=True)
def booking_cancelled(booking_id: int) -> Letter:
    """To the attendee: by whom, and exactly what comes back or why nothing does."""
    booking = the_booking(booking_id)
    money, refund = _refund_or_why_none(booking)
    return Letter(
        subject=f"Cancelled: {booking.title} with {booking.mentor.name}",
        sender="bookings",
        heading="Your session was cancelled",
        paragraphs=[
            f"{_who(booking.cancelled_by, booking, Party.ATTENDEE)} cancelled the session. {FILE_REMOVES}",
            money,
        ],
        facts=[*_cancelled_facts(booking, booking.attendee_zone), *refund],
        action=("See your booking", links.manage_path(booking)),
        reason=ATTENDEE_REASON,
        calendar=for_attendee(booking),
    )


@letter("booking_cancelled_mentor", about="booking_id", attaches=True)
def booking_cancelled_mentor(booking_id: int) -> Letter:
    """To the mentor: by whom, and what becomes of their share."""
    booking = the_booking(booking_id)
    return Letter(
        subject=f"Cancelled: {booking.title} with {booking.attendee_name}",
        sender="bookings",
        heading="A session was cancelled",
        paragraphs=[
            f"{_who(booking.cancelled_by, booking, Party.MENTOR)} cancelled the session. {FILE_REMOVES}",
            share.sentence(paid(booking)),
        ],
        facts=_cancelled_facts(booking, booking.mentor.zone),
        action=(HOST, links.host_path(booking)),
        reason=MENTOR_REASON,
        calendar=for_mentor(booking),
    )


# Missed, and links


@letter("attendee_absent", about="booking_id", unless=unless(lambda b: b.attendee_absent_at is not None))
def attendee_absent(booking_id: int) -> Letter:
    """To the attendee: they are said not to have come; what that means, and how to object."""
    booking = the_booking(booking_id)
    payment = paid(booking)
    paragraphs = [f"We were told that you did not come to your session with {booking.mentor.name}."]
    if payment is not None and payment.dispute_period_ends is not None:
        until = moment(payment.dispute_period_ends, booking.attendee_zone)
        paragraphs.append(
            f"{booking.mentor.name} kept the time for you, so the payment goes to them. If you were there, "
            f"report a problem until {until}, and a person looks at it."
        )
    else:
        paragraphs.append(
            "The session was free, so there is nothing to settle. If you were there, answer this letter."
        )
    return Letter(
        subject=f"Were you there? {booking.title} with {booking.mentor.name}",
        sender="bookings",
        heading="You are said to have missed your session",
        paragraphs=paragraphs,
        facts=session_facts(booking, booking.attendee_zone),
        action=("See your booking or report a problem", links.manage_path(booking)),
        reason=ATTENDEE_REASON,
    )
