"""What attendees are told of money that goes back and payments that fail, and a mentor of a key that is refused."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from discuno import journey
from discuno.bookings.models import Booking, BookingStatus
from discuno.edges.stripe import RefundFacts
from discuno.kit import clock
from discuno.kit.db import transaction
from discuno.mentors import calendars
from discuno.mentors import service as mentors
from discuno.mentors.calcom import sync_types
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind
from discuno.payments.models import Payment
from tests.factories import JUN, paid, standing, subjects, tamper
from tests.house import House
from tests.linking import KEY, rounds, with_calendar
from tests.reporting import seen_paid
from tests.signing import AMARA
from tests.telling import is_made, nothing_is_kept, owed, refund, sold_rows, the, told


@pytest.fixture(scope="module")
def rows_alone(built_house: House) -> House:
    """A paid, confirmed session."""
    return sold_rows(built_house)


@pytest.fixture
def unit(rows_alone: House) -> Iterator[Session]:
    """A unit of work in which anything may happen to that session."""
    with nothing_is_kept(rows_alone) as unit:
        yield unit


# Money that goes back


def test_a_refund_is_announced_until_it_is_done_and_the_mentor_hears_what_it_means(unit: Session) -> None:
    asked = refund(unit, 2000)
    begun = told("refund_started", JUN)
    assert "We are returning $20.00 of the $60.00 that you paid for this session" in begun.text
    assert (begun.is_dropped, owed("refund_mentor")) == (False, [])
    is_made(asked)
    assert begun.is_dropped
    assert "We have returned $20.00" in told("refund_done", JUN).text
    mentor = told("refund_mentor", AMARA).text
    assert "Jun Tanaka has got back $20.00 of the $60.00" in mentor
    assert "Your share of $36.00 is held until" in mentor
    assert "(America/New_York)" in mentor


@pytest.mark.parametrize("reason", ["booking_cancelled", "booking_refused", "report:1"])
def test_a_refund_that_another_letter_tells_of_is_not_announced_again(unit: Session, reason: str) -> None:
    is_made(refund(unit, 6000, reason))
    assert (owed("refund_started"), owed("refund_mentor")) == ([], [])
    assert told("refund_done", JUN).text


def test_a_refund_made_in_stripes_dashboard_is_told_to_both_but_of_a_session_never_made_not_to_the_mentor(
    unit: Session,
) -> None:
    payment, now = the(unit, Payment), clock.now()
    facts = RefundFacts("re_9", "succeeded", 6000, "usd", "ch_1", None, "txn_9", None, None, now)
    with unit.begin_nested() as again:
        payment.booking.confirmed_at = None
        unit.flush()
        journey.refund_found(payment, facts)
        assert told("refund_done", JUN).text
        assert owed("refund_mentor") == []
        again.rollback()
    unit.expire_all()
    journey.refund_found(the(unit, Payment), facts)
    assert "all of the $60.00" in told("refund_mentor", AMARA).text
    assert "nothing is transferred to you" in told("refund_mentor", AMARA).text


# A payment that was not, or came too late


def unpaid(unit: Session, **as_seen: str) -> None:
    """The session as it was before it was paid; Stripe has news of the payment, twice."""
    booking, payment = the(unit, Booking), the(unit, Payment)
    for sql in ("DELETE FROM discuno_email", "DELETE FROM discuno_transfer"):
        unit.execute(sa.text(sql))
    unit.execute(sa.text("UPDATE discuno_booking SET status = 'held', confirmed_at = NULL"))
    unit.execute(sa.text("UPDATE discuno_payment SET status = 'PROCESSING', paid_at = NULL"))
    unit.refresh(booking)
    unit.refresh(payment)
    for _ in range(2):
        seen = vars(seen_paid(payment)) | {"payment_status": "unpaid"} | as_seen
        journey.payment_seen(payment, type(seen_paid(payment))(**seen))


def test_a_payment_that_the_bank_refuses_in_the_end_is_told_with_a_way_back(unit: Session) -> None:
    unpaid(unit, payment_intent_status="requires_payment_method")
    assert (str(the(unit, Booking).status), str(the(unit, Payment).status)) == ("expired", "FAILED")
    letter = told("payment_failed", JUN)
    assert "has refused the payment now" in letter.text
    assert "Nothing was charged" in letter.text
    assert letter.words.action is not None
    assert letter.words.action[1].startswith("/mentor/amara/book")
    assert owed("payment_expired") == []
    the(unit, Booking).status = BookingStatus.CONFIRMED  # another card has worked
    assert letter.is_dropped


def test_what_nobody_has_paid_is_another_letter(unit: Session) -> None:
    unpaid(unit, session_status="expired", payment_intent_status="requires_payment_method")
    assert "was not completed in time" in told("payment_expired", JUN).text
    assert owed("payment_failed") == []


@pytest.mark.parametrize("was", [BookingStatus.EXPIRED, BookingStatus.RELEASED, BookingStatus.HELD])
def test_money_for_a_time_that_was_given_up_is_told_as_late(unit: Session, was: BookingStatus) -> None:
    booking = the(unit, Booking)
    unit.execute(sa.text("UPDATE discuno_booking SET status = :was, confirmed_at = NULL"), {"was": was.value})
    unit.refresh(booking)
    for _ in range(2):
        journey.booking_refused(booking, "the time was booked by somebody else meanwhile")
    is_late = was != BookingStatus.HELD
    assert (len(owed("payment_late")), len(owed("booking_refused"))) == (is_late, not is_late)
    letter = told("payment_late" if is_late else "booking_refused", JUN)
    assert ("reached us after the time that we had kept for you was given up" in letter.text) == is_late
    assert "no longer free" in letter.text
    assert "We are returning $60.00 to your card" in letter.text


# What an admin reads


def test_an_alerts_subject_is_words_and_not_the_name_of_its_cause(unit: Session) -> None:
    alerts.begin(AlertKind.APPROVAL, "proposal:1", "Zoë has proposed:\nrefund. " + "x " * 100, "/admin")
    subject = told("alert", "admin").words.subject
    assert subject.startswith("Second admin asked for: Zoë has proposed: refund. x x")
    assert ("proposal:1" in subject, len(subject) <= 110) == (False, True)


# With Stripe, and with Cal.com


def test_a_bank_that_needs_time_and_says_no_ends_the_payment(house: House) -> None:
    paid(house)
    tamper(house, "checkout.session", payment_status="unpaid")
    tamper(house, "payment_intent", status="processing", amount_received=0)
    house.settle_down()
    assert standing(house) == ("held", "PROCESSING")
    tamper(house, "payment_intent", status="requires_payment_method")
    house.advance(timedelta(minutes=40))  # no event comes: the watch finds it, after the time to pay is over
    house.settle_down()
    assert standing(house) == ("expired", "FAILED")
    assert subjects(house, JUN) == ["Not booked: your payment for Application review was refused"]


def test_a_key_that_calcom_takes_no_more_is_told_once_and_the_next_one_again(house: House) -> None:
    amara, refused = with_calendar(house), {"action": "error", "status": 401, "times": -1}
    for number, key in enumerate((KEY, f"{KEY}_2"), 1):
        house.control("DELETE", "faults")
        house.control("POST", "calcom/keys", {"key": key, "username": "amara-cal"})
        assert amara.link(key) == 303
        house.work()
        house.fault("GET /calcom/v2/me", **refused)
        for _ in range(2):
            rounds(house, sync_types)
            house.advance(timedelta(minutes=30))
        assert subjects(house, AMARA) == ["Cal.com does not accept your key any more"] * number
    assert calendars.KEY_REFUSED in amara.page
    assert calendars.KEY_REFUSED in " ".join(house.letters(AMARA)[0]["text"].split())
    assert KEY not in house.letters(AMARA)[0]["text"]


def test_a_key_that_works_again_before_the_letter_is_sent_is_not_told(house: House) -> None:
    amara = with_calendar(house)
    amara.link()
    house.work()
    with house.app.app_context(), transaction():
        journey.calendar_silent("house", mentors.by_username("amara"), calendars.KEY_REFUSED)
    assert amara.post("sync") == 303
    house.work()
    assert subjects(house, AMARA) == []
