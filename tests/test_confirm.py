"""A paid session of a Cal.com mentor ends in a booking there, or in a full refund; never in both, never in two."""

from datetime import timedelta
from typing import Any

import pytest

from discuno import policy
from discuno.bookings.models import Booking
from discuno.payments.models import Payment
from tests.factories import JUN, all_of, paid, someone, standing, subjects, tamper, the, work_until_done
from tests.house import House

pytestmark = pytest.mark.story

BOOK = "POST /calcom/v2/bookings$"
REFUSED = ["Not booked: Oxbridge interview with Owen Hughes", "Refunded: £70.00"]


def at_calcom(house: House, **fields: Any) -> list[dict[str, Any]]:
    found = house.control("GET", "calcom/bookings")["bookings"]
    return [b for b in found if all(b[name] == value for name, value in fields.items())]


def reservations(house: House) -> list[dict[str, Any]]:
    return house.sandbox.world.all("calcom_reservation")


def somebody_takes_it(house: House) -> None:
    booking = the(house, Booking)
    taken = {"eventTypeId": booking.calcom_event_type_id, "start": booking.starts_at.isoformat()}
    house.control("POST", "calcom/busy", taken)


def gave_back(house: House) -> None:
    assert standing(house) == ("refused", "REFUNDED")
    assert [r["amount"] for r in house.stripe("refund")] == [7000]
    assert sorted(subjects(house, JUN)) == REFUSED
    assert subjects(house, "owen@discuno.example") == []
    assert house.stripe("transfer") == []


def test_the_slot_is_reserved_while_one_pays_and_booked_with_our_id_when_paid(house: House) -> None:
    jun, session_id = paid(house, "owen")
    booking = the(house, Booking)
    [kept] = reservations(house)
    assert kept["id"] == booking.calcom_reservation_uid
    assert timedelta(minutes=kept["minutes"]) > policy.CHECKOUT_LIFE
    house.settle_down()
    assert standing(house) == ("confirmed", "SUCCEEDED")
    [made] = at_calcom(house)
    assert made["metadata"] == {"discunoBooking": booking.public_id}
    assert made["attendees"][0]["email"] == JUN
    assert the(house, Booking).calcom_booking_uid == made["uid"]
    assert reservations(house) == []
    assert "Your session is confirmed" in jun.complete_page("owen", session_id)


def test_the_reservation_is_dropped_with_the_hold(house: House) -> None:
    jun = someone(house)
    details = jun.hold("owen")
    jun.fill_in(details)
    assert len(reservations(house)) == 1
    jun.client.post(details.replace("details", "release"), data={"csrf_token": jun.token(details)})
    house.settle_down()
    assert the(house, Booking).status in ("released", "expired")
    assert reservations(house) == []


@pytest.mark.parametrize("action", ["drop_after", "error_after"])
def test_a_booking_whose_answer_was_lost_is_found_and_not_made_twice(house: House, action: str) -> None:
    paid(house, "owen")
    house.fault(BOOK, action, status=502)
    house.settle_down()
    assert standing(house) == ("held", "SUCCEEDED")
    work_until_done(house, 1, timedelta(seconds=5))
    assert standing(house) == ("confirmed", "SUCCEEDED")
    assert [b["uid"] for b in at_calcom(house)] == [the(house, Booking).calcom_booking_uid]


def test_a_time_lost_at_calcom_before_paying_is_told_before_anybody_pays(house: House) -> None:
    jun = someone(house)
    details = jun.hold("owen")
    somebody_takes_it(house)
    answer = jun.fill_in(details)
    assert answer.status_code == 409
    assert "That time was just taken" in answer.text
    assert house.stripe("checkout.session") == []
    assert standing(house) == ("released", "FAILED")


def test_a_paid_time_that_calcom_refuses_is_refunded_at_once_and_both_facts_are_told(house: House) -> None:
    jun, session_id = paid(house, "owen")
    somebody_takes_it(house)
    house.settle_down()
    gave_back(house)
    assert "We have returned your £70.00" in jun.complete_page("owen", session_id)


@pytest.mark.parametrize("fault", [{"action": "error", "status": 503}, {"action": "drop_before"}], ids=str)
def test_a_calendar_that_stays_away_is_waited_for_and_then_the_money_goes_back(
    house: House, fault: dict[str, Any]
) -> None:
    paid(house, "owen")
    house.fault(BOOK, times=-1, **fault)
    house.settle_down()
    assert standing(house) == ("held", "SUCCEEDED")
    assert house.stripe("refund") == []
    work_until_done(house, 4, policy.CONFIRM_DEADLINE / 2)
    gave_back(house)


def test_what_was_booked_there_after_all_is_taken_back_when_we_gave_up(house: House) -> None:
    paid(house, "owen")
    house.fault(BOOK, "drop_after", times=-1)
    house.settle_down()
    house.fault("GET /calcom/v2/bookings", "error", status=503, times=6)
    work_until_done(house, 8, timedelta(minutes=12))
    gave_back(house)
    assert at_calcom(house, status="accepted") == []
    assert len(at_calcom(house, status="cancelled")) == 1


def test_a_late_payment_for_an_hour_that_another_holds_leaves_nothing_at_calcom(house: House) -> None:
    jun = someone(house)
    session_id = jun.reach_payment("owen")
    house.advance(policy.CHECKOUT_LIFE + timedelta(minutes=10))
    house.settle_down()
    ada = someone(house)
    ada.choose("owen", ada.offers("owen")[0], the(house, Booking).starts_at)
    tamper(house, "checkout.session", status="open")
    jun.pay(session_id)
    house.settle_down()
    assert [b.status for b in all_of(house, Booking)] == ["refused", "held"]
    assert the(house, Payment).status == "REFUNDED"
    assert at_calcom(house, status="accepted") == []


def test_a_free_session_that_calcom_refuses_costs_nothing_and_says_so(house: House) -> None:
    jun = someone(house)
    details = jun.hold("owen", offer=1)
    somebody_takes_it(house)
    done = jun.fill_in(details).location
    house.settle_down()
    assert "Nothing was charged" in jun.client.get(done).text
    assert subjects(house, JUN) == ["Not booked: First hello with Owen Hughes"]


def test_a_calendar_that_cannot_be_read_is_said_and_holds_nothing(house: House) -> None:
    jun = someone(house)
    type_id = jun.offers("owen")[0]
    start = jun.times("owen", type_id, jun.day())[0]
    house.fault("GET /calcom/v2/slots", "error", status=500, times=-1)
    assert "cannot read this mentor" in jun.client.get(f"/mentor/owen/book/{type_id}").text
    assert jun.choose("owen", type_id, start).status_code in (400, 503)
    assert all_of(house, Booking) == []
