"""Reminders: the day before and the hour before, to both, once, and only what is true when it is sent."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import Range

from discuno import journey, policy
from discuno.bookings.models import Booking, Party
from discuno.kit import clock
from discuno.kit.db import transaction
from discuno.kit.outbox import Job
from discuno.notifications.models import Email
from discuno.notifications.reminder_letters import how_soon
from discuno.payments import service as payments
from tests.factories import JUN, advance_to, all_of, change, someone, the
from tests.house import House
from tests.signing import AMARA

pytestmark = pytest.mark.story

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
HERE = "Asia/Kathmandu"  # where days have 24 hours


@pytest.fixture
def booked(house: House) -> House:
    """A free session, more than two days ahead, of two people who live where clocks do not change."""
    jun = someone(house, HERE)
    jun.fill_in(jun.hold("amara", offer=1, at=-1))
    change(house, "UPDATE discuno_mentor SET zone = :zone", zone=HERE)
    house.settle_down()
    return house


def starts(house: House) -> datetime:
    return the(house, Booking).starts_at


def reminders(house: House, to: str) -> list[str]:
    """The reminders in somebody's mailbox, by how they begin."""
    told = [letter["subject"].split(":")[0] for letter in house.letters(to)]
    return [word for word in told if word not in ("Confirmed", "Booked", "Moved", "Cancelled")]


def states(house: House) -> set[str]:
    """What became of the reminders that were owed."""
    return {str(e.status) for e in all_of(house, Email) if e.template.startswith("reminder")}


def planted(house: House) -> dict[str, datetime]:
    return {job.args["lead"]: job.run_at for job in all_of(house, Job) if job.task == "remind"}


def act(house: House, step: Callable[[Booking], None]) -> None:
    """One step of the journey with the one booking."""
    with house.app.app_context(), transaction():
        step(payments.locked_booking(1))


def move(by: timedelta) -> Callable[[Booking], None]:
    return lambda booking: journey.moved(booking, booking.starts_at + by, Party.MENTOR)


# When


def test_both_sides_are_reminded_the_day_before_and_the_hour_before_once_each(booked: House) -> None:
    for before, told in (
        (DAY + MINUTE, []),
        (DAY, ["Tomorrow"]),
        (HOUR + MINUTE, ["Tomorrow"]),
        (HOUR, ["Tomorrow", "In an hour"]),
        (timedelta(0), ["Tomorrow", "In an hour"]),
    ):
        advance_to(booked, starts(booked) - before)
        booked.settle_down()
        assert [reminders(booked, to) for to in (JUN, AMARA)] == [told, told], before
    assert planted(booked) == {}
    letter = next(each for each in booked.letters(JUN) if each["subject"].startswith("In an hour"))
    assert "Your session is in an hour" in letter["text"]
    assert letter["attachments"] == [], "the file is in their calendar already"


@pytest.mark.parametrize(
    ("ahead", "leads"),
    [
        (DAY + 31 * MINUTE, ["day", "hour"]),
        (DAY + 29 * MINUTE, ["hour"]),
        (HOUR + 31 * MINUTE, ["hour"]),
        (HOUR + 29 * MINUTE, []),
        (-HOUR, []),
    ],
    ids=str,
)
def test_who_has_only_just_heard_of_a_session_is_not_reminded_of_it(
    booked: House, ahead: timedelta, leads: list[str]
) -> None:
    def plan(booking: Booking) -> None:
        start = clock.now() + ahead
        booking.during = booking.keeps = Range(start, start + 15 * MINUTE)
        journey.plan_reminders(booking)

    assert set(planted(booked)) == {"day", "hour"}
    act(booked, plan)
    assert sorted(planted(booked)) == leads


@pytest.mark.parametrize("by", [3 * DAY, -HOUR, 3 * HOUR], ids=str)
def test_a_session_that_is_moved_is_reminded_of_at_its_new_time_alone(booked: House, by: timedelta) -> None:
    before = starts(booked)
    act(booked, move(by))
    for due in sorted(start - lead for start in (before, before + by) for lead in (DAY, HOUR)):
        advance_to(booked, due)
        booked.settle_down()
    assert starts(booked) == before + by
    assert reminders(booked, JUN) == reminders(booked, AMARA) == ["Tomorrow", "In an hour"]
    assert states(booked) == {"sent"}


