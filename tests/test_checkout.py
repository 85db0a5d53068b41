"""From the details to a card form: what is frozen, what is asked of Stripe, and what survives its silence."""

from datetime import timedelta
from typing import Any

import pytest

from discuno.bookings.models import Booking
from discuno.payments.models import Payment
from tests.attendee import FORM, Attendee
from tests.factories import change, dump, paid, someone, standing, the
from tests.house import House

CREATE = "POST /stripe/v1/checkout/sessions$"
SOLD = ("discuno_booking", "discuno_payment")
TWICE = 2  # the SDK itself tries once more


def opened(house: House) -> list[dict[str, Any]]:
    return [s for s in house.stripe("checkout.session") if s["status"] == "open"]


def retry(jun: Attendee, payment_page: str) -> Any:
    return jun.client.post(payment_page, data={"csrf_token": jun.token(payment_page)})


def test_what_is_sold_is_frozen_in_our_rows_before_stripe_is_asked_and_asked_for_as_it_stands(
    house: House,
) -> None:
    house.fault(CREATE, "error", times=-1)
    jun = someone(house)
    payment_page = jun.fill_in(jun.hold()).location
    shown = jun.client.get(payment_page)
    assert "We cannot reach Stripe" in shown.text
    payment, booking = the(house, Payment), the(house, Booking)
    assert (payment.amount, payment.platform_fee, payment.mentor_amount) == (6000, 600, 5400)
    assert (payment.currency, payment.status, payment.stripe_checkout_session_id) == ("usd", "PENDING", None)
    assert (booking.attendee_email, booking.status) == ("jun@example.com", "held")
    assert house.stripe("checkout.session") == []
    assert retry(jun, payment_page).status_code == 503

    house.control("DELETE", "faults")
    assert retry(jun, payment_page).status_code == 303
    assert "We cannot reach Stripe" not in jun.client.get(payment_page).text
    [session] = house.sandbox.world.all("stripe.checkout.session")
    assert (session["amount_total"], session["currency"], session["ui_mode"]) == (6000, "usd", "elements")
    assert session["metadata"] == {"payment_id": str(payment.id)} == session["_intent"]["metadata"]
    assert session["_intent"]["transfer_group"] == payment.transfer_group
    assert session["customer_email"] == "jun@example.com"
    [line] = session["_lines"]
    assert (line["description"], line["_about"]) == (
        "Application review with Amara Okafor",
        "45 minute session",
    )


def test_who_chooses_another_time_instead_of_paying_is_not_written_to(house: House) -> None:
    jun = someone(house)
    details = jun.hold()
    jun.fill_in(details)
    jun.client.post(details.replace("details", "release"), data={"csrf_token": jun.token(details)})
    house.settle_down()
    assert standing(house) == ("released", "FAILED")
    assert opened(house) == []
    assert house.letters("jun@example.com") == []


def test_when_stripe_was_away_for_longer_than_a_request_keeps_a_new_one_is_made(house: House) -> None:
    house.fault(CREATE, "drop_before", times=-1)
    jun = someone(house)
    payment_page = jun.fill_in(jun.hold()).location
    house.advance(timedelta(minutes=5))  # the frozen expiry is now less than Stripe's half hour away
    house.control("DELETE", "faults")
    assert retry(jun, payment_page).status_code == 303
    assert len(opened(house)) == 1
    assert the(house, Booking).held_until > the(house, Payment).checkout_expires_at
    jun.pay(opened(house)[0]["id"])
    house.settle_down()
    assert standing(house) == ("confirmed", "SUCCEEDED")


def test_a_session_whose_answer_was_lost_is_the_one_that_is_paid(house: House) -> None:
    house.fault(CREATE, "drop_after", times=TWICE)
    jun = someone(house)
    payment_page = jun.fill_in(jun.hold()).location
    [lost] = house.stripe("checkout.session")
    assert the(house, Payment).stripe_checkout_session_id is None
    assert retry(jun, payment_page).status_code == 303
    assert the(house, Payment).stripe_checkout_session_id == lost["id"]
    assert len(house.stripe("checkout.session")) == 1


def test_the_same_details_keep_the_session_and_others_end_it(house: House) -> None:
    jun = someone(house)
    details = jun.hold()
    jun.fill_in(details)
    jun.fill_in(details, note="Another note.")
    [first] = house.stripe("checkout.session")
    jun.fill_in(details, email="june@example.com")
    old, new = house.stripe("checkout.session")
    assert (old["id"], old["status"]) == (first["id"], "expired")
    assert (new["customer_email"], new["status"]) == ("june@example.com", "open")
    house.settle_down()
    assert standing(house) == ("held", "PENDING")  # what became of the old one means nothing


