"""Amounts in words. Money is an integer count of minor units, as Stripe counts them, of a lower-case ISO currency."""

import re
from decimal import Decimal

from babel.numbers import format_currency, get_currency_symbol

LOCALE = "en_US"
# Stripe's own lists. ISO and CLDR differ: to Stripe, isk, rsd and others have two digits that nobody uses.
NO_DIGITS = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DIGITS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))

# 60 · 60.5 · 1250 · 1,250.00. A lone comma is never a decimal point here: who writes 12,50 is asked, not guessed at.
TYPED = re.compile(r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})(?:\.(?P<part>[0-9]{1,9}))?", re.ASCII)


def minor_digits(currency: str) -> int:
    """How many digits of the amount stand behind the point: 2 for usd, 0 for jpy, 3 for kwd."""
    code = currency.lower()
    return 0 if code in NO_DIGITS else 3 if code in THREE_DIGITS else 2


def in_words(amount: int, currency: str) -> str:
    """6000, "usd" → "$60.00"; 6000, "jpy" → "¥6,000"; what was taken off has a true minus: "−$60.00"."""
    digits, code = minor_digits(currency), currency.upper()
    gap = "\xa0" if get_currency_symbol(code, locale=LOCALE)[-1:].isalpha() else ""
    pattern = f"¤{gap}#,##0" + ("." + "0" * digits if digits else "")
    words = format_currency(
        abs(major(amount, currency)), code, format=pattern, locale=LOCALE, currency_digits=False
    )
    return f"−{words}" if amount < 0 else str(words)


def major(amount: int, currency: str) -> Decimal:
    """6000, "usd" → 60.00, exactly: for a spreadsheet, which shall go on counting with it."""
    return Decimal(amount).scaleb(-minor_digits(currency))


def typed(amount: int, currency: str) -> str:
    """6000, "usd" → "60.00": the amount as a field shows it and `parse` reads it."""
    return f"{major(amount, currency):f}"


def parse(text: str, currency: str) -> int:
    """What somebody typed ("60", "$1,250.50"), in minor units, never negative. Raises ValueError with a sentence."""
    code, digits = currency.upper(), minor_digits(currency)
    bare = _without_currency(text.strip(), code)
    if not bare:
        raise ValueError("Type an amount.")
    found = TYPED.fullmatch(bare)
    if found is None:
        example = "1250" + ("." + "50".ljust(digits, "0") if digits else "")
        raise ValueError(f"Type the amount in {code} as a number, such as {example}.")
    part = (found["part"] or "").rstrip("0")
    if len(part) > digits:
        finest = f"at most {digits} digits after the point" if digits else "no digits after the point"
        raise ValueError(f"An amount in {code} has {finest}.")
    return int(found["whole"].replace(",", "") + part.ljust(digits, "0"))


def _without_currency(text: str, code: str) -> str:
    """The text without its currency's sign or code in front or behind; another currency's stays, and is refused."""
    for mark in (code, get_currency_symbol(code, locale=LOCALE)):
        if text[: len(mark)].upper() == mark:
            return text[len(mark) :].lstrip()
        if text[-len(mark) :].upper() == mark:
            return text[: -len(mark)].rstrip()
    return text
