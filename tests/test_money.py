"""An amount that somebody typed becomes minor units, or a sentence that says how to type it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discuno.kit import money


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("60", "usd", 6000),
        ("60.5", "usd", 6050),
        (" 60.05 ", "usd", 6005),
        ("0.01", "usd", 1),
        ("0", "usd", 0),
        ("$60.00", "usd", 6000),
        ("$ 60", "USD", 6000),
        ("60 usd", "usd", 6000),
        ("USD 1,250.50", "usd", 125_050),
        ("1,234,567", "usd", 123_456_700),
        ("60.000", "usd", 6000),
        ("€40", "eur", 4000),
        ("6,000", "jpy", 6000),
        ("¥6000", "jpy", 6000),
        ("6000.00", "jpy", 6000),
        ("1.234", "kwd", 1234),
    ],
)
def test_an_amount_is_read_as_people_write_it(text: str, currency: str, amount: int) -> None:
    assert money.parse(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency", "words"),
    [
        ("", "usd", "Type an amount."),
        ("$", "usd", "Type an amount."),
        ("abc", "usd", "Type the amount in USD as a number, such as 1250.50."),
        ("12,50", "eur", "Type the amount in EUR as a number, such as 1250.50."),
        ("1.250,00", "eur", "Type the amount in EUR as a number, such as 1250.50."),
        ("1,25,000", "usd", "Type the amount in USD as a number, such as 1250.50."),
        ("-5", "usd", "Type the amount in USD as a number, such as 1250.50."),
        ("+5", "usd", "Type the amount in USD as a number, such as 1250.50."),
        ("1e3", "usd", "Type the amount in USD as a number, such as 1250.50."),
        ("NaN", "usd", "Type the amount in USD as a number, such as 1250.50."),
        ("٦٠", "usd", "Type the amount in USD as a number, such as 1250.50."),
        ("€60", "usd", "Type the amount in USD as a number, such as 1250.50."),
        ("9" * 40, "usd", "Type the amount in USD as a number, such as 1250.50."),
        ("60,", "jpy", "Type the amount in JPY as a number, such as 1250."),
        ("60.005", "usd", "An amount in USD has at most 2 digits after the point."),
        ("60.5", "jpy", "An amount in JPY has no digits after the point."),
    ],
)
def test_what_is_no_amount_is_answered_with_a_sentence(text: str, currency: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        money.parse(text, currency)


@given(st.integers(0, 10**9 - 1), st.sampled_from(["usd", "jpy", "kwd"]))
def test_what_a_field_shows_is_read_back_as_the_same_amount(amount: int, currency: str) -> None:
    assert money.parse(money.typed(amount, currency), currency) == amount
