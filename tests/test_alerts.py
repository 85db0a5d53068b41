"""Alerts: one a cause, told once, over by themselves when the cause is; each with a page and a runbook."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from discuno import journey, policy
from discuno.admin.machines import causes, runbooks
from discuno.admin.machines.watch import watch
from discuno.kit import clock, outbox
from discuno.kit.db import db, rows, transaction
from discuno.notifications import alerts
from discuno.notifications.models import Alert, AlertKind, Email
from discuno.payments.models import Payment
from discuno.payouts.models import Transfer
from tests.catalogue import AMARA, OWEN
from tests.factories import all_of, change, paid, subjects, the
from tests.house import ROOT, House
from tests.reporting import Holder
from tests.signing import ADMIN, SUPPORT, staff

SECTIONS = ["What it means", "Look", "Do", "If that does not help"]
PATH = "/admin/payments/1"


def begin(house: House, cause: str = "transfer:1", kind: AlertKind = AlertKind.TRANSFER) -> bool:
    with house.app.app_context(), transaction():
        return alerts.begin(kind, cause, f"it is about {cause}", PATH)


def look(house: House) -> None:
    """The look that is taken every few minutes."""
    with house.app.app_context():
        watch()


def still_open(house: House) -> list[str]:
    return [alert.cause for alert in all_of(house, Alert) if alert.ended_at is None]


# One a cause


def test_a_cause_that_is_met_again_is_counted_and_told_once(bare: House) -> None:
    assert [begin(bare) for _ in range(3)] == [True, False, False]
    bare.work()
    assert the(bare, Alert).times == 3
    assert subjects(bare, ADMIN) == ["Transfer failed: it is about transfer:1"]
    assert "docs/runbooks/transfer.md" in bare.letters(ADMIN)[0]["text"]


def test_a_cause_that_was_over_and_comes_back_is_told_again(bare: House) -> None:
    begin(bare)
    bare.work()
    with bare.app.app_context(), transaction():
        alerts.over(AlertKind.TRANSFER, "transfer:1")
    assert begin(bare) is True
    bare.work()
    assert len(subjects(bare, ADMIN)) == 2


def test_what_is_over_before_its_letter_is_sent_is_not_told(bare: House) -> None:
    begin(bare)
    with bare.app.app_context(), transaction():
        alerts.over(AlertKind.TRANSFER, "transfer:1")
    bare.work()
    assert subjects(bare, ADMIN) == []
    assert the(bare, Email).status == "dropped"


def test_many_of_one_kind_within_an_hour_share_a_letter_and_another_kind_has_its_own(bare: House) -> None:
    for number in range(policy.ALERT_LETTERS + 20):
        begin(bare, f"transfer:{number}")
    begin(bare, "job:1", AlertKind.JOB)
    bare.work()
    told = subjects(bare, ADMIN)
    assert len(told) == policy.ALERT_LETTERS + 2
    assert "Transfer failed: 25 within an hour" in told
    assert "Work given up: it is about job:1" in told
    assert len(still_open(bare)) == policy.ALERT_LETTERS + 21
    bare.advance(timedelta(hours=1))
    begin(bare, "transfer:again")
    bare.work()
    assert subjects(bare, ADMIN)[-1] == "Transfer failed: it is about transfer:again"


def test_a_state_that_somebody_has_dealt_with_rests_for_a_day_and_is_told_again_if_it_lasts(
    bare: House,
) -> None:
    def still() -> bool:
        with bare.app.app_context(), transaction():
            return alerts.stands(AlertKind.CASE, "past_due:1", "it is late", "/admin/disputes/1")

    assert still() is True
    with bare.app.app_context(), transaction():
        [alert] = alerts.now_open()
        assert alerts.deal_with(alert, ADMIN, "We wait for a document.") is True
        assert alerts.deal_with(alert, ADMIN, "Twice.") is False
    assert still() is False
    bare.advance(policy.ALERT_RESTS + timedelta(seconds=1))
    assert still() is True


# What is over


def test_a_refused_transfer_is_over_when_it_is_sent(house: House) -> None:
    paid(house)
    house.settle_down()
    change(house, "UPDATE discuno_transfer SET blocked_by = 'refused', retry_count = 3")
    begin(house)
    look(house)
    assert still_open(house) == ["transfer:1"]
    with house.app.app_context(), transaction() as unit:
        journey.transfer_made(unit.get_one(Transfer, 1), "tr_1", 5400)
    assert still_open(house) == []


ENDED: dict[str, tuple[AlertKind, str, str]] = {
    "transfer": (
        AlertKind.TRANSFER,
        "UPDATE discuno_transfer SET blocked_by = 'refused', retry_count = 3",
        "UPDATE discuno_transfer SET blocked_by = NULL",
    ),
    "payment": (
        AlertKind.PAYMENT,
        "UPDATE discuno_payment SET needs_attention = 'odd'",
        "UPDATE discuno_payment SET needs_attention = NULL",
    ),
    "not_ours": (
        AlertKind.PAYOUT,
        "UPDATE discuno_mentor_stripe_account SET is_ours = false",
        "UPDATE discuno_mentor_stripe_account SET is_ours = true",
    ),
    "not_manual": (
        AlertKind.PAYOUT,
        "UPDATE discuno_mentor_stripe_account SET manual_payouts_configured_at = NULL",
        "UPDATE discuno_mentor_stripe_account SET manual_payouts_configured_at = discuno_now()",
    ),
    "event": (
        AlertKind.WEBHOOK,
        "UPDATE discuno_webhook_event SET handled_at = NULL",
        "UPDATE discuno_webhook_event SET handled_at = discuno_now()",
    ),
    "letter": (
        AlertKind.EMAIL,
        "UPDATE discuno_email SET status = 'failed'",
        "UPDATE discuno_email SET status = 'sent'",
    ),
}


@pytest.fixture(scope="module")
def sold(built_house: House) -> House:
    """One session sold: there is one of everything."""
    built_house.begin_with(AMARA, OWEN)
    paid(built_house)
    built_house.settle_down()
    return built_house


@pytest.mark.parametrize("subject", ENDED)
def test_an_alert_ends_when_its_cause_is_gone_whoever_ended_it(sold: House, subject: str) -> None:
    kind, begins, ends = ENDED[subject]
    change(sold, begins)
    begin(sold, f"{subject}:1", kind)
    look(sold)
    assert still_open(sold) == [f"{subject}:1"]
    change(sold, ends)
    look(sold)
    assert still_open(sold) == []


def test_a_payment_that_does_not_match_is_told_again_only_when_it_is_something_else(sold: House) -> None:
    def odd(why: str) -> None:
        with sold.app.app_context(), transaction() as unit:
            journey.money.needs_a_person(unit.get_one(Payment, 1), why)

    for why in ("one", "one", "two"):
        odd(why)
    assert set(still_open(sold)) == {"payment:1:one", "payment:1:two"}
    change(sold, "UPDATE discuno_payment SET needs_attention = NULL")
    look(sold)
    assert still_open(sold) == []


# What time alone makes true


def test_a_case_is_told_of_once_our_word_is_due_and_over_when_it_is_decided(sold: House) -> None:
    change(
        sold,
        "INSERT INTO discuno_dispute (payment_id, kind, status, is_inquiry, reason, amount, currency, opened_at, "
        "answered_at) VALUES (1, 'report', 'open', false, 'other', 6000, 'usd', discuno_now(), discuno_now())",
    )
    look(sold)
    assert still_open(sold) == []
    sold.advance(policy.DECIDE_WITHIN + timedelta(minutes=1))
    look(sold)
    [cause] = still_open(sold)
    assert cause.startswith("past_due:")
    change(sold, "UPDATE discuno_dispute SET status = 'closed', closed_at = discuno_now()")
    look(sold)
    assert still_open(sold) == []


def test_a_cause_whose_row_is_gone_is_over(bare: House) -> None:
    begin(bare, "job:77", AlertKind.JOB)
    look(bare)
    assert still_open(bare) == []


def plant(house: House, **late: timedelta) -> None:
    """Every periodic task has its row; those named are late."""
    with house.app.app_context(), transaction() as unit:
        outbox.plant_periodic()
        unit.flush()
        for name, since in late.items():
            [row] = rows(sa.select(outbox.Job).where(outbox.Job.task == name))
            row.run_at = clock.now() - since


LATE = policy.CLOCK_IS_SILENT + timedelta(minutes=1)


def test_a_task_of_the_clock_that_does_not_come_is_told_and_over_when_it_has_come(bare: House) -> None:
    plant(bare, release_due=LATE)
    assert bare.app.test_client().get("/readyz").get_json()["clock"] is False
    look(bare)
    assert still_open(bare) == ["task:release_due"]
    change(bare, "UPDATE discuno_job SET run_at = discuno_now()")
    look(bare)
    assert still_open(bare) == []
    assert bare.app.test_client().get("/readyz").get_json()["clock"] is True


def test_when_the_whole_machine_stood_still_it_goes_on_without_a_flood(bare: House) -> None:
    with bare.app.app_context(), transaction():
        outbox.plant_periodic()
    bare.advance(timedelta(days=3))
    look(bare)
    assert still_open(bare) == []


# The page


def test_the_page_shows_what_is_open_and_who_dealt_with_what_was(bare: House) -> None:
    begin(bare, "transfer:1")
    begin(bare, "job:9", AlertKind.JOB)
    admin = staff(bare)
    page = admin.get("/admin/alerts").text
    assert "it is about transfer:1" in page
    assert "it is about job:9" in page
    assert "it is about job:9" not in admin.get("/admin/alerts?kind=transfer").text
    form = Holder(admin, "/admin/alerts/1")
    assert form.sends("", reason="").status_code == 422
    assert form.sends("", reason="Stripe was called.").status_code == 303
    assert form.sends("", reason="Twice.").status_code == 303
    assert "it is about transfer:1" not in admin.get("/admin/alerts").text
    ended = admin.get("/admin/alerts?state=ended").text
    assert f"Dealt with by {ADMIN}" in ended
    assert "Stripe was called." in admin.get("/admin/alerts/1").text


def test_support_reads_alerts_and_their_runbooks_and_deals_with_none(bare: House) -> None:
    begin(bare)
    support = staff(bare, SUPPORT)
    page = support.get("/admin/alerts/1").text
    assert "If that does not help" in page
    assert "Take it off the list" not in page
    assert Holder(support, "/admin/alerts/1").sends("", reason="I want to.").status_code == 403
    assert len(still_open(bare)) == 1


def test_the_list_costs_the_same_however_long_it_is(bare: House, asked: Callable[[], int]) -> None:
    admin = staff(bare)
    begin(bare, "transfer:0")
    before = asked()
    admin.get("/admin/alerts")
    few = asked() - before
    for number in range(1, 60):
        begin(bare, f"transfer:{number}")
    before = asked()
    page = admin.get("/admin/alerts").text
    assert asked() - before == few
    assert "Earlier ones" in page
    older = re.search(r'href="(/admin/alerts\?before=\d+)"', page)
    assert older is not None
    assert "it is about transfer:0" in admin.get(older[1]).text


@pytest.fixture
def asked(bare: House) -> Any:
    """How many statements the database was asked so far."""
    said: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    with bare.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield lambda: len(said)
    sa.event.remove(engine, "before_cursor_execute", note)


# Runbooks


@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_of_alert_has_a_runbook_that_says_what_to_do(kind: AlertKind) -> None:
    blocks = runbooks.read(kind)
    assert blocks[0].kind == "title"
    assert [block.parts[0] for block in blocks if block.kind == "heading"] == SECTIONS
    for at, block in enumerate(blocks):
        following = blocks[at + 1] if at + 1 < len(blocks) else None
        assert block.kind != "heading" or (following is not None and following.kind in ("point", "paragraph"))


def test_what_runbooks_name_is_there(built_house: House) -> None:
    app: Flask = built_house.app
    known = app.url_map.bind("127.0.0.1")
    for kind in AlertKind:
        typed = [part for block in runbooks.read(kind) for part in block.parts[1::2]]
        for words in typed:
            if words.startswith("/"):
                path = words.partition("?")[0].replace("<number>", "1")
                assert known.test(path, "GET"), f"{kind}: {words}"
            if words.startswith("flask "):
                name = words.removeprefix("flask --app wsgi ").split()[0]
                assert name in app.cli.commands, f"{kind}: {words}"
    assert {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")} == set(AlertKind)


def test_every_cause_that_ends_by_itself_can_be_asked_for(bare: House) -> None:
    with bare.app.app_context(), transaction() as unit:
        for standing in causes.STANDING.values():
            assert unit.execute(standing).scalars().all() == []
