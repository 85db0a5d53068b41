"""An hour is kept for one person, once, and comes back when it is not used."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from discuno import policy
from discuno.bookings import service as bookings
from discuno.bookings.models import Booking
from discuno.kit.db import session, transaction
from discuno.mentors.availability import STEP
from discuno.mentors.models import EventType
from tests.attendee import Attendee
from tests.catalogue import AMARA
from tests.factories import all_of, change, dump, in_the_house, someone, the, to_midday
from tests.house import House

MANY = 50


def at_once(people: list[Attendee], type_id: int, starts: list[datetime]) -> list[TestResponse]:
    """Each presses the button of their time at the same moment."""
    page, together = f"/mentor/amara/book/{type_id}", Barrier(len(people))
    forms = [
        {
            "start": start.isoformat(),
            "zone": p.zone,
            "csrf_token": p.token(f"{page}?zone={p.zone}"),
        }
        for p, start in zip(people, starts, strict=True)
    ]

    def press(who: Attendee, form: dict[str, str]) -> TestResponse:
        together.wait(timeout=30)
        return who.client.post(page, data=form)

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(press, people, forms))


def offered_instead(html: str) -> list[datetime]:
    """The times on the buttons of the notice that one was lost."""
    notice = html.partition('role="alert"')[2].partition("</form>")[0]
    return [datetime.fromisoformat(v) for v in re.findall(r'name="start" value="([^"]+)"', notice)]


@pytest.mark.story
def test_of_fifty_who_press_the_same_time_at_once_one_gets_it_and_the_others_are_offered_the_nearest(
    house: House,
) -> None:
    people = [someone(house) for _ in range(MANY)]
    [type_id, _] = people[0].offers("amara")
    around = people[0].times("amara", type_id, people[0].day())
    start = around[8]
    answers = at_once(people, type_id, [start] * MANY)
    assert sorted(answer.status_code for answer in answers) == [303] + [409] * (MANY - 1)
    assert [b.status for b in all_of(house, Booking)] == ["held"]
    nearest = sorted(around[:7] + around[10:], key=lambda s: (abs(s - start), s))[: policy.NEAR_TIMES]
    for answer in answers:
        if answer.status_code == 409:
            assert "That time was just taken" in answer.text
            assert offered_instead(answer.text) == sorted(nearest)
            assert 'id="bookings-slots"' in answer.text  # and its day stands below
    late = next(who for who, answer in zip(people, answers, strict=True) if answer.status_code == 409)
    assert late.choose("amara", type_id, nearest[0]).status_code == 303


def on_one_day_of_hers(jun: Attendee, type_id: int) -> list[datetime]:
    """Free times of one day in New York, where the mentor is."""
    zone = ZoneInfo("America/New_York")
    times = jun.times("amara", type_id, jun.day())
    return [t for t in times if t.astimezone(zone).date() == times[-1].astimezone(zone).date()]


def test_a_mentors_day_takes_no_more_than_its_maximum_even_of_those_who_press_at_once(house: House) -> None:
    change(house, "UPDATE discuno_mentor SET daily_maximum = 2")
    people = [someone(house) for _ in range(6)]
    type_id = people[0].offers("amara")[0]
    starts = on_one_day_of_hers(people[0], type_id)[::2][:6]  # none overlaps another
    answers = at_once(people, type_id, starts)
    assert sorted(answer.status_code for answer in answers) == [303, 303, 409, 409, 409, 409]
    assert len(all_of(house, Booking)) == 2
    left = someone(house).times("amara", type_id, people[0].day())
    assert not set(left) & set(starts)


@pytest.mark.parametrize("minutes", [0, 15, 60])
def test_the_database_refuses_a_session_that_would_cut_a_break(house: House, minutes: int) -> None:
    change(house, "UPDATE discuno_event_type SET buffer_minutes = :minutes", minutes=minutes)
    jun, ada = someone(house), someone(house)
    type_id = jun.offers("amara")[0]
    start = jun.times("amara", type_id, jun.day())[8]
    jun.choose("amara", type_id, start)
    ends = start + timedelta(minutes=45 + minutes)

    def refused(at: datetime) -> bool:
        """Whatever any page offers: straight to the row."""
        with house.app.app_context():
            try:
                with transaction():
                    bookings.hold(session().get_one(EventType, type_id), at, visitor="v", zone="UTC")
                    session().rollback()
            except sa.exc.IntegrityError as error:
                return bookings.is_taken(error)
            return False

    minute = timedelta(minutes=1)
    assert [refused(ends - minute), refused(ends)] == [True, False]
    before = start - timedelta(minutes=45 + minutes)  # the other one's break ends as this one starts
    assert [refused(before + minute), refused(before)] == [True, False]
    shown = ada.times("amara", type_id, jun.day())
    assert start + timedelta(minutes=30) not in shown
    assert min(t for t in shown if t > start) >= ends


def test_notice_and_window_are_the_types_and_the_mentors_own(house: House) -> None:
    to_midday(house)  # Amara's day has a gap before its midnight
    change(house, "UPDATE discuno_event_type SET notice_minutes = CASE price WHEN 0 THEN 0 ELSE 2880 END")
    change(house, "UPDATE discuno_mentor SET booking_window_days = 3")
    jun, now = someone(house), in_the_house(house)
    [paid_type, free_type] = jun.offers("amara")
    opens, closes = now + timedelta(days=2), now + timedelta(days=3)
    shown = {
        type_id: [
            t for n in range(5) for t in jun.times("amara", type_id, f"{now + timedelta(days=n):%Y-%m-%d}")
        ]
        for type_id in (paid_type, free_type)
    }
    assert opens <= min(shown[paid_type]) < opens + timedelta(minutes=31)
    assert now < min(shown[free_type]) < now + timedelta(hours=1)
    for found in shown.values():
        assert closes - timedelta(minutes=90) < max(found) <= closes
    too_soon, too_late = min(shown[paid_type]) - STEP, max(shown[paid_type]) + 2 * STEP
    assert jun.choose("amara", paid_type, too_soon).status_code == 422
    assert jun.choose("amara", paid_type, too_late).status_code == 422
    assert jun.choose("amara", free_type, too_soon).status_code == 303


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
