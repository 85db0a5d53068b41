"""A letter is sent once, with its calendar file, and only if it is still true."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
from icalendar import Calendar

from discuno import journey
from discuno.bookings.models import Booking, Party
from discuno.kit import outbox
from discuno.kit.db import transaction
from discuno.notifications import jobs
from discuno.notifications import service as notifications
from discuno.notifications.models import Email
from discuno.payments import service as payments
from tests.factories import JUN, all_of, change, someone, subjects, the, work_until_done
from tests.house import House
from tests.mailing import SEND, TROUBLE

AMARA = "amara@discuno.example"
pytestmark = pytest.mark.usefixtures("letters_told_of")
# The calendar file goes with the letter.


def attached(house: House, to: str) -> list[tuple[str, Calendar]]:
    """The type and the content of every file in a mailbox, oldest first."""
    files = [file for letter in house.letters(to) for file in letter["attachments"]]
    found = [
        (file["content_type"], requests.get(f"{house.sandbox.url}{file['url']}", timeout=5)) for file in files
    ]
    return [(kind, Calendar.from_ical(answer.content)) for kind, answer in found]


def do(house: House, act: Callable[[Booking], None]) -> None:
    """One step of the journey with the one booking."""
    with house.app.app_context(), transaction():
        act(payments.locked_booking(1))


def move_a_day(booking: Booking) -> None:
    journey.moved(booking, booking.starts_at + timedelta(days=1), Party.ATTENDEE)


@pytest.mark.story
def test_both_calendars_follow_a_session_from_its_booking_to_its_end(house: House) -> None:
    jun = someone(house, "Asia/Kathmandu")
    jun.fill_in(jun.hold("amara", offer=1))
    house.settle_down()
    starts = the(house, Booking).starts_at
    do(house, move_a_day)
    house.settle_down()
    do(house, lambda booking: journey.cancel(booking, Party.ATTENDEE))
    house.settle_down()
    for to, zone in ((JUN, "Asia/Kathmandu"), (AMARA, "America/New_York")):
        files = attached(house, to)
        types = [f"text/calendar; charset=utf-8; method={m}" for m in ("REQUEST", "REQUEST", "CANCEL")]
        assert [kind for kind, _ in files] == types
        events = [calendar.walk("VEVENT")[0] for _, calendar in files]
        assert [event["SEQUENCE"] for event in events] == [0, 1, 2]
        assert len({event["UID"] for event in events}) == 1
        days = timedelta(0), timedelta(days=1), timedelta(days=1)
        assert [event["DTSTART"].dt for event in events] == [starts + days_later for days_later in days]
        assert events[0]["DTSTART"].params["TZID"] == zone
    [first, moved, _] = [
        str(c.walk("VEVENT")[0]["DESCRIPTION"]).rsplit("\n", 1)[1] for _, c in attached(house, JUN)
    ]
    assert jun.client.get(first.removeprefix(house.url)).status_code != 200, "the old link opens nothing"
    assert jun.client.get(moved.removeprefix(house.url)).status_code == 200


# A letter that is no longer true is not sent.


@pytest.mark.story
@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (2, ["Moved"]),
        (3, ["Cancelled"]),
    ],
    ids=["moved twice", "moved twice and cancelled"],
)
def test_what_was_overtaken_before_it_was_sent_is_dropped_and_says_so(
    house: House, steps: int, told: list[str]
) -> None:
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1))
    house.settle_down()
    acts = [move_a_day, move_a_day, lambda booking: journey.cancel(booking, Party.MENTOR)]
    for act in acts[:steps]:
        do(house, act)
    house.settle_down()
    for to in (JUN, AMARA):
        assert [subject.split(":")[0] for subject in subjects(house, to)[1:]] == told
    assert [str(e.status) for e in all_of(house, Email)].count("dropped") == 2 * (steps - 1)


def test_a_name_typed_with_line_breaks_reaches_no_header(house: House) -> None:
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1), name="Jun\r\nBcc: all@example.com \u202e\u0007")
    house.settle_down()
    [letter] = house.letters(AMARA)
    assert letter["subject"] == "Booked: First hello with Jun Bcc: all@example.com"
    assert letter["to"] == [AMARA]
    assert not letter["cc"]
    assert not letter["bcc"]


@pytest.mark.parametrize("fault", TROUBLE, ids=lambda fault: fault["action"])
def test_a_letter_that_met_trouble_is_sent_once(house: House, fault: dict[str, object]) -> None:
    jun = someone(house)
    house.fault(SEND, times=2, **fault)
    house.hear_of_letters(False)  # the carrier's news would say that it has the letter
    jun.fill_in(jun.hold("amara", offer=1))
    house.settle_down()
    work_until_done(house, 2, timedelta(seconds=20))
    assert subjects(house, JUN) == ["Confirmed: First hello with Amara Okafor"]
    assert len(subjects(house, AMARA)) == 1
    assert {str(e.status) for e in all_of(house, Email)} == {"sent"}


@pytest.mark.parametrize("news_comes_first", [True, False])
def test_a_letter_whose_words_moved_on_while_its_answer_was_lost_is_sent_once(
    house: House, news_comes_first: bool
) -> None:
    jun = someone(house)
    house.fault(SEND, "drop_after", times=2)
    jun.fill_in(jun.hold("amara", offer=1))
    house.work()
    change(house, "UPDATE discuno_booking SET meeting_url = 'https://meet.example/new'")
    if news_comes_first:
        house.settle_down()
    else:
        house.advance(timedelta(seconds=20))
        house.work()
    work_until_done(house, 2, timedelta(seconds=20))
    assert (len(house.letters(JUN)), len(house.letters(AMARA))) == (1, 1)
    assert {(str(e.status), bool(e.resend_id and e.subject)) for e in all_of(house, Email)} == {
        ("delivered", True)
    }


def test_a_letter_that_is_refused_or_never_accepted_is_visibly_not_sent(house: House) -> None:
    refusal = {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}
    house.fault(SEND, "error", status=422, body=refusal)
    house.fault(SEND, "error", status=500, times=-1)
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1))
    for _ in range(outbox.MAX_ATTEMPTS + 1):
        house.work()
        house.advance(outbox.LONGEST_RETRY)
    both = [e for e in all_of(house, Email) if e.event == "booking:1:confirmed"]
    refused, unaccepted = sorted(both, key=lambda e: "422" not in (e.error or ""))
    assert (refused.status, refused.error) == ("failed", "422 validation_error: Invalid `to` field.")
    assert (unaccepted.status, "CarrierUnsure" in (unaccepted.error or "")) == ("failed", True)


@pytest.mark.parametrize(
    ("to", "state"), [("bounced@resend.dev", "bounced"), ("complained@resend.dev", "complained")]
)
def test_what_becomes_of_a_letter_is_written_down(house: House, to: str, state: str) -> None:
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1), email=to)
    house.settle_down()
    work_until_done(house, 1, timedelta(seconds=30))
    assert state in {str(e.status) for e in all_of(house, Email)}


def test_the_same_news_told_twice_is_one_letter(house: House) -> None:
    for to in (JUN, JUN.upper(), AMARA, JUN):
        with house.app.app_context(), transaction():
            notifications.tell("booking:1:confirmed", to, "booking_confirmed", booking_id=1)
    assert [e.recipient for e in all_of(house, Email)] == [JUN, AMARA]


def test_a_letter_already_sent_is_not_sent_again(house: House) -> None:
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1))
    house.settle_down()
    with house.app.app_context():
        for email in all_of(house, Email):
            jobs.send_letter(email.id)
    assert len(subjects(house, JUN)) == 1
