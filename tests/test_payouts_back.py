"""Payouts that are refused, come back, or are asked for; and money that lies too long."""

from datetime import timedelta
from typing import Any

import pytest
import stripe as sdk

from discuno.kit import clock
from discuno.kit.errors import DomainError
from discuno.mentors.models import Mentor
from discuno.payments.models import Account, Payment
from discuno.payouts import bank_jobs, banking, onboarding
from discuno.payouts.models import Payout
from tests.factories import ADMIN, advance_to, all_of, change, subjects, the
from tests.house import House
from tests.mentors import (
    AMARAS,
    account_of,
    change_at_stripe,
    do,
    end_payout,
    has,
    in_books,
    look,
    paid_out,
    refusal,
    share_arrives,
    sweep,
)

pytestmark = pytest.mark.story

PAYOUT = "POST /stripe/v1/payouts$"
HOUR, DAY = timedelta(hours=1, seconds=1), timedelta(days=1, seconds=1)
SUSPEND = "UPDATE discuno_mentor SET suspended_at = now(), suspended_reason = 'test'"


@pytest.fixture
def transferred(house: House) -> House:
    share_arrives(house)
    return house


@pytest.fixture
def on_request(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Mentors decide when they are paid out."""
    monkeypatch.setattr(house.app.extensions["settings"], "payout_mode", "on_request")
    return house


# Refused, failed, sent back


@pytest.mark.parametrize(
    ("code", "to_mentor", "to_admin"),
    [("payouts_not_allowed", 1, 0), ("something_new", 0, 1), ("amount_too_small", 0, 0)],
)
def test_a_refused_payout_rests_for_a_day_and_the_right_one_is_told(
    house: House, code: str, to_mentor: int, to_admin: int
) -> None:
    has(house, 5400)
    house.fault(PAYOUT, times=1, **refusal(code))
    look(house)
    look(house)
    payout = the(house, Payout)
    assert (payout.status, payout.failure_code, account_of(house).payouts_blocked_by) == (
        "canceled",
        code,
        code,
    )
    assert (len(subjects(house, AMARAS)), len(subjects(house, ADMIN))) == (to_mentor, to_admin)
    house.advance(DAY)
    look(house)
    assert paid_out(house) == [(5400, "usd")]


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([], id="on its way", marks=pytest.mark.story),
        pytest.param(["paid"], id="after it was paid"),
    ],
)
def test_a_payout_that_comes_back_waits_for_the_bank_to_be_put_right_and_goes_again(
    transferred: House, before: list[str]
) -> None:
    sweep(transferred)
    for status in before:
        end_payout(transferred, status)
        assert the(transferred, Payout).status == status
    end_payout(transferred, "failed", failure_code="account_closed")
    payout = the(transferred, Payout)
    assert (payout.status, payout.failure_code) == ("failed", "account_closed")
    assert (in_books(transferred, Account.CONNECTED), in_books(transferred, Account.BANK)) == (5400, 0)
    assert subjects(transferred, AMARAS).count("Your bank did not take $54.00") == 1
    assert subjects(transferred, ADMIN).count("A payout came back: Amara Okafor, $54.00") == 1
    for _ in range(2):
        transferred.advance(HOUR)
        sweep(transferred)
    assert len(paid_out(transferred)) == 1
    stripe_id = account_of(transferred).stripe_account_id
    transferred.control("POST", f"stripe/accounts/{stripe_id}/bank")
    transferred.settle_down()
    assert paid_out(transferred) == [(5400, "usd"), (5400, "usd")]
    assert (in_books(transferred, Account.CONNECTED), in_books(transferred, Account.BANK)) == (0, 5400)


def test_hearing_of_a_failure_again_shortens_no_rest(house: House) -> None:
    has(house, 5400)
    look(house)
    end_payout(house, "failed")
    change_at_stripe(house, payouts_enabled=True)  # Stripe stops the bank account, not always the payouts
    change(house, "UPDATE discuno_mentor_stripe_account SET payouts_enabled = true")
    payout = the(house, Payout)
    do(house, bank_jobs.follow_payout, payout.account.stripe_account_id, payout.stripe_payout_id)
    for hours, made in ((0, 1), (23, 1), (2, 2)):
        house.advance(timedelta(hours=hours))
        look(house)
        assert len(paid_out(house)) == made


def test_a_payout_cancelled_at_stripe_leaves_the_money_in_the_account(house: House) -> None:
    has(house, 5400)
    look(house)
    end_payout(house, "canceled")
    assert the(house, Payout).status == "canceled"
    assert in_books(house, Account.BANK) == 0


def test_a_payout_that_stripe_made_without_us_is_in_the_books_and_an_admin_hears_of_it(house: House) -> None:
    has(house, 5400)
    settings = house.app.extensions["settings"]
    client = sdk.StripeClient(
        settings.stripe_secret_key.get_secret_value(), base_addresses={"api": settings.stripe_api_base}
    )
    where = account_of(house).stripe_account_id
    client.v1.payouts.create({"amount": 1200, "currency": "usd"}, {"stripe_account": where})
    house.settle_down()
    payout = the(house, Payout)
    assert (payout.origin, payout.amount, payout.status) == ("stripe", 1200, "pending")
    assert in_books(house, Account.BANK) == 1200
    assert subjects(house, ADMIN) == ["A payout was made without us: Amara Okafor, $12.00"]


def test_nobodys_account_is_a_lookup_error(house: House) -> None:
    with pytest.raises(LookupError):
        do(house, bank_jobs.balance_available, "acct_nobody")
    with pytest.raises(LookupError):
        do(house, bank_jobs.follow_payout, "acct_nobody", "po_1")


# When the mentor asks


def ask(house: House, nonce: str, **more: Any) -> list[int]:
    amara = next(m for m in all_of(house, Mentor) if m.username == "amara")
    found: list[int] = do(house, bank_jobs.request_payout, amara.id, nonce, **more)
    house.settle_down()
    return found


def test_on_request_nothing_leaves_by_itself_and_one_wish_is_one_payout(on_request: House) -> None:
    has(on_request, 5400)
    look(on_request)
    sweep(on_request)
    do(on_request, bank_jobs.pay_out, account_of(on_request).id)
    assert paid_out(on_request) == []
    first = ask(on_request, "a click", amount=2000)
    assert ask(on_request, "a click", amount=2000) == first
    assert paid_out(on_request) == [(2000, "usd")]
    ask(on_request, "another click")
    assert paid_out(on_request) == [(2000, "usd"), (3400, "usd")]
    assert [p.origin for p in all_of(on_request, Payout)] == ["mentor", "mentor"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"amount": 5401, "currency": "usd"}, r"You can have at most \$54.00 paid out now."),
        ({"amount": 0, "currency": "usd"}, r"Please give an amount above zero."),
        ({"amount": 10}, "Please say in which currency."),
        ({"currency": "gbp"}, "There is nothing that could be paid out right now."),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(
    on_request: House, more: dict[str, Any], words: str
) -> None:
    has(on_request, 5400)
    has(on_request, 900, "eur")
    with pytest.raises(DomainError, match=words):
        ask(on_request, "a click", **more)
    change(on_request, SUSPEND)
    with pytest.raises(DomainError, match="suspended"):
        ask(on_request, "a click")
    assert all_of(on_request, Payout) == []


# Nothing stranded


def test_money_that_lies_long_is_told_to_an_admin_once_a_month_well_before_stripes_limit(
    transferred: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transferred.app.extensions["settings"], "payout_mode", "on_request")
    change_at_stripe(transferred, _identity={"country": "th", "entity_type": "individual"})
    told = "Money has been waiting long in the Stripe account of Amara Okafor"
    with transferred.app.app_context():
        began = clock.now()
    months = set()
    for days in (6, 7, 8, 9):
        advance_to(transferred, began + timedelta(days=days))
        change(transferred, "UPDATE discuno_mentor_stripe_account SET refreshed_at = NULL")
        do(transferred, onboarding.look_at_accounts)
        transferred.settle_down()
        if days > 6:  # two thirds of Thailand's ten days are over
            months.add(f"{began + timedelta(days=days):%Y-%m}")
        assert subjects(transferred, ADMIN).count(told) == len(months)


def test_what_is_left_is_what_came_last(transferred: House) -> None:
    first = the(transferred, Payment).dispute_period_ends
    [lying] = transferred.read(lambda: banking.lying(account_of(transferred)))
    assert (lying.amount, lying.currency) == (5400, "usd")
    assert first is not None
    assert lying.since >= first
    sweep(transferred)
    assert transferred.read(lambda: banking.lying(account_of(transferred))) == []
