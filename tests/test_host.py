"""The mentor's page of a session: what it says, and what can be done there."""

import pytest

from discuno.bookings.models import Booking, BookingChange
from discuno.disputes.models import Dispute, DisputeMessage
from discuno.kit.outbox import Job
from discuno.notifications.models import Email
from discuno.payments.models import Refund
from tests.factories import all_of, change, the
from tests.house import House
from tests.reporting import after_the_start, answering, attendee, mentor, sell_at_once


@pytest.fixture
def held(house: House) -> House:
    """A confirmed, paid session."""
    return sell_at_once(house)


def templates(house: House) -> list[str]:
    return [letter.template for letter in all_of(house, Email)]


def test_the_page_says_who_comes_when_and_where_the_money_is(held: House) -> None:
    html = mentor(held).reads()
    for words in ("Jun Tanaka", "mailto:jun@example.com", "My essay.", "(America/New_York)", "for them"):
        assert words in html
    assert "Your share of $54.00 is held until" in html
    assert "from 10 minutes after the start" in html


def test_a_mentor_cancels_once_with_a_reason_and_everything_goes_back(held: House) -> None:
    amara = mentor(held)
    assert "The whole $60.00 goes back" in amara.reads("/cancel")
    refused = amara.sends("/cancel", reason=" ")
    assert (refused.status_code, "Please say why" in refused.text) == (422, True)
    assert the(held, Booking).status == "confirmed"
    for _ in range(2):
        assert amara.sends("/cancel", reason="I am <ill>.").status_code == 303
    booking = the(held, Booking)
    assert (booking.status, booking.cancelled_by, booking.cancel_reason) == (
        "cancelled",
        "mentor",
        "I am <ill>.",
    )
    assert [r.amount for r in all_of(held, Refund)] == [6000]
    assert templates(held).count("booking_cancelled") == 1
    html = amara.reads("/cancel")  # an old tab
    assert "I am &lt;ill&gt;." in html
    assert f'action="{amara.path}' not in html
    assert "on its way back" in html


def test_a_session_that_has_begun_is_not_cancelled(held: House) -> None:
    after_the_start(held, 0)
    amara = mentor(held)
    refused = amara.sends("/cancel", reason="Too late for that.")
    assert (refused.status_code, "The session has begun" in refused.text) == (409, True)
    assert "Cancel the session" not in amara.reads("/cancel")
    assert the(held, Booking).status == "confirmed"


def test_a_mentor_says_once_and_not_too_early_that_the_attendee_did_not_come(held: House) -> None:
    after_the_start(held, 9.9)
    amara = mentor(held)
    refused = amara.sends("/absent")
    assert (refused.status_code, "wait until ten minutes" in refused.text) == (409, True)
    after_the_start(held, 10)
    assert "The attendee did not come" in amara.reads()
    for _ in range(2):
        assert amara.sends("/absent").status_code == 303
    assert [c.kind for c in all_of(held, BookingChange)] == ["attendee_absent"]
    assert templates(held).count("attendee_absent") == 1
    assert "did not come. They were told" in amara.reads()
    assert attendee(held).reports("other").status_code == 303  # and the attendee may say otherwise


def test_whether_they_were_there_must_be_said_and_why_unless_they_agree(held: House) -> None:
    after_the_start(held)
    amara = answering(held)
    assert amara.sends("/answer", stand="there", text="Nobody has asked.").status_code == 404
    attendee(held).reports()
    assert "Answer the report" in mentor(held).reads()
    for form, sentence in (
        ({"text": "I was in the room."}, "Please say whether you were there."),
        ({"stand": "there", "text": "was"}, "Please say what happened"),
        ({"stand": "not_there", "text": "x" * 4001}, "at most 4,000 characters"),
    ):
        answer = amara.sends("/answer", **form)
        assert (answer.status_code, sentence in answer.text) == (422, True)
    assert len(all_of(held, DisputeMessage)) == 1
    assert amara.sends("/answer", stand="there", text="I was in the room.").status_code == 303
    assert (the(held, Dispute).due_at, the(held, Dispute).status) == (None, "open")
    assert "You have answered" in amara.reads()
    assert "Were you there?" not in amara.reads()


def test_what_is_written_after_the_decision_is_not_lost_unseen(held: House) -> None:
    after_the_start(held)
    jun, amara = attendee(held), answering(held)
    jun.reports()
    jun.sends("/report/withdraw")
    late = amara.sends("/answer", stand="there", text="I was <there>, look.")
    assert late.status_code == 409
    assert "This report was decided meanwhile." in late.text
    assert "I was &lt;there&gt;, look." in late.text
    assert len(all_of(held, DisputeMessage)) == 1


def test_a_calcom_booking_is_cancelled_at_calcom_by_a_job(held: House) -> None:
    change(held, "UPDATE discuno_booking SET calcom_booking_uid = 'uid'")
    mentor(held).sends("/cancel", reason="I am ill.")
    assert "cancel_at_calendar" in {job.task for job in all_of(held, Job)}
