"""What is not ours is named to the cent, told once, and stays named until somebody has explained it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from discuno.accounts.models import AuditEntry
from discuno.admin.books import reconcile as walks
from discuno.admin.models import Drift
from discuno.payments.models import Payment
from discuno.payouts.models import Transfer
from tests.comparing import (
    NO_DRIFT,
    at_fault_at_stripe,
    drift,
    in_order,
    lever,
    reconcile,
    release,
    sold,
)
from tests.factories import (
    ADMIN,
    all_of,
    change,
    paid,
    subjects,
    the,
    work_until_done,
)
from tests.house import House

pytestmark = pytest.mark.story


@pytest.fixture
def held(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """One session is sold and its money held; no webhook arrives any more."""
    return sold(house, monkeypatch)


@pytest.fixture
def sent(held: House) -> House:
    """And its share was transferred."""
    release(held)
    return held


def test_a_transfer_made_by_hand_for_a_payment_of_ours_stops_its_release_and_is_named(held: House) -> None:
    payment = the(held, Payment)
    there = held.stripe("account")[0]["id"]
    told = {"destination": there, "amount": 5400, "source_transaction": payment.stripe_charge_id}
    lever(held, "transfers", **told, transfer_group=payment.transfer_group)
    code, said = reconcile(held)
    assert code == 1, said
    assert drift(held) == {("unknown_transfer", -5400), ("account_balance", 5400)}
    assert at_fault_at_stripe(held) == {("I3", 5400), ("I11", 5400)}
    release(held)
    assert len(held.stripe("transfer")) == 1
    assert the(held, Transfer).blocked_by == "attention"


def test_what_is_not_ours_is_named_to_the_cent_and_told_once(held: House) -> None:
    lever(held, "balance", amount=777)
    lever(held, "balance", amount=-50)
    for _ in range(2):
        code, said = reconcile(held)
        assert code == 1
        assert drift(held) == {("movement", 777), ("movement", -50)}, said
        assert "adjustment" in said
    held.settle_down()
    assert subjects(held, ADMIN) == ["2 differences between our books and Stripe's"]
    [letter] = held.letters(ADMIN)
    assert "$7.77" in letter["text"]
    assert "−$0.50" in letter["text"]


def test_what_a_person_has_accepted_is_counted_and_not_named_again(held: House) -> None:
    lever(held, "balance", amount=-500)
    reconcile(held)
    found = the(held, Drift)
    assert reconcile(held, "--accept", str(found.id))[0] != 0  # nobody accepts anything without a reason
    code, said = reconcile(held, "--accept", str(found.id), "--reason", "paid out to our own bank")
    assert (code, said.splitlines()[-1]) == (0, NO_DRIFT)
    acts = [(a.actor, a.about) for a in all_of(held, AuditEntry) if a.actor != "house"]
    assert acts == [("operator", f"drift:{found.id}")]
    assert reconcile(held)[0] == 0


def test_books_that_were_changed_differ_by_that_much_and_are_told_when_they_no_longer_do(held: House) -> None:
    harm = (
        "SET LOCAL session_replication_role = replica; UPDATE discuno_ledger_entry SET amount = amount + {} "
    )
    where = "WHERE kind = 'capture' AND account = 'stripe'"
    change(held, harm.format(7) + where)
    code, said = reconcile(held)
    assert (code, drift(held)) == (1, {("wrong_amount", -7)}), said
    assert "DRIFT 1: wrong_amount txn_" in said
    change(held, harm.format(-7) + where)
    assert reconcile(held)[0] == 0
    assert the(held, Drift).resolved_at is not None


def test_a_movement_from_before_the_window_shows_as_a_balance_that_nothing_explains(held: House) -> None:
    lever(held, "balance", amount=777)
    held.advance(timedelta(days=2))
    assert reconcile(held, "--since", "1d")[0] == 1
    assert drift(held) == {("platform_balance", 777)}
    assert reconcile(held, "--since", "3d")[0] == 1
    assert drift(held) == {("movement", 777)}


def test_an_account_that_does_not_answer_is_named(sent: House) -> None:
    lever(sent, f"accounts/{the(sent, Transfer).destination}/close", quiet=True)
    code, said = reconcile(sent)
    assert (code, drift(sent)) == (1, {("account_unreachable", None)}), said
    assert "$54.00" in said


def test_the_invariants_can_ask_stripe_as_well(sent: House) -> None:
    run = sent.app.test_cli_runner()
    good = run.invoke(args=["invariants", "--stripe"])
    assert good.exit_code == 0, good.output
    assert good.output.count("At Stripe too") == 2
    lever(sent, "balance", amount=3)
    lever(sent, f"transfers/{sent.stripe('transfer')[0]['id']}/reverse", amount=400)
    bad = run.invoke(args=["invariants", "--stripe"])
    assert bad.exit_code == 1
    assert at_fault_at_stripe(sent) == {("I3", 0), ("I11", 403), ("I11", -400)}
    assert all_of(sent, Drift) == []  # asking writes nothing


def test_two_runs_beside_live_work_call_nothing_a_difference_that_is_only_on_its_way(house: House) -> None:
    over, seen = threading.Event(), []

    def go_on_comparing() -> None:
        with house.app.app_context():
            while not over.is_set():
                list(walks.run(timedelta(days=20)))
                seen.append(walks.open_drift())

    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(go_on_comparing) for _ in range(2)]
        for number in range(6):
            paid(house)
            if number % 2:
                house.settle_down()
            else:
                lever(house, f"charges/{house.stripe('charge')[-1]['id']}/refund", amount=500)
        work_until_done(house, 2, timedelta(days=6))
        over.set()
        assert [run.result() for run in runs] == [None, None]
    assert len(seen) > 2
    assert not any(seen)
    assert len(house.stripe("transfer")) == 6
    in_order(house)
