"""Cal.com's free times: asked for seldom, never too often, shown with their age when it is away."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from discuno.bookings.free import FreeTimes, free_times
from discuno.edges import calcom, pace, queue
from discuno.edges.calcom import CalcomDown, Slots
from discuno.edges.calcom.slots import CALLS, CALLS_TO_LOOK, FRESH
from discuno.kit import clock, failpoints
from discuno.kit.db import db, one_or_none, transaction
from discuno.mentors.models import EventType
from tests.calendars import post
from tests.factories import someone, to_midday
from tests.house import House

pytestmark = pytest.mark.story

SLOTS = "GET /calcom/v2/slots$"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def midday(house: House) -> None:
    """What is learned is kept by UTC days: a midnight that came in between would be looked at as another one."""
    to_midday(house)


@pytest.fixture
def calls(house: House) -> Iterator[Counter[str]]:
    """How often Cal.com was called, by which function of its edge."""
    house.control("POST", "calcom/rate-limit", {"limit": 100_000})
    counted: Counter[str] = Counter()

    def count(point: str) -> None:
        if point.startswith("calcom:") and point.endswith(":before"):
            counted[point.split(".")[-1].removesuffix(":before")] += 1

    failpoints.arm(count)
    yield counted
    failpoints.arm(None)


@pytest.fixture
def type_id(house: House) -> int:
    """Cal.com's id of Owen's paid session type."""
    found = house.read(lambda: one_or_none(sa.select(EventType).where(EventType.price == 7000)))
    return int(found.calcom_event_type_id)


def seen(house: House, type_id: int, days: int = 20, later: int = 0) -> Slots:
    """What somebody who looks at the calendar is shown."""
    with house.app.app_context():
        with transaction():
            first = clock.now() + later * DAY
        return calcom.known_slots(type_id, first, first + days * DAY)


def looked(house: House, **around: datetime) -> FreeTimes:
    """The same, as a page asks."""
    with house.app.app_context():
        [offer] = db.session.execute(sa.select(EventType).where(EventType.price == 7000)).scalars()
        first = around.get("at", clock.now() + DAY)
        return free_times(offer, first, around.get("at", first + 20 * DAY))


def test_a_hundred_looks_in_a_minute_are_one_call(house: House, calls: Counter[str], type_id: int) -> None:
    shown = {tuple(seen(house, type_id).starts) for _ in range(100)}
    assert calls == {"_learn": 1}
    assert len(shown) == 1
    house.advance(FRESH)
    assert seen(house, type_id).as_of is None
    assert calls == {"_learn": 2}


def test_whoever_chooses_a_time_is_told_what_is_free_now(
    house: House, calls: Counter[str], type_id: int
) -> None:
    start = looked(house).starts[0]
    told = {"eventTypeId": type_id, "start": start.isoformat(), "announce": False}
    house.control("POST", "calcom/busy", told)
    assert looked(house).starts[0] == start  # what is shown may be a minute old
    assert looked(house, at=start).starts == []
    assert looked(house, at=looked(house).starts[1]).starts == looked(house).starts[1:2]


def test_a_calendar_that_is_away_is_shown_as_it_was_and_says_when_for_a_quarter_of_an_hour(
    house: House, calls: Counter[str], type_id: int
) -> None:
    before = seen(house, type_id)
    house.fault(SLOTS, "error", status=503, times=-1)
    house.advance(timedelta(minutes=14))
    old = seen(house, type_id)
    assert old.starts == before.starts
    assert old.as_of is not None
    with house.app.app_context(), transaction():
        age = clock.now() - old.as_of
    assert timedelta(minutes=14) <= age < timedelta(minutes=15)
    with pytest.raises(CalcomDown):
        looked(house, at=before.starts[60])
    house.advance(timedelta(minutes=2))
    with pytest.raises(CalcomDown):
        seen(house, type_id)


def test_looking_leaves_room_for_choosing_and_both_leave_room_for_booking(
    house: House, calls: Counter[str], type_id: int
) -> None:
    first = seen(house, type_id)
    for day in range(1, CALLS_TO_LOOK):
        seen(house, type_id, days=0, later=day)
    assert calls == {"_learn": CALLS_TO_LOOK}
    with pytest.raises(CalcomDown):
        seen(house, type_id, days=1)
    house.advance(FRESH)  # by our clock; a minute of Cal.com's has not passed
    old = seen(house, type_id)
    assert old.starts == first.starts
    assert old.as_of is not None
    start = first.starts[100]
    with house.app.app_context():
        for _ in range(CALLS - CALLS_TO_LOOK):
            calcom.slots(type_id, start, start + DAY)
        with pytest.raises(CalcomDown):
            calcom.slots(type_id, start, start + DAY)
        kept = calcom.reserve(type_id, start, timedelta(minutes=5))
        calcom.drop_reservation(type_id, kept)
    assert calls["_learn"] == CALLS


def test_what_we_change_is_seen_at_once_also_when_it_changed_while_we_asked(
    house: House, calls: Counter[str], type_id: int
) -> None:
    start = seen(house, type_id).starts[40]
    with house.app.app_context():
        kept = calcom.reserve(type_id, start, timedelta(minutes=5))
    assert start not in seen(house, type_id).starts
    with house.app.app_context():
        calcom.drop_reservation(type_id, kept)
    assert start in seen(house, type_id).starts

    told = {"triggerEvent": "BOOKING_CANCELLED", "payload": {"uid": "x", "eventTypeId": type_id}}
    post(house, json.dumps(told).encode())
    house.work()
    seen(house, type_id)
    assert calls["_learn"] == 4

    house.advance(FRESH)
    house.fault(SLOTS, "latency", seconds=0.3)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(seen, house, type_id)
        while calls["_learn"] < 5:
            time.sleep(0.005)
        with house.app.app_context():
            calcom.forget_slots(type_id)
        asking.result()
    seen(house, type_id)
    assert calls["_learn"] == 6


def test_of_many_who_look_at_once_one_asks_and_nobody_waits_who_can_see_something(
    house: House, calls: Counter[str], type_id: int
) -> None:
    house.fault(SLOTS, "latency", seconds=0.4, times=-1)
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda _: seen(house, type_id), range(8)))
    assert calls == {"_learn": 1}
    assert len({tuple(s.starts) for s in first}) == 1
    house.advance(FRESH)
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda _: seen(house, type_id), range(8)))
    assert calls == {"_learn": 2}
    assert {s.as_of for s in again} == {None}


@contextmanager
def without_redis(house: House) -> Iterator[None]:
    settings = house.app.extensions["settings"]
    queue.configure(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    try:
        yield
    finally:
        queue.configure(settings)


def test_without_redis_it_is_asked_each_time_but_not_often(
    house: House, calls: Counter[str], type_id: int
) -> None:
    pace._done.clear()
    with without_redis(house):
        for _ in range(int(CALLS_TO_LOOK * 0.25)):
            assert seen(house, type_id).starts
        with pytest.raises(CalcomDown):
            seen(house, type_id)
    pace._done.clear()
    assert calls == {"_learn": CALLS_TO_LOOK // 4}


def test_a_page_shows_what_was_known_and_a_choice_made_then_is_not_taken(house: House) -> None:
    jun = someone(house)
    type_id = jun.offers("owen")[0]
    start = jun.times("owen", type_id, jun.day())[0]
    house.fault(SLOTS, "error", status=500, times=-1)
    assert start in jun.times("owen", type_id, jun.day())
    house.advance(FRESH)
    month = jun.day()[:7]  # of which the times are known
    page = jun.client.get(f"/mentor/owen/book/{type_id}?zone=Europe/Paris&month={month}").text
    assert "These are the times of" in page
    assert "It is asked again when you choose." in page
    answer = jun.choose("owen", type_id, start)
    assert answer.status_code == 503, answer.text
