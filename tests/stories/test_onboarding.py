"""A mentor sets up how they are paid: from our page to Stripe's and back, until their sessions can be booked."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.catalogue import AMARA
from tests.signing import cookie_for
from tests.stories.attendee import Attendee
from tests.stories.conftest import Invite

pytestmark = pytest.mark.story

NIA: dict[str, Any] = {
    **AMARA,
    "username": "nia",
    "name": "Nia Cole",
    "email": "nia@discuno.example",
    "onboarded": False,
}


@pytest.fixture
def nia(invite: Invite) -> Attendee:
    """Nia, signed in, on a phone."""
    person = invite(viewport={"width": 360, "height": 740})
    person.house.plant(NIA)
    person.context.add_cookies([cookie_for(person.house, NIA["email"])])
    person.open("/dashboard/stripe")
    return person


def press(person: Attendee, label: str) -> None:
    person.page.get_by_role("button", name=label, exact=True).click()


def test_a_mentor_goes_to_stripe_and_back_and_can_then_be_booked(nia: Attendee) -> None:
    page = nia.page
    nia.reads("Getting paid")
    ours = page.url
    press(nia, "Set up payments with Stripe")
    expect(page.get_by_role("heading", name="Get paid", exact=True)).to_be_visible()
    first_visit = page.url
    press(nia, "Leave for later")
    nia.reads("Getting paid")
    expect(page).to_have_url(ours)
    expect(nia.main).to_contain_text("Not finished")
    expect(nia.main).to_contain_text("a bank account to pay you to")
    assert Axe().run(page).response["violations"] == []
    page.goto(first_visit)  # a link is good for one visit: the next one is made without a word
    expect(page.get_by_role("heading", name="Get paid", exact=True)).to_be_visible()
    assert page.url != first_visit
    press(nia, "Give everything and finish")
    nia.reads("Getting paid")
    expect(page).to_have_url(ours)
    expect(nia.main).to_contain_text("Ready")
    expect(nia.main).not_to_contain_text("Stripe asks for")
    expect(page.get_by_role("region", name="What needs you")).to_have_count(0)
    assert Axe().run(page).response["violations"] == []
    nia.choose_session("Nia Cole", "Application review")
    nia.forgive("status of 404")  # the stand-in's own pages have no icon


def test_the_mentor_sees_their_own_dashboard_at_stripe(nia: Attendee) -> None:
    press(nia, "Set up payments with Stripe")
    press(nia, "Give everything and finish")
    nia.reads("Getting paid")
    press(nia, "Open your Stripe dashboard")
    expect(nia.page).to_have_url(re.compile("/stripe/hosted/express/"))
