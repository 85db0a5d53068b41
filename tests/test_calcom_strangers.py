"""Bookings made at Cal.com itself, in a calendar that its mentor linked: only what passes the till is taken back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from discuno.bookings.calendar_sync import compare_calendars
from discuno.notifications.models import Email
from tests.factories import all_of, change, in_the_house
from tests.house import House
from tests.linking import Desk, rounds, with_calendar


@pytest.fixture
def amara(house: House) -> Desk:
    return with_calendar(house)


def book_there(amara: Desk, days: int = 3) -> str:
    """A moment later, somebody books Amara's type on Cal.com's own page."""
    amara.house.advance(timedelta(seconds=2))
    start = in_the_house(amara.house).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(
        days=days
    )
    told = {"eventTypeId": amara.at_calcom, "start": start.isoformat()}
    return str(amara.house.control("POST", "calcom/foreign", told)["uid"])


def live(amara: Desk) -> list[str]:
    there = amara.house.control("GET", "calcom/bookings")["bookings"]
    return [b["uid"] for b in there if b["status"] == "accepted"]


def look(amara: Desk) -> None:
    """Webhooks come, and calendars are compared."""
    amara.house.settle_down()
    rounds(amara.house, compare_calendars)
    amara.house.advance(timedelta(minutes=1))
    amara.house.settle_down()


def before_the_link(amara: Desk, book: Callable[[], str]) -> list[str]:
    uid = book()
    amara.house.advance(timedelta(seconds=2))
    amara.link()
    amara.sell()
    return [uid]


def before_it_is_sold(amara: Desk, book: Callable[[], str]) -> list[str]:
    amara.link()
    uid = book()
    amara.house.settle_down()
    amara.house.advance(timedelta(seconds=2))
    amara.sell()
    return [uid]


def while_it_is_off(amara: Desk, book: Callable[[], str]) -> list[str]:
    amara.link()
    change(amara.house, "UPDATE discuno_event_type SET price = 5000 WHERE calcom_event_type_id IS NOT NULL")
    return [book()]


def after_leaving(amara: Desk, book: Callable[[], str]) -> list[str]:
    amara.link()
    amara.sell()
    amara.post("unlink")
    return [book()]


def while_it_is_sold(amara: Desk, book: Callable[[], str]) -> list[str]:
    amara.link()
    amara.sell()
    book()
    return []


@pytest.mark.parametrize(
    "when", [before_the_link, before_it_is_sold, while_it_is_off, after_leaving, while_it_is_sold]
)
def test_only_what_passes_the_till_is_taken_back(amara: Desk, when: Callable[..., list[str]]) -> None:
    stands = when(amara, lambda: book_there(amara))
    look(amara)
    assert live(amara) == stands
    assert len([e for e in all_of(amara.house, Email) if e.template == "foreign_booking_admin"]) == 1 - len(
        stands
    )
