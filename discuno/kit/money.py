"""Amounts in words. Money is an integer count of minor units and a lower-case ISO currency."""

from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision

LOCALE = "en_US"


def minor_digits(currency: str) -> int:
    """How many digits of the amount stand behind the point: 2 for usd, 0 for jpy, 3 for kwd."""
    return int(get_currency_precision(currency.upper()))


def in_words(amount: int, currency: str) -> str:
    """6000, "usd" → "$60.00"; 6000, "jpy" → "¥6,000"."""
    major = Decimal(amount).scaleb(-minor_digits(currency))
    return str(format_currency(major, currency.upper(), locale=LOCALE))
