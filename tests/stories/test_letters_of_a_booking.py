"""One booking's life, read in the mailbox: every letter arrives, and the page its button leads to says the same."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FrameLocator, expect

from discuno.bookings.models import Booking
from discuno.payments.models import Payment
from discuno.payouts.models import Payout
from tests.factories import advance_to, paid, the
from tests.house import House
from tests.mentors import end_payout
from tests.owner import move, other_time, owner
from tests.reporting import SAID, after_the_start
from tests.signing import AMARA, cookie_for
from tests.stories.attendee import JUN, Attendee
from tests.stories.conftest import Invite

pytestmark = pytest.mark.story
TITLE = "Application review"
SESSION = f"{TITLE} with"


@dataclass
class Mailbox:
    """Somebody's letters, in a tab of their browser."""

    person: Attendee
    address: str

    def signs_in(self) -> None:
        """As a mentor does, who was not here for days."""
        self.person.context.add_cookies([cookie_for(self.person.house, self.address)])

    def opens(self, subject: str) -> FrameLocator:
        """Find a letter in the list, where it has arrived, and open it."""
        house, page = self.person.house, self.person.page
        self.person.gets_letter(subject, self.address)
        page.goto(f"{house.sandbox.url}/mailbox?to={self.address}")
        line = page.get_by_role("listitem").filter(has_text=subject)
        expect(line).to_contain_text("delivered")
        line.get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(subject)
        return page.frame_locator("iframe[title='The letter']")

    def reads(self, subject: str, heading: str, *words: str) -> FrameLocator:
        """Open a letter and read it, as it is drawn."""
        letter = self.opens(subject)
        expect(letter.get_by_role("heading", level=1)).to_have_text(heading)
        for each in words:
            expect(letter.locator("body")).to_contain_text(each)
        return letter

    def presses(self, letter: FrameLocator, button: str, *words: str) -> None:
        """Follow its button, and go on in the tab that it opens: the page agrees with the letter."""
        with self.person.context.expect_page() as opened:
            letter.get_by_role("link", name=button).click()
        self.person.page.close()
        self.person.page = opened.value
        for each in words:
            expect(self.person.main).to_contain_text(each)


def when(letter: FrameLocator, name: str = "When") -> str:
    """The day and the hour that a letter names."""
    row = letter.get_by_role("row").filter(has=letter.get_by_role("rowheader", name=name, exact=True))
    return row.get_by_role("cell").inner_text()


