"""The doors of a checkout: what happens outside between the details and the card form."""

from discuno import journey
from discuno.bookings import jobs as calendar
from discuno.bookings import service as bookings
from discuno.bookings.models import BookingStatus
from discuno.bookings.service import Attendee
from discuno.edges.calcom import CalcomDown
from discuno.edges.stripe import StripeDown, StripeRefused
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.payments import jobs
from discuno.payments import service as payments


def take_details(booking_id: int, attendee: Attendee) -> None:
    """Write the details down, keep the slot at the mentor's calendar, and open a checkout.

    If Stripe cannot be reached the details stay and the payment page offers to try again.
    Raises TimeTaken when the mentor's calendar no longer has the slot.
    """
    with transaction():
        booking = payments.locked_booking(booking_id)
        payment = payments.of_booking(booking)
        if payment is not None and payments.still_fits(payment, attendee.name, attendee.email):
            booking.note, booking.attendee_phone = attendee.note, attendee.phone or None
            return
        if payment is not None and not payments.may_change(payment):
            return
    _learn_what_was_opened(booking_id)
    with transaction():
        booking = payments.locked_booking(booking_id)
        payment = journey.give_details(booking, attendee)
        payment_id = payment.id if payment is not None else None
    if payment_id is None:
        return
    _end_former(payment_id)
    try:
        calendar.reserve(booking_id)
    except CalcomDown as error:
        raise DomainError(
            "We cannot reach this mentor's calendar right now. Your time is still held; please try again.",
            status=503,
            heading="The calendar does not answer",
        ) from error
    _or_later(payment_id)


def more_time(booking_id: int) -> None:
    """Keep the hour a little longer, once; a checkout is ended first, and another that can be paid longer opened.

    Nothing happens to what is not held any more, was paid meanwhile, or had more time before.
    Raises TimeTaken when the mentor's calendar no longer has the slot.
    """
    _learn_what_was_opened(booking_id)
    with transaction():
        booking = payments.locked_booking(booking_id)
        payment = payments.of_booking(booking)
        if booking.extended_at is not None or not bookings.seconds_left(booking):
            return
        if payment is not None and not payments.may_change(payment):
            return
        journey.more_time(booking)
        payment_id = payment.id if payment is not None else None
    if payment_id is None:
        return
    _end_former(payment_id)
    try:
        calendar.reserve(booking_id)
    except CalcomDown as error:  # a time that is paid for and cannot be booked there after all is refunded
        jobs.log.warning("reservation_not_renewed", booking_id=booking_id, error=str(error))
    _or_later(payment_id)


def came_too_late(booking_id: int, attendee: Attendee) -> None:
    """The hold had run out when the details came: free the hour, and keep them for the next time that is chosen."""
    with transaction():
        booking = payments.locked_booking(booking_id)
        if not booking.has_details and not bookings.seconds_left(booking):
            journey.ran_out(booking, attendee)


def _learn_what_was_opened(booking_id: int) -> None:
    """If a checkout was asked for and no answer came, ask again, so that it can be ended before another begins."""
    with transaction():
        payment = payments.of_booking(payments.locked_booking(booking_id))
        unknown = payment.id if payment is not None and payments.outcome_unknown(payment) else None
    if unknown is not None:
        _or_later(unknown)


def _end_former(payment_id: int) -> None:
    """See that nobody pays for the former details; if it cannot be done now, no session is opened until it is."""
    try:
        jobs.end_superseded(payment_id)
    except (StripeDown, StripeRefused) as error:
        jobs.log.warning("superseded_not_ended", payment_id=payment_id, error=str(error))


def _or_later(payment_id: int) -> None:
    """Open the checkout; when that cannot be done now, the payment page says so and offers to try again."""
    try:
        jobs.open_checkout(payment_id)
    except (StripeDown, StripeRefused) as error:
        jobs.log.warning("checkout_not_opened", payment_id=payment_id, error=str(error))


def let_go(booking_id: int) -> None:
    """Give a held hour back. Its checkout is ended first, so that nobody pays for an hour that is free."""
    with transaction():
        booking = payments.locked_booking(booking_id)
        payment = payments.of_booking(booking)
        payment_id = payment.id if payment is not None else None
        if payment is not None:
            payments.give_back(payment)
        elif not booking.has_details:  # a free session with its details is as good as booked
            journey.give_back(booking, BookingStatus.RELEASED)
    if payment_id is not None:
        jobs.close_checkout(payment_id)
