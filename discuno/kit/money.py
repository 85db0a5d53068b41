"""Amounts in words. Money is an integer count of minor units, as Stripe counts them, of a lower-case ISO currency."""

from decimal import Decimal

from babel.numbers import format_currency, get_currency_symbol

LOCALE = "en_US"
# Stripe's own lists. ISO and CLDR differ: to Stripe, isk, rsd and others have two digits that nobody uses.
NO_DIGITS = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DIGITS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))


def minor_digits(currency: str) -> int:
    """How many digits of the amount stand behind the point: 2 for usd, 0 for jpy, 3 for kwd."""
    code = currency.lower()
    return 0 if code in NO_DIGITS else 3 if code in THREE_DIGITS else 2


def in_words(amount: int, currency: str) -> str:
    """6000, "usd" → "$60.00"; 6000, "jpy" → "¥6,000"."""
    digits, code = minor_digits(currency), currency.upper()
    gap = "\xa0" if get_currency_symbol(code, locale=LOCALE)[-1:].isalpha() else ""
    pattern = f"¤{gap}#,##0" + ("." + "0" * digits if digits else "")
    major = Decimal(amount).scaleb(-digits)
    return str(format_currency(major, code, format=pattern, locale=LOCALE, currency_digits=False))