def look(person: Attendee) -> None:
    """Nothing for axe to mark in the mailbox, and nothing to scroll sideways for on a phone, in any light."""
    page = person.page
    for scheme, width in (("light", 1280), ("dark", 360)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    page.set_viewport_size({"width": 1280, "height": 900})


def is_confirmed(house: House, jun: Mailbox, amara: Mailbox) -> None:
    """Both are told, and both have a file for their calendars."""
    paid(house)
    hers = amara.reads(f"Booked: {TITLE} with Jun Tanaka", "You have a new session", "$54.00")
    amara.presses(hers, "See this session", "Session with Jun Tanaka", when(hers), "$54.00")
    letter = jun.reads(f"Confirmed: {SESSION} Amara Okafor", "Your session is confirmed", "$60.00")
    look(jun.person)
    page = jun.person.page
    views = page.get_by_role("navigation", name="Views of this letter")
    views.get_by_role("link", name="Text").click()
    expect(page.locator("pre")).to_contain_text("\nPaid: $60.00\n")
    views.get_by_role("link", name=".ics").click()
    expect(page.locator("pre")).to_contain_text("BEGIN:VCALENDAR")
    expect(page.locator("pre")).to_contain_text("METHOD:REQUEST")
    views.get_by_role("link", name="HTML").click()
    jun.presses(letter, "See or change your booking", "Your session is confirmed", when(letter))


def is_moved(house: House, jun: Mailbox) -> None:
    """The attendee moves it; the old link is dead, and the letter has the new one."""
    holder = owner(house)
    assert move(holder, other_time(holder, days_later=2)).status_code == 303
    letter = jun.reads(f"Moved: {SESSION} Amara Okafor", "Your session was moved", "You have moved")
    jun.presses(
        letter,
        "See or change your booking",
        "Your session is confirmed",
        "You moved it",
        when(letter, "It is now"),
    )


def is_near(house: House, jun: Mailbox, amara: Mailbox) -> None:
    """A day before both are reminded; the attendee may choose not to be."""
    advance_to(house, the(house, Booking).starts_at - timedelta(days=1) + timedelta(seconds=1))
    amara.reads(f"Tomorrow: {TITLE} with Jun Tanaka", "Your session is tomorrow")
    letter = jun.reads(f"Tomorrow: {SESSION} Amara Okafor", "Your session is tomorrow")
    expect(letter.get_by_text("You can choose which of these letters you get")).to_be_visible()
    jun.presses(letter, "See or change your booking", "Your session is confirmed", when(letter))


def is_reported_and_answered(house: House, jun: Mailbox, amara: Mailbox) -> None:
    """The attendee says what went wrong, and the mentor how it was."""
    after_the_start(house)
    amara.signs_in()
    assert owner(house).reports().status_code == 303
    letter = jun.reads(f"We have your report: {SESSION} Amara Okafor", "We have your report", SAID)
    jun.presses(letter, "See your booking and this report", "You have reported a problem", "has until")
    heading = "Jun Tanaka has reported a problem"
    hers = amara.reads(f"A problem was reported: {TITLE} with Jun Tanaka", heading, SAID)
    amara.presses(hers, "Answer the report", heading, SAID)
    amara.person.page.get_by_label("I was there").check()
    amara.person.page.get_by_label("What happened?").fill("I was in the room.")
    amara.person.page.get_by_role("button", name="Send your answer").click()
    amara.reads(f"We have your answer: {TITLE} with Jun Tanaka", "We have your answer")
    letter = jun.reads(
        "Amara Okafor has answered your report", "The mentor has answered your report", "I was in the room."
    )
    jun.presses(letter, "See your booking and this report", "Amara Okafor has answered, and a person")


def is_decided(house: House, jun: Mailbox, amara: Mailbox) -> None:
    """A person decides for the mentor."""
    why = "The log shows both of you."
    decide = ["decide-report", "1", "released", "--reason", why]
    assert house.app.test_cli_runner().invoke(args=decide).exit_code == 0
    for box, subject, button in (
        (jun, f"Decided: your report about {SESSION} Amara Okafor", "See your booking and this report"),
        (amara, f"Decided: the report about {TITLE} with Jun Tanaka", "See the report"),
    ):
        letter = box.opens(subject)
        expect(letter.locator("body")).to_contain_text(why)
        box.presses(letter, button, "The mentor keeps the payment")


def is_paid_out(house: House, amara: Mailbox) -> None:
    """The share goes to the mentor's account, and on to their bank."""
    ends = the(house, Payment).dispute_period_ends
    assert ends is not None
    advance_to(house, ends + timedelta(seconds=5))
    amara.signs_in()
    subject = f"Transferred to you: $54.00 for {TITLE} with Jun Tanaka"
    letter = amara.reads(subject, "Your share was transferred", "$54.00")
    amara.presses(letter, "See your payouts", "Payouts", "$54.00")
    amara.person.gets_to(lambda: the(house, Payout).stripe_payout_id is not None)
    end_payout(house, "paid")
    letter = amara.reads("Paid out: $54.00", "Your money should be in your bank", "$54.00")
    amara.presses(letter, "See this payout", "Payout of $54.00")
    expect(amara.person.main).to_contain_text(re.compile("in your bank", re.IGNORECASE))


def test_the_letters_of_one_booking_are_read_from_the_booking_to_the_bank(
    busy_house: House, invite: Invite
) -> None:
    jun, amara = Mailbox(invite(), JUN["E-mail"]), Mailbox(invite(), AMARA)
    amara.signs_in()
    is_confirmed(busy_house, jun, amara)
    is_moved(busy_house, jun)
    is_near(busy_house, jun, amara)
    is_reported_and_answered(busy_house, jun, amara)
    is_decided(busy_house, jun, amara)
    is_paid_out(busy_house, amara)
