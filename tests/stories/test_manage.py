"""A booking's own page in a browser: from the last step to the money's return."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from discuno.bookings.models import Booking
from tests.factories import all_of
from tests.stories.attendee import Attendee
from tests.stories.conftest import Invite

pytestmark = pytest.mark.story


def look(jun: Attendee) -> None:
    """Nothing for axe to mark in any light, and nothing to scroll sideways for on a phone."""
    page, width = jun.page, 1280
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour half-way
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
        width = 360
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_session_is_paid_moved_cancelled_and_refunded_on_its_own_page(jun: Attendee) -> None:
    page = jun.page
    jun.reach_payment()
    jun.pay()
    jun.reads("Your session is confirmed")
    page.get_by_role("link", name="See or change your booking").click()
    expect(page).to_have_title("Your booking · Discuno")
    expect(page.locator("script[src*='stripe']")).to_have_count(0)
    look(jun)
    page.get_by_role("link", name="Move it").press("Enter")
    jun.reads("Choose another time")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    jun.choose_day(12)
    look(jun)
    first = page.url
    chosen = jun.slots.first.inner_text()
    jun.slots.first.press("Enter")
    jun.reads("Move the session?")
    look(jun)
    page.get_by_role("button", name="Move the session").press("Enter")
    jun.reads("Your session is confirmed")
    expect(jun.main).to_contain_text("You moved it")
    expect(jun.main).to_contain_text(chosen.split()[0])
    page.goto(first)  # an old tab leads this browser to the new link
    page.get_by_role("link", name="Keep the time it has").click()
    page.get_by_role("link", name="Cancel it").press("Enter")
    expect(jun.main).to_contain_text("You get $60.00 back.")
    look(jun)
    page.get_by_role("button", name="Cancel the session").press("Enter")
    jun.reads("You have cancelled this session")
    expect(jun.main).to_contain_text("We have returned your $60.00")  # the page follows by itself
    expect(page.locator("[hx-trigger^=every]")).to_have_count(0)
    page.get_by_role("link", name="Receipt").click()
    jun.reads("Receipt")
    expect(jun.main).to_contain_text("$0.00")
    look(jun)
    assert len(jun.house.stripe("payment_intent")) == 1
    assert [b.moves for b in all_of(jun.house, Booking)] == [1]


def test_the_page_follows_a_move_in_another_calendar_to_the_new_link(invite: Invite) -> None:
    jun = invite()
    jun.choose_session("Owen Hughes", "First hello")
    jun.choose_day(10)
    jun.choose_time()
    jun.fill_in("Confirm booking")
    jun.reads("Your session is confirmed")
    page = jun.page
    link = page.get_by_role("link", name="See or change your booking").get_attribute("href") or ""
    ada = invite()  # another browser, which has nothing but the link
    ada.open(link)
    ada.page.get_by_role("link", name="Move it").click()
    ada.choose_day(12)
    jun.house.fault("POST /calcom/v2/bookings/.*/reschedule", "error", status=503)
    ada.slots.first.click()
    ada.page.get_by_role("button", name="Move the session").click()
    ada.reads("We are moving your session")
    look(ada)
    jun.house.advance(timedelta(minutes=1))  # when the calendar is asked again
    ada.reads("Your session is confirmed")
    expect(ada.main).to_contain_text("You moved it")
    assert ada.page.url != f"{jun.house.url}{link}"
    jun.open(link)
    expect(page).not_to_have_url(re.compile(re.escape(link)))
    jun.reads("Your session is confirmed")
