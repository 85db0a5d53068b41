"""From a click to a paid, confirmed booking, over HTTP, without a browser."""

from datetime import timedelta

import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import selectinload

from discuno.kit.db import rows
from discuno.payments.models import Payment
from tests.attendee import Attendee
from tests.house import House


def test_a_paid_session_is_confirmed_and_its_money_goes_to_the_mentor_after_the_dispute_period(
    house: House, client: FlaskClient
) -> None:
    jun = Attendee(house, client)
    session_id = jun.reach_payment("amara")
    jun.pay(session_id)
    house.settle_down()

    assert "Your session is confirmed" in jun.complete_page("amara", session_id)
    assert [m["subject"] for m in house.letters("jun@example.com")] == [
        "Confirmed: Application review with Amara Okafor"
    ]
    assert [m["subject"] for m in house.letters("amara@discuno.example")] == [
        "Booked: Application review with Jun Tanaka"
    ]
    assert house.stripe("transfer") == []

    house.advance(timedelta(days=40))
    house.settle_down()
    [transfer] = house.stripe("transfer")
    assert transfer["amount"] == 5400
    assert transfer["source_transaction"] == house.stripe("charge")[0]["id"]
    [payment] = house.read(lambda: rows(sa.select(Payment).options(selectinload(Payment.transfers))))
    assert (payment.status, payment.transfer_id, payment.transfer_status) == (
        "TRANSFERRED",
        transfer["id"],
        "sent",
    )
