"""Letters about a session to come: that it was made or was not, and the links to it."""

from collections.abc import Callable

from flask import current_app

from discuno import policy
from discuno.bookings import changes, ics, links
from discuno.bookings.ics import CalendarFile
from discuno.bookings.models import Booking, BookingStatus, LinkRequest, Party
from discuno.kit import clock
from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.notifications.letters import (
    ATTENDEE_REASON,
    MENTOR_REASON,
    Letter,
    Unless,
    letter,
    session_facts,
)
from discuno.payments import service as payments
from discuno.payments.models import Payment, Refund, RefundStatus
from discuno.payouts import share

Facts = list[tuple[str, str]]
MANAGE, HOST = "See or change your booking", "See this session"
FILE = "The calendar file with this letter puts it into your calendar."


def the_booking(booking_id: int) -> Booking:
    """The row."""
    return session().get_one(Booking, booking_id)


def for_attendee(booking: Booking) -> CalendarFile:
    """The attendee's calendar file."""
    return _file(booking, Party.ATTENDEE, booking.attendee_zone, links.manage_path(booking))


def for_mentor(booking: Booking) -> CalendarFile:
    """The mentor's."""
    return _file(booking, Party.MENTOR, booking.mentor.zone, links.host_path(booking))


def _file(booking: Booking, reader: Party, zone: str, path: str) -> CalendarFile:
    config = current_app.config
    organizer = f"bookings@{config['EMAIL_FROM_DOMAIN']}"
    url = f"{config['BASE_URL']}{path}"
    return ics.invitation(booking, reader, zone=zone, organizer=organizer, url=url)


def paid(booking: Booking) -> Payment | None:
    """Its payment, once the money is here."""
    payment = payments.of_booking(booking)
    return payment if payment is not None and payment.paid_at is not None else None


# When a letter is not sent after all.


def unless(is_true: Callable[[Booking], bool]) -> Unless:
    """Dropped unless this is true of the booking."""
    return lambda booking_id, _owed_at: not is_true(the_booking(booking_id))


def takes_place(booking: Booking) -> bool:
    """Whether it is still on."""
    return booking.status == BookingStatus.CONFIRMED


# Confirmed


@letter("booking_confirmed", about="booking_id", unless=unless(takes_place), attaches=True)
def booking_confirmed(booking_id: int) -> Letter:
    """To the attendee: it will take place, what it cost, and what can still be done about it."""
    booking = the_booking(booking_id)
    payment, zone = paid(booking), booking.attendee_zone
    facts = [*session_facts(booking, zone), ("Price", "Free")]
    if payment is not None:
        facts[-1] = ("Paid", in_words(payment.amount, payment.currency))
    return Letter(
        subject=f"Confirmed: {booking.title} with {booking.mentor.name}",
        sender="bookings",
        heading="Your session is confirmed",
        paragraphs=[
            f"Your session with {booking.mentor.name} is confirmed. {FILE}",
            rule_of_cancelling(booking, payment),
            *how_long_it_is_held(payment, zone),
        ],
        facts=facts,
        action=(MANAGE, links.manage_path(booking)),
        reason=ATTENDEE_REASON,
        calendar=for_attendee(booking),
    )


def rule_of_cancelling(booking: Booking, payment: Payment | None) -> str:
    """What the attendee gets back who cancels, in a sentence: until when all of it, or nothing any more."""
    if payment is None:
        return (
            "If you cannot come, please cancel it before it starts, so that somebody else can have the time."
        )
    until = booking.starts_at - policy.FREE_CANCELLATION
    if clock.now() > until:
        return policy.CANCEL_LATE
    by = moment(until, booking.attendee_zone)
    return f"If you cancel by {by}, you get all of it back; after that nothing is returned."


def how_long_it_is_held(payment: Payment | None, zone: str) -> list[str]:
    """Until when the money waits and a problem can be reported, in a sentence; none for what is free."""
    if payment is None or payment.dispute_period_ends is None:
        return []
    until = moment(payment.dispute_period_ends, zone)
    return [
        f"We hold your payment until {until}. If something goes wrong with the session, report it before then."
    ]


