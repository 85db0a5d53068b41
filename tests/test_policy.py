"""The numbers and rules of the business, over everything that can be put into them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

import pytest
from babel.numbers import list_currencies
from hypothesis import given
from hypothesis import strategies as st

from discuno import policy
from discuno.kit import money, outbox, outgoing
from discuno.policy import OBJECTIONS, Reason, RefundAnswer, Standing, Terms

PRICES = st.integers(min_value=0, max_value=10**12)
FEES = st.integers(min_value=0, max_value=10_000)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NOTHING_AGAINST = Standing(
    dispute_period_over=True,
    paid=True,
    objection=None,
    refund_open=False,
    held=1,
    mentor_suspended=False,
    account_can_receive=True,
    same_currency=True,
)


@given(price=PRICES, fee_bps=FEES)
def test_the_parts_of_a_price_always_add_up_and_the_fee_is_rounded_half_up(price: int, fee_bps: int) -> None:
    share = policy.split(price, fee_bps)
    exact = Decimal(price) * fee_bps / 10_000
    assert share.platform_fee == int(exact.to_integral_value(ROUND_HALF_UP))
    assert share.platform_fee + share.mentor_amount == share.amount == price
    assert min(share.platform_fee, share.mentor_amount) >= 0


@pytest.mark.parametrize(("price", "fee"), [(0, 0), (1, 0), (4, 0), (5, 1), (14, 1), (15, 2), (6000, 600)])
def test_ten_percent_of_small_prices(price: int, fee: int) -> None:
    assert policy.split(price, 1000).platform_fee == fee


@pytest.mark.parametrize(("price", "fee_bps"), [(-1, 1000), (100, -1), (100, 10_001)])
def test_a_senseless_price_or_fee_is_refused(price: int, fee_bps: int) -> None:
    with pytest.raises(ValueError, match="price"):
        policy.split(price, fee_bps)


@given(paid=MOMENTS, end=MOMENTS, hours=st.integers(0, 24 * 90))
def test_the_dispute_period_counts_from_the_session_or_by_the_other_reading_from_the_payment(
    paid: datetime, end: datetime, hours: int
) -> None:
    period = timedelta(hours=hours)
    by_session = policy.dispute_period_ends(paid, end, Terms(dispute_period=period))
    by_payment = policy.dispute_period_ends(paid, end, Terms(dispute_period=period, hold_starts_at="payment"))
    assert by_payment == paid + period <= by_session
    assert by_session in (paid + period, end + period)
    assert by_session >= end + period


def test_the_sentences_an_attendee_reads_are_those_of_the_terms_in_force() -> None:
    plain, other = (
        " ".join(policy.policy_sentences(terms))
        for terms in (Terms(), Terms(dispute_period=timedelta(hours=48), hold_starts_at="payment"))
    )
    assert "72 hours after the session" in plain
    assert "48 hours after you pay" in other


@given(refusals=st.integers(-3, 10_000), jitter=st.floats(0, 1))
def test_waits_between_tries_grow_and_stay_within_bounds(refusals: int, jitter: float) -> None:
    shortest, wait = policy.transfer_backoff(refusals, 0), policy.transfer_backoff(refusals, jitter)
    assert timedelta(minutes=5) <= shortest <= wait <= shortest * 1.2
    assert wait < policy.transfer_backoff(max(refusals, 1) + 1, 0) or refusals >= 5
    delay = outbox.retry_delay(refusals)
    assert outbox.FIRST_RETRY <= delay <= outbox.retry_delay(refusals + 1) <= outbox.LONGEST_RETRY


STANDS = [
    ({}, None),
    ({"dispute_period_over": False}, Reason.DISPUTE_PERIOD),
    ({"paid": False}, Reason.NOT_PAID),
    *(({"objection": objection}, objection) for objection in OBJECTIONS),
    ({"refund_open": True}, Reason.REFUND),
    ({"held": 0}, Reason.NOTHING_LEFT),
    ({"mentor_suspended": True}, Reason.SUSPENDED),
    ({"account_can_receive": False}, Reason.ACCOUNT),
    ({"same_currency": False}, Reason.OTHER_CURRENCY),
    ({"dispute_period_over": False, "objection": Reason.REPORT}, Reason.REPORT),  # who objects is named first
    ({"held": 0, "objection": Reason.CHARGEBACK}, Reason.CHARGEBACK),
]


@pytest.mark.parametrize(("change", "reason"), STANDS, ids=str)
def test_any_one_reason_stops_a_transfer(change: dict[str, Any], reason: Reason | None) -> None:
    assert replace(NOTHING_AGAINST, **change).reason_to_wait() == reason


def test_every_reason_to_wait_has_words_and_a_bank_is_heard_before_an_admin() -> None:
    assert all(reason.words.endswith(".") for reason in Reason)
    assert policy.objection(["review", "chargeback"], on_hold=True, needs_attention=True) == "chargeback"
    assert policy.objection([], on_hold=True, needs_attention=True) == Reason.ON_HOLD
    assert policy.objection([], on_hold=False, needs_attention=True) == Reason.ATTENTION
    assert policy.objection([], on_hold=False, needs_attention=False) is None


A = RefundAnswer
REFUNDS = {  # whether it is paid, a real dispute is open, and how the amount compares with what is left (of 6000)
    (False, False, "all"): (A.NOTHING_PAID,) * 3,
    (False, True, "all"): (A.NOTHING_PAID,) * 3,
    (True, False, "nothing"): (A.NOT_AN_AMOUNT,) * 3,
    (True, False, "negative"): (A.NOT_AN_AMOUNT,) * 3,
    (True, True, "part"): (A.DISPUTED,) * 3,
    (True, True, "all"): (A.DISPUTED,) * 3,
    (True, True, "more"): (A.DISPUTED,) * 3,
    (True, False, "part"): (A.NOW, A.AFTER_TRANSFER, A.AFTER_REVERSAL),
    (True, False, "all"): (A.NOW, A.AFTER_TRANSFER, A.AFTER_REVERSAL),
    (True, False, "more"): (A.TOO_MUCH,) * 3,
}
AMOUNTS = {"nothing": 0, "negative": -1, "part": 1, "all": 6000, "more": 6001}
TRANSFERS = ("none", "sending", "sent")
CELLS = [(row, transfer, REFUNDS[row][n]) for row in REFUNDS for n, transfer in enumerate(TRANSFERS)]


@pytest.mark.parametrize(("row", "transfer", "answer"), CELLS, ids=str)
def test_each_cell_of_the_refund_table(
    row: tuple[bool, bool, str], transfer: Literal["none", "sending", "sent"], answer: RefundAnswer
) -> None:
    paid, real_dispute, amount = row
    said = policy.refund_answer(
        paid=paid, amount=AMOUNTS[amount], left=6000, real_dispute=real_dispute, transfer=transfer
    )
    assert said == answer
    assert said.goes == (said not in policy.REFUND_REFUSED)


@given(amount=st.integers(0, 10**12), currency=st.sampled_from(sorted(list_currencies())))
def test_an_amount_in_words_keeps_every_digit_in_every_currency(amount: int, currency: str) -> None:
    words = money.in_words(amount, currency.lower())
    _, point, behind = words.rpartition(".") if money.minor_digits(currency) else (words, "", "")
    assert int("".join(c for c in words if c.isdecimal())) == amount
    assert len(behind) == money.minor_digits(currency) == (len(behind) if point else 0)


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (6000, "usd", "$60.00"),
        (6000, "jpy", "¥6,000"),
        (6000, "kwd", "KWD 6.000"),
        (600000, "isk", "ISK 6,000.00"),  # Stripe counts it in hundredths, whatever CLDR says
        (5, "gbp", "£0.05"),
        (-5, "gbp", "−£0.05"),
    ],
)
def test_amounts_that_people_will_see(amount: int, currency: str, words: str) -> None:
    assert money.in_words(amount, currency).replace("\xa0", " ") == words


def test_the_times_of_a_checkout_fit_into_each_other() -> None:
    stripes_shortest = timedelta(minutes=30)
    assert stripes_shortest < policy.CHECKOUT_LIFE
    assert policy.CHECKOUT_LIFE + policy.HOLD_BEYOND_CHECKOUT <= policy.CALENDAR_RESERVATION
    assert timedelta(hours=24) > outgoing.KEY_IS_OLD  # Stripe forgets keys then
    assert timedelta(seconds=60) <= outgoing.SETTLE
