"""Signed in: a row for each browser, found by the digest of the token in its cookie, and ended for good."""

import hashlib
import secrets
from datetime import timedelta

import sqlalchemy as sa

from discuno import policy
from discuno.accounts.models import STAFF, User, UserSession
from discuno.kit import clock
from discuno.kit.db import one_or_none, rows, session

FORGOTTEN = timedelta(days=90)  # after its end nobody need know of a sign-in


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(user: User, browser: str) -> str:
    """Somebody has signed in: the token for their cookie, of 256 random bits."""
    token, now = secrets.token_urlsafe(32), clock.now()
    old = sa.delete(UserSession).where(UserSession.user_id == user.id, UserSession.seen_at < now - FORGOTTEN)
    session().execute(old)
    session().add(
        UserSession(
            user=user, digest=digest(token), began_at=now, seen_at=now, ended_at=None, browser=browser[:200]
        )
    )
    session().flush()
    return token


def find(token: str) -> UserSession | None:
    """Whose token it is, unless that sign-in is over: ended, unused for too long, or too old."""
    found = one_or_none(sa.select(UserSession).where(UserSession.digest == digest(token)))
    return found if found is not None and is_live(found) else None


def is_live(found: UserSession) -> bool:
    """Whether it still lets somebody in."""
    now = clock.now()
    is_used = now - found.seen_at < idle(found.user) and now - found.began_at < policy.SESSION_LIFE
    return found.ended_at is None and is_used


def idle(user: User) -> timedelta:
    """How long a sign-in of theirs lasts in which nothing is asked for."""
    return policy.STAFF_IDLE if user.role in STAFF else policy.SESSION_IDLE


def renew(found: UserSession) -> str:
    """The same sign-in under a new token, for its cookie: a copy of the old one stays without what was proved here.

    OWASP ASVS 5.0 7.2.4.
    """
    token = secrets.token_urlsafe(32)
    found.digest = digest(token)
    return token


def is_unseen(found: UserSession) -> bool:
    """Whether it is time to write down that they are here."""
    return clock.now() - found.seen_at >= policy.SEEN_EVERY


def touch(found: UserSession) -> None:
    """They are here."""
    found.seen_at = clock.now()


def end(found: UserSession) -> None:
    """Signed out in this browser. A copy of its cookie opens nothing from now on."""
    found.ended_at = found.ended_at or clock.now()


def of_user(user: User) -> list[UserSession]:
    """Where somebody is signed in now, the newest first."""
    statement = sa.select(UserSession).where(UserSession.user_id == user.id, UserSession.ended_at.is_(None))
    return [found for found in rows(statement.order_by(UserSession.id.desc())) if is_live(found)]


def end_all(user: User) -> None:
    """Signed out everywhere. What has run out ends as well: for another role it might not have."""
    statement = sa.select(UserSession).where(UserSession.user_id == user.id, UserSession.ended_at.is_(None))
    for found in rows(statement):
        end(found)
