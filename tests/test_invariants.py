"""Whatever breaks a promise is seen by the question that guards it, and a house in order has nothing to say."""

from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from discuno import journey
from discuno.admin.books import invariants
from discuno.kit.db import locked, transaction
from discuno.payments.models import Payment
from tests.factories import advance_to, all_of, change, paid, work_until_done
from tests.house import House

pytestmark = pytest.mark.story

DAY = timedelta(days=1)


def at_fault(house: House, quiet: timedelta | None = DAY) -> list[str]:
    with house.app.app_context():
        return sorted({str(violation) for violation in invariants.check(quiet=quiet)})


def names(found: list[str]) -> set[str]:
    return {each.split()[0] for each in found}


def let_the_share_go(house: House) -> None:
    ends = [p.dispute_period_ends for p in all_of(house, Payment)]
    advance_to(house, max(end for end in ends if end is not None))
    work_until_done(house, 2, timedelta(minutes=1))


@pytest.fixture
def sent(house: House) -> House:
    """One session sold, held, and its share transferred."""
    paid(house)
    house.settle_down()
    let_the_share_go(house)
    return house


def test_a_house_in_order_has_nothing_at_fault_at_any_step(house: House) -> None:
    assert at_fault(house) == []
    paid(house)
    assert at_fault(house) == []
    house.settle_down()
    assert at_fault(house) == []
    let_the_share_go(house)
    assert at_fault(house) == []
    with house.app.app_context(), transaction():
        journey.refund(locked(Payment, 1), amount=1000, reason="test", nonce="n")
    assert at_fault(house) == []
    house.settle_down()
    work_until_done(house, 3, DAY)
    assert at_fault(house) == []


COLUMNS = "kind, source, account, amount, currency, payment_id, mentor_id, posted_at"
POSTED = f"INSERT INTO discuno_ledger_entry ({COLUMNS}) SELECT {{}}, 'usd', 1, 1, discuno_now()"
BOOKS = [  # posted past the triggers, as no code of ours can
    ("I1", "UPDATE discuno_ledger_entry SET amount = amount - 1 WHERE kind = 'capture' AND account = 'held'"),
    ("I1", "DELETE FROM discuno_ledger_entry WHERE kind = 'capture'"),
    ("I1", "DELETE FROM discuno_ledger_entry WHERE kind = 'transfer'"),
    ("I1", "DELETE FROM discuno_ledger_entry WHERE kind = 'stripe_fee'"),
    ("I1", "UPDATE discuno_ledger_entry SET source = 'tr_other' WHERE kind = 'transfer'"),
    ("I1", POSTED.format("'debt_netted', 'x', 'debt', -1")),
    ("I1", POSTED.format("'dispute_withdrawn', 'txn_x', 'stripe', -6000")),
    ("I2", POSTED.format("'refund', 're_x', 'stripe', -6001")),
    ("I2", POSTED.format("'reversal', 'trr_x', 'connected', -5401")),
    ("I2", POSTED.format("'transfer', 'tr_x', 'connected', 1")),
    ("I2", POSTED.format("'write_off', 'x', 'held', 1")),
    ("I11", POSTED.format("'payout', 'po_x', 'connected', -5401")),
]
ROWS = [
    ("I1", "UPDATE discuno_payment SET status = 'PENDING', paid_at = NULL"),
    ("I1", "UPDATE discuno_transfer SET amount = 5399"),
    ("I3", "UPDATE discuno_transfer SET destination = 'acct_of_somebody_else'"),
    ("I4", "UPDATE discuno_payment SET dispute_period_ends = dispute_period_ends + interval '1 hour'"),
    (
        "I4",
        f"""{POSTED.format("'dispute_withdrawn', 'txn_x', 'stripe', -6000")}; INSERT INTO discuno_dispute
        (payment_id, kind, status, stripe_id, is_inquiry, reason, amount, currency, opened_at)
        SELECT 1, 'chargeback', 'open', 'du_x', false, '', 6000, 'usd', paid_at FROM discuno_payment""",  # noqa: S608
    ),
    ("I6", "UPDATE discuno_booking SET requires_payment = false"),
    ("I7", "UPDATE discuno_email SET status = 'sent', resend_id = NULL WHERE id = 1"),
    ("I7", "DELETE FROM discuno_email WHERE id = 1"),
    (
        "I8",
        "UPDATE discuno_webhook_event SET handled_at = NULL WHERE id = (SELECT max(id) FROM discuno_webhook_event)",
    ),
    ("I9", "UPDATE discuno_transfer SET status = 'scheduled'"),
    ("I9", "UPDATE discuno_payment SET status = 'SUCCEEDED'"),
    ("I9", "UPDATE discuno_booking SET status = 'released'"),
]


