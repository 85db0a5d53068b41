"""A session is moved: nothing is paid again, the dispute period follows, and the calendars agree."""

import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from discuno import journey
from discuno.bookings.models import Booking
from discuno.kit.db import db, transaction
from discuno.mentors.models import EventType
from discuno.payments.models import Payment
from discuno.payouts.models import Transfer
from tests.factories import JUN, advance_to, all_of, change, dump, someone, subjects, the
from tests.house import House
from tests.owner import confirmed, hidden, move, other_time, owner, starts_offered

HOLD = timedelta(hours=72)


@pytest.mark.story
def test_a_session_moved_beyond_its_dispute_period_is_paid_out_after_the_new_one(house: House) -> None:
    _, jun = confirmed(house)
    former, old_path = the(house, Payment).dispute_period_ends, jun.path
    assert former is not None
    start = other_time(jun, days_later=5)
    question = jun.reads(f"/reschedule?start={start.isoformat().replace('+', '%2B')}")
    assert "Nothing is paid again." in question
    assert the(house, Booking).starts_at != start  # asking is not moving
    assert move(jun, start).status_code == 303
    assert jun.path != old_path
    booking, payment = the(house, Booking), the(house, Payment)
    assert booking.starts_at == start
    assert payment.dispute_period_ends == booking.ends_at + HOLD
    page = jun.reads()
    assert "You moved it" in page
    house.settle_down()
    assert sum("oved" in subject for subject in subjects(house, JUN)) == 1
    advance_to(house, former + timedelta(minutes=1))
    house.settle_down()
    assert the(house, Transfer).status == "scheduled"
    advance_to(house, booking.ends_at + HOLD + timedelta(minutes=1))
    house.settle_down()
    assert the(house, Transfer).status == "sent"
    assert len(house.stripe("payment_intent")) == 1


@pytest.mark.story
def test_it_goes_three_times_and_only_to_another_time(house: House) -> None:
    _, jun = confirmed(house)
    for days_later in (2, 3, 4):
        now_at = the(house, Booking).starts_at
        start = other_time(jun, days_later)
        assert now_at not in starts_offered(
            jun.reads(f"/reschedule?zone=Europe/Paris&day={now_at:%Y-%m-%d}&month={now_at:%Y-%m}")
        )
        assert move(jun, start).status_code == 303
    assert "as often as it goes" in jun.reads("/reschedule")
    assert jun.sends("/reschedule", start=start.isoformat(), sequence="3").status_code == 409
    assert the(house, Booking).moves == 3
    assert len(house.stripe("payment_intent")) == 1


def test_a_stale_tab_changes_nothing_and_shows_how_it_stands(house: House) -> None:
    _, jun = confirmed(house)
    stale = owner(house)
    start = other_time(jun, 2)
    shown = stale.sends("/reschedule", start=start.isoformat()).location
    sequence = hidden(stale.client.get(shown).text, "sequence")
    with house.app.app_context(), transaction() as unit:  # moved by somebody else, who left the link as it is
        unit.get_one(Booking, 1).sequence += 1
    before = dump(house, "discuno_booking", "discuno_payment", "discuno_email")
    answer = stale.sends("/reschedule", start=start.isoformat(), sequence=sequence)
    assert answer.status_code == 409
    assert "so nothing was done" in answer.text
    assert "Your session is confirmed" in answer.text
    assert dump(house, "discuno_booking", "discuno_payment", "discuno_email") == before


def test_a_time_that_is_gone_is_answered_with_the_nearest(house: House) -> None:
    _, jun = confirmed(house)
    start = other_time(jun, 2)
    ada = someone(house)
    assert ada.choose("amara", ada.offers("amara")[0], start).status_code == 303
    answer = jun.sends("/reschedule", start=start.isoformat(), sequence="0")
    assert answer.status_code == 409
    assert "just taken" in answer.text
    near = starts_offered(answer.text)[:3]
    assert all(abs(found - start) <= timedelta(hours=2) for found in near)
    assert the(house, Payment).status == "SUCCEEDED"
    made_up = start + timedelta(minutes=7)
    assert jun.sends("/reschedule", start=made_up.isoformat(), sequence="0").status_code == 409
    assert jun.sends("/reschedule", start="soon").status_code == 400


