"""From a mentor's Stripe account to their bank: once, only what may go, and again when a bank sends it back."""

import threading
from datetime import timedelta

import pytest

from discuno.kit import failpoints
from discuno.payments.models import Account, Payment
from discuno.payouts import bank_jobs, banking
from discuno.payouts.models import Payout
from tests.factories import all_of, change, subjects, the, work_until_done
from tests.house import House
from tests.mentors import AMARAS, account_of, do, has, in_books, look, paid_out, share_arrives, sweep

pytestmark = pytest.mark.story

PAYOUT = "POST /stripe/v1/payouts$"
HOUR, DAY = timedelta(hours=1, seconds=1), timedelta(days=1, seconds=1)


@pytest.fixture
def transferred(house: House) -> House:
    share_arrives(house)
    return house


def no_webhook_helps(house: House) -> None:
    for channel in ("stripe", "stripe_connect"):
        house.control("POST", f"weather/{channel}", {"lose": -1})


# By itself


def test_what_was_transferred_goes_to_the_bank_by_itself(house: House) -> None:
    share_arrives(house, mode="automatic")
    [made] = house.stripe("payout")
    payout = the(house, Payout)
    assert (made["amount"], made["currency"], made["metadata"]) == (
        5400,
        "usd",
        {"payout_id": str(payout.id)},
    )
    assert (payout.status, payout.origin, payout.stripe_payout_id) == ("pending", "automatic", made["id"])
    assert (in_books(house, Account.CONNECTED), in_books(house, Account.BANK)) == (0, 5400)
    work_until_done(house, 4, DAY)
    assert the(house, Payout).status == "paid"
    assert paid_out(house) == [(5400, "usd")]
    assert "payout" not in " ".join(subjects(house, AMARAS)).lower()


def test_each_currency_and_each_account_is_paid_out_for_itself(house: House) -> None:
    has(house, 5400)
    has(house, 900, "eur")
    has(house, 6300, "gbp", "owen")
    look(house)
    look(house, "owen")
    found = [(p.account.mentor.username, p.amount, p.currency, p.status) for p in all_of(house, Payout)]
    assert sorted(found) == [
        ("amara", 900, "eur", "pending"),
        ("amara", 5400, "usd", "pending"),
        ("owen", 6300, "gbp", "pending"),
    ]


@pytest.mark.parametrize(
    ("action", "later"),
    [
        ("drop_after", timedelta(seconds=6)),
        ("drop_after", timedelta(hours=25)),
        ("error_after", timedelta(seconds=70)),
        ("drop_before", timedelta(hours=25)),
        pytest.param("drop_before", timedelta(seconds=6), marks=pytest.mark.story),
        pytest.param("lock_timeout", timedelta(seconds=6), marks=pytest.mark.story),
    ],
    ids=str,
)
def test_a_payout_whose_answer_was_lost_is_made_once(house: House, action: str, later: timedelta) -> None:
    has(house, 5400)
    house.fault(PAYOUT, action, times=2)
    no_webhook_helps(house)
    look(house)
    assert the(house, Payout).status == "requested"
    work_until_done(house, 2, later)
    assert paid_out(house) == [(5400, "usd")]
    sweep(house)
    [payout] = [p for p in all_of(house, Payout) if p.status != "canceled"]
    assert payout.stripe_payout_id == house.stripe("payout")[0]["id"]
    assert in_books(house, Account.BANK) == 5400


class Killed(BaseException):
    """The process is gone; nothing of it runs on."""


def live_until(house: House, dies_at: int) -> list[str]:
    """A worker's life with money to pay out, ended at the so-manieth point of it; the points it has passed."""
    passed: list[str] = []

    def pass_by(point: str) -> None:
        if threading.current_thread() is threading.main_thread():
            passed.append(point)
            if len(passed) == dies_at:
                raise Killed(point)

    failpoints.arm(pass_by)
    try:
        do(house, bank_jobs.balance_available, account_of(house).stripe_account_id)
        house.work()
    except Killed:
        assert len(passed) == dies_at
    finally:
        failpoints.arm(None)
    return passed


