"""From the click to a booking that is confirmed, or refused and paid back."""

from collections.abc import Sequence
from datetime import datetime

from discuno import policy
from discuno.bookings import funnel
from discuno.bookings import service as bookings
from discuno.bookings.models import Booking, BookingStatus, FunnelStep
from discuno.bookings.service import Attendee
from discuno.journey import money
from discuno.journey.reminders import plan_reminders
from discuno.kit import clock, outbox
from discuno.kit.errors import DomainError
from discuno.mentors.models import EventType
from discuno.notifications import service as letters
from discuno.payments import service as payments
from discuno.payments.models import Payment, PaymentStatus
from discuno.payments.service import Seen
from discuno.payouts import transfers

# 1. A time is chosen.


def choose_time(
    event_type: EventType, start: datetime, *, visitor: str, zone: str, visit: str | None = None
) -> Booking:
    """Keep the hour, and see to it that it is given back if nobody goes on."""
    booking = bookings.hold(event_type, start, visitor=visitor, zone=zone)
    funnel.chosen(booking, visit)
    outbox.add(
        "lapse_hold", booking_id=booking.id, run_at=booking.held_until, unique_key=f"lapse:{booking.id}"
    )
    return booking


def more_time(booking: Booking) -> None:
    """Keep the hour a little longer, once. A checkout that is open is begun anew: Stripe lengthens none.

    Raises DomainError. Whoever calls it ends the former session and opens the new one.
    """
    bookings.extend(booking)
    payment = payments.of_booking(booking)
    if payment is not None:
        if not payments.may_change(payment):
            raise DomainError("The payment is on its way already.", status=409)
        former_end = payment.checkout_expires_at or clock.now()
        begin_checkout(payment, at_least_until=former_end + policy.MORE_TIME)
        watch(payment, clock.now() + policy.WATCH_PAYMENT_EVERY)
    else:
        outbox.add(
            "lapse_hold", booking_id=booking.id, run_at=booking.held_until, unique_key=f"lapse:{booking.id}"
        )


# 2. The attendee says who they are.


def give_details(booking: Booking, attendee: Attendee) -> Payment | None:
    """Write down who it is for. A paid session gets its payment row and a new checkout; a free one is confirmed.

    Whether it is free is decided by the price on our row.
    """
    bookings.take_details(booking, attendee)
    funnel.reached(booking, FunnelStep.DETAILS)
    if not booking.requires_payment:
        bookings.keep_until(booking, clock.now() + policy.CONFIRM_DEADLINE)
        ask_for_confirmation(booking)
        return None
    payment = payments.prepare(booking)
    begin_checkout(payment)
    watch(payment, clock.now() + policy.WATCH_PAYMENT_EVERY)
    return payment


def begin_checkout(payment: Payment, at_least_until: datetime | None = None) -> None:
    """Freeze a new checkout, and keep the hour for a little longer than it can be paid."""
    ends = payments.open_epoch(payment, at_least_until)
    bookings.keep_until(payment.booking, ends + policy.HOLD_BEYOND_CHECKOUT)


def ran_out(booking: Booking, attendee: Attendee) -> None:
    """The details came too late: the hour is free again, and what was typed waits for the next hold."""
    give_back(booking, BookingStatus.EXPIRED)
    bookings.run_out(booking, attendee)


def watch(payment: Payment, when: datetime) -> None:
    """Look at the payment then, whether or not a webhook ever comes."""
    outbox.add("watch_payment", payment_id=payment.id, run_at=when, unique_key=f"watch:{payment.id}")


def slot_lost(booking: Booking) -> None:
    """The mentor's calendar has the time no more, before anybody paid."""
    give_back(booking, BookingStatus.RELEASED)
    payment = payments.of_booking(booking)
    if payment is not None and payment.status.is_waiting:
        payment.move_to(PaymentStatus.FAILED)


# 3. Stripe was asked, by webhook, by the return page or by the watch; all of them end here.


def payment_seen(payment: Payment, seen: Seen) -> None:
    """Take what Stripe says about the payment's session. Safe to run twice, in any order, by anybody."""
    payment.payment_status = seen.payment_status
    if seen.is_paid:
        payment_succeeded(payment, seen)
    elif seen.is_processing:
        if payment.status == PaymentStatus.PENDING:
            payment.move_to(PaymentStatus.PROCESSING)
    elif seen.is_over_unpaid and seen.session_id == payment.stripe_checkout_session_id:
        checkout_over(payment, refused=seen.is_refused)


