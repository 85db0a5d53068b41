"""A mentor's story, read off their own pages: invited, set up, booked, held, transferred, in the bank; stuck once."""

import calendar
import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from discuno.kit import clock
from discuno.payments.models import Payment
from discuno.payouts.models import MentorStripeAccount, Payout, Transfer
from tests.bank import fund
from tests.factories import advance_to, all_of, the
from tests.house import House
from tests.mentors import steer
from tests.signing import AMARA, cookie_for
from tests.stories.attendee import Attendee
from tests.stories.conftest import Invite

pytestmark = pytest.mark.story

ADMIN, NIA = "root@discuno.example", "nia@discuno.example"


def about(house: House, to: str, subject: str) -> list[dict[str, Any]]:
    """Somebody's letters of a subject, oldest first."""
    return [letter for letter in house.letters(to) if subject in letter["subject"]]


def link_in(house: House, to: str, subject: str) -> str:
    """The address behind the button of somebody's newest letter of this subject."""
    letter = about(house, to, subject)[-1]
    [address] = {found for found in re.findall(r"http\S+/sign-in/[\w.-]+", letter["text"])}
    return str(address)


def press(person: Attendee, label: str) -> None:
    person.page.get_by_role("button", name=label, exact=True).click()


def follow(person: Attendee, label: str) -> None:
    person.page.get_by_role("navigation", name="Main").get_by_role("link", name=label, exact=True).click()


def fill(person: Attendee, **typed: str) -> None:
    for label, words in typed.items():
        person.page.get_by_label(re.compile(rf"^{label.replace('_', ' ')}( \(optional\))?$")).fill(words)


def is_clean(person: Attendee) -> None:
    """Nothing that axe minds, and nothing that leaves the screen sideways."""
    assert Axe().run(person.page).response["violations"] == [], person.page.url
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), person.page.url


def sign_in(person: Attendee, email: str) -> None:
    """By letter, in this browser; whoever was asked to is led back."""
    person.reads("Sign in")
    had = len(about(person.house, email, "sign in"))
    fill(person, **{"E-mail": email})
    press(person, "Send me a link")
    person.reads("Look into your mailbox")
    person.gets_to(lambda: len(about(person.house, email, "sign in")) > had)
    person.page.goto(link_in(person.house, email, "sign in"))
    press(person, "Sign in")


def set_up_app(admin: Attendee) -> None:
    """The second factor of who looks after payments: an authenticator app is shown the secret, and shows its code."""
    press(admin, "Show me the picture for the app")
    admin.reads("Set up an authenticator app")
    is_clean(admin)
    secret = "".join(admin.page.locator(".whole-code code").inner_text().split())
    fill(admin, The_code_that_the_app_shows=pyotp.TOTP(secret).at(admin.house.read(clock.now)))
    press(admin, "This is the code")
    admin.reads("Write these down")
    expect(admin.page.locator(".paper-codes li")).to_have_count(10)
    admin.main.get_by_role("link", name="I have written them down").click()


def pass_time(house: House, until: timedelta | None = None) -> None:
    """To the end of the last dispute period, or so much further."""
    ends = all_of(house, Payment)[-1].dispute_period_ends
    if until is None and ends is not None:
        advance_to(house, ends + timedelta(seconds=5))
    else:
        house.advance(until or timedelta())
    house.control("POST", "deliveries/flush")


def test_from_the_invitation_to_the_bank(invite: Invite, busy_house: House) -> None:
    house = busy_house
    fund(house, 100_000)
    house.app.test_cli_runner().invoke(args=["create-admin", ADMIN])
    admin = invite()
    admin.open("/admin/mentors")
    sign_in(admin, ADMIN)
    set_up_app(admin)
    admin.reads("Mentors")
    fill(admin, Name="Nia Cole", **{"E-mail": NIA})
    press(admin, "Send the invitation")
    expect(admin.main).to_contain_text("is on its way to nia@discuno.example")
    nia = invite(viewport={"width": 360, "height": 740}, timezone_id="America/New_York")
    nia.gets_letter("You are invited to be a mentor at Discuno", NIA)
    nia.page.goto(link_in(house, NIA, "invited"))
    press(nia, "Sign in")
    nia.reads("Hello Nia")
    expect(nia.main).to_contain_text("Before you can be booked")
    is_clean(nia)
    set_up(nia)
    jun = invite()
    jun.reach_payment("Nia Cole", "First talk")
    jun.pay()
    jun.reads("Your session is confirmed")
    read_the_money(nia, house)
    nia.forgive("status of 404")  # the stand-in's own pages have no icon


