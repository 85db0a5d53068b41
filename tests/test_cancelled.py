"""What a cancelled session does to its money, whoever cancels and whatever else goes on."""

from datetime import timedelta

import pytest

from discuno import journey
from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.kit.db import transaction
from discuno.payments import service as payments
from discuno.payments.models import Payment, PaymentStatus
from tests.factories import ADMIN, advance_to, paid, subjects, the, work_until_done
from tests.house import House

pytestmark = pytest.mark.story

JUN, AMARA = "jun@example.com", "amara@discuno.example"


@pytest.fixture
def sold(house: House) -> House:
    """One session of Amara's, paid and confirmed."""
    paid(house)
    house.settle_down()
    return house


def cancels(house: House, by: Party) -> None:
    with house.app.app_context(), transaction():
        journey.cancel(payments.locked_booking(1), by, "Something came up.")


def money(house: House) -> tuple[PaymentStatus, int]:
    """The word for it, and what went back."""
    payment = house.read(lambda: payments.locked_payment(1))
    return payment.status, house.read(lambda: sum(r.amount for r in payments.locked_payment(1).refunds))


def test_a_session_is_cancelled_once_and_refunded_once(sold: House) -> None:
    for _ in range(2):
        cancels(sold, Party.ATTENDEE)
        sold.settle_down()
    assert the(sold, Booking).status == BookingStatus.CANCELLED
    assert money(sold) == (PaymentStatus.REFUNDED, 6000)
    assert len([s for s in subjects(sold, JUN) if "ancelled" in s]) == 1
    assert len([s for s in subjects(sold, AMARA) if "ancelled" in s]) == 1


def test_who_cancels_late_gets_nothing_back_and_the_mentor_gets_the_share(sold: House) -> None:
    advance_to(sold, the(sold, Booking).starts_at - timedelta(hours=23))
    cancels(sold, Party.ATTENDEE)
    sold.settle_down()
    assert money(sold) == (PaymentStatus.SUCCEEDED, 0)
    ends = the(sold, Payment).dispute_period_ends
    assert ends is not None
    advance_to(sold, ends)
    work_until_done(sold, 3, timedelta(hours=1))
    assert [t["amount"] for t in sold.stripe("transfer")] == [5400]


def test_a_late_cancellation_by_nobody_waits_for_a_person(sold: House) -> None:
    advance_to(sold, the(sold, Booking).starts_at - timedelta(hours=23))
    cancels(sold, Party.CALENDAR)
    sold.settle_down()
    assert the(sold, Payment).needs_attention
    advance_to(sold, the(sold, Booking).ends_at + timedelta(days=10))
    work_until_done(sold, 3, timedelta(hours=1))
    assert sold.stripe("transfer") == []
    assert money(sold) == (PaymentStatus.SUCCEEDED, 0)


@pytest.mark.parametrize(("ending", "wanted"), [("won", 6000), ("lost", 0)])
def test_a_session_cancelled_while_a_bank_has_the_money_is_refunded_when_it_comes_back(
    sold: House, ending: str, wanted: int
) -> None:
    charge = sold.stripe("charge")[0]["id"]
    dispute = sold.control("POST", f"stripe/charges/{charge}/dispute", {"amount": 6000})
    sold.settle_down()
    cancels(sold, Party.MENTOR)
    sold.settle_down()
    assert money(sold) == (PaymentStatus.DISPUTED, 0)
    sold.control("POST", f"stripe/disputes/{dispute['id']}", {"status": ending})
    sold.settle_down()
    assert money(sold)[1] == wanted
    if wanted:  # Stripe refunds no charge that was ever disputed, so a person returns it another way
        assert "charge_disputed" in str(the(sold, Payment).needs_attention)
        assert "Refund failed: payment 1" in subjects(sold, ADMIN)
    advance_to(sold, the(sold, Booking).ends_at + timedelta(days=10))
    work_until_done(sold, 2, timedelta(hours=1))
    assert sold.stripe("transfer") == []