def payment_succeeded(payment: Payment, seen: Seen) -> None:
    """The money is here: if it is the right money, have the booking confirmed; if not, stop and tell a person."""
    if payment.status.has_money:
        if seen.payment_intent_id != payment.stripe_payment_intent_id:
            money.needs_a_person(payment, f"paid twice: {seen.session_id} as well")
        return
    wrong = payments.mismatch(payment, seen)
    if wrong is not None:
        money.needs_a_person(payment, f"{seen.session_id}: {wrong}")
        return
    payments.record_paid(payment, seen)
    funnel.reached(payment.booking, FunnelStep.PAID)
    if payment.stripe_entry_id is None:
        outbox.add("learn_fee", payment_id=payment.id, unique_key=f"fee:{payment.id}")
    ask_for_confirmation(payment.booking)


def checkout_over(payment: Payment, *, refused: bool = False) -> None:
    """The session ended without money: the payment has failed, and the hour is free again.

    `refused`: somebody had paid, and their bank has taken its time to say no.
    """
    if not payment.status.is_waiting:
        return
    payment.move_to(PaymentStatus.FAILED)
    payment.checkout_client_secret = None
    booking = payment.booking
    if payments.was_given_back(payment):
        give_back(booking, BookingStatus.RELEASED)
    elif booking.status == BookingStatus.HELD:
        event, template = f"booking:{booking.id}:unpaid", "payment_failed" if refused else "payment_expired"
        letters.tell(event, payment.customer_email, template, booking_id=booking.id)
        give_back(booking, BookingStatus.EXPIRED)


def give_back(booking: Booking, status: BookingStatus) -> None:
    """Free a held hour, with its reservation in the mentor's calendar."""
    if booking.status == BookingStatus.HELD:
        booking.move_to(status)
        if booking.calcom_reservation_uid is not None:
            outbox.add("drop_reservation", booking_id=booking.id)


# 4. The booking is made, or it is not.


def ask_for_confirmation(booking: Booking) -> None:
    """Have the booking confirmed by whoever keeps the mentor's calendar."""
    outbox.add("confirm_booking", booking_id=booking.id, unique_key=f"confirm:{booking.id}")


def may_confirm(booking: Booking) -> bool:
    """Whether this booking is waiting to be confirmed: paid for, or free with its details."""
    if booking.status in (BookingStatus.CONFIRMED, BookingStatus.REFUSED, BookingStatus.CANCELLED):
        return False
    if not booking.requires_payment:
        return booking.has_details and booking.status == BookingStatus.HELD
    payment = payments.of_booking(booking)
    return payment is not None and payment.status.has_money


def was_returned(booking: Booking) -> bool:
    """Whether all of the money has gone back before the booking could be made."""
    payment = payments.of_booking(booking)
    return payment is not None and payment.status == PaymentStatus.REFUNDED


def booking_confirmed(booking: Booking) -> None:
    """It will take place. Both are told, and the mentor's share is put on its way. Once."""
    if not booking.move_to(BookingStatus.CONFIRMED):
        return
    booking.confirmed_at = clock.now()
    event = f"booking:{booking.id}:confirmed"
    letters.tell(event, booking.attendee_email or "", "booking_confirmed", booking_id=booking.id)
    letters.tell(event, booking.mentor.user.email, "booking_confirmed_mentor", booking_id=booking.id)
    plan_reminders(booking)
    payment = payments.of_booking(booking)
    if payment is None:
        funnel.reached(booking, FunnelStep.PAID)
    if payment is not None and transfers.schedule(payment) is not None:
        transfers.review(payment)
        money.account_comes_first(booking.mentor)
        money.wake_release()


def booking_refused(booking: Booking, why: str, near: Sequence[datetime] = ()) -> None:
    """It cannot take place: the money goes back at once, and the attendee is told both, with near times. Once."""
    was_given_up = booking.status in (BookingStatus.EXPIRED, BookingStatus.RELEASED)
    if not booking.move_to(BookingStatus.REFUSED):
        return
    booking.refused_because = why
    booking.near_starts = list(near)
    if booking.calcom_event_type_id is not None and booking.calcom_attempted_at is not None:
        outbox.add("undo_at_calendar", booking_id=booking.id)  # an answer may have been lost
    event, template = f"booking:{booking.id}:refused", "payment_late" if was_given_up else "booking_refused"
    letters.tell(event, booking.attendee_email or "", template, booking_id=booking.id)
    payment = payments.of_booking(booking)
    if payment is not None and payment.status.has_money:
        money.refund_what_can_be(payment, reason="booking_refused")