class Undo(Exception):
    """Ends a transaction whose harm was only tried."""


def harmed(house: House, harm: str) -> list[str]:
    """What would be at fault after this harm, done past triggers and constraints; it is undone."""
    found: list[str] = []
    with house.app.app_context(), suppress(Undo), transaction() as unit:
        unit.execute(sa.text("SET LOCAL session_replication_role = replica"))
        unit.execute(sa.text(harm))
        found = [str(v) for finding in invariants.ask(quiet=DAY) for v in finding.violations]
        raise Undo
    return found


def test_harm_to_money_that_was_sent_is_seen(sent: House) -> None:
    for name, harm in (*BOOKS, *ROWS):
        assert name in names(harmed(sent, harm)), harm
    assert at_fault(sent) == []


HELD = [
    ("I5", "UPDATE discuno_booking SET status = 'refused'"),
    (
        "I5",
        "INSERT INTO discuno_refund (payment_id, amount, currency, reason, status, nonce, epoch, unknown_count, "
        "next_try_at, created_at) SELECT 1, 6000, 'usd', 'booking_refused', 'requested', 'n', 1, 0, t, t "
        "FROM discuno_now() t",
    ),
    ("I6", "UPDATE discuno_payment SET status = 'FAILED'"),
    (
        "I6",
        "ALTER TABLE discuno_booking DROP CONSTRAINT ex_discuno_booking_one_hour_once; "
        "UPDATE discuno_booking SET mentor_id = 1, "
        "(during, keeps) = (SELECT during, keeps FROM discuno_booking WHERE id = 1)",
    ),
    ("I6", "UPDATE discuno_booking SET calcom_booking_uid = NULL"),
    (
        "I10",
        "UPDATE discuno_transfer SET status = 'sending', attempted_at = discuno_now() - interval '25 hours'",
    ),
    ("I10", "UPDATE discuno_transfer SET next_try_at = discuno_now() - interval '25 hours'"),
    (
        "I10",
        "DELETE FROM discuno_transfer; "
        "UPDATE discuno_payment SET dispute_period_ends = discuno_now() - interval '25 hours'",
    ),
    ("I10", "UPDATE discuno_job SET run_at = discuno_now() - interval '25 hours'"),
    ("I8", "UPDATE discuno_job SET dead_at = discuno_now(), task = 'handle_event'"),
]


def test_harm_to_sessions_that_wait_is_seen(house: House) -> None:
    for mentor in ("amara", "owen"):
        paid(house, mentor)
        house.settle_down()
    house.advance(timedelta(hours=1))
    assert at_fault(house) == []
    change(
        house,
        "INSERT INTO discuno_job (task, args, queue, run_at, created_at, attempts, again) "
        "SELECT 'x', '{}', 'mail', t + interval '1 day', t, 0, false FROM discuno_now() t",
    )
    for name, harm in HELD:
        assert name in names(harmed(house, harm)), harm
    assert at_fault(house) == []


def test_the_command_says_what_it_looked_at_and_names_the_rows_at_fault(sent: House) -> None:
    run = sent.app.test_cli_runner()
    good = run.invoke(args=["invariants"])
    assert good.exit_code == 0, good.output
    for check in invariants.CHECKS:
        assert f"{check.name:<4}ok" in good.output
    change(sent, "UPDATE discuno_transfer SET amount = 5399")
    bad = run.invoke(args=["invariants", "--since", "30d", "--quiet-since", "1h"])
    assert bad.exit_code == 1
    assert "I1 transfer 1: the books have 5400 for tr_" in bad.output
    assert "(+1 minor units)" in bad.output


def test_every_invariant_of_the_shared_sheet_has_its_question() -> None:
    asked = {check.name for check in invariants.CHECKS}
    assert asked == {f"I{n}" for n in range(1, 14)} - {"I12"}  # which `reconcile` asks; I13 is ours
