"""A mentor's sessions as a private calendar: what it tells, what it keeps to itself, and how its address ends."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar, Component

from discuno.accounts.models import AuditEntry
from discuno.bookings import agenda, feed
from discuno.bookings.models import Booking
from discuno.kit import links as signed
from discuno.mentors.models import Mentor
from tests.factories import advance_to, all_of, change
from tests.house import House
from tests.reporting import Holder, mentor, sell_at_once
from tests.signing import AMARA, OWEN, signed_in

pytestmark = pytest.mark.story

MINUTE = timedelta(minutes=1)


@pytest.fixture
def held(house: House) -> House:
    """A confirmed, paid session in two days."""
    return sell_at_once(house)


def address(house: House, mentor_id: int = 1) -> str:
    """The path of a mentor's calendar."""
    told = house.read(lambda: feed.address(all_of(house, Mentor)[mentor_id - 1]))
    return str(told.removeprefix(house.url))


def fetched(house: House, path: str | None = None) -> Any:
    """What somebody without a sign-in is given."""
    return house.app.test_client().get(path or address(house))


def events(house: House) -> list[Component]:
    return list(Calendar.from_ical(fetched(house).text).walk("VEVENT"))


def test_it_tells_who_comes_when_in_the_mentors_zone_and_nothing_more(held: House) -> None:
    change(
        held, "UPDATE discuno_booking SET meeting_url = 'https://meet.example/abc', attendee_phone = '+33 1'"
    )
    answer = fetched(held)
    assert answer.content_type == "text/calendar; charset=utf-8; method=PUBLISH"
    assert (answer.headers["Cache-Control"], answer.headers["X-Robots-Tag"]) == (
        "private, max-age=300",
        "noindex, nofollow",
    )
    text = answer.text.replace("\r\n ", "")
    for secret in ("jun@example.com", AMARA, "My essay", "meet.example", "+33 1", "ATTENDEE"):
        assert secret not in text
    [event], booking = events(held), all_of(held, Booking)[0]
    assert event["SUMMARY"] == "Application review: Amara Okafor with Jun Tanaka"
    assert (event["UID"], event["STATUS"]) == (booking.uid, "CONFIRMED")
    assert event["DTSTART"].dt == booking.starts_at
    assert event["DTSTART"].params["TZID"] == "America/New_York"
    assert event["URL"] == f"{held.url}/dashboard/bookings/{booking.public_id}"
    assert "TZID:America/New_York" in text


def test_one_that_has_not_changed_is_not_sent_again(held: House) -> None:
    client, path = held.app.test_client(), address(held)
    tag = client.get(path).headers["ETag"]
    held.advance(timedelta(hours=1))
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    mentor(held).sends("/cancel", reason="I am ill.")
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_cancelled_session_says_so_for_a_week_and_an_old_one_goes_after_a_month(held: House) -> None:
    sell_at_once(held, days=3)
    mentor(held).sends("/cancel", reason="I am ill.")
    assert [str(event["STATUS"]) for event in events(held)] == ["CANCELLED", "CONFIRMED"]
    held.advance(agenda.FEED_CANCELLED)
    assert [str(event["STATUS"]) for event in events(held)] == ["CONFIRMED"]
    gone = all_of(held, Booking)[-1].ends_at + agenda.FEED_FROM
    advance_to(held, gone - MINUTE)
    assert len(events(held)) == 1
    advance_to(held, gone + MINUTE)
    assert events(held) == []  # an empty calendar is one too


def test_a_new_address_ends_the_old_one_once(held: House) -> None:
    old, client = address(held), signed_in(held, AMARA)
    amara = Holder(client, "/dashboard/bookings")
    shown = amara.reads()
    assert f"{held.url}{old}" in shown
    found = re.search(r'name="version" value="(\d+)"', shown)
    assert found
    for _ in range(2):
        assert amara.sends("/new-address", version=found[1]).status_code == 303
    assert fetched(held, old).status_code == 404
    assert fetched(held).status_code == 200
    assert [m.feed_version for m in all_of(held, Mentor)] == [2, 1]
    [entry] = [e for e in all_of(held, AuditEntry) if e.action == "new_feed_address"]
    assert (entry.actor, entry.about, entry.before, entry.after) == (
        AMARA,
        "mentor:1",
        {"version": 1},
        {"version": 2},
    )


def test_every_mentors_calendar_is_their_own(held: House) -> None:
    assert "Jun Tanaka" not in fetched(held, address(held, 2)).text
    assert address(held, 2) in signed_in(held, OWEN).get("/dashboard/bookings").text


def test_no_other_address_opens_a_calendar(held: House) -> None:
    def forged(salt: str, **claims: Any) -> str:
        return str(held.read(lambda: f"/calendar/{signed.seal(salt, claims)}.ics"))

    client: FlaskClient = held.app.test_client()
    good = address(held)
    wrong = (
        forged("booking-of-attendee", m=1, v=1),
        forged(feed.FEED, m=1, v=2),
        forged(feed.FEED, m=3, v=1),
        forged(feed.FEED, m=1, v="1"),
        forged(feed.FEED),
        good.replace("/calendar/", "/calendar/A"),
        "/calendar/x.ics",
    )
    assert [client.get(path).status_code for path in wrong] == [404] * len(wrong)
