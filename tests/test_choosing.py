"""Choosing a time: held for one browser, on whichever calendar the mentor keeps; lost kindly."""

import gzip
import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from discuno.bookings.models import Booking
from discuno.kit.web import zone_name
from tests.attendee import Attendee
from tests.factories import all_of, change, in_the_house, someone
from tests.house import House, opening


def in_a_fortnight(house: House) -> str:
    return f"{in_the_house(house) + timedelta(days=14):%Y-%m-%d}"


@pytest.mark.parametrize("mentor", ["amara", "owen"])
def test_a_chosen_time_is_kept_and_no_longer_offered(house: House, client: FlaskClient, mentor: str) -> None:
    jun = Attendee(house, client)
    type_id = jun.offers(mentor)[0]
    start = jun.times(mentor, type_id)[0]
    answer = jun.choose(mentor, type_id, start)
    assert answer.status_code == 303, answer.text
    assert "/book/details/" in answer.location
    assert start not in Attendee(house, house.app.test_client()).times(mentor, type_id)


def test_a_lost_time_is_answered_with_the_same_day_in_the_same_zone(
    house: House, client: FlaskClient
) -> None:
    jun, ada = Attendee(house, client), Attendee(house, house.app.test_client(), zone="Asia/Tokyo")
    type_id = jun.offers("amara")[0]
    start = jun.times("amara", type_id, in_a_fortnight(house))[20]
    jun.choose("amara", type_id, start)
    answer = ada.choose("amara", type_id, start)
    assert answer.status_code == 409
    assert "That time was just taken" in answer.text
    day = start.astimezone(datetime.fromisoformat("2026-01-01T00:00+09:00").tzinfo)
    assert f'<h3 id="bookings-slots" tabindex="-1">{day:%A} {day.day} {day:%B}</h3>' in answer.text
    assert 'data-zone="Asia/Tokyo"' in answer.text


def test_a_calendar_that_cannot_be_read_says_so_and_offers_to_try_again(
    house: House, client: FlaskClient
) -> None:
    type_id = Attendee(house, client).offers("owen")[0]
    house.fault("GET /calcom/v2/slots", "error", times=-1)
    page = client.get(f"/mentor/owen/book/{type_id}")
    assert page.status_code == 200
    assert "We cannot read this mentor&#39;s calendar right now." in page.text
    assert f'<a class="btn" href="/mentor/owen/book/{type_id}">Try again</a>' in page.text


CHANGING = (
    "America/New_York",  # the mentor's own clock
    "America/Los_Angeles",
    "Europe/Dublin",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
)
NEVER = ("America/Sao_Paulo", "Asia/Kathmandu")


def changes(zone: str) -> list[date]:
    """The days of the next 360 on which the clocks there change."""
    today, known = opening().date(), ZoneInfo(zone)
    offsets = [datetime.combine(today + timedelta(days=n), time(), known).utcoffset() for n in range(2, 362)]
    return [
        today + timedelta(days=n) for n, (before, after) in enumerate(pairwise(offsets), 2) if before != after
    ]


def days_to_try() -> list[tuple[str, date]]:
    """Each zone on the days of its own changes, and the others on those of the mentor's clock."""
    own = [(zone, day) for zone in CHANGING for day in changes(zone)]
    return own + [(zone, day) for zone in NEVER for day in changes(CHANGING[0])]