@letter("booking_confirmed_mentor", about="booking_id", unless=unless(takes_place), attaches=True)
def booking_confirmed_mentor(booking_id: int) -> Letter:
    """To the mentor: somebody has booked."""
    booking = the_booking(booking_id)
    payment = paid(booking)
    facts = [
        *session_facts(booking, booking.mentor.zone),
        ("Attendee's e-mail", booking.attendee_email or ""),
    ]
    if booking.note:
        facts.append(("They would like to talk about", booking.note))
    if payment is not None:
        facts.append(("Paid by the attendee", in_words(payment.amount, payment.currency)))
        facts.append(("Your share", in_words(payment.mentor_amount, payment.currency)))
    return Letter(
        subject=f"Booked: {booking.title} with {booking.attendee_name}",
        sender="bookings",
        heading="You have a new session",
        paragraphs=[
            f"{booking.attendee_name} has booked a session with you. {FILE}",
            share.sentence(payment),
        ],
        facts=facts,
        action=(HOST, links.host_path(booking)),
        reason=MENTOR_REASON,
        calendar=for_mentor(booking),
    )


# Not made


def money_back(payment: Payment | None, reason: str) -> tuple[str, Facts] | None:
    """What becomes of the refund that was begun for a reason, in a sentence and a fact; None without one."""
    made: list[Refund] = [r for r in payment.refunds if r.reason == reason] if payment is not None else []
    if not made:
        return None
    amount = in_words(made[-1].amount, made[-1].currency)
    sentence = {
        RefundStatus.SUCCEEDED: f"We have returned {amount} to your card; banks usually show it within 5 to 10 days.",
        RefundStatus.FAILED: f"Returning {amount} to your card did not work at once; a person sees to it and will "
        "write to you.",
    }.get(made[-1].status, f"We are returning {amount} to your card; you need not do anything.")
    return sentence, [("Refund", amount)]


def _money_of_refused(payment: Payment | None) -> tuple[str, Facts]:
    """What becomes of the money of what was not booked."""
    if payment is None:
        return "Nothing was charged.", []
    back = money_back(payment, "booking_refused")
    if back is not None:
        return back
    if payment.refunded >= payment.amount:
        return "Nothing is kept of it.", [("Returned", in_words(payment.refunded, payment.currency))]
    return "Your bank has taken the payment back or is asked to, so we cannot return it as well.", []


def _was_returned_before(payment: Payment | None) -> bool:
    """Whether the money had gone back by another hand before the time could be booked."""
    if payment is None or money_back(payment, "booking_refused") is not None:
        return False
    return payment.refunded >= payment.amount


def _not_booked(booking: Booking, heading: str, sentence: str) -> Letter:
    """Why it was not booked, what happens to the money, and which times are near."""
    zone, (money, facts) = booking.attendee_zone, _money_of_refused(paid(booking))
    near = [(moment(start, zone), links.times_path(booking, start)) for start in booking.near_starts]
    more = (
        "These times were free when this was written." if near else "You are welcome to choose another time."
    )
    return Letter(
        subject=f"Not booked: {booking.title} with {booking.mentor.name}",
        sender="bookings",
        heading=heading,
        paragraphs=[sentence, f"{money} {more}"],
        facts=[*session_facts(booking, zone), *facts],
        links=near,
        action=("Choose another time", links.times_path(booking, booking.starts_at)),
        reason=ATTENDEE_REASON,
    )


@letter("booking_refused", about="booking_id")
def booking_refused(booking_id: int) -> Letter:
    """To the attendee: it could not be booked, what happens to the money, and which times are near."""
    booking = the_booking(booking_id)
    why = "that time is no longer free in the mentor's calendar."
    if _was_returned_before(paid(booking)):
        why = "your payment was returned before the time could be booked."
    sentence = f"We are sorry: your session with {booking.mentor.name} could not be booked, because {why}"
    return _not_booked(booking, "That time could not be booked", sentence)


@letter("payment_late", about="booking_id")
def payment_late(booking_id: int) -> Letter:
    """To the attendee: the payment came when the time was given up and taken already, and all of it goes back."""
    booking = the_booking(booking_id)
    lost = "By now the time is no longer free, so the session could not be booked."
    if _was_returned_before(paid(booking)):
        lost = "It was returned before the time could be booked after all."
    return _not_booked(
        booking,
        "Your payment came too late",
        f"We are sorry: your payment for the session with {booking.mentor.name} reached us after the time that we "
        f"had kept for you was given up. {lost}",
    )


