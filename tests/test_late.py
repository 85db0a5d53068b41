"""Money that comes after its hour was given free: it buys the hour, if that is there still, or goes back."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from discuno import policy
from discuno.bookings.models import Booking
from discuno.payments.models import Payment
from tests.attendee import Attendee
from tests.factories import JUN, all_of, change, in_the_house, someone, standing, subjects, tamper, the
from tests.house import House

pytestmark = pytest.mark.story


def runs_out(house: House, at: int = 8) -> tuple[Attendee, str]:
    """Somebody who has reached the payment and lets the time run out."""
    jun = someone(house)
    session_id = jun.reach_payment(at=at)
    house.advance(policy.CHECKOUT_LIFE + policy.HOLD_BEYOND_CHECKOUT + timedelta(minutes=10))
    house.settle_down()
    assert standing(house) == ("expired", "FAILED")
    return jun, session_id


def pays_late(house: House, jun: Attendee, session_id: str) -> None:
    """What Stripe rules out, but for a bank that takes its time."""
    tamper(house, "checkout.session", status="open")
    jun.pay(session_id)
    house.settle_down()


@pytest.mark.parametrize("by", ["another's hold", "a booking whose break begins in it"])
def test_a_late_payment_for_an_hour_that_is_gone_goes_back_at_once_and_near_times_are_kept(
    house: House, by: str
) -> None:
    jun, session_id = runs_out(house)
    lost, ada = the(house, Booking).starts_at, someone(house)
    type_id = ada.offers("amara")[0]
    if by == "another's hold":
        ada.choose("amara", type_id, lost)
    else:
        change(house, "UPDATE discuno_event_type SET buffer_minutes = 60")
        ada.choose("amara", type_id, lost - timedelta(minutes=90))
    pays_late(house, jun, session_id)
    booking = all_of(house, Booking)[0]
    assert (booking.status, the(house, Payment).status) == ("refused", "REFUNDED")
    assert [r["amount"] for r in house.stripe("refund")] == [6000]
    assert "Refunded: $60.00" in subjects(house, JUN)
    free = {
        t for n in (-1, 0, 1) for t in jun.times("amara", type_id, f"{lost + timedelta(days=n):%Y-%m-%d}")
    }
    nearest = sorted(free, key=lambda t: (abs(t - lost), t))[: policy.NEAR_TIMES]
    assert booking.near_starts == sorted(nearest)
    page = jun.complete_page("amara", session_id)
    letter = next(m for m in house.letters(JUN) if m["subject"].startswith("Not booked"))
    for start in booking.near_starts:
        local = start.astimezone(ZoneInfo("Europe/Paris"))
        assert f"{local:%a} {local.day} {local:%b %Y}, {local.hour}:{local:%M}" in page
        assert f"day={local:%Y-%m-%d}" in page
        assert f"day={local:%Y-%m-%d}" in letter["html"]


def test_the_hour_outlives_every_session_that_could_pay_for_it(house: House) -> None:
    jun = someone(house)
    session_id = jun.reach_payment()
    booking, payment = the(house, Booking), the(house, Payment)
    assert payment.checkout_expires_at is not None
    assert booking.held_until > payment.checkout_expires_at
    house.control("POST", "weather/stripe", {"lose": -1})
    house.fault("/stripe/v1/checkout/sessions/[^/]+", "error", status=500, times=-1)
    house.advance(booking.held_until - in_the_house(house) + timedelta(minutes=1))
    house.settle_down()
    assert (
        someone(house).choose("amara", 1, booking.starts_at).status_code == 409
    )  # nobody knows yet that it is over
    house.control("DELETE", "faults")
    house.advance(timedelta(minutes=30))
    house.settle_down()
    [session] = house.stripe("checkout.session")
    assert (session["id"], session["status"]) == (session_id, "expired")
    assert standing(house) == ("expired", "FAILED")
    assert someone(house).choose("amara", 1, booking.starts_at).status_code == 303
