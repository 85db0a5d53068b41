"""Each step is a page with an address: back, reload, and browsers without JavaScript."""

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from discuno.bookings.models import Booking
from discuno.kit.db import rows
from tests.stories.attendee import Attendee
from tests.stories.conftest import Invite

pytestmark = pytest.mark.story


def test_every_step_can_be_reloaded_and_left_backwards(jun: Attendee) -> None:
    page = jun.page
    jun.choose_session()
    jun.choose_day(10)
    chosen = page.locator("#bookings-slots").inner_text()
    page.reload()
    jun.reads("Choose a time")
    expect(page.locator("#bookings-slots")).to_have_text(chosen)
    jun.choose_time()
    page.reload()
    jun.reads("Your details")
    jun.fill_in()
    jun.sees_card_form()
    page.reload()
    jun.sees_card_form()
    page.go_back()
    jun.reads("Your details")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Jun Tanaka")
    expect(page.locator("discuno-checkout")).to_have_count(0)
    page.go_back()
    jun.reads("Choose a time")
    expect(page.locator("#bookings-slots")).to_have_text(chosen)
    page.go_forward()
    jun.reads("Your details")
    page.go_forward()
    jun.sees_card_form()
    expect(page.locator("body > iframe")).to_have_count(1)  # Stripe.js was loaded once, and keeps its own
    jun.pay()
    jun.reads("Your session is confirmed")
    page.reload()
    jun.reads("Your session is confirmed")
    page.go_back()
    jun.reads("Your session is confirmed")  # a paid session is not offered for payment again


def test_the_payment_step_comes_and_goes_without_loading_a_page(jun: Attendee) -> None:
    jun.choose_session()
    jun.choose_day()
    jun.page.evaluate("window.sameDocument = true")
    jun.choose_time()
    jun.fill_in()
    jun.sees_card_form()
    for _ in range(2):
        jun.page.go_back()
        jun.reads("Your details")
        jun.page.go_forward()
        jun.sees_card_form()
    assert jun.page.evaluate("window.sameDocument")


def test_another_time_can_be_chosen_after_all(jun: Attendee) -> None:
    jun.choose_session()
    jun.choose_day()
    first = jun.choose_time()
    jun.page.get_by_role("button", name="Choose another time").click()
    jun.reads("Choose a time")
    expect(
        jun.page.locator(f"button[value='{first}']")
    ).to_be_visible()  # given back, on the day it was looked for
    jun.choose_time(1)


def held(jun: Attendee) -> list[str]:
    """What has become of the times, oldest first."""
    return jun.house.read(lambda: [b.status for b in rows(sa.select(Booking).order_by(Booking.id))])


def test_back_gives_the_time_back_at_once_and_a_second_tab_does_not(jun: Attendee) -> None:
    page, kept = jun.page, jun.main.get_by_text("You are keeping")
    jun.choose_session()
    jun.choose_day()
    chosen, time_url = page.locator("#bookings-slots").inner_text(), page.url
    jun.choose_time()
    second = jun.context.new_page()
    second.goto(time_url)
    expect(second.get_by_text("You are keeping")).to_be_visible()
    month = second.locator("#bookings-month").inner_text()
    second.get_by_role("link", name="Next month").click()  # looked at and used like any other page
    expect(second.locator("#bookings-month")).not_to_have_text(month)
    assert held(jun) == ["held"]
    page.go_back()
    jun.reads("Choose a time")
    expect(page.locator("#live")).to_have_text("The time you were keeping is free again.")
    expect(kept).to_have_count(0)
    expect(page.locator("#bookings-slots")).to_have_text(chosen)
    assert held(jun) == ["released"]
    jun.choose_time(1)
    jun.open("/")
    page.evaluate("history.go(-2)")  # over the details, into a page that the browser loads anew
    jun.reads("Choose a time")
    expect(page.locator("#live")).to_have_text("The time you were keeping is free again.")
    expect(kept).to_have_count(0)
    assert held(jun) == ["released", "released"]
    jun.choose_time(2)
    jun.open(time_url.replace(jun.house.url, ""))
    jun.main.get_by_role("button", name="Give it back").click()
    expect(kept).to_have_count(0)
    assert held(jun) == ["released"] * 3


