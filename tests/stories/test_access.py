"""Usable by everybody: by keyboard alone, by ear, in the dark, and on a small screen."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect

from tests.factories import someone
from tests.stories.attendee import DECLINED, JUN, Attendee
from tests.stories.conftest import Invite

pytestmark = pytest.mark.story

HAS_FOCUS = "e => e === e.ownerDocument.activeElement && e.ownerDocument.hasFocus()"


def tab_to(jun: Attendee, wanted: Locator) -> None:
    """Press Tab until it is there; whatever is passed on the way must be in sight."""
    expect(wanted).to_be_visible()
    for _ in range(80):
        if wanted.evaluate(HAS_FOCUS):
            return
        jun.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {wanted}")


def press(jun: Attendee, wanted: Locator, key: str = "Enter") -> None:
    tab_to(jun, wanted)
    jun.page.keyboard.press(key)


def type_into(jun: Attendee, wanted: Locator, words: str) -> None:
    tab_to(jun, wanted)
    jun.page.keyboard.type(words)


# Somebody who opens a day before the month that they had asked for has come.
NUMBER = "day => (day.querySelector('.day') ?? day).textContent"  # a day without times is a cell
QUICK = """(day) => {
  day.focus();
  day.dispatchEvent(new KeyboardEvent("keydown", { key: "PageDown", bubbles: true, cancelable: true }));
  day.click();
}"""


def finds_their_zone_and_clock(jun: Attendee) -> None:
    page = jun.page
    type_into(jun, page.get_by_label("Find a zone by city"), "kath")
    expect(page.locator("#live")).to_have_text("1 zone found: Asia/Kathmandu — UTC+5:45")
    page.keyboard.press("Enter")
    expect(page.locator("#bookings-calendar")).to_have_attribute("data-zone", "Asia/Kathmandu")
    press(jun, page.get_by_role("link", name="Use the 12-hour clock"))
    expect(page.get_by_role("link", name="Use the 24-hour clock")).to_be_visible()
    expect(jun.slots.first).to_contain_text("M")


def chooses_a_day_of_the_next_month(jun: Attendee) -> None:
    page, month = jun.page, jun.page.locator("#bookings-month")
    stand = page.get_by_role("grid").locator("[tabindex='0']")
    first = month.inner_text()
    tab_to(jun, stand)
    for key in ("PageDown", "PageUp", "PageDown"):
        before = month.inner_text()
        page.keyboard.press(key)
        expect(month).not_to_have_text(before)
        expect(stand).to_be_focused()  # the one day that Tab leads to
    expect(month).not_to_have_text(first)
    while int(stand.evaluate(NUMBER)) > 7:
        page.keyboard.press("ArrowUp")
    for key in ("ArrowDown", "Home", "ArrowRight", "End", "ArrowLeft", "ArrowRight"):  # within a whole week
        page.keyboard.press(key)
    expect(stand).to_be_focused()
    spoken = re.compile(r"^Sunday \d+ [A-Z][a-z]+( \d{4})?, \d+ times available$")  # a week's last day
    expect(stand).to_have_attribute("aria-label", spoken)
    chosen = stand.evaluate(NUMBER)
    page.keyboard.press("Enter")
    expect(page.locator("#bookings-slots")).to_contain_text(f" {chosen} ")
    expect(page.locator("#bookings-slots")).to_be_focused()
    month_now = month.inner_text()
    stand.evaluate(QUICK)
    expect(page.locator("#bookings-slots")).to_be_focused()
    expect(month).to_have_text(month_now)


def test_a_paid_session_is_booked_by_keyboard_alone(jun: Attendee) -> None:
    jun.open("/")
    page = jun.page
    press(jun, page.get_by_role("link", name="Amara Okafor"))
    press(jun, page.get_by_role("link", name="Application review"))
    jun.reads("Choose a time")
    finds_their_zone_and_clock(jun)
    chooses_a_day_of_the_next_month(jun)
    press(jun, jun.slots.nth(1))
    jun.reads("Your details")
    expect(jun.main).to_contain_text("Kathmandu (UTC+5:45)")
    press(jun, page.get_by_role("button", name="10 more minutes"))
    expect(page.get_by_role("timer")).to_be_focused()
    for label, words in JUN.items():
        type_into(jun, page.get_by_label(label, exact=True), words)
    press(jun, page.get_by_role("button", name="Continue to payment"))
    jun.sees_card_form()
    for label, words in (("Card number", DECLINED), ("Expiration date", "1234"), ("Security code", "123")):
        type_into(jun, jun.card.get_by_label(label), words)
    lines = {"Full name": "Jun Tanaka", "Address": "1 Main Street", "City": "Boston", "Postal code": "02139"}
    for label, words in lines.items():
        type_into(jun, jun.address.get_by_label(label, exact=True), words)
    press(jun, jun.pay_button)
    expect(jun.trouble).to_be_focused()
    tab_back_to(jun, jun.card.get_by_label("Card number"))
    page.keyboard.press("Control+A")
    page.keyboard.type("4242424242424242")
    page.keyboard.press("Enter")
    jun.reads("Your session is confirmed")


def tab_back_to(jun: Attendee, wanted: Locator) -> None:
    for _ in range(30):
        if wanted.evaluate(HAS_FOCUS):
            return
        jun.page.keyboard.press("Shift+Tab")
    raise AssertionError(f"Shift+Tab does not lead to {wanted}")


def test_focus_title_and_voice_follow_the_steps(jun: Attendee) -> None:
    page, heading = jun.page, jun.page.get_by_role("heading", level=1)
    spoken = page.locator("#live")
    jun.open("/")
    page.get_by_role("searchbox").fill("owen")
    expect(spoken).to_have_text("1 mentor found")
    page.get_by_role("searchbox").fill("")
    expect(spoken).to_have_text("2 mentors found")
    page.get_by_role("link", name="Amara Okafor").click()
    jun.open("/mentor/amara/book")
    expect(page).to_have_title("Choose a session · Discuno")
    page.get_by_role("link", name="Application review").click()
    jun.reads("Choose a time")
    expect(page).to_have_title("Choose a time · Discuno")
    expect(heading).to_be_focused()
    jun.choose_day()
    expect(page.locator("#bookings-slots")).to_be_focused()
    jun.choose_time()
    expect(page).to_have_title("Your details · Discuno")
    expect(heading).to_be_focused()
    page.get_by_role("button", name="Continue to payment").click()
    expect(page).to_have_title("Error: Your details · Discuno")
    expect(page.get_by_role("alert")).to_be_focused()
    jun.fill_in()
    jun.sees_card_form()
    expect(page).to_have_title("Payment · Discuno")
    expect(heading).to_be_focused()


def test_the_last_page_says_aloud_when_it_is_confirmed(jun: Attendee) -> None:
    jun.house.fault("POST /calcom/v2/bookings", "latency", seconds=1.5)
    jun.choose_session("Owen Hughes", "First hello")
    jun.choose_day()
    jun.choose_time()
    jun.fill_in("Confirm booking")
    jun.reads("We are confirming your time")
    jun.reads("Your session is confirmed")
    expect(jun.page.locator("#live")).to_contain_text("Your session is confirmed.")


def look(jun: Attendee) -> None:
    """Nothing for axe to mark, and nothing to scroll sideways for."""
    found = (
        Axe().run(jun.page, options={"iframes": False}).response["violations"]
    )  # Stripe's have tests of their own
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found] == []
    assert jun.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), jun.page.url


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(1280, "light"), (360, "dark")],  # each width and each scheme once: what one changes, the other does not
    ids=["light", "phone in the dark"],
)
def test_every_step_is_accessible(invite: Invite, width: int, scheme: str) -> None:
    jun = invite(viewport={"width": width, "height": 800}, color_scheme=scheme)

    def then(do: Callable[[], object], heading: str) -> None:
        do()
        jun.reads(heading)
        look(jun)

    page = jun.page
    then(lambda: jun.open("/"), "Talk to somebody who has been there")
    then(page.get_by_role("link", name="Owen Hughes").click, "Owen Hughes")
    then(lambda: jun.open("/mentor/owen/book"), "Choose a session")
    then(page.get_by_role("link", name="Oxbridge interview").click, "Choose a time")
    jun.choose_day()
    day, type_id = page.url, int(re.findall(r"/book/(\d+)", page.url)[0])
    then(jun.choose_time, "Your details")
    page.goto(day)  # a time is kept, and another one is lost to somebody else
    start = datetime.fromisoformat(jun.slots.nth(5).get_attribute("value") or "")
    assert someone(jun.house).choose("owen", type_id, start).status_code == 303
    jun.slots.nth(5).click()
    expect(page.get_by_role("alert").get_by_role("button")).to_have_count(3)
    expect(jun.main.get_by_text("You are keeping")).to_be_visible()
    look(jun)
    page.get_by_role("link", name="Continue").click()
    jun.reads("Your details")
    then(page.get_by_role("button", name="Continue to payment").click, "Your details")
    jun.fill_in()
    then(jun.sees_card_form, "Payment")
    jun.pay(DECLINED)
    expect(jun.trouble).to_be_visible()
    look(jun)
    jun.pay()
    then(lambda: None, "Your session is confirmed")
