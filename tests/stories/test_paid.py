"""Sessions booked in a browser, paid and free, by cards of every temper."""

import re

import pytest
from playwright.sync_api import expect

from tests.stories.attendee import AUTHENTICATE, DECLINED, Attendee

pytestmark = pytest.mark.story


def test_a_paid_session_is_booked_in_the_zone_of_the_attendee(jun: Attendee) -> None:
    jun.choose_session()
    zone = jun.page.get_by_label("Time zone", exact=True)
    expect(zone).to_have_value("Europe/Paris")
    zone.select_option("Asia/Tokyo")
    expect(jun.page.locator("#bookings-calendar")).to_have_attribute("data-zone", "Asia/Tokyo")
    jun.choose_day(10)
    expect(jun.slots.first).to_contain_text("for Amara")
    jun.choose_time()
    expect(jun.main).to_contain_text("Tokyo (UTC+9)")
    jun.fill_in()
    jun.sees_card_form()
    [session] = jun.house.stripe("checkout.session")
    assert session["amount_total"] == 6000
    expect(jun.pay_button).to_have_text("Pay $60.00")
    jun.pay()
    jun.reads("Your session is confirmed")
    expect(jun.main).to_contain_text(re.compile(r"Amara Okafor expects you on .* \(Asia/Tokyo\)"))
    jun.gets_letter("Confirmed: Application review with Amara Okafor")
    jun.gets_letter("Booked: Application review with Jun Tanaka", to="amara@discuno.example")


@pytest.mark.parametrize("mentor", ["Amara Okafor", "Owen Hughes"])
def test_a_free_session_is_confirmed_without_a_payment_step(jun: Attendee, mentor: str) -> None:
    jun.choose_session(mentor, "First hello")
    expect(jun.page.get_by_role("list", name="Steps of the booking")).not_to_contain_text("Payment")
    jun.choose_day()
    jun.choose_time()
    jun.fill_in("Confirm booking")
    jun.reads("Your session is confirmed")
    jun.gets_letter(f"Confirmed: First hello with {mentor}")
    assert jun.house.stripe("checkout.session") == []


def test_after_a_declined_card_another_one_pays(jun: Attendee) -> None:
    jun.reach_payment()
    jun.pay(DECLINED)
    expect(jun.trouble).to_have_text("Your card was declined. Try another card.")
    expect(jun.trouble).to_be_focused()
    jun.pay()
    jun.reads("Your session is confirmed")
    assert [charge["status"] for charge in jun.house.stripe("charge")].count("succeeded") == 1


@pytest.mark.parametrize("answers", [["Complete"], ["Fail", "Complete"]])
def test_a_bank_that_asks_back_is_answered_in_the_page(jun: Attendee, answers: list[str]) -> None:
    jun.reach_payment("Owen Hughes", "Oxbridge interview")
    expect(jun.pay_button).to_have_text("Pay £70.00")
    jun.type_card(AUTHENTICATE)
    for answer in answers:
        jun.pay_button.click()
        jun.bank.get_by_role("button", name=answer).click()
        if answer == "Fail":
            expect(jun.trouble).to_contain_text("unable to authenticate")
            expect(jun.pay_button).to_be_enabled()
    jun.reads("Your session is confirmed")