def test_there_are_never_two_sessions_to_pay_even_when_the_first_cannot_be_ended(house: House) -> None:
    jun = someone(house)
    details = jun.hold()
    jun.fill_in(details)
    house.fault("POST /stripe/v1/checkout/sessions/[^/]+/expire$", "drop_before", times=-1)
    payment_page = jun.fill_in(details, email="june@example.com").location
    assert len(opened(house)) == 1
    assert retry(jun, payment_page).status_code == 503
    assert len(opened(house)) == 1
    house.control("DELETE", "faults")
    assert retry(jun, payment_page).status_code == 303
    assert [s["customer_email"] for s in opened(house)] == ["june@example.com"]


def test_details_sent_again_after_paying_change_nothing(house: House) -> None:
    jun, session_id = paid(house)
    page = f"/mentor/amara/book/status?session_id={session_id}"
    jun.client.get(page)  # the page has asked Stripe; the booking is not confirmed yet
    assert standing(house) == ("held", "SUCCEEDED")
    before = dump(house, *SOLD)
    public_id = the(house, Booking).public_id
    again = jun.fill_in(f"/mentor/amara/book/details/{public_id}", email="thief@example.com")
    assert again.status_code == 303
    assert dump(house, *SOLD) == before
    house.settle_down()
    assert "Your session is confirmed" in jun.complete_page("amara", session_id)


def test_details_sent_again_in_the_moment_of_paying_take_the_money_as_the_payment(house: House) -> None:
    jun = someone(house)
    details = jun.hold()
    jun.fill_in(details)
    [session] = house.stripe("checkout.session")
    jun.pay(session["id"])
    assert jun.fill_in(details, email="june@example.com").status_code == 303
    house.settle_down()
    assert standing(house) == ("confirmed", "SUCCEEDED")
    assert opened(house) == []


def test_a_price_changed_after_the_hold_changes_nothing_for_who_holds(house: House) -> None:
    jun = someone(house)
    details = jun.hold()
    change(house, "UPDATE discuno_event_type SET price = 99900, title = 'Dearer', currency = 'eur'")
    payment_page = jun.fill_in(details).location
    [session] = house.stripe("checkout.session")
    assert (session["amount_total"], session["currency"]) == (6000, "usd")
    for page in (details, payment_page):
        html = jun.client.get(page).text
        assert "$60.00" in html
        assert "Application review" in html
        assert "999.00" not in html
        assert "Dearer" not in html


FORGED = {
    "price": "1",
    "amount": "1",
    "platform_fee": "0",
    "currency": "jpy",
    "requires_payment": "",
    "event_type_id": "2",
}


@pytest.mark.parametrize("page", ["time", "details"])
def test_what_a_browser_says_of_price_mentor_type_and_currency_is_not_read(house: House, page: str) -> None:
    jun = someone(house)
    [type_id, free_id] = jun.offers("amara")
    forged = {**FORGED, "type_id": str(free_id), "mentor_id": "2", "username": "owen"}
    if page == "time":
        start = jun.times("amara", type_id, jun.day())[0]
        url = f"/mentor/amara/book/{type_id}"
        form = {
            "start": start.isoformat(),
            "zone": jun.zone,
            "csrf_token": jun.token(f"{url}?zone={jun.zone}"),
        }
        details = jun.client.post(f"{url}?price=1", data={**form, **forged}).location
        jun.fill_in(details)
    else:
        details = jun.hold()
        jun.client.post(details, data={**FORM, **forged, "csrf_token": jun.token(details)})
    booking, payment = the(house, Booking), the(house, Payment)
    assert (booking.event_type_id, booking.mentor.username, booking.price) == (type_id, "amara", 6000)
    assert (payment.amount, payment.currency, payment.platform_fee) == (6000, "usd", 600)
    [session] = house.stripe("checkout.session")
    assert (session["amount_total"], session["currency"]) == (6000, "usd")


def test_a_free_session_is_confirmed_without_stripe_and_a_paid_one_never_is(house: House) -> None:
    jun = someone(house)
    done = jun.fill_in(jun.hold("amara", offer=1))
    house.settle_down()
    assert "Your session is confirmed" in jun.client.get(done.location).text
    assert house.stripe("checkout.session") == []
    paying = someone(house)
    paying.reach_payment("amara")
    house.settle_down()
    assert [s["status"] for s in house.stripe("checkout.session")] == ["open"]


def test_paid_types_of_a_mentor_whom_money_cannot_reach_are_not_sold(house: House) -> None:
    change(house, "UPDATE discuno_mentor_stripe_account SET status = 'restricted'")
    jun = someone(house)
    [free] = jun.offers("amara")
    answer = jun.client.get(f"/mentor/amara/book/{free - 1}")
    assert answer.status_code == 409
    assert "cannot take paid bookings right now" in answer.text