@letter(
    "payment_expired",
    about="booking_id",
    unless=unless(lambda booking: booking.status == BookingStatus.EXPIRED),
)
def payment_expired(booking_id: int) -> Letter:
    """To the attendee: the time was not paid for, and is free again."""
    booking = the_booking(booking_id)
    return Letter(
        subject=f"Not booked: {booking.title} with {booking.mentor.name} was not paid",
        sender="bookings",
        heading="Your booking was not finished",
        paragraphs=[
            f"You began to book a session with {booking.mentor.name}, but the payment was not completed in time. "
            "Nothing was charged, and the time is free for others again.",
            "If you still want the session, choose a time once more: the button shows the same day.",
        ],
        facts=session_facts(booking, booking.attendee_zone),
        action=("Choose a time", links.times_path(booking, booking.starts_at)),
        reason=ATTENDEE_REASON,
    )


@letter(
    "payment_failed",
    about="booking_id",
    unless=unless(lambda booking: booking.status == BookingStatus.EXPIRED),
)
def payment_failed(booking_id: int) -> Letter:
    """To the attendee: their bank has refused the payment in the end, and how to book all the same."""
    booking = the_booking(booking_id)
    price = in_words(booking.price, booking.currency)
    return Letter(
        subject=f"Not booked: your payment for {booking.title} was refused",
        sender="bookings",
        heading="Your bank has refused the payment",
        paragraphs=[
            f"You began to pay for a session with {booking.mentor.name}. Your bank needed some time to decide, and "
            "has refused the payment now, so the session is not booked. Nothing was charged, and the time is free "
            "for others again.",
            "If you still want the session, choose a time once more: the button shows the same day. Your bank can "
            "tell you why it has refused; another card may work at once.",
        ],
        facts=[*session_facts(booking, booking.attendee_zone), ("Not charged", price)],
        action=("Choose a time", links.times_path(booking, booking.starts_at)),
        reason=ATTENDEE_REASON,
    )


# Links


@letter("booking_link", about="booking_id")
def booking_link(booking_id: int) -> Letter:
    """To the attendee: the link that works now."""
    booking = the_booking(booking_id)
    return Letter(
        subject=f"Your link: {booking.title} with {booking.mentor.name}",
        sender="bookings",
        heading="The link to your booking",
        paragraphs=[
            "This link opens your booking: its state, its receipt, and what you can do about it. Earlier ones may no "
            "longer work. Whoever has it can do all that too, so please keep it to yourself.",
        ],
        facts=session_facts(booking, booking.attendee_zone),
        action=(MANAGE, links.manage_path(booking)),
        reason=ATTENDEE_REASON,
    )


def _asked_for(request_id: int) -> list[Booking]:
    """The bookings that somebody has asked for; none once the request is forgotten."""
    asked = session().get(LinkRequest, request_id)
    return changes.of_address(asked.email, asked.asked_at - policy.FIND_BACK) if asked is not None else []


@letter("your_bookings", about="request_id", unless=lambda request_id, _owed_at: not _asked_for(request_id))
def your_bookings(request_id: int) -> Letter:
    """To the address whose links were asked for: its bookings."""
    found = _asked_for(request_id)
    return Letter(
        subject="The links to your bookings",
        sender="bookings",
        heading="Your bookings",
        paragraphs=[
            "Somebody, probably you, has asked us for the bookings of this e-mail address.",
            "Each of these links opens one of them."
            if found
            else "There are none that could still be changed.",
        ],
        links=[(_in_a_line(booking), links.manage_path(booking)) for booking in found],
        reason="You get this letter because these links were asked for. If it was not you, you need not do anything.",
    )


def _in_a_line(booking: Booking) -> str:
    when = moment(booking.starts_at, booking.attendee_zone)
    state = "" if takes_place(booking) else f" · {booking.status.label}"
    return f"{booking.title} with {booking.mentor.name} · {when}{state}"
