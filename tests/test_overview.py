"""The overview: each thing that waits is a number with its page, money agrees with the books, and it stays quick."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from discuno.admin import outlook
from discuno.bookings.models import Booking
from discuno.kit.db import db, transaction
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind
from discuno.payments.models import Payment
from discuno.payouts.models import Transfer
from tests.bank import sold, transferred
from tests.crowd import Crowd
from tests.factories import advance_to, all_of, change, paid, the
from tests.house import House
from tests.reporting import attendee
from tests.signing import SUPPORT, staff


def waits(house: House) -> dict[str, tuple[int, str]]:
    """What waits: how many, and where."""
    found = house.read(outlook.waits)
    return {wait.name: (wait.number, wait.kind.path) for wait in found}


def test_in_a_quiet_house_all_is_quiet(house: House) -> None:
    html = staff(house, SUPPORT).get("/admin").text
    assert "All quiet. Nothing waits for anybody." in html
    assert "No money yet" in html


TROUBLE = {
    "UPDATE discuno_payment SET needs_attention = 'paid twice'": (
        "payment needs attention",
        "/admin/payments?only=attention",
    ),
    "UPDATE discuno_transfer SET blocked_by = 'refused'": (
        "transfer given up",
        "/admin/transfers?tab=refused",
    ),
    "UPDATE discuno_email SET status = 'failed' WHERE id = (SELECT min(id) FROM discuno_email)": (
        "letter not sent",
        "/admin/emails?status=failed",
    ),
    "UPDATE discuno_webhook_event SET handled_at = NULL, error = 'x' "
    "WHERE id = (SELECT min(id) FROM discuno_webhook_event)": (
        "webhook failing",
        "/admin/webhooks?state=failing",
    ),
    "INSERT INTO discuno_job (task, args, queue, run_at, created_at, attempts, again, dead_at) "
    "VALUES ('send_refund', '{}', 'money', now(), now(), 20, false, now())": (
        "piece of work given up",
        "/admin/jobs?state=dead",
    ),
    "INSERT INTO discuno_drift (kind, about, ours, theirs, first_seen_at, last_seen_at) "
    "VALUES ('platform_balance', 'usd', '1', '2', now(), now())": (
        "difference to Stripe’s books",
        "/admin/reconciliation",
    ),
}


def test_each_trouble_is_a_number_with_its_page_and_the_page_is_there(house: House) -> None:
    sold(house)
    before = waits(house)
    for trouble in TROUBLE:
        change(house, trouble)
    with house.app.app_context(), transaction():
        alerts.begin(AlertKind.CRON, "cron:release_due", "It has not come.", "/admin/jobs")
    found = waits(house)
    assert before == {}
    assert found == {
        **{name: (1, path) for name, path in TROUBLE.values()},
        "open alert": (1, "/admin/alerts"),
    }
    client = staff(house, SUPPORT)
    html = client.get("/admin").text
    for _number, path in found.values():
        assert f'href="{path}"' in html
        assert client.get(path).status_code == 200


def test_a_case_is_counted_when_it_is_our_turn_and_as_past_due_when_we_are_late(house: House) -> None:
    paid(house)
    house.settle_down()
    booking = the(house, Booking)
    advance_to(house, booking.starts_at + timedelta(minutes=15))
    attendee(house, booking.id).sends("/report", reason="mentor_absent", text="I waited, and nobody came.")
    house.settle_down()
    assert waits(house) == {"case that is nobody’s": (1, "/admin/disputes?whose=unassigned")}
    change(
        house,
        "UPDATE discuno_dispute SET opened_at = opened_at - interval '9 days', due_at = due_at - interval '9 days'",
    )
    assert waits(house)["case past due"] == (1, "/admin/disputes")


def test_a_number_that_is_large_is_counted_no_further(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook, "MOST", 1)
    sold(house)
    change(house, "UPDATE discuno_email SET status = 'failed'")
    [wait] = house.read(outlook.waits)
    assert (wait.count, wait.number) == ("1+", 2)


def test_money_agrees_with_the_books_day_by_day(house: House) -> None:
    sold(house)
    [purse] = house.read(outlook.purses)
    payment = the(house, Payment)
    assert (purse.currency, purse.today, purse.month) == (
        "usd",
        outlook.Money(payment.amount, payment.platform_fee, 0, 0),
        outlook.Money(payment.amount, payment.platform_fee, 0, 0),
    )
    assert (purse.soon, purse.soon_shares) == (0, 0)
    assert payment.dispute_period_ends is not None
    advance_to(house, payment.dispute_period_ends - timedelta(hours=23))
    [before] = house.read(outlook.purses)
    assert (before.today.captured, before.month.captured) == (0, payment.amount)
    assert (before.soon, before.soon_shares) == (payment.mentor_amount, 1)
    transferred(house)
    [after] = house.read(outlook.purses)
    assert after.today.transferred == the(house, Transfer).amount == payment.mentor_amount
    assert (after.soon, after.soon_shares) == (0, 0)
    html = staff(house, SUPPORT).get("/admin").text
    assert "$54.00" in html


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    """The statements that are asked meanwhile."""
    asked: list[str] = []

    def hear(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    with house.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", hear)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", hear)


def test_it_costs_as_many_queries_for_many_payments_as_for_few(house: House) -> None:
    world, settings = house.sandbox.world, house.sandbox.app.extensions["sandbox_settings"]
    client = staff(house, SUPPORT)
    asked = []
    for _ in range(2):
        with house.app.app_context():
            Crowd(world, settings).gather(mentors=1, each=3)
            change(
                house,
                "UPDATE discuno_mentor SET username = username || '-' || id WHERE username LIKE 'crowd%'",
            )
            change(house, "UPDATE discuno_user SET email = id || email WHERE email LIKE '%crowd.example'")
            change(house, "UPDATE discuno_booking SET public_id = public_id || id WHERE visitor = 'crowd'")
        client.get("/admin")
        with counted(house) as statements:
            assert client.get("/admin").status_code == 200
        asked.append(len(statements))
    assert asked[0] == asked[1]
    assert asked[0] < 45
    assert len(all_of(house, Payment)) == 6
