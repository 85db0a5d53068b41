"""Admins alone: every address of the admin's pages, every verb, walked as everybody else; none of it changes a row.

The walk reads the app's own map of addresses, so that a page which is added later is walked too.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from discuno.bookings.models import Booking
from discuno.kit import security
from tests import catalogue
from tests.addresses import Address, go, private_addresses
from tests.bank import sold
from tests.factories import advance_to, all_of, dump
from tests.house import House
from tests.reporting import PNG, attendee
from tests.signing import ADMIN, AMARA, SUPPORT, signed_in, staff

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def lived(built_house: House) -> House:
    """A session that was sold and reported: there is a payment, a transfer, a case, letters and events."""
    built_house.begin_with(catalogue.AMARA, catalogue.OWEN)
    sold(built_house)
    booking = all_of(built_house, Booking)[0]
    advance_to(built_house, booking.starts_at + timedelta(minutes=15))
    attendee(built_house, booking.id).sends(
        "/report", (("proof.png", PNG),), reason="mentor_absent", text="I waited, and nobody came to it."
    )
    built_house.settle_down()
    return built_house


def walk(house: House, client: FlaskClient, judge: Callable[[Address, int, str], bool]) -> int:
    """Go everywhere; how many addresses that were. Nothing may have changed, and every answer has to be right."""
    addresses = list(private_addresses(house, "admin"))
    before = dump(house)
    for address in addresses:
        answer = go(house, client, address, {})
        there = answer.location or ""
        assert judge(address, answer.status_code, there), f"{address}: {answer.status_code} {there}"
    assert dump(house) == before
    return len(addresses)


def test_to_a_mentor_there_are_no_admin_pages(lived: House) -> None:
    amara = signed_in(lived, AMARA)
    assert walk(lived, amara, lambda _address, status, _there: status == 404) > 40


def test_whoever_is_not_signed_in_is_asked_to(lived: House) -> None:
    def is_asked(address: Address, status: int, there: str) -> bool:
        if address.rule.endpoint in security.LARGE:  # a body of theirs is not even read
            return status == 404
        return status == 303 and there.startswith("/sign-in")

    walk(lived, lived.app.test_client(), is_asked)


@pytest.mark.parametrize("email", [ADMIN, SUPPORT])
def test_a_sign_in_by_letter_alone_opens_nothing_before_the_second_factor(lived: House, email: str) -> None:
    def is_asked(address: Address, status: int, there: str) -> bool:
        if address.rule.endpoint in security.LARGE:
            return status == 404
        return status == 303 and there.startswith("/sign-in/code")

    walk(lived, staff(lived, email, proved=False), is_asked)


def test_support_sees_every_page_and_is_refused_every_act(lived: House) -> None:
    def is_right(address: Address, status: int, _there: str) -> bool:
        if address.verb == "GET":
            return status in (200, 303, 404, 409, 422)  # not there in this house, or nothing was asked
        return status == (404 if address.rule.endpoint in security.LARGE else 403)

    walk(lived, staff(lived, SUPPORT), is_right)


def test_an_admin_who_says_nothing_with_a_form_is_told_so_and_nothing_is_done(lived: House) -> None:
    """A form without its words is refused in words, or does what needs none; it never breaks."""
    admin = staff(lived, ADMIN)
    for address in private_addresses(lived, "admin"):
        answer = go(lived, admin, address, {})
        assert answer.status_code in (200, 303, 404, 409, 422), f"{address}: {answer.status_code}"
