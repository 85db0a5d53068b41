"""What is missing before a mentor can be booked, in order; what can be booked now, and what waits for what."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discuno.bookings.models import Booking
from discuno.mentors import checklist
from discuno.mentors.checklist import Facts, Offer
from discuno.mentors.offers import OfferState as S
from tests.factories import change, paid, the
from tests.house import House
from tests.mentors import AMARAS
from tests.settings import NOBODY_YET, PROFILE, TYPE, send
from tests.signing import signed_in

NEW = Facts(
    has_profile=False, at_calcom=False, has_hours=False, offers=[], can_be_paid=False, account_begun=False
)
READY = replace(NEW, has_profile=True, has_hours=True)
FREE, PAID, WAITS, OFF = (
    Offer(True, S.BOOKABLE),
    Offer(False, S.BOOKABLE),
    Offer(False, S.WAITS),
    Offer(False, S.OFF),
)
FACTS = st.builds(
    Facts,
    has_profile=st.booleans(),
    at_calcom=st.booleans(),
    has_hours=st.booleans(),
    offers=st.lists(st.builds(Offer, st.booleans(), st.sampled_from(list(S))), max_size=3),
    can_be_paid=st.booleans(),
    account_begun=st.booleans(),
    suspended=st.booleans(),
)


def missing(facts: Facts) -> list[str]:
    return [step.label for step in checklist.steps(facts) if not step.done]


@pytest.mark.parametrize(
    ("facts", "open_steps", "words"),
    [
        (
            NEW,
            ["Profile", "Availability", "Session type", "Stripe", "Price"],
            "Nobody can book you yet: no session type is switched on.",
        ),
        (
            READY,
            ["Session type", "Stripe", "Price"],
            "Nobody can book you yet: no session type is switched on.",
        ),
        (replace(READY, offers=[FREE]), [], "Your free session can be booked now."),
        (
            replace(READY, offers=[FREE], has_hours=False),
            ["Availability"],
            "Nobody can book you yet: there are no hours in which you are free.",
        ),
        (
            replace(READY, offers=[WAITS]),
            ["Stripe"],
            "Nobody can book you yet: paid sessions wait for Stripe.",
        ),
        (
            replace(READY, offers=[FREE, WAITS]),
            ["Stripe"],
            "Your free session can be booked now. Paid ones wait for Stripe.",
        ),
        (replace(READY, offers=[FREE, OFF]), ["Stripe"], "Your free session can be booked now."),
        (replace(READY, offers=[PAID, FREE], can_be_paid=True), [], "Your 2 sessions can be booked now."),
        (
            replace(READY, offers=[OFF], can_be_paid=True),
            ["Price"],
            "Nobody can book you yet: no session type is switched on.",
        ),
        (
            replace(READY, offers=[Offer(True, S.SUSPENDED)], suspended=True),
            [],
            "Nobody can book you while your account is suspended.",
        ),
    ],
)
def test_each_step_says_what_is_missing_and_the_last_line_what_can_be_booked(
    facts: Facts, open_steps: list[str], words: str
) -> None:
    assert missing(facts) == open_steps
    assert checklist.said(facts) == words


@given(FACTS)
def test_the_last_line_never_promises_what_cannot_be_booked(facts: Facts) -> None:
    bookable = checklist.can_be_booked(facts)
    assert ("can be booked now" in checklist.said(facts)) == bookable
    assert checklist.is_set_up(facts) == (missing(facts) == [])
    assert all(
        step.sentence.endswith(".") and step.url.startswith("/dashboard/") for step in checklist.steps(facts)
    )


def test_a_mentor_who_begins_is_led_from_step_to_step_until_the_list_goes_away(house: House) -> None:
    house.plant(NOBODY_YET)
    change(house, "UPDATE discuno_mentor SET profile_saved_at = NULL WHERE username = 'nia'")
    nia, title = signed_in(house, NOBODY_YET["email"]), "Before you can be booked"
    assert title in nia.get("/dashboard").text
    assert send(nia, "/dashboard/profile", **{**PROFILE, "username": "nia"}) == 303
    assert send(nia, "/dashboard/availability", **{"opens-0": "09:00", "closes-0": "17:00"}) == 303
    page = nia.get("/dashboard").text
    assert "Your page says who you are." in page
    assert "Your hours are set." in page
    assert "Nobody can book you yet" in page
    first = {"title": "First hello", "price": "0", "enabled": "on"}
    assert send(nia, "/dashboard/event-types/new", **{**TYPE, **first}) == 303
    page = nia.get("/dashboard").text
    assert title not in page
    assert "Your free session can be booked now." in page  # and needs no Stripe
    assert "First hello" in house.app.test_client().get("/mentor/nia").text


def test_the_overview_shows_what_comes_next_and_where_its_money_is(house: House) -> None:
    paid(house)
    house.settle_down()
    page = signed_in(house, AMARAS).get("/dashboard").text
    assert "Before you can be booked" not in page
    assert "Jun Tanaka" in page
    assert "$54.00" in page
    public_id = the(house, Booking).public_id
    assert f'href="/dashboard/bookings/{public_id}"' in page
