"""Choosing a time: held for one browser, on whichever calendar the mentor keeps; lost kindly."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.attendee import Attendee
from tests.house import House


def in_a_fortnight() -> str:
    return f"{datetime.now(UTC) + timedelta(days=14):%Y-%m-%d}"


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
    start = jun.times("amara", type_id, in_a_fortnight())[20]
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
