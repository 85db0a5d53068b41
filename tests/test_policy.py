"""The numbers and rules of the business, over everything that can be put into them."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from babel.numbers import list_currencies
from hypothesis import given
from hypothesis import strategies as st

from discuno import policy
from discuno.kit import money, outbox
from discuno.policy import ReasonsToWait, Terms

PRICES = st.integers(min_value=0, max_value=10**12)
FEES = st.integers(min_value=0, max_value=10_000)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NOTHING_AGAINST = ReasonsToWait(
    dispute_period_over=True,
    payment_succeeded=True,
    dispute_requested=False,
    refund_open_or_made=False,
    mentor_suspended=False,
    account_can_receive=True,
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


@given(refusals=st.integers(-3, 10_000))
def test_waits_between_tries_grow_and_stay_within_bounds(refusals: int) -> None:
    wait = policy.transfer_backoff(refusals)
    assert timedelta(minutes=5) <= wait <= policy.transfer_backoff(refusals + 1) <= timedelta(hours=12)
    delay = outbox.retry_delay(refusals)
    assert outbox.FIRST_RETRY <= delay <= outbox.retry_delay(refusals + 1) <= outbox.LONGEST_RETRY


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, None),
        ({"dispute_period_over": False, "dispute_requested": True}, "dispute_period"),
        ({"payment_succeeded": False}, "not_paid"),
        ({"dispute_requested": True}, "dispute"),
        ({"refund_open_or_made": True}, "refund"),
        ({"mentor_suspended": True}, "mentor_suspended"),
        ({"account_can_receive": False}, "account"),
    ],
)
def test_any_one_reason_stops_a_transfer(change: dict[str, bool], word: str | None) -> None:
    assert ReasonsToWait(**{**vars(NOTHING_AGAINST), **change}).first() == word


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
    ],
)
def test_amounts_that_people_will_see(amount: int, currency: str, words: str) -> None:
    assert money.in_words(amount, currency).replace("\xa0", " ") == words


def test_the_times_of_a_checkout_fit_into_each_other() -> None:
    stripes_shortest = timedelta(minutes=30)
    assert stripes_shortest < policy.CHECKOUT_LIFE
    assert policy.CHECKOUT_LIFE + policy.HOLD_BEYOND_CHECKOUT <= policy.CALENDAR_RESERVATION
    assert timedelta(hours=24) > policy.LOOK_UP_AFTER  # Stripe forgets keys then