def test_a_time_of_a_day_of_clock_changes_goes_from_page_to_row_unchanged(house: House) -> None:
    change(house, "UPDATE discuno_mentor SET booking_window_days = 365, zone = 'America/New_York'")
    tried = days_to_try()
    assert len(tried) >= 2 * len(CHANGING)  # there and back
    for zone, day in tried:
        jun = someone(house, zone)
        shown = jun.times("amara", 1, day.isoformat())
        midnight = [
            datetime.combine(d, datetime.min.time(), ZoneInfo(zone)) for d in (day, day + timedelta(days=1))
        ]
        first, end = (m.astimezone(UTC) for m in midnight)
        assert all(first <= t < end for t in shown)
        assert len(shown) > 30
        start = shown[4]  # on some of these days the first after the change
        details = jun.choose("amara", 1, start).location
        row = all_of(house, Booking)[-1]
        assert (row.starts_at, row.attendee_zone) == (start, zone)
        wall = start.astimezone(ZoneInfo(zone))
        page = jun.client.get(details).text
        assert f"{wall:%a} {wall.day} {wall:%b}, {wall.hour}:{wall:%M}" in page
        assert zone_name(zone, start) in page  # as far from UTC as it will be then, and not as it is now
        assert ("for <bdi>Amara" in page) == (zone != "America/New_York")
        change(house, "DELETE FROM discuno_booking")


def test_a_mentor_without_any_free_time_is_said_to_have_none(house: House, client: FlaskClient) -> None:
    change(house, "DELETE FROM discuno_weekly_hours")
    page = client.get("/mentor/amara/book/1").text
    assert re.search(r"Amara has no free time up to \w+day \d+ \w+", page)
    assert "Choose a day" not in page


def test_a_month_after_the_last_free_day_leads_back_to_the_first(house: House, client: FlaskClient) -> None:
    month = f"{in_the_house(house) + timedelta(days=100):%Y-%m}"
    page = client.get(f"/mentor/amara/book/1?month={month}").text
    found = re.search(r'<a class="btn" href="([^"]+)"[^>]*>First free day: [^<]+</a>', page)
    assert found
    assert 'name="start"' in client.get(found[1].replace("&amp;", "&")).text


def test_where_no_month_is_asked_for_the_first_that_has_times_is_shown(
    house: House, client: FlaskClient
) -> None:
    change(house, "UPDATE discuno_event_type SET notice_minutes = 43200")  # thirty days
    page = client.get("/mentor/amara/book/1").text
    assert 'name="start"' in page
    assert "Next free day" not in page


def with_zone(page: str, zone: str) -> dict[str, str]:
    """What the form of the zone sends from a page."""
    carried = re.findall(r'form="bookings-zone" name="(\w+)" value="([^"]+)"', page)
    return {**dict(carried), "zone": zone}


def test_in_another_zone_the_first_free_day_is_looked_for_anew_and_a_chosen_day_is_kept(
    house: House, client: FlaskClient
) -> None:
    """A late evening in New York is the next morning in Paris: the day we chose there has no time here."""
    change(house, "UPDATE discuno_weekly_hours SET starts = '22:00', ends = '23:30'")
    here, part = "/mentor/amara/book/1", "/mentor/amara/book/1/calendar"
    guessed = client.get(here).text
    assert 'name="start"' in guessed
    assert 'name="start"' in client.get(part, query_string=with_zone(guessed, "Europe/Paris")).text
    late = f"{in_the_house(house) + timedelta(days=40):%Y-%m}"
    for chosen in ({"month": late}, {"month": late, "day": f"{late}-15"}):
        carried = with_zone(client.get(here, query_string=chosen).text, "Europe/Paris")
        assert chosen.items() <= carried.items()


def weight(body: bytes) -> int:
    return len(gzip.compress(body, 6))


def test_the_first_load_is_light_and_a_change_of_day_lighter(house: House, client: FlaskClient) -> None:
    month = f"{in_the_house(house) + timedelta(days=31):%Y-%m}"
    page = client.get(f"/mentor/amara/book/1?zone=America/Los_Angeles&month={month}")
    ours = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    assert {url.partition("?")[0].rpartition(".")[2] for url in ours} == {"css", "js", "svg"}
    assert sum(weight(client.get(url).data) for url in ours) <= 30 * 1000
    next_day = re.findall(r'hx-get="([^"]*/calendar[^"]*day=[^"]+)"', page.text)[5].replace("&amp;", "&")
    part = client.get(next_day, headers={"HX-Request": "true"})
    assert part.text.count('name="start"') > 40  # as many times as a day can have
    assert weight(part.data) <= 2 * 1000