def test_more_time_goes_once_keeps_what_was_typed_and_has_the_card_typed_again(jun: Attendee) -> None:
    page, more = jun.page, jun.page.get_by_role("button", name="10 more minutes")
    jun.choose_session()
    jun.choose_day()
    jun.choose_time()
    page.get_by_label("Name", exact=True).fill("Jun Tanaka")
    more.click()
    expect(page.get_by_role("timer")).to_contain_text("19:")
    expect(page.get_by_role("timer")).to_be_focused()
    expect(page.locator("#live")).to_have_text("Held for you for 20 minutes.")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Jun Tanaka")
    expect(more).to_have_count(0)
    page.get_by_role("button", name="Choose another time").click()
    jun.reads("Choose a time")
    jun.choose_time(1)
    jun.fill_in()
    jun.sees_card_form()
    jun.type_card()
    more.click()
    expect(page.get_by_role("alert").get_by_text("type your card details again")).to_be_visible()
    jun.sees_card_form()
    expect(jun.card.get_by_label("Card number")).to_have_value("")
    expect(page.get_by_role("timer")).to_contain_text("40:")
    expect(more).to_have_count(0)
    assert [s["status"] for s in jun.house.stripe("checkout.session")] == ["expired", "open"]
    jun.pay()
    jun.reads("Your session is confirmed")


def test_without_javascript_everything_works_up_to_the_card_form(invite: Invite) -> None:
    jun = invite(java_script_enabled=False)
    jun.choose_session()
    jun.page.get_by_label("Time zone").select_option("Asia/Tokyo")
    jun.page.get_by_role("button", name="Use this zone").click()
    expect(jun.page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    jun.choose_day()
    jun.choose_time()
    expect(jun.main).to_contain_text("Tokyo (UTC+9)")
    jun.page.get_by_label("Name", exact=True).fill("Jun T")
    jun.page.get_by_role("button", name="10 more minutes").click()
    expect(jun.page.get_by_label("Name", exact=True)).to_have_value("Jun T")
    expect(jun.page.get_by_role("timer")).to_contain_text("about 20 min")
    jun.fill_in("Continue to payment")
    jun.reads("Payment")
    expect(jun.page.locator("noscript p")).to_contain_text("The card form needs JavaScript")
    expect(jun.page.locator("noscript p")).to_be_visible()
    expect(jun.pay_button).to_be_hidden()
    expect(jun.page.get_by_role("timer")).to_contain_text("about 31 min")
    jun.page.get_by_role("link", name="Change your details").click()
    expect(jun.page.get_by_label("Name", exact=True)).to_have_value("Jun Tanaka")
    jun.page.get_by_role("button", name="Choose another time").click()
    jun.reads("Choose a time")
    expect(jun.main.get_by_text("You are keeping")).to_have_count(0)


def test_without_javascript_a_free_session_is_booked_wholly(invite: Invite) -> None:
    jun = invite(java_script_enabled=False)
    jun.choose_session(offer="First hello")
    jun.choose_day()
    jun.choose_time()
    jun.fill_in("Confirm booking")
    jun.gets_letter("Confirmed: First hello with Amara Okafor")
    jun.page.reload()
    jun.reads("Your session is confirmed")


def test_without_javascript_a_wrong_form_says_what_to_put_right(invite: Invite) -> None:
    jun = invite(java_script_enabled=False)
    jun.choose_session()
    jun.choose_day()
    jun.choose_time()
    jun.page.get_by_label("Name", exact=True).fill("Jun Tanaka")
    jun.page.get_by_label("E-mail", exact=True).fill("jun@")
    jun.page.get_by_role("button", name="Continue to payment").click()
    expect(jun.page.get_by_role("alert")).to_contain_text("e-mail address")
    expect(jun.page.get_by_label("E-mail", exact=True)).to_have_value("jun@")
    expect(jun.page).to_have_title(re.compile("^Error: "))
