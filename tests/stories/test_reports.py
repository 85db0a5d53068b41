"""A problem is reported and answered in two browsers, and decided; every page is usable by everybody."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.factories import paid
from tests.house import House
from tests.reporting import PNG, SAID, after_the_start
from tests.reporting import attendee as link_of_attendee
from tests.signing import AMARA, cookie_for
from tests.stories.attendee import Attendee
from tests.stories.conftest import Invite

pytestmark = pytest.mark.story


def look(person: Attendee) -> None:
    """Nothing for axe to mark, and nothing to scroll sideways for, in the light and in the dark."""
    for scheme in ("light", "dark"):
        person.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour half-way
        found = Axe().run(person.page).response["violations"]
        assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found] == []
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def reported(house: House) -> None:
    """A paid session that began a little while ago."""
    paid(house)
    house.settle_down()
    after_the_start(house)


def says_what_happened(jun: Attendee, picture: Path) -> None:
    """A form sent too soon is put right by following its own words."""
    page = jun.page
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page).to_have_title("Error: Report a problem · Discuno")
    look(jun)
    page.get_by_role("link", name="Please choose what went wrong.").click()
    expect(page.get_by_label("The mentor did not come")).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_label("What happened?").fill(SAID)
    page.get_by_label("Files").set_input_files(picture)
    page.get_by_role("button", name="Send the report").click()
    jun.reads("We have your report")
    page.get_by_text("Add something").click()
    page.get_by_text("Withdraw the report").click()


def answers(amara: Attendee) -> None:
    """The mentor keeps the file and says how it was."""
    page = amara.page
    with page.expect_download() as kept:
        page.get_by_role("link", name="the empty room.png").click()
    assert kept.value.path().read_bytes() == PNG
    page.get_by_label("I was there").check()
    page.get_by_label("What happened?").fill("I was in the room, look at the log.")
    page.get_by_role("button", name="Send your answer").click()
    expect(amara.main).to_contain_text("You have answered")


def test_a_problem_is_reported_with_a_file_answered_and_decided(
    busy_house: House, invite: Invite, tmp_path: Path
) -> None:
    reported(busy_house)
    jun, amara = invite(), invite(viewport={"width": 360, "height": 740})
    picture = tmp_path / "the empty room.png"
    picture.write_bytes(PNG)
    jun.open(f"{link_of_attendee(busy_house).path}/report")
    jun.reads("Report a problem")
    look(jun)
    says_what_happened(jun, picture)
    look(jun)
    amara.context.add_cookies([cookie_for(busy_house, AMARA)])
    amara.open("/dashboard/bookings")
    amara.reads("Bookings")
    look(amara)
    amara.page.get_by_role("link", name="Jun Tanaka").click()
    amara.reads("Session with Jun Tanaka")
    look(amara)
    amara.main.get_by_role("link", name="Answer the report").last.click()
    amara.reads("Jun Tanaka has reported a problem")
    look(amara)
    answers(amara)
    decide = ["decide-report", "1", "refunded", "--reason", "The log shows an empty room."]
    assert busy_house.app.test_cli_runner().invoke(args=decide).exit_code == 0
    jun.gets_letter("Refunded: $60.00")
    jun.page.reload()
    jun.reads("Your money was returned")
    expect(jun.main).to_contain_text("The log shows an empty room.")
    look(jun)
    amara.page.reload()
    expect(amara.main).to_contain_text("returned to the attendee in full")
    look(amara)
