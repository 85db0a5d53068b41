"""An hour is kept for one person, once, and comes back when it is not used."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from discuno import policy
from discuno.bookings.models import Booking
from tests.attendee import Attendee
from tests.catalogue import AMARA
from tests.factories import all_of, dump, someone, the
from tests.house import House

MANY = 24


def test_of_many_who_press_the_same_time_at_once_one_gets_it(house: House) -> None:
    people = [someone(house) for _ in range(MANY)]
    [type_id, _] = people[0].offers("amara")
    start = people[0].times("amara", type_id, people[0].day())[0]
    page = f"/mentor/amara/book/{type_id}"
    forms = [
        {"start": start.isoformat(), "zone": p.zone, "csrf_token": p.token(f"{page}?zone={p.zone}")}
        for p in people
    ]
    together = Barrier(MANY)

    def press(who: Attendee, form: dict[str, str]) -> int:
        together.wait(timeout=30)
        return who.client.post(page, data=form).status_code

    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(press, people, forms))
    assert sorted(answers) == [303] + [409] * (MANY - 1)
    assert [b.status for b in all_of(house, Booking)] == ["held"]


def test_sessions_of_different_lengths_cannot_overlap_but_may_touch(house: House) -> None:
    first, second = someone(house), someone(house)
    [long, short] = first.offers("amara")
    start = first.times("amara", long, first.day())[0]
    assert first.choose("amara", long, start).status_code == 303
    assert second.choose("amara", short, start + timedelta(minutes=30)).status_code == 409
    assert start + timedelta(minutes=30) not in second.times("amara", short, second.day())
    assert second.choose("amara", short, start + timedelta(minutes=60)).status_code == 303


def test_a_time_chosen_again_is_the_same_booking_and_another_time_gives_the_first_back(house: House) -> None:
    jun = someone(house)
    [type_id, _] = jun.offers("amara")
    first, second = (jun.times("amara", type_id, jun.day())[n] for n in (0, 4))
    begun = jun.choose("amara", type_id, first).location
    assert jun.choose("amara", type_id, first).location == begun
    assert jun.choose("amara", type_id, second).location != begun
    assert [b.status for b in all_of(house, Booking)] == ["released", "held"]
    ada = someone(house)
    assert first in ada.times("amara", type_id, ada.day())
    gone = jun.client.get(begun)
    assert gone.status_code == 410
    assert "no longer held" in gone.text


def test_a_time_that_overlaps_ones_own_hold_may_be_chosen_instead_of_it(house: House) -> None:
    jun = someone(house)
    [type_id, _] = jun.offers("amara")
    first, overlapping, *_ = jun.times("amara", type_id, jun.day())
    jun.choose("amara", type_id, first)
    assert jun.choose("amara", type_id, overlapping).status_code == 303
    assert [b.status for b in all_of(house, Booking)] == ["released", "held"]


@pytest.mark.parametrize("minutes", [7, -60 * 24 * 3])
def test_a_time_that_is_not_offered_costs_nobody_the_one_they_hold(house: House, minutes: int) -> None:
    jun = someone(house)
    [type_id, _] = jun.offers("amara")
    start = jun.times("amara", type_id, jun.day())[0]
    jun.choose("amara", type_id, start)
    before = dump(house)
    assert jun.choose("amara", type_id, start + timedelta(minutes=minutes)).status_code == 422
    assert dump(house) == before


def test_one_browser_keeps_only_so_many_hours(house: House) -> None:
    jun = someone(house)
    for n in range(policy.MAX_LIVE_HOLDS):
        house.plant({**AMARA, "username": f"m{n}", "email": f"m{n}@discuno.example"})
        jun.hold(f"m{n}")
    type_id = jun.offers("amara")[0]
    refused = jun.choose("amara", type_id, jun.times("amara", type_id, jun.day())[0])
    assert refused.status_code == 429
    assert "already keeping several times" in refused.text


@pytest.mark.parametrize("swept", [True, False], ids=["after the sweep", "before any sweep"])
def test_a_hold_that_ran_out_frees_its_hour(house: House, swept: bool) -> None:
    jun = someone(house)
    details = jun.hold()
    start = the(house, Booking).starts_at
    house.advance(policy.HOLD_TO_CHOOSE + timedelta(seconds=1))
    if swept:
        house.work()
        assert the(house, Booking).status == "expired"
    late = jun.client.post(
        details,
        data={"name": "Jun", "email": "j@example.com", "csrf_token": jun.token("/mentor/amara/book/1")},
    )
    assert late.status_code == 410
    ada = someone(house)
    assert ada.choose("amara", ada.offers("amara")[0], start).status_code == 303
    assert [b.status for b in all_of(house, Booking)] == ["expired", "held"]
