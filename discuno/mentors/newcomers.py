"""Somebody becomes a mentor: with a name, an address of their own, and everything else still to be told."""

import re
import unicodedata

import sqlalchemy as sa

from discuno.accounts.models import User
from discuno.kit.db import one_or_none, session
from discuno.mentors.models import Mentor

LONGEST = 60  # characters of a name that an address is made of
NAMELESS = "mentor"  # for names of which nothing can be spelled in an address
SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)


def add(user: User) -> Mentor:
    """The mentor that this person is from now on. The caller adds people one at a time."""
    mentor = Mentor(user=user, username=_free(username_of(user.name)), zone="UTC")
    session().add(mentor)
    session().flush()
    return mentor


def of_user(user: User) -> Mentor | None:
    """The mentor that a person is."""
    return one_or_none(sa.select(Mentor).where(Mentor.user_id == user.id))


def username_of(name: str) -> str:
    """Lucía Ferreira → lucia-ferreira."""
    letters = unicodedata.normalize("NFKD", name.lower().translate(SPELLED))
    plain = "".join(c for c in letters if not unicodedata.combining(c)).replace("'", "").replace("’", "")
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-") or NAMELESS


def _free(username: str) -> str:
    """The same, or with the first number that nobody has."""
    alike = sa.or_(Mentor.username == username, Mentor.username.startswith(f"{username}-", autoescape=True))
    taken = set(session().execute(sa.select(Mentor.username).where(alike)).scalars())
    if username not in taken:
        return username
    number = 2
    while f"{username}-{number}" in taken:
        number += 1
    return f"{username}-{number}"
