"""Going back, taking a little longer, coming too late: the hour and what was typed are never lost by surprise."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from discuno import policy
from discuno.bookings.models import Booking
from discuno.payments.models import Payment
from tests.attendee import FORM, Attendee
from tests.factories import all_of, change, dump, in_the_house, paid, someone, standing, the
from tests.house import House

pytestmark = pytest.mark.story

MINUTE = timedelta(minutes=1)


def press(jun: Attendee, details: str, what: str, **typed: str) -> Any:
    """Press a button of the details or the payment step that posts to an address of its own."""
    url = re.sub("details|payment", what, details)
    return jun.client.post(url, data={"csrf_token": jun.seen_token, **typed})


def left(house: House) -> timedelta:
    """How long the one hour is kept from now on, to the minute."""
    return round((the(house, Booking).held_until - in_the_house(house)) / MINUTE) * MINUTE


def kept_on(page: str) -> bool:
    return "You are keeping" in page


def test_a_time_one_keeps_is_shown_among_the_free_ones_with_the_way_on_and_back(house: House) -> None:
    jun, ada = someone(house), someone(house)
    details = jun.hold(at=6)
    start, type_id = the(house, Booking).starts_at, jun.offers("amara")[0]
    url = f"/mentor/amara/book/{type_id}?zone=Asia/Kathmandu"
    before = dump(house)
    page = jun.client.get(url).text
    assert dump(house) == before  # looking gives nothing back
    assert re.search(r"You are keeping <time [^>]*>[^<]+\(Asia/Kathmandu\)</time>", page)
    assert f'href="{details}"' in page
    assert re.search(r'<form [^>]*action="[^"]*/book/release/[^>]* data-back>', page)
    assert start in jun.times("amara", type_id, jun.day())
    assert start not in ada.times("amara", type_id, jun.day())
    assert not kept_on(ada.client.get(url).text)
    answer = press(jun, details, "release")
    paris = start.astimezone(ZoneInfo(jun.zone))
    assert f"day={paris:%Y-%m-%d}" in answer.location  # the day that was looked at
    assert not kept_on(jun.client.get(answer.location).text)
    assert start in ada.times("amara", type_id, jun.day())


def test_a_time_that_is_being_paid_for_is_not_given_back_by_itself_and_both_ways_stand_on_the_payment(
    house: House,
) -> None:
    jun = someone(house)
    payment_page = jun.fill_in(jun.hold()).location
    html = jun.client.get(payment_page).text
    details = payment_page.replace("payment", "details")
    assert f'href="{details}"' in html
    assert FORM["email"] in jun.client.get(details).text
    time_page = jun.client.get(f"/mentor/amara/book/{jun.offers('amara')[0]}").text
    assert f'href="{payment_page}"' in time_page
    assert " data-back" not in time_page
    assert f'action="{payment_page.replace("payment", "release")}"' in html
    again = press(jun, payment_page, "release").location
    assert [s["status"] for s in house.stripe("checkout.session")] == ["expired"]
    assert not kept_on(jun.client.get(again).text)
    jun.choose("amara", 1, the(house, Booking).starts_at)
    fresh = all_of(house, Booking)[-1].public_id
    assert FORM["email"] in jun.client.get(f"/mentor/amara/book/details/{fresh}").text


def test_an_hour_is_not_given_back_while_stripe_cannot_be_asked_to_end_its_session(house: House) -> None:
    jun = someone(house)
    payment_page = jun.fill_in(jun.hold()).location
    house.fault("POST /stripe/v1/checkout/sessions/[^/]+/expire$", "drop_before", times=-1)
    assert press(jun, payment_page, "release").status_code == 503
    house.advance(policy.CHECKOUT_LIFE - MINUTE)  # what else there is to free an hour
    house.settle_down()
    ada = someone(house)
    assert ada.choose("amara", 1, the(house, Booking).starts_at).status_code == 409
    assert standing(house) == ("held", "PENDING")
    [session] = house.stripe("checkout.session")
    assert session["status"] == "open"
    jun.pay(session["id"])
    house.settle_down()
    assert standing(house) == ("confirmed", "SUCCEEDED")


def test_a_free_session_that_waits_for_its_confirmation_is_not_given_back(house: House) -> None:
    jun = someone(house)
    details = jun.hold("amara", offer=1)
    jun.fill_in(details)
    start = the(house, Booking).starts_at
    type_id = jun.offers("amara")[0]
    press(jun, details, "release")
    assert not kept_on(jun.client.get(f"/mentor/amara/book/{type_id}").text)
    assert start not in jun.times("amara", type_id, jun.day())
    assert jun.choose("amara", type_id, start + timedelta(hours=2)).status_code == 303
    house.settle_down()
    assert [b.status for b in all_of(house, Booking)] == ["confirmed", "held"]


def test_more_time_for_the_details_goes_once_and_keeps_what_was_typed_without_javascript_too(
    house: House,
) -> None:
    jun = someone(house)
    details = jun.hold()
    html = jun.client.get(details).text
    button = re.search(r"<button [^>]*>10 more minutes</button>", html)
    assert button
    assert 'form="bookings-form"' in button[0]  # so that what is typed comes along
    house.advance(3 * MINUTE)
    page = press(jun, details, "more-time", **FORM).text
    assert "10 more minutes" not in page
    assert f'value="{FORM["email"]}"' in page
    assert FORM["note"] in page
    assert left(house) == policy.HOLD_TO_CHOOSE + policy.MORE_TIME - 3 * MINUTE
    before = dump(house)
    assert press(jun, details, "more-time").status_code == 200
    assert dump(house) == before
    url, alone = details.replace("details", "more-time"), {"HX-Request": "true"}
    for part in (
        jun.client.post(url, data={"csrf_token": jun.seen_token}, headers=alone),
        jun.client.get(url, headers=alone),
    ):
        assert part.text.lstrip().startswith('<div id="bookings-hold"')
    assert "<h1" in jun.client.get(url).text  # reloaded, it is the page of the details
    house.advance(policy.HOLD_TO_CHOOSE)
    house.settle_down()
    assert jun.fill_in(details).status_code == 303  # three minutes before the end
    assert "10 more minutes" not in jun.client.get(details.replace("details", "payment")).text


@pytest.mark.parametrize("waited", [1, 25])
def test_more_time_to_pay_ends_the_session_and_opens_one_that_lasts_ten_minutes_longer(
    house: House, waited: int
) -> None:
    jun = someone(house)
    payment_page = jun.fill_in(jun.hold("owen")).location
    assert "10 more minutes" in jun.client.get(payment_page).text
    first_end = the(house, Payment).checkout_expires_at
    house.advance(waited * MINUTE)
    assert press(jun, payment_page, "more-time").location == payment_page
    old, new = house.stripe("checkout.session")
    assert (old["status"], new["status"]) == ("expired", "open")
    payment, booking = the(house, Payment), the(house, Booking)
    assert payment.stripe_checkout_session_id == new["id"]
    gained = payment.checkout_expires_at - first_end
    assert policy.MORE_TIME <= gained <= policy.MORE_TIME + 16 * MINUTE
    assert booking.held_until >= payment.checkout_expires_at + policy.HOLD_BEYOND_CHECKOUT
    [reserved] = house.sandbox.world.all("calcom_reservation")
    assert in_the_house(house) + reserved["minutes"] * MINUTE >= booking.held_until
    html = jun.client.get(payment_page).text
    assert "Please type your card details again" in html
    assert "10 more minutes" not in html
    before = dump(house, "discuno_booking", "discuno_payment")
    press(jun, payment_page, "more-time")
    assert dump(house, "discuno_booking", "discuno_payment") == before
    house.advance(first_end - in_the_house(house) + MINUTE)  # it would have been over
    house.settle_down()
    assert standing(house) == ("held", "PENDING")
    jun.pay(new["id"])
    house.settle_down()
    assert standing(house) == ("confirmed", "SUCCEEDED")


def test_more_time_asked_for_in_the_moment_of_paying_shows_that_it_is_paid(house: House) -> None:
    jun, _ = paid(house)
    payment_page = f"/mentor/amara/book/payment/{the(house, Booking).public_id}"
    answer = press(jun, payment_page, "more-time")
    assert "confirm" in jun.client.get(answer.location, follow_redirects=True).text
    house.settle_down()
    assert standing(house) == ("confirmed", "SUCCEEDED")
    assert [s["status"] for s in house.stripe("checkout.session")] == ["complete"]


def test_more_time_when_stripe_is_away_opens_the_new_session_as_soon_as_it_answers(house: House) -> None:
    jun = someone(house)
    payment_page = jun.fill_in(jun.hold()).location
    house.fault("POST /stripe/v1/checkout/sessions", "drop_before", times=-1)
    page = jun.client.get(press(jun, payment_page, "more-time").location).text
    assert "We cannot reach Stripe" in page
    house.control("DELETE", "faults")
    house.advance(policy.WATCH_PAYMENT_EVERY)
    house.settle_down()
    assert [s["status"] for s in house.stripe("checkout.session")] == ["expired", "open"]


@pytest.mark.parametrize("swept", [True, False], ids=["after the sweep", "before any sweep"])
def test_details_that_come_too_late_are_kept_for_the_time_that_is_chosen_next(
    house: House, swept: bool
) -> None:
    jun = someone(house)
    details = jun.hold(at=6)
    start = the(house, Booking).starts_at
    house.advance(policy.HOLD_TO_CHOOSE + timedelta(seconds=1))
    if swept:
        house.settle_down()
    wrong = jun.fill_in(details, email="jun@")
    assert wrong.status_code == 422
    assert FORM["note"] in wrong.text
    late = jun.fill_in(details)
    assert late.status_code == 410
    assert "What you typed is kept" in late.text
    notice = late.text.partition('role="alert"')[2].partition("</form>")[0]
    near = [datetime.fromisoformat(v) for v in re.findall(r'name="start" value="([^"]+)"', notice)]
    assert start in near  # nobody has taken it meanwhile
    assert the(house, Booking).status == "expired"
    fresh = jun.choose("amara", jun.offers("amara")[0], near[-1]).location
    html = jun.client.get(fresh).text
    assert all(FORM[name] in html for name in ("name", "email", "note"))
    ada = someone(house)
    assert FORM["email"] not in ada.client.get(ada.hold(at=12)).text
    house.settle_down()
    assert house.letters(FORM["email"]) == []


def test_what_was_typed_for_a_time_that_came_to_nothing_is_forgotten_after_an_hour(house: House) -> None:
    jun = someone(house)
    details = jun.hold()
    house.advance(policy.HOLD_TO_CHOOSE + MINUTE)
    jun.fill_in(details)
    house.advance(policy.TYPED_IS_KEPT)
    assert FORM["email"] not in jun.client.get(jun.hold(at=8)).text


def test_the_refund_rule_before_paying_is_the_one_that_will_hold(house: House) -> None:
    jun = someone(house)
    details = jun.hold()
    assert "Free cancellation until 24 hours before" in jun.client.get(details).text
    change(house, "UPDATE discuno_event_type SET notice_minutes = 0")
    soon = someone(house)
    type_id = soon.offers("amara")[0]
    tomorrow = in_the_house(house) + timedelta(hours=23)
    [start, *_] = [
        t
        for day in (tomorrow - timedelta(hours=12), tomorrow)
        for t in soon.times("amara", type_id, f"{day:%Y-%m-%d}")
        if t < tomorrow
    ]
    html = soon.client.get(soon.choose("amara", type_id, start).location).text
    assert "less than 24 hours away: if you cancel it, nothing is returned" in html
    free = jun.client.get(jun.hold("owen", offer=1)).text
    assert "you can cancel it until it starts" in free
    assert "nothing is returned" not in free