def test_a_payout_survives_death_at_every_point_of_its_way_and_is_made_once(house: House) -> None:
    no_webhook_helps(house)
    has(house, 100)
    points = live_until(house, 0)
    assert any("edges" in point or "stripe" in point for point in points)
    for dies_at in range(1, len(points) + 1):
        has(house, 100 + dies_at)
        [*_, last] = live_until(house, dies_at)
        look(house)
        work_until_done(house, 2, timedelta(minutes=2))
        assert paid_out(house) == [(100 + n, "usd") for n in range(dies_at + 1)], last
        payouts = all_of(house, Payout)
        assert [p.stripe_payout_id is not None for p in payouts] == [True] * (dies_at + 1), last
    assert in_books(house, Account.BANK) == sum(amount for amount, _ in paid_out(house))


def test_asking_many_times_pays_out_once(house: House) -> None:
    has(house, 5400)
    for _ in range(3):
        look(house)
        do(house, bank_jobs.pay_out, account_of(house).id)
    [payout] = house.stripe("payout")
    for _ in range(2):
        do(house, bank_jobs.send_payout, the(house, Payout).id)
        do(house, bank_jobs.follow_payout, account_of(house).stripe_account_id, payout["id"])
    assert paid_out(house) == [(5400, "usd")]
    assert in_books(house, Account.BANK) == 5400


def test_an_intention_that_grew_old_is_measured_again(house: House) -> None:
    has(house, 5400)
    do(house, bank_jobs.pay_out, account_of(house).id)
    has(house, -5000)  # a reversal has taken it
    house.advance(timedelta(minutes=6))
    house.settle_down()
    assert [(p.amount, str(p.status)) for p in all_of(house, Payout)] == [
        (5400, "canceled"),
        (400, "pending"),
    ]


def test_a_balance_that_shrank_meanwhile_is_measured_again(house: House) -> None:
    has(house, 5400)
    do(house, bank_jobs.pay_out, account_of(house).id)
    has(house, -5000)
    house.settle_down()
    assert the(house, Payout).failure_code == "balance_insufficient"
    work_until_done(house, 1, timedelta(minutes=6))
    assert paid_out(house) == [(400, "usd")]
    assert subjects(house, AMARAS) == ["On its way to your bank: $4.00"]


def test_without_any_webhook_a_payout_is_followed_to_its_end(transferred: House) -> None:
    no_webhook_helps(transferred)
    sweep(transferred)
    assert the(transferred, Payout).status == "pending"
    work_until_done(transferred, 1, 4 * DAY)
    assert the(transferred, Payout).status == "paid"


# What must not go


def test_what_somebody_objects_to_stays_in_the_account_until_it_is_settled(transferred: House) -> None:
    charge = the(transferred, Payment).stripe_charge_id
    dispute = transferred.control("POST", f"stripe/charges/{charge}/dispute", {"inquiry": True})
    transferred.settle_down()
    has(transferred, 100)
    sweep(transferred)
    assert paid_out(transferred) == [(100, "usd")]
    transferred.control("POST", f"stripe/disputes/{dispute['id']}", {"status": "warning_closed"})
    transferred.settle_down()
    sweep(transferred)
    assert paid_out(transferred) == [(100, "usd"), (5400, "usd")]


def test_what_is_being_asked_back_stays_in_the_account(transferred: House) -> None:
    change(
        transferred,
        "INSERT INTO discuno_transfer_reversal (transfer_id, about, amount, status, epoch, unknown_count, "
        "next_try_at, created_at) VALUES (1, 'refund:1', 2000, 'requested', 1, 0, now(), now())",
    )
    sweep(transferred)
    assert paid_out(transferred) == [(3400, "usd")]


SUSPEND = "UPDATE discuno_mentor SET suspended_at = now(), suspended_reason = 'test'"
NOT_OURS = "UPDATE discuno_mentor_stripe_account SET is_ours = false"
DISABLED = "UPDATE discuno_mentor_stripe_account SET payouts_enabled = false"


@pytest.mark.parametrize(
    ("stop", "reason"), [(SUSPEND, "suspended"), (NOT_OURS, "not_ours"), (DISABLED, "payouts_disabled")]
)
def test_each_reason_to_wait_keeps_the_money_and_has_words(house: House, stop: str, reason: str) -> None:
    has(house, 5400)
    change(house, stop)
    look(house)
    assert paid_out(house) == []
    waits = house.read(lambda: banking.reason_to_wait(account_of(house)))
    assert waits == reason
    assert banking.in_words(reason).endswith(".")
    need = "Stripe needs something from you before it can pay your bank"
    assert subjects(house, AMARAS) == ([need] if reason == "payouts_disabled" else [])
