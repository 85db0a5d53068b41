"""The checkout funnel: a visit has a number and no name, each step counts once, and counting never breaks a page."""

from collections import Counter
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from discuno import policy
from discuno.admin import spans
from discuno.admin.people import funnel_sums
from discuno.bookings import funnel, visits
from discuno.bookings.models import Booking, FunnelEvent
from discuno.edges import queue
from discuno.kit import outbox
from discuno.kit.db import transaction
from tests.attendee import Attendee
from tests.factories import all_of, change, someone, the
from tests.house import House
from tests.signing import SUPPORT, staff

PAID = ("visit", "time", "details", "payment", "paid")
FREE = ("visit", "time", "details", "paid")


def steps(house: House) -> list[str]:
    return [str(event.step) for event in all_of(house, FunnelEvent)]


def look(client: FlaskClient, times: int = 2, **headers: str) -> None:
    """Read Amara's page; the first answer brings the cookie."""
    for _ in range(times):
        assert client.get("/mentor/amara", headers=headers).status_code == 200


def buy(jun: Attendee, at: int = 0) -> None:
    session_id = jun.reach_payment(at=at)
    jun.pay(session_id)
    jun.house.settle_down()


def test_a_paid_session_takes_every_step_once_and_each_with_the_one_before(house: House) -> None:
    buy(someone(house))
    assert tuple(steps(house)) == PAID
    booking, events = the(house, Booking), all_of(house, FunnelEvent)
    assert {event.visit for event in events} == {booking.visit}
    assert [event.event_type_id for event in events] == [None, *[booking.event_type_id] * 4]
    assert booking.visit != booking.visitor


def test_a_free_session_has_no_payment_step(house: House) -> None:
    jun = someone(house)
    answer = jun.fill_in(jun.hold(offer=jun_free(jun)))
    assert answer.status_code == 303
    house.settle_down()
    assert tuple(steps(house)) == FREE
    found = house.read(lambda: funnel_sums.of(funnel_sums.counts(spans.of_name("30d"))))
    assert (found.visits, dict(found.priced)) == (1, {})
    assert [step.number for step in found.free_steps] == [1, 1, 1]


def jun_free(jun: Attendee) -> int:
    """Which of Amara's session types is free."""
    html = jun.client.get("/mentor/amara").text
    offers = html.split('href="/mentor/amara/book/')[1:]
    return next(n for n, offer in enumerate(offers) if "Free" in offer)


def test_a_robot_which_brings_no_cookie_back_is_not_counted(house: House) -> None:
    for _ in range(3):
        look(house.app.test_client(use_cookies=False))
    assert steps(house) == []


def test_a_mentor_is_looked_at_once_a_visit_however_often_the_page_is_read(house: House) -> None:
    client = house.app.test_client()
    look(client, times=5)
    client.get("/mentor/owen")
    assert steps(house) == ["visit", "visit"]
    assert len({event.visit for event in all_of(house, FunnelEvent)}) == 1


@pytest.mark.parametrize("asks", [{"Sec-GPC": "1"}, {"DNT": "1"}])
def test_who_asks_not_to_be_tracked_is_not(house: House, asks: dict[str, str]) -> None:
    jun = someone(house)
    jun.client.environ_base |= {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in asks.items()}
    buy(jun)
    assert steps(house) == []
    assert the(house, Booking).visit is None
    with jun.client.session_transaction() as cookie:
        assert visits.KEPT not in cookie


@pytest.mark.parametrize(("silence", "numbers"), [(timedelta(0), 1), (timedelta(minutes=1), 2)])
def test_a_day_of_silence_ends_a_visit(house: House, silence: timedelta, numbers: int) -> None:
    client = house.app.test_client()
    look(client)
    house.advance(policy.VISIT_SILENCE - timedelta(seconds=30) + silence)
    look(client)
    client.get("/mentor/owen")
    assert len({event.visit for event in all_of(house, FunnelEvent)}) == numbers


def test_after_a_booking_another_visit_begins(house: House) -> None:
    jun = someone(house)
    buy(jun)
    buy(jun, at=3)
    assert Counter(steps(house)) == dict.fromkeys(PAID, 2)
    assert len({event.visit for event in all_of(house, FunnelEvent)}) == 2


def test_the_page_goes_on_when_a_visit_cannot_be_counted(house: House) -> None:
    client = house.app.test_client()
    look(client, times=1)
    change(house, "ALTER TABLE discuno_funnel_event RENAME TO elsewhere")
    try:
        look(client)
    finally:
        change(house, "ALTER TABLE elsewhere RENAME TO discuno_funnel_event")
    assert steps(house) == []
    look(client)
    assert steps(house) == ["visit"]


def test_old_steps_are_forgotten_and_no_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(funnel, "A_PIECE", 1)
    client = house.app.test_client()
    look(client)
    client.get("/mentor/owen")
    house.advance(policy.FUNNEL_KEPT + timedelta(minutes=1))
    house.work()  # and everybody's clock is right
    look(house.app.test_client())
    with house.app.app_context():
        with transaction():
            outbox.add("forget_visits")
        queue.run_due()
    assert len(steps(house)) == 1


def test_the_page_tells_how_far_visits_came_by_mentor_and_by_type(house: House) -> None:
    buy(someone(house))
    someone(house).hold(at=5)
    look(house.app.test_client())
    client = staff(house, SUPPORT)
    everybody, hers = (client.get(f"/admin/funnel{query}").text for query in ("", "?mentor=amara"))
    found = house.read(lambda: funnel_sums.of(funnel_sums.counts(spans.of_name("30d"))))
    assert found.visits == 3
    assert [(step.name, step.number, step.went_on, step.left) for step in found.steps] == [
        ("A time chosen", 2, None, 0),
        ("Details given", 1, 50, 1),
        ("Payment page", 1, 100, 0),
        ("Paid", 1, 100, 0),
    ]
    [line] = house.read(lambda: funnel_sums.by_mentor(funnel_sums.counts(spans.of_name("30d"))))
    assert (line.more, line.visits, line.booked) == ("amara", 3, 33)
    assert "67 % of the visits" in everybody
    assert "mentor=amara" in everybody
    assert "By session type" in hers
    assert client.get("/admin/funnel?mentor=nobody").status_code == 404
    assert "No visits in this time" in client.get("/admin/funnel?from=2001-01-01&to=2001-01-02").text


def test_a_chart_stacks_up_to_the_visits_of_each_day(house: House) -> None:
    buy(someone(house))
    look(house.app.test_client())
    chart = house.read(lambda: funnel_sums.drawn(spans.of_name("7d")))
    assert [(series.name, series.total) for series in chart.series] == [
        ("Booked", 1),
        ("Chose a time and left", 0),
        ("Looked and left", 1),
    ]