def test_a_session_that_was_reminded_of_and_then_moved_is_reminded_of_again(booked: House) -> None:
    advance_to(booked, starts(booked) - DAY)
    booked.settle_down()
    act(booked, move(3 * DAY))
    advance_to(booked, starts(booked) - DAY)
    booked.settle_down()
    assert reminders(booked, JUN) == ["Tomorrow", "Tomorrow"]


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (policy.REMINDERS["day"].until + MINUTE, 1),
        (policy.REMINDERS["day"].until, 0),
        (30 * MINUTE, 1),
        (timedelta(0), 0),
    ],
    ids=str,
)
def test_after_a_standstill_what_is_of_no_use_any_more_is_left_out(
    booked: House, left: timedelta, told: int
) -> None:
    change(booked, "UPDATE discuno_mentor SET zone = 'UTC'")
    advance_to(booked, starts(booked) - left)
    booked.settle_down()
    assert [len(reminders(booked, to)) for to in (JUN, AMARA)] == [told, told]
    if left == 30 * MINUTE:
        assert reminders(booked, AMARA) == ["In 30 minutes"]


# Overtaken between owing and sending


@pytest.mark.parametrize(
    "overtaken",
    [
        lambda house: act(house, lambda booking: journey.cancel(booking, Party.MENTOR)),
        lambda house: act(house, move(HOUR)),
        lambda house: house.advance(DAY),
    ],
    ids=["cancelled", "moved", "begun"],
)
def test_a_reminder_that_is_no_longer_true_is_dropped_and_says_so(
    booked: House, overtaken: Callable[[House], None], capsys: pytest.CaptureFixture[str]
) -> None:
    advance_to(booked, starts(booked) - DAY)
    act(booked, lambda booking: journey.remind(booking, "day"))
    booked.advance(MINUTE)
    overtaken(booked)
    booked.settle_down()
    assert reminders(booked, JUN) == reminders(booked, AMARA) == []
    assert states(booked) == {"dropped"}
    said = capsys.readouterr().out
    assert said.count('"event": "letter_dropped"') == 2
    assert "reminder_day_mentor" in said


def test_a_cancelled_session_is_not_reminded_of(booked: House) -> None:
    act(booked, lambda booking: journey.cancel(booking, Party.ATTENDEE))
    advance_to(booked, starts(booked) - HOUR)
    booked.settle_down()
    assert states(booked) == set()
    assert planted(booked) == {}


# How soon, in words


@pytest.mark.parametrize(
    ("zone", "now", "start", "words"),
    [
        (
            "Europe/Paris",
            "2027-03-27T22:30",
            "2027-03-28T22:30",
            "the day after tomorrow",
        ),  # a day of 23 hours
        ("Europe/Paris", "2026-10-24T22:30", "2026-10-25T22:30", "today"),  # and one of 25
        ("America/New_York", "2027-01-05T18:00", "2027-01-06T18:00", "tomorrow"),
        ("Asia/Kathmandu", "2027-01-05T18:00", "2027-01-05T20:00", "tomorrow"),
        ("Asia/Kathmandu", "2027-01-05T18:00", "2027-01-05T19:00", "in an hour"),
        ("UTC", "2027-01-05T18:00", "2027-01-05T19:31", "today"),
        ("UTC", "2027-01-05T18:00", "2027-01-05T19:30", "in 90 minutes"),
        ("UTC", "2027-01-05T18:00", "2027-01-05T18:01", "in a minute"),
        ("UTC", "2027-01-05T18:00", "2027-01-05T18:00", "in less than a minute"),
        ("UTC", "2027-01-05T18:00", "2027-01-09T18:00", "on Saturday 9 January 2027"),
    ],
)
def test_how_soon_it_is_is_said_by_the_calendar_on_the_readers_wall(
    zone: str, now: str, start: str, words: str
) -> None:
    assert how_soon(*(datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (start, now)), zone) == words


ZONES = ("Europe/Paris", "America/New_York", "Pacific/Chatham", "Australia/Lord_Howe", "Asia/Kathmandu")
NOWS = st.integers(0, 2 * 365 * 24 * 3600).map(
    lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
AHEAD = st.timedeltas(timedelta(0), 4 * DAY)


@given(st.sampled_from(ZONES), NOWS, AHEAD)
def test_how_soon_it_is_is_never_a_lie(zone: str, now: datetime, ahead: timedelta) -> None:
    words, start = how_soon(now + ahead, now, zone), now + ahead
    today, then = (at.astimezone(ZoneInfo(zone)).date() for at in (now, start))
    days: dict[str, date] = {
        "today": today,
        "tomorrow": today + DAY,
        "the day after tomorrow": today + 2 * DAY,
    }
    if words in days:
        assert days[words] == then
        assert ahead > 90 * MINUTE
    elif words.startswith("on "):
        assert words == f"on {then:%A} {then.day} {then:%B %Y}"
        assert then - today > 2 * DAY
    else:
        number = {"an": 60, "a": 1, "less": 0}.get(words.split()[1]) or int(
            "0" + words.split()[1].strip("les")
        )
        assert abs(number * MINUTE - ahead) <= MINUTE / 2
