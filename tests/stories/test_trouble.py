"""What an attendee sees when something goes wrong between the click and the confirmation."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from discuno.bookings.models import Booking
from discuno.kit.db import rows
from discuno.mentors.models import EventType
from tests.house import House
from tests.stories.attendee import Attendee
from tests.stories.conftest import Invite

pytestmark = pytest.mark.story


def test_a_slot_lost_to_another_browser_is_told_kindly_with_fresh_times(invite: Invite) -> None:
    jun, ada = invite(), invite()
    for person in (jun, ada):
        person.choose_session()
        person.choose_day(10)
    offered = ada.slots.count()
    wanted = jun.choose_time(2)
    ada.slots.nth(2).click()
    expect(ada.page.get_by_role("alert")).to_contain_text(
        "That time was just taken. Here are the times that are still free."
    )
    expect(ada.page.get_by_role("alert")).to_be_focused()
    ada.reads("Choose a time")
    expect(ada.page.locator("#bookings-slots")).to_contain_text("10")
    expect(ada.page.locator(f"button[value='{wanted}']")).to_have_count(0)
    assert 0 < ada.slots.count() < offered
    nearest = ada.page.get_by_role("alert").get_by_role("button")
    expect(nearest).to_have_count(3)
    nearest.nth(1).click()
    ada.reads("Your details")


def test_a_payment_whose_webhook_never_comes_is_confirmed_by_asking_stripe(jun: Attendee) -> None:
    jun.house.control("POST", "weather/stripe", {"lose": -1})
    jun.reach_payment()
    jun.pay()
    jun.reads("Your session is confirmed")
    sent = {d["about"]: d["state"] for d in jun.house.control("GET", "deliveries")}
    assert sent["checkout.session.completed"] == sent["payment_intent.succeeded"] == "lost"


def test_a_webhook_that_comes_twice_books_and_writes_once(jun: Attendee) -> None:
    jun.house.control("POST", "weather/stripe", {"duplicate": 2})
    jun.reach_payment()
    jun.pay()
    jun.reads("Your session is confirmed")
    jun.gets_letter("Confirmed: Application review with Amara Okafor")
    jun.house.settle_down()
    jun.gets_letter("Confirmed: Application review with Amara Okafor")
    jun.gets_letter("Booked: Application review with Jun Tanaka", to="amara@discuno.example")
    assert jun.house.read(lambda: [b.status for b in rows(sa.select(Booking))]) == ["confirmed"]


def take_at_calcom(house: House, start: str) -> None:
    """Somebody books Owen's hour on Cal.com's own page."""
    offer = sa.select(EventType.calcom_event_type_id).where(EventType.title == "Oxbridge interview")
    type_id = house.read(lambda: rows(offer))[0]
    house.control("POST", "calcom/busy", {"eventTypeId": type_id, "start": start})


def test_a_paid_hour_that_the_calendar_refuses_is_refunded_and_both_facts_are_told(jun: Attendee) -> None:
    start = jun.reach_payment("Owen Hughes", "Oxbridge interview")
    take_at_calcom(jun.house, start)
    jun.pay()
    jun.reads("That time could not be booked")
    expect(jun.main).to_contain_text("We have returned your £70.00")
    jun.gets_letter("Not booked: Oxbridge interview with Owen Hughes")
    jun.gets_letter("Refunded: £70.00")
    [refund] = jun.house.stripe("refund")
    assert (refund["amount"], refund["status"]) == (7000, "succeeded")
    jun.page.get_by_role("link", name="Choose a time again").click()
    jun.reads("Choose a time")


def test_a_session_that_ran_out_while_the_card_was_typed_offers_another_time(jun: Attendee) -> None:
    jun.page.clock.install()
    jun.reach_payment()
    jun.type_card()
    expect(jun.pay_button).to_be_enabled()
    jun.page.clock.fast_forward("31:30")
    jun.house.advance(timedelta(minutes=32))
    expect(jun.page.get_by_role("timer")).to_contain_text("Nothing was charged")
    jun.pay_button.click()
    expect(jun.trouble).to_contain_text("The time to pay has run out. Nothing has been charged.")
    expect(jun.pay_button).to_be_disabled()
    jun.gets_letter("Not booked: Application review with Amara Okafor was not paid")
    jun.page.reload()
    jun.reads("This booking was not paid")
    jun.page.get_by_role("link", name="Choose a time again").click()
    jun.reads("Choose a time")


def test_a_blocked_stripe_js_is_explained_and_tried_again(jun: Attendee) -> None:
    jun.page.clock.install()
    jun.context.route("**/js/stripe.js", lambda route: route.abort())
    jun.choose_session()
    jun.choose_day()
    jun.choose_time()
    jun.fill_in()
    jun.reads("Payment")
    jun.page.clock.fast_forward(10_000)
    expect(jun.trouble).to_contain_text("The payment form did not load. Nothing has been charged.")
    expect(jun.trouble).to_be_focused()
    jun.context.unroute("**/js/stripe.js")
    jun.trouble.get_by_role("button", name="Try again").click()
    jun.sees_card_form()
    jun.pay()
    jun.reads("Your session is confirmed")
    jun.forgive("net::ERR_FAILED", "Stripe.js did not load")
