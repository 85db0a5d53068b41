"""A payment is believed when Stripe, asked by us, says so: once, whoever asks, in whatever order the news comes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from discuno import policy
from discuno.bookings.models import Booking
from discuno.kit.db import db, locked, transaction
from discuno.payments import jobs
from discuno.payments import service as payments
from discuno.payments.models import Payment
from tests.factories import ADMIN, JUN, all_of, paid, someone, standing, subjects, tamper, the
from tests.house import House
from tests.local.real_checkout import wait_for

pytestmark = pytest.mark.story

DONE = ("confirmed", "SUCCEEDED")


def no_webhooks(house: House) -> None:
    house.control("POST", "weather/stripe", {"lose": -1})


def told_once(house: House) -> None:
    assert subjects(house, JUN) == ["Confirmed: Application review with Amara Okafor"]
    assert subjects(house, "amara@discuno.example") == ["Booked: Application review with Jun Tanaka"]
    assert subjects(house, ADMIN) == []
    assert len(house.stripe("charge")) == 1


@pytest.mark.parametrize("weather", [{}, {"shuffle": True, "duplicate": 2}], ids=str)
def test_news_of_a_payment_confirms_it_once_however_it_comes(house: House, weather: dict[str, Any]) -> None:
    house.control("POST", "weather/stripe", weather)
    jun, session_id = paid(house)
    house.settle_down()
    for delivery in house.control("GET", "deliveries"):
        house.control("POST", f"deliveries/{delivery['id']}/resend")  # and all of it once more, late
    house.settle_down()
    assert standing(house) == DONE
    told_once(house)
    assert "Your session is confirmed" in jun.complete_page("amara", session_id)


def test_without_any_webhook_the_waiting_page_asks_stripe_itself(house: House) -> None:
    no_webhooks(house)
    jun, session_id = paid(house)
    assert "We are checking your payment" in jun.complete_page("amara", session_id)
    answer = jun.client.get(f"/mentor/amara/book/status?session_id={session_id}")
    assert "We are confirming your time" in answer.text
    house.settle_down()
    assert standing(house) == DONE
    told_once(house)


def test_without_webhook_or_page_the_watch_finds_the_payment(house: House) -> None:
    no_webhooks(house)
    paid(house)
    house.advance(policy.WATCH_PAYMENT_EVERY + timedelta(seconds=1))
    house.settle_down()
    assert standing(house) == DONE
    told_once(house)


def test_webhook_page_and_watch_at_once_do_it_once(house: House) -> None:
    no_webhooks(house)
    paid(house)
    payment_id, together = the(house, Payment).id, Barrier(8)

    def settle(_: int) -> None:
        with house.app.app_context():
            together.wait(timeout=30)
            jobs.settle(payment_id)
            db.session.remove()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(settle, range(8)))
    house.settle_down()
    assert standing(house) == DONE
    told_once(house)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("payment_intent", {"amount_received": 5999}),
        ("checkout.session", {"currency": "jpy"}),
        ("checkout.session", {"metadata": {"payment_id": "4711"}}),
    ],
    ids=str,
)
def test_money_that_is_not_what_our_row_says_moves_nothing_and_an_admin_is_told_once(
    house: House, kind: str, wrong: dict[str, Any]
) -> None:
    no_webhooks(house)
    jun, session_id = paid(house)
    tamper(house, kind, **wrong)
    jun.client.get(f"/mentor/amara/book/status?session_id={session_id}")
    house.advance(policy.WATCH_PAYMENT_EVERY + timedelta(seconds=1))
    house.settle_down()
    house.advance(policy.WATCH_PAYMENT_EVERY + timedelta(seconds=1))
    house.settle_down()
    assert standing(house) == ("held", "PENDING")
    assert subjects(house, ADMIN) == ["Payment 1 needs attention"]
    assert "check this payment by hand" in jun.complete_page("amara", session_id)
    assert subjects(house, JUN) == []


@pytest.mark.parametrize(
    ("intent", "expected"),
    [("requires_payment_method", "PENDING"), ("requires_capture", "PENDING"), ("processing", "PROCESSING")],
)
def test_a_completed_session_is_not_money_until_its_payment_intent_has_succeeded(
    house: House, intent: str, expected: str
) -> None:
    jun, session_id = paid(house)
    tamper(house, "payment_intent", status=intent)
    house.settle_down()
    assert standing(house) == ("held", expected)
    assert "confirmed" not in jun.complete_page("amara", session_id)
    tamper(house, "payment_intent", status="succeeded")
    house.advance(policy.WATCH_PAYMENT_EVERY + timedelta(seconds=1))
    house.settle_down()
    assert standing(house) == DONE


@pytest.mark.parametrize("silent", [False, True], ids=["told by Stripe", "found by the watch"])
def test_a_session_that_ends_unpaid_frees_the_hour_and_says_so(house: House, silent: bool) -> None:
    if silent:
        no_webhooks(house)
    jun = someone(house)
    session_id = jun.reach_payment("amara")
    start = the(house, Booking).starts_at
    house.advance(policy.CHECKOUT_LIFE + timedelta(minutes=1))
    house.settle_down()
    assert standing(house) == ("expired", "FAILED")
    assert subjects(house, JUN) == ["Not booked: Application review with Amara Okafor was not paid"]
    assert "This booking was not paid" in jun.complete_page("amara", session_id)
    ada = someone(house)
    assert start in ada.times("amara", ada.offers("amara")[0], ada.day())


@pytest.mark.parametrize("taken", [False, True])
def test_money_that_comes_after_the_hour_was_given_up_books_it_if_it_is_free_and_else_goes_back(
    house: House, taken: bool
) -> None:
    jun = someone(house)
    session_id = jun.reach_payment("amara")
    house.advance(policy.CHECKOUT_LIFE + timedelta(minutes=1))
    house.settle_down()
    if taken:
        someone(house).hold("amara")  # the same time: it is free again
        first, second = all_of(house, Booking)
        assert first.starts_at == second.starts_at
    tamper(house, "checkout.session", status="open")  # a bank that answered too late
    jun.pay(session_id)
    house.settle_down()
    if taken:
        assert "Returning" not in jun.complete_page("amara", session_id)
        assert "We have returned your $60.00" in jun.complete_page("amara", session_id)
        assert the(house, Payment).status == "REFUNDED"
        assert [r["amount"] for r in house.stripe("refund")] == [6000]
        assert [b.status for b in all_of(house, Booking)] == ["refused", "held"]
    else:
        assert standing(house) == DONE
        assert house.stripe("refund") == []


def test_a_payment_taken_in_hand_keeps_neither_its_mentor_nor_rows_about_it_waiting(house: House) -> None:
    paid(house)
    with house.app.app_context(), transaction():
        locked(Payment, the(house, Payment).id)
        with db.engine.connect() as somebody_else:
            somebody_else.execute(sa.text("SELECT 1 FROM discuno_user FOR UPDATE NOWAIT"))
            somebody_else.execute(sa.text("SELECT 1 FROM discuno_payment FOR KEY SHARE NOWAIT"))
            with pytest.raises(sa.exc.OperationalError, match="could not obtain lock"):
                somebody_else.execute(sa.text("SELECT 1 FROM discuno_payment FOR UPDATE NOWAIT"))


def test_who_waited_for_a_payment_sees_its_booking_as_it_is_by_then(house: House) -> None:
    jun = someone(house)
    jun.reach_payment()
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def status_when_it_is_my_turn() -> str:
        with house.app.app_context(), transaction():
            return str(payments.locked_payment(1).booking.status)

    with house.app.app_context(), db.engine.connect() as first, ThreadPoolExecutor(1) as pool:
        first.execute(sa.text("SELECT 1 FROM discuno_payment FOR UPDATE"))
        later = pool.submit(status_when_it_is_my_turn)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
            wait_for(lambda: watcher.execute(waiting).scalar_one(), "the second to wait", 10)
        first.execute(sa.text("UPDATE discuno_booking SET status = 'released'"))
        first.commit()
        assert later.result(timeout=10) == "released"
