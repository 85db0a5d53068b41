"""What has happened to a booking and what is still to come, from the rows: for the attendee, so no mentor's money."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from discuno.bookings import changes
from discuno.bookings.models import Booking, BookingChange, BookingStatus, ChangeKind, Party
from discuno.kit import clock
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.payments.models import Payment, PaymentStatus, RefundStatus
from discuno.payments.states import CHARGEBACK, REPORT, returned_at
from discuno.policy import ReportReason


@dataclass(frozen=True)
class Moment:
    """One thing that happened, or will. `tone` is done, stop or empty; `words` may be somebody's own."""

    at: datetime
    label: str
    words: str = ""
    tone: str = "done"
    is_to_come: bool = False


def timeline(booking: Booking, payment: Payment | None) -> list[Moment]:
    """Everything in the order in which it happens, what is to come last."""
    found = [*_made(booking, payment), *_changed(booking), *_not_moved(booking), *_the_hour(booking)]
    if payment is not None:
        found += [*_cases(payment), *_returned(payment), *_released(booking, payment)]
    return sorted(found, key=lambda it: it.at)


def _made(booking: Booking, payment: Payment | None) -> Iterator[Moment]:
    if payment is not None and payment.paid_at is not None:
        yield Moment(payment.paid_at, f"You paid {in_words(payment.amount, payment.currency)}")
    if booking.confirmed_at is not None:
        yield Moment(booking.confirmed_at, "The session was confirmed")


def _changed(booking: Booking) -> Iterator[Moment]:
    before: BookingChange | None = None
    for change in booking.changes:
        told = _told(booking, change, before)
        before = change
        if told is not None:
            yield told


def _not_moved(booking: Booking) -> Iterator[Moment]:
    for hour in changes.moves_refused(booking):
        wanted = moment(hour.starts_at, booking.attendee_zone)
        yield Moment(
            hour.created_at, "You asked to move it", f"The calendar did not have {wanted}; it stayed.", "stop"
        )


def _told(booking: Booking, change: BookingChange, before: BookingChange | None) -> Moment | None:
    who, name = _who(change.by, booking), booking.mentor.name
    match change.kind:
        case ChangeKind.MOVED if change.before is not None and change.after is not None:
            hours = [moment(start, booking.attendee_zone) for start in (change.before, change.after)]
            return Moment(change.at, f"{who} moved it", f"From {hours[0]} to {hours[1]}.")
        case ChangeKind.CANCELLED:
            return Moment(change.at, f"{who} cancelled it", change.words, "stop")
        case ChangeKind.MENTOR_ABSENT:
            return Moment(change.at, f"{who} said that {name} did not come", change.words, "stop")
        case ChangeKind.ATTENDEE_ABSENT:
            return Moment(change.at, f"{who} said that you did not come", change.words, "stop")
        case ChangeKind.LINK_REPLACED if before is None or before.kind != ChangeKind.MOVED:
            return Moment(change.at, f"{who} had the link replaced")
    return None  # a move replaces the link by itself; when a meeting began and ended is the other calendar's news


def _who(party: Party, booking: Booking) -> str:
    named = {
        Party.ATTENDEE: "You",
        Party.MENTOR: booking.mentor.name,
        Party.CALENDAR: "The mentor’s calendar",
    }
    return named.get(party, "Discuno")


def _the_hour(booking: Booking) -> Iterator[Moment]:
    if booking.status != BookingStatus.CONFIRMED:
        return
    is_to_come = booking.starts_at > clock.now()
    words = f"{booking.duration_minutes} minutes with {booking.mentor.name}."
    yield Moment(booking.starts_at, "The session", words, "" if is_to_come else "done", is_to_come)


def _cases(payment: Payment) -> Iterator[Moment]:
    for case in payment.disputes:
        if case.kind == REPORT:
            yield from _report(payment, case)
        elif case.kind == CHARGEBACK:
            yield Moment(case.opened_at, "Your bank was asked about the payment", tone="stop")
            if case.closed_at is not None:
                yield Moment(case.closed_at, "Your bank has decided")


def _report(payment: Payment, case: Any) -> Iterator[Moment]:
    reasons = {reason.value: reason.words for reason in ReportReason}
    yield Moment(
        case.opened_at, "A problem was reported", f"{reasons.get(case.reason, case.reason)}.", "stop"
    )
    if case.answered_at is not None:
        yield Moment(case.answered_at, f"{payment.booking.mentor.name} answered the report")
    if case.closed_at is not None and case.decision is not None:
        yield Moment(case.closed_at, "The report was decided", case.decision.sentence)


def _returned(payment: Payment) -> Iterator[Moment]:
    for refund in payment.refunds:
        amount = in_words(refund.amount, refund.currency)
        yield Moment(refund.created_at, f"We began to return {amount}")
        done = returned_at(refund)
        if done is not None:
            yield Moment(done, f"{amount} was returned", "Banks usually show it within 5 to 10 days.")
        elif refund.status == RefundStatus.FAILED:
            yield Moment(refund.created_at, f"Returning {amount} did not work at once", tone="stop")


def _released(booking: Booking, payment: Payment) -> Iterator[Moment]:
    ends, given = payment.dispute_period_ends, payment.release
    if given is not None and given.sent_at is not None and payment.status == PaymentStatus.TRANSFERRED:
        yield Moment(given.sent_at, f"The payment went to {booking.mentor.name}")
    elif (
        ends is not None
        and ends > clock.now()
        and booking.status == BookingStatus.CONFIRMED
        and sum(r.amount for r in payment.refunds if r.status != RefundStatus.FAILED) < payment.amount
    ):
        words = f"Your payment is held until then. After that it goes to {booking.mentor.name}."
        yield Moment(ends, "The time to report a problem ends", words, "", True)
