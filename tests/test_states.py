"""What the attendee reads about a booking in every state: the words, no rows of a database."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.dialects.postgresql import Range

from discuno.accounts.models import User
from discuno.bookings.models import Booking, BookingChange, BookingStatus, ChangeKind, Party
from discuno.disputes.models import Decision, Dispute, DisputeKind, DisputeStatus
from discuno.kit import clock
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment, PaymentStatus, Refund, RefundStatus
from discuno.payments.states import State, state_of
from discuno.payments.timeline import timeline
from discuno.payouts.models import Transfer, TransferStatus

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Change = dict[str, Any]


def booking(starts_in: timedelta = 2 * DAY, **change: Any) -> Booking:
    """A confirmed hour with Amara; never saved."""
    start = clock.now() + starts_in
    amara = Mentor(user=User(name="Amara Okafor"), zone="America/New_York")
    given = {
        "status": BookingStatus.CONFIRMED,
        "attendee_email": "jun@example.com",
        "attendee_zone": "Europe/Paris",
        "duration_minutes": 60,
        "confirmed_at": start - 5 * DAY,
        "during": Range(start, start + HOUR),
    }
    return Booking(mentor=amara, **{**given, **change})


def payment(of: Booking, **change: Any) -> Payment:
    """Sixty dollars for it."""
    given = {
        "status": PaymentStatus.SUCCEEDED,
        "amount": 6000,
        "currency": "usd",
        "paid_at": of.confirmed_at,
        "dispute_period_ends": of.ends_at + 3 * DAY,
    }
    return Payment(booking=of, **{**given, **change})


def refund(status: RefundStatus, amount: int = 6000) -> Refund:
    return Refund(status=status, amount=amount, currency="usd", created_at=clock.now())


def case(
    kind: DisputeKind, status: DisputeStatus = DisputeStatus.OPEN, *, inquiry: bool = False, **more: Any
) -> Dispute:
    return Dispute(kind=kind, status=status, is_inquiry=inquiry, opened_at=clock.now(), **more)


def told(of: Booking, money: Payment | None = None) -> State:
    return state_of(of, money, just_booked=False)


def test_before_at_and_after_its_hour_a_session_is_said_to_be_what_it_is() -> None:
    headings = [told(booking(starts_in)).heading for starts_in in (DAY, -HOUR / 2, -HOUR)]
    assert headings == ["Your session is confirmed", "Your session is on now", "Your session is over"]
    over = booking(-5 * DAY)
    [last] = told(over, payment(over, status=PaymentStatus.TRANSFERRED)).next_steps
    assert "ended on" in last
    assert "has gone to the mentor" in last


@pytest.mark.parametrize(
    ("by", "left", "heading", "words"),
    [
        (Party.ATTENDEE, HOUR, "You have cancelled this session", "No money goes back. Less than 24 hours"),
        (Party.CALENDAR, HOUR, "This session was cancelled in the mentor’s calendar", "A person decides"),
        (
            Party.MENTOR,
            HOUR,
            "Your mentor has cancelled this session",
            "A person decides",
        ),  # no refund made: odd
        (Party.HOUSE, DAY, "We have cancelled this session", "A person decides"),
    ],
)
def test_who_cancelled_and_what_became_of_the_money(
    by: Party, left: timedelta, heading: str, words: str
) -> None:
    it = booking(left, status=BookingStatus.CANCELLED, cancelled_by=by, cancelled_at=clock.now())
    state = told(it, payment(it))
    assert (state.heading, state.is_waiting) == (heading, False)
    assert state.sentence.startswith(words)
    assert told(it).sentence == "Nothing was charged, so there is no money to return."


@pytest.mark.parametrize(
    ("refunds", "words", "is_waiting"),
    [
        ([refund(RefundStatus.REQUESTED)], "We are returning your $60.00 now.", True),
        ([refund(RefundStatus.PENDING)], "Your $60.00 is on its way to your bank.", False),
        ([refund(RefundStatus.SUCCEEDED)], "We have returned your $60.00.", False),
        ([refund(RefundStatus.FAILED)], "Returning your $60.00 did not work at once", False),
        (
            [refund(RefundStatus.FAILED), refund(RefundStatus.SUCCEEDED)],
            "We have returned your $60.00.",
            False,
        ),
        (
            [refund(RefundStatus.SUCCEEDED, 2000), refund(RefundStatus.REQUESTED, 4000)],
            "We are returning your $40.00",
            True,
        ),
    ],
)
@pytest.mark.parametrize("status", [BookingStatus.CANCELLED, BookingStatus.REFUSED, BookingStatus.CONFIRMED])
def test_a_refund_is_told_as_it_stands(
    status: BookingStatus, refunds: list[Refund], words: str, is_waiting: bool
) -> None:
    it = booking(status=status, cancelled_by=Party.ATTENDEE, cancelled_at=clock.now())
    state = told(it, payment(it, refunds=refunds))
    assert words in state.sentence
    assert state.is_waiting == is_waiting
    assert state.heading


@pytest.mark.parametrize(
    ("cases", "heading"),
    [
        ([case(DisputeKind.CHARGEBACK)], "Your bank decides about this payment"),
        ([case(DisputeKind.CHARGEBACK, inquiry=True)], "Your bank has a question"),
        ([case(DisputeKind.CHARGEBACK, DisputeStatus.LOST)], "Your bank has returned this payment"),
        ([case(DisputeKind.CHARGEBACK, DisputeStatus.WON)], "Your session is confirmed"),
        ([case(DisputeKind.REPORT)], "You have reported a problem"),
        ([case(DisputeKind.REPORT), case(DisputeKind.CHARGEBACK)], "Your bank decides about this payment"),
        ([case(DisputeKind.FRAUD_WARNING), case(DisputeKind.REVIEW)], "Your session is confirmed"),
    ],
)
def test_an_objection_is_told_before_anything_else(cases: list[Dispute], heading: str) -> None:
    it = booking()
    assert told(it, payment(it, disputes=cases)).heading == heading


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (DisputeStatus.OPEN, "so we return nothing besides"),
        (DisputeStatus.LOST, "given the money back to you already"),
    ],
)
def test_what_a_bank_has_is_not_said_to_be_returned_by_us(status: DisputeStatus, words: str) -> None:
    it = booking(status=BookingStatus.CANCELLED, cancelled_by=Party.ATTENDEE, cancelled_at=clock.now())
    assert words in told(it, payment(it, disputes=[case(DisputeKind.CHARGEBACK, status)])).sentence


@pytest.mark.parametrize(
    ("due_in", "answered", "words"),
    [(HOUR, False, "has until"), (-HOUR, False, "did not answer in time"), (HOUR, True, "has answered")],
)
def test_whose_turn_it_is_in_a_report_is_said(due_in: timedelta, answered: bool, words: str) -> None:
    it, now = booking(), clock.now()
    report = case(DisputeKind.REPORT, due_at=now + due_in, answered_at=now if answered else None)
    assert words in told(it, payment(it, disputes=[report])).sentence


def test_the_timeline_tells_everything_in_order_and_nothing_of_the_mentors_money() -> None:
    it = booking(-4 * DAY)
    made: datetime = it.starts_at - 3 * DAY
    it.changes = [
        BookingChange(
            at=made, by=Party.ATTENDEE, kind=ChangeKind.MOVED, before=made, after=it.starts_at, words=""
        ),
        BookingChange(at=made, by=Party.ATTENDEE, kind=ChangeKind.LINK_REPLACED, words=""),
        BookingChange(at=made + HOUR, by=Party.ATTENDEE, kind=ChangeKind.LINK_REPLACED, words=""),
        BookingChange(at=it.ends_at, by=Party.MENTOR, kind=ChangeKind.ATTENDEE_ABSENT, words="I waited."),
    ]
    decided = case(
        DisputeKind.REPORT,
        DisputeStatus.CLOSED,
        closed_at=clock.now() + HOUR / 2,
        decision=Decision.RELEASED,
        reason="other",
    )
    gone = Transfer(status=TransferStatus.SENT, kind="release", sent_at=clock.now() + HOUR, amount=5400)
    money = payment(it, status=PaymentStatus.TRANSFERRED, disputes=[decided], transfers=[gone])
    labels = [m.label for m in timeline(it, money)]
    assert labels == [
        "You paid $60.00",
        "The session was confirmed",
        "You moved it",
        "You had the link replaced",
        "The session",
        "Amara Okafor said that you did not come",
        "A problem was reported",
        "The report was decided",
        "The payment went to Amara Okafor",
    ]
    assert "$54" not in "".join(f"{m.label}{m.words}" for m in timeline(it, money))


def test_what_goes_back_as_a_whole_is_not_said_to_go_to_the_mentor() -> None:
    for status, refunds in (
        (PaymentStatus.SUCCEEDED, [refund(RefundStatus.REQUESTED)]),
        (PaymentStatus.REFUNDED, [refund(RefundStatus.SUCCEEDED)]),
    ):
        of = booking()
        money = payment(of, status=status, refunds=refunds)
        assert not any("goes to" in moment.words for moment in timeline(of, money))
    of = booking()
    part = payment(of, refunds=[refund(RefundStatus.PENDING, amount=1000)])
    assert any("goes to" in moment.words for moment in timeline(of, part))
