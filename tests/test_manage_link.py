"""Links that are lost, replaced or too old: what they still open, and to whom the present one goes."""

from datetime import timedelta

import pytest

from discuno.bookings.find import masked
from discuno.bookings.models import Booking, LinkRequest
from discuno.kit.outbox import Job
from discuno.notifications.models import Email
from tests.factories import JUN, all_of, subjects, the
from tests.house import House
from tests.owner import confirmed, move, opens, other_time, owner
from tests.reporting import Holder


@pytest.mark.parametrize(("address", "shown"), [(JUN, "j…@example.com"), ("a@b.org", "a…@b.org"), ("", "…@")])
def test_an_address_is_masked_to_its_first_letter(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_a_replaced_link_opens_nothing_and_sends_for_the_new_one_to_its_own_address_alone(
    house: House,
) -> None:
    booked_in, stranger = confirmed(house)
    old = stranger.path
    answer = stranger.sends("/new-link")
    assert answer.status_code == 200
    assert "j…@example.com" in answer.text
    assert not opens(house, answer.text)
    assert stranger.sends("/new-link").status_code == 410  # a second click replaces nothing more
    assert the(house, Booking).manage_token_version == 2
    gone = stranger.client.get(f"{old}/receipt")
    assert gone.status_code == 410
    assert "Send me the current link" in gone.text
    assert JUN not in gone.text
    assert not opens(house, gone.text)
    house.settle_down()
    house.advance(timedelta(minutes=10))
    for _ in range(2):  # once in ten minutes
        assert "j…@example.com" in stranger.sends("/send-link").text
    house.settle_down()
    mine = [letter for letter in house.letters(JUN) if letter["subject"].startswith("Your link")]
    assert 2 <= len(mine) <= 3
    assert all(opens(house, letter["html"]) for letter in mine)
    led = booked_in.client.get(f"{old}/receipt?x=1")
    assert led.status_code == 302
    assert led.location.endswith("/receipt?x=1")
    assert "Total paid" in booked_in.client.get(led.location).text
    polled = booked_in.client.get(f"{old}/state", headers={"HX-Request": "true"})
    assert polled.status_code == 204
    assert opens(house, polled.headers["HX-Redirect"])
    polled = stranger.client.get(f"{old}/state", headers={"HX-Request": "true"})
    assert (polled.status_code, polled.headers["HX-Refresh"]) == (204, "true")


def test_who_has_moved_it_is_led_to_the_new_link_until_that_is_replaced_too(house: House) -> None:
    _, mover = confirmed(house)
    reader, old = owner(house), mover.path
    assert move(mover, other_time(mover)).status_code == 303
    assert mover.path != old
    led = mover.client.get(old)
    assert opens(house, led.location)
    assert reader.client.get(old).status_code == 410
    mover.sends("/new-link")
    assert mover.client.get(old).status_code == 410
    assert mover.client.get(mover.path).status_code == 410


def test_whether_an_address_has_bookings_is_told_to_its_mailbox_alone(house: House) -> None:
    _, asker = confirmed(house)
    asker.path = "/booking/find"
    answers = []
    for address in (JUN.upper(), "nobody@example.com"):
        posted = asker.sends("", email=address)
        answers.append((posted.status_code, posted.location, asker.client.get(posted.location).data))
    assert answers[0] == answers[1]
    assert [request.email for request in all_of(house, LinkRequest)] == [JUN, "nobody@example.com"]
    assert [job.task for job in all_of(house, Job)].count("send_links") == 2
    house.settle_down()
    assert subjects(house, JUN).count("The links to your bookings") == 1
    assert opens(house, house.letters(JUN)[-1]["html"])
    assert "nobody@example.com" not in {letter.recipient for letter in all_of(house, Email)}
    house.advance(timedelta(hours=25))
    for _ in range(2):
        asker.sends("", email=JUN)
    house.settle_down()
    assert [request.id for request in all_of(house, LinkRequest)] == [3, 4]  # the others are forgotten
    assert sum(e.template == "your_bookings" for e in all_of(house, Email)) in (2, 3)  # once in ten minutes


def test_what_is_no_address_is_said_so(bare: House) -> None:
    asker = Holder(bare.app.test_client(), "/booking/find")
    answer = asker.sends("", email="jun@<b>")
    assert answer.status_code == 422
    assert "does not look like an e-mail address" in answer.text
    assert "jun@&lt;b&gt;" in answer.text
    assert 'href="/booking/find"' in asker.client.get("/").text  # the footer leads here