def test_who_is_a_moment_too_late_is_refused_by_the_database(house: House) -> None:
    _, jun = confirmed(house)
    start = other_time(jun, 2)
    answers = []

    def press() -> None:
        answers.append(jun.sends("/reschedule", start=start.isoformat(), sequence="0").status_code)

    waiting = threading.Thread(target=press)
    with house.app.app_context(), transaction() as unit:
        event_type = unit.get_one(EventType, 1)
        journey.choose_time(event_type, start, visitor="ada", zone="Europe/Paris")
        waiting.start()
        _until_somebody_waits(house)
    waiting.join(timeout=20)
    assert answers == [409]
    assert sorted(b.status for b in all_of(house, Booking)) == ["confirmed", "held"]


def _until_somebody_waits(house: House) -> None:
    asked = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    until = time.monotonic() + 10
    with db.engine.connect() as another:
        while another.execute(asked).scalar_one() == 0:
            another.rollback()
            assert time.monotonic() < until, "nobody waits"
            time.sleep(0.01)


@pytest.mark.story
def test_a_session_in_another_calendar_is_moved_there_first(house: House) -> None:
    _, jun = confirmed(house, "owen")
    first, start = the(house, Booking).starts_at, other_time(jun, 2)
    house.fault("POST /calcom/v2/bookings/.*/reschedule", "error", status=400)
    refused = move(jun, start)
    assert refused.status_code == 409
    assert "Your session stays where it is." in refused.text
    assert start - timedelta(minutes=60) in starts_offered(refused.text)
    assert all_of(house, Booking)[0].starts_at == first
    assert "You asked to move it" in jun.reads()
    house.settle_down()
    later = start - timedelta(minutes=60)
    assert move(jun, later).status_code == 303
    booking = all_of(house, Booking)[0]
    assert (booking.starts_at, booking.manage_token_version) == (later, 2)
    assert the(house, Payment).dispute_period_ends == booking.ends_at + HOLD
    house.settle_down()
    assert len(house.stripe("payment_intent")) == 1
    page = jun.reads()
    assert page.count("You moved it") == page.count("You asked to move it") == 1


@pytest.mark.story
def test_while_the_other_calendar_is_away_the_page_says_that_it_is_being_moved(house: House) -> None:
    _, jun = confirmed(house, "owen")
    old_path, start = jun.path, other_time(jun, 2)
    house.fault("POST /calcom/v2/bookings/.*/reschedule", "error", status=503)
    assert move(jun, start).status_code == 303
    page = jun.reads()
    assert "We are moving your session" in page
    assert "every 2s" in page
    assert "just moving this session" in jun.reads("/cancel")
    house.advance(timedelta(minutes=1))
    house.settle_down()
    assert all_of(house, Booking)[0].starts_at == start
    polled = jun.client.get(f"{old_path}/state", headers={"HX-Request": "true"})
    assert "Your session is confirmed" in someone(house).client.get(polled.headers["HX-Redirect"]).text


@pytest.mark.story
def test_a_hold_that_ran_out_is_not_in_the_way(house: House) -> None:
    _, jun = confirmed(house)
    start = other_time(jun, 3)
    ada = someone(house)
    assert ada.choose("amara", ada.offers("amara")[0], start).status_code == 303
    assert start not in starts_offered(jun.reads(f"/reschedule?zone=Europe/Paris&day={start:%Y-%m-%d}"))
    house.advance(timedelta(minutes=11))  # and nobody has tidied up
    assert move(jun, start).status_code == 303
    assert the_first(house).starts_at == start


def the_first(house: House) -> Booking:
    return all_of(house, Booking)[0]


@pytest.mark.story
def test_a_day_that_is_full_when_the_move_is_made_takes_no_more(house: House) -> None:
    _, jun = confirmed(house)
    start = other_time(jun, 3)
    shown = jun.client.get(
        jun.sends("/reschedule", start=start.isoformat(), zone="Europe/Paris").location
    ).text
    change(house, "UPDATE discuno_mentor SET daily_maximum = 1")
    change(house, "UPDATE discuno_mentor SET zone = 'UTC'")
    ada = someone(house, "UTC")
    assert ada.choose("amara", ada.offers("amara")[0], start - timedelta(hours=2)).status_code == 303
    sequence = hidden(shown, "sequence")
    answer = jun.sends("/reschedule", start=start.isoformat(), sequence=sequence)
    assert answer.status_code == 409
    assert the_first(house).starts_at != start
