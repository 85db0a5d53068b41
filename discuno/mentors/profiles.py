"""A mentor's profile: the address of their page, what it says, and how far ahead they can be booked."""

import re
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from discuno.kit import clock
from discuno.kit.db import session
from discuno.mentors.models import Mentor

USERNAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SHORTEST, LONGEST = 3, 40  # characters of a username
MOST_TOPICS, LONGEST_TOPIC = 8, 40
RESERVED = frozenset(
    (
        *("about", "account", "admin", "administrator", "api", "billing", "book", "booking", "bookings"),
        *("contact", "dashboard", "discuno", "finance", "help", "info", "legal", "mail", "me", "mentor"),
        *("mentors", "moderator", "nobody", "none", "null", "official", "onboarding", "owner", "payment"),
        *(
            "payments",
            "payout",
            "payouts",
            "postmaster",
            "privacy",
            "root",
            "security",
            "session",
            "settings",
        ),
        *("sign-in", "sign-out", "staff", "static", "stripe", "support", "system", "team", "terms", "test"),
        *("undefined", "webhooks", "webmaster", "www"),
    )
)
IN_USE = "Somebody else has this address already."


@dataclass(frozen=True)
class Profile:
    """What a mentor says of themselves, checked. Without a daily maximum they are booked as often as fits."""

    name: str
    username: str
    headline: str
    bio: str
    topics: tuple[str, ...]
    zone: str
    booking_window_days: int
    daily_maximum: int | None


def username_problem(username: str) -> str | None:
    """Why this cannot be the address of a mentor's page, in a sentence, or None."""
    if not SHORTEST <= len(username) <= LONGEST or not USERNAME.fullmatch(username):
        return f"Please use {SHORTEST} to {LONGEST} lower-case letters and digits, with single hyphens between them."
    return "This address is kept for ourselves. Please choose another." if username in RESERVED else None


def is_taken(username: str, mentor: Mentor) -> bool:
    """Whether another mentor's page has this address. The database says it too: see `is_in_use`."""
    others = sa.select(Mentor.id).where(Mentor.username == username, Mentor.id != mentor.id)
    return session().execute(others).first() is not None


def is_anothers(username: str, mentor: Mentor) -> bool:
    """Whether an address is somebody else's page. One that is nobody's may be an older one of this mentor's."""
    return username.lower() != mentor.username and is_taken(username.lower(), mentor)


def is_in_use(error: sa.exc.IntegrityError) -> bool:
    """Whether the database refused because somebody else took the address a moment ago."""
    return "uq_discuno_mentor_username" in str(error.orig)


def topics_of(text: str) -> tuple[str, ...]:
    """Topics as typed, between commas; each once, whatever its case."""
    found: dict[str, str] = {}
    for topic in filter(None, (part.strip() for part in text.split(","))):
        found.setdefault(topic.casefold(), topic)
    return tuple(found.values())


def topics_problem(topics: tuple[str, ...]) -> str | None:
    """Why these topics cannot be kept, in a sentence, or None."""
    if len(topics) > MOST_TOPICS:
        return f"Please give at most {MOST_TOPICS} topics."
    if any(len(topic) > LONGEST_TOPIC for topic in topics):
        return f"Please keep each topic to {LONGEST_TOPIC} characters."
    return None


def of(mentor: Mentor) -> Profile:
    """The profile as it is."""
    return Profile(
        name=mentor.name,
        username=mentor.username,
        headline=mentor.headline,
        bio=mentor.bio,
        topics=tuple(mentor.topics),
        zone=mentor.zone,
        booking_window_days=mentor.booking_window_days,
        daily_maximum=mentor.daily_maximum,
    )


def facts(profile: Profile) -> dict[str, Any]:
    """What it is made of, for the audit log."""
    return {**asdict(profile), "topics": list(profile.topics)}


def save(mentor: Mentor, wanted: Profile) -> None:
    """Take a checked profile, under the mentor's lock. The database may refuse the address: see `is_in_use`."""
    mentor.user.name = wanted.name
    mentor.username = wanted.username
    mentor.headline, mentor.bio, mentor.topics = wanted.headline, wanted.bio, list(wanted.topics)
    mentor.zone = wanted.zone
    mentor.booking_window_days, mentor.daily_maximum = wanted.booking_window_days, wanted.daily_maximum
    mentor.profile_saved_at = mentor.profile_saved_at or clock.now()
    session().flush()  # the unique address speaks here, inside the caller's try