def set_up(nia: Attendee) -> None:
    """What the checklist asks for, in its order; a price is refused until Stripe can pay it out."""
    page = nia.page
    follow(nia, "Profile")
    fill(nia, Headline="Economics at Leeds", About_you="I read economics at Leeds.", Topics="Essays")
    expect(page.get_by_label("Your time zone", exact=True)).to_have_value("America/New_York")
    press(nia, "Save")
    follow(nia, "Availability")
    for day in calendar.day_name:
        page.get_by_label(f"{day} from", exact=True).first.fill("09:00")
        page.get_by_label(f"{day} until", exact=True).first.fill("17:00")
    press(nia, "Save the week")
    is_clean(nia)
    page.goto(f"{nia.house.url}/dashboard/event-types/new")
    fill(nia, Title="First talk", Duration_in_minutes="30", Price="40")
    page.get_by_label("Attendees can book it").check()
    press(nia, "Save")
    expect(nia.main).to_contain_text("Stripe")
    expect(page.get_by_label("Price", exact=True)).to_have_value("40")  # refused, and nothing typed is lost
    page.get_by_label("Attendees can book it").uncheck()
    press(nia, "Save")
    follow(nia, "Stripe")
    page.get_by_label("Country", exact=True).select_option(label="United States")
    press(nia, "Set up payments with Stripe")
    press(nia, "Give everything and finish")
    nia.reads("Getting paid")
    expect(nia.main).to_contain_text("Ready")
    follow(nia, "Session types")
    page.get_by_role("link", name="First talk").first.click()
    page.get_by_label("Attendees can book it").check()
    press(nia, "Save")
    follow(nia, "Overview")
    expect(nia.main).not_to_contain_text("Before you can be booked")


def come_back(nia: Attendee) -> None:
    """Days later nobody is signed in any more; the letter leads back to the page that was asked for."""
    nia.page.reload()
    sign_in(nia, NIA)
    nia.reads("Money")


def read_the_money(nia: Attendee, house: House) -> None:
    """Held until an hour with its zone; transferred under Stripe's id; in the bank with the payout's."""
    follow(nia, "Money")
    expect(nia.main).to_contain_text("Jun Tanaka")
    expect(nia.main).to_contain_text(re.compile(r"Held until .*New York"))
    expect(nia.main).to_contain_text("$36.00")
    is_clean(nia)
    pass_time(house)
    nia.gets_to(lambda: len(all_of(house, Payout)) == 1)
    come_back(nia)
    expect(nia.main).to_contain_text(
        re.compile("Transferred.*" + str(the(house, Transfer).stripe_transfer_id)[-4:])
    )
    pass_time(house, timedelta(days=4))
    nia.gets_to(lambda: str(the(house, Payout).status) == "paid")
    come_back(nia)
    expect(nia.main).to_contain_text(
        re.compile("In the bank.*" + str(the(house, Payout).stripe_payout_id)[-4:])
    )
    follow(nia, "Payouts")
    nia.main.get_by_role("listitem").filter(has_text="$36.00").get_by_role("link").click()
    nia.reads("Payout of $36.00")
    expect(nia.main).to_contain_text("Jun Tanaka")
    is_clean(nia)


def test_a_restricted_account_is_told_mended_and_paid_by_itself(invite: Invite, busy_house: House) -> None:
    house = busy_house
    fund(house, 100_000)
    jun = invite()
    jun.reach_payment()
    jun.pay()
    jun.reads("Your session is confirmed")
    asked = {"currently_due": ["individual.address.line1"], "disabled_reason": "requirements.past_due"}
    steer(house, "", {"transfers": "inactive", "requirements": asked})
    pass_time(house)
    jun.gets_to(lambda: all_of(house, Transfer)[0].blocked_by == "account")  # the release run has come by
    amara = invite()
    amara.context.add_cookies([cookie_for(house, AMARA)])
    amara.open("/dashboard/money")
    banner = amara.page.get_by_role("region", name="What needs you")
    expect(banner).to_contain_text("$54.00")
    assert all_of(house, Transfer)[0].stripe_transfer_id is None
    is_clean(amara)
    banner.get_by_role("link").click()
    amara.reads("Getting paid")
    expect(amara.main).to_contain_text("your address")
    press(amara, "Finish at Stripe")
    press(amara, "Give everything and finish")
    amara.reads("Getting paid")
    amara.gets_to(lambda: the(house, Transfer).stripe_transfer_id is not None)
    amara.open("/dashboard/money")
    expect(amara.page.get_by_role("region", name="What needs you")).to_have_count(0)
    expect(amara.main).to_contain_text("Transferred")
    assert all_of(house, MentorStripeAccount)[0].status == "active"
    amara.forgive("status of 404")  # the stand-in's own pages have no icon
