"""Whatever is sent that makes no sense: a clear error, and nothing changes."""

from datetime import timedelta
from typing import Any

import pytest

from tests.attendee import FORM
from tests.catalogue import AMARA, OWEN
from tests.factories import change, dump, in_the_house, someone
from tests.house import House


@pytest.fixture(scope="module")
def house(built_house: House) -> House:
    """One house for all of these, as none of them changes anything but by holding a time of its own."""
    built_house.begin_with(AMARA, OWEN)
    return built_house


@pytest.mark.parametrize(
    "path",
    [
        "/mentor/nobody",
        "/mentor/nobody/book",
        "/mentor/nobody/avatar.svg",
        "/mentor/amara/book/999",
        "/mentor/amara/book/3",  # Owen's
        "/mentor/amara/book/99999999999999999999999",
        "/mentor/amara/book/-1",
        "/mentor/amara/book/details/none",
        "/mentor/amara/book/payment/none",
        "/mentor/amara/book/complete",
        "/mentor/amara/book/complete?session_id=cs_test_none",
        "/mentor/amara/book/status?booking=none",
        "/nowhere",
        "/static/none.css",
    ],
)
def test_what_is_not_there_is_said_not_to_be_there(house: House, path: str) -> None:
    before = dump(house)
    answer = house.app.test_client().get(path)
    assert answer.status_code == 404
    assert "Not found" in answer.text
    assert dump(house) == before


@pytest.mark.parametrize("path", ["/mentor/a%00b", "/?q=%00", "/mentor/amara/book/complete?session_id=%00"])
def test_a_nul_in_an_address_is_a_bad_request(house: House, path: str) -> None:
    assert house.app.test_client().get(path).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "month=2026-13&day=x",
        "month=9999-12",
        "month=0000-00",
        "day=2100-12-31",
        "month=2000-01&day=2000-01-01",
        "zone=Mars/Base&clock=13",
        "zone=../../etc/passwd",
        "zone=" + "x" * 2000,
    ],
)
def test_what_a_calendar_cannot_read_is_as_if_it_had_not_been_said(house: House, query: str) -> None:
    page = house.app.test_client().get(f"/mentor/amara/book/1?{query}")
    assert page.status_code == 200
    assert "passwd" not in page.text


def form_of(house: House, start: str, zone: str = "Europe/Paris", type_id: int = 1) -> Any:
    jun = someone(house)
    page = f"/mentor/amara/book/{type_id}"
    form = {"start": start, "zone": zone, "csrf_token": jun.token(f"{page}?zone=Europe/Paris")}
    before = dump(house)
    answer = jun.client.post(page, data=form)
    assert dump(house) == before
    return answer


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("", 400),
        ("tomorrow", 400),
        ("2026-11-24T10:00:00", 400),  # no zone
        ("0001-01-01T00:00:00+14:00", 400),
        ("9999-12-31T23:59:59-12:00", 400),
        ("2020-01-01T10:00:00+00:00", 422),
        ("2099-01-01T10:00:00+00:00", 422),
    ],
)
def test_a_time_that_makes_no_sense_holds_nothing(house: House, start: str, status: int) -> None:
    assert form_of(house, start).status_code == status


def test_a_time_off_the_schedule_or_too_soon_holds_nothing(house: House) -> None:
    now = in_the_house(house).replace(minute=0, second=0, microsecond=0)
    for start in (now + timedelta(hours=30, minutes=7), now + timedelta(hours=2), now + timedelta(days=61)):
        assert form_of(house, start.isoformat()).status_code == 422


def test_a_suspended_mentor_sells_nothing(house: House) -> None:
    change(house, "UPDATE discuno_mentor SET suspended_at = now() WHERE username = 'owen'")
    assert someone(house).client.get("/mentor/owen/book/3").status_code == 404
    change(house, "UPDATE discuno_mentor SET suspended_at = NULL")


@pytest.mark.parametrize("zone", ["", "Mars/Base", "Etc/../UTC", "posix/UTC", "UTC\r\nX: y", "\0"])
def test_a_zone_that_is_none_holds_nothing(house: House, zone: str) -> None:
    start = in_the_house(house).replace(minute=0, second=0, microsecond=0) + timedelta(hours=30)
    assert form_of(house, start.isoformat(), zone).status_code == 400


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "tell us your name"),
        ({"name": "\u200b \t"}, "tell us your name"),
        ({"name": "x" * 201}, "at most 200"),
        ({"email": ""}, "give an e-mail"),
        ({"email": "jun"}, "does not look like an e-mail"),
        ({"email": "jun@example.com, all@example.com"}, "does not look like an e-mail"),
        ({"email": "jun@localhost"}, "does not look like an e-mail"),
        ({"email": "x" * 250 + "@example.com"}, "too long"),
        ({"phone": "<script>"}, "phone number in digits"),
        ({"note": "x" * 2001}, "at most 2,000"),
        ({"note": "a\0b"}, "not in a form that we understand"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_details_that_cannot_be_are_refused_in_words_and_nothing_is_written(
    house: House, wrong: dict[str, str], sentence: str
) -> None:
    jun = someone(house)
    details = jun.hold()
    before = dump(house)
    answer = jun.fill_in(details, **wrong)
    assert answer.status_code in (400, 422)
    assert sentence in answer.text
    assert dump(house) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"data": "x" * 70_000, "content_type": "application/x-www-form-urlencoded"}, 413),
        ({"json": FORM}, 400),
        ({"data": b"\xff\xfe", "content_type": "text/plain"}, 400),
        ({}, 400),
    ],
    ids=["too large", "JSON", "text", "nothing"],
)
def test_a_body_that_is_not_our_form_is_refused(house: House, body: dict[str, Any], status: int) -> None:
    jun = someone(house)
    details = jun.hold()
    before = dump(house)
    for page in (details, "/mentor/amara/book/1"):
        assert jun.client.post(page, **body).status_code == status
    assert dump(house) == before


def test_another_browsers_booking_does_not_exist(house: House) -> None:
    jun, thief = someone(house), someone(house)
    details = jun.hold()
    payment_page = jun.fill_in(details).location
    release = details.replace("details", "release")
    before = dump(house)
    token = thief.token("/mentor/amara/book/1")
    for page in (
        details,
        payment_page,
        f"/mentor/amara/book/complete?booking={details.rsplit('/', 1)[-1]}",
    ):
        assert thief.client.get(page).status_code == 404
    for page in (details, payment_page, release):
        assert thief.client.post(page, data={**FORM, "csrf_token": token}).status_code == 404
    for page in (details, payment_page):
        assert jun.client.get(page.replace("amara", "owen")).status_code == 404
    assert dump(house) == before


def test_a_method_that_an_address_does_not_know_is_refused(house: House) -> None:
    client = house.app.test_client()
    assert client.get("/webhooks/stripe").status_code == 405
    assert client.delete("/mentor/amara").status_code in (400, 405)
