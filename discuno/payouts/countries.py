"""Where mentors may be paid: said once, before the account is made, because Stripe never changes it."""

from functools import lru_cache

from babel import Locale
from babel.core import get_global

# Stripe pays across borders among these without a special agreement (facts of Stripe's on cross-border transfers).
EEA = "at be bg hr cy cz dk ee fi fr de gr hu ie it lv li lt lu mt nl no pl pt ro sk si es se"
ALLOWED = frozenset(("us", "ca", "gb", "ch", *EEA.split()))


@lru_cache(maxsize=1)
def named() -> tuple[tuple[str, str], ...]:
    """Code (lower case) and name of every country that may be chosen, by name."""
    territories = Locale("en").territories
    return tuple(sorted(((code, territories[code.upper()]) for code in ALLOWED), key=lambda found: found[1]))


def of_zone(zone: str) -> str | None:
    """The country in which a zone lies, or None when nobody may choose it; somebody in Tokyo has to say it."""
    code = str(get_global("zone_territories").get(zone, "")).lower()
    return code if code in ALLOWED else None
