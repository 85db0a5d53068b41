"""A person at a real browser: what they read, click and type on the way from the directory to the last page."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, FrameLocator, Locator, Page, expect

from tests.house import House

JUN = {"Name": "Jun Tanaka", "E-mail": "jun@example.com"}
DECLINED, AUTHENTICATE, GOOD = "4000000000000002", "4000002760003184", "4242424242424242"
WATCH = """document.addEventListener('securitypolicyviolation', (breach) =>
  console.error(`policy: ${breach.violatedDirective} ${breach.blockedURI}`));"""
REFUSALS = re.compile(r"Failed to load resource: the server responded with a status of (409|410|422)")


@dataclass
class Attendee:
    """Somebody with one browser, and everything that browser complained about."""

    house: House
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.add_init_script(WATCH)
        self.context.on("console", self._heard)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page: Page = self.context.new_page()

    def _heard(self, said: ConsoleMessage) -> None:
        """Keep warnings and errors; that a refusal was answered with its status is no complaint."""
        if said.type in ("error", "warning") and not REFUSALS.match(said.text):
            self.complaints.append(f"{said.text} {said.location['url']}")

    def forgive(self, *words: str) -> None:
        """The browser was meant to complain about these."""
        self.complaints[:] = [said for said in self.complaints if not any(word in said for word in words)]

    # Seen

    def reads(self, heading: str) -> None:
        """Wait until this is the step's heading."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading, timeout=15_000)

    @property
    def main(self) -> Locator:
        """The matter of the page."""
        return self.page.locator("#main")

    @property
    def slots(self) -> Locator:
        """The buttons of the free times of the chosen day."""
        return self.page.locator("#bookings-calendar .slots button")

    @property
    def card(self) -> FrameLocator:
        """Stripe's frame with the card fields."""
        return self.page.frame_locator("[data-slot=payment] iframe")

    @property
    def address(self) -> FrameLocator:
        """Stripe's frame with the billing address."""
        return self.page.frame_locator("[data-slot=address] iframe")

    @property
    def bank(self) -> FrameLocator:
        """The bank's page of 3-D Secure."""
        return self.page.frame_locator("body > iframe[title='Your bank asks you to confirm']")

    @property
    def pay_button(self) -> Locator:
        """The button that pays, whatever it says."""
        return self.page.locator("[data-slot=pay]")

    @property
    def trouble(self) -> Locator:
        """Where the card form says what went wrong."""
        return self.page.locator("[data-slot=error]")

    # Done

    def open(self, path: str) -> None:
        """Type an address."""
        self.page.goto(f"{self.house.url}{path}")

    def choose_session(self, mentor: str = "Amara Okafor", offer: str = "Application review") -> None:
        """From the directory to the month of a session type."""
        self.open("/")
        self.page.get_by_role("link", name=mentor).click()
        self.page.get_by_role("link", name=offer).click()
        self.reads("Choose a time")

    def choose_day(self, number: int = 10) -> None:
        """A day of the next month, which is far enough from today whatever today is; "10 times" is no day."""
        self.page.get_by_role("link", name="Next month").click()
        self.page.get_by_role("grid").get_by_role("link", name=re.compile(rf"\b{number} [A-Z]")).click()
        expect(self.page.locator("#bookings-slots")).to_contain_text(str(number))

    def choose_time(self, at: int = 0) -> str:
        """Press the button of a free time; the time it stands for."""
        button = self.slots.nth(at)
        start = button.get_attribute("value") or ""
        button.click()
        self.reads("Your details")
        return start

    def fill_in(self, press: str = "Continue to payment") -> None:
        """Say who the session is for, and go on."""
        for label, value in JUN.items():
            self.page.get_by_label(label, exact=True).fill(value)
        self.page.get_by_role("button", name=press).click()

    def reach_payment(self, mentor: str = "Amara Okafor", offer: str = "Application review") -> str:
        """All the way to a card form that can be typed in; the time that was chosen."""
        self.choose_session(mentor, offer)
        self.choose_day()
        start = self.choose_time()
        self.fill_in()
        self.sees_card_form()
        return start

    def sees_card_form(self) -> None:
        """Wait until Stripe's fields stand in the page, once."""
        self.reads("Payment")
        expect(self.card.get_by_label("Card number")).to_be_visible()
        expect(self.address.get_by_label("Full name")).to_be_visible()
        expect(self.page.locator("discuno-checkout iframe")).to_have_count(2)

    def type_card(self, number: str = GOOD) -> None:
        """Type a card and an address."""
        for label, value in (("Card number", number), ("Expiration date", "1234"), ("Security code", "123")):
            field = self.card.get_by_label(label)
            field.clear()
            field.press_sequentially(value)
        lines = {
            "Full name": "Jun Tanaka",
            "Address": "1 Main Street",
            "City": "Boston",
            "Postal code": "02139",
        }
        for label, value in lines.items():
            self.address.get_by_label(label, exact=True).fill(value)

    def pay(self, number: str = GOOD) -> None:
        """Type a card and press the button."""
        self.type_card(number)
        expect(self.pay_button).to_be_enabled()
        self.pay_button.click()

    def gets_to(self, is_so: Callable[[], bool]) -> None:
        """Wait until the house has come so far; the worker is at it."""
        until = time.monotonic() + 20
        while not is_so():
            assert time.monotonic() < until, "the house has not come so far"
            time.sleep(0.05)

    def gets_letter(self, subject: str, to: str = JUN["E-mail"]) -> None:
        """Wait for a letter; it must come once, and nothing else like it."""
        until = time.monotonic() + 15
        while subject not in (found := [letter["subject"] for letter in self.house.letters(to)]):
            assert time.monotonic() < until, f"{subject!r} is not among {found}"
            time.sleep(0.05)
        assert found.count(subject) == 1
