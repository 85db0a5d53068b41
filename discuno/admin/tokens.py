"""Tokens of the cron endpoint: signed by whoever knows the secret, short-lived, used once.

All times are the house's (`kit.clock`), for minting and for checking alike: in production that is the database's
time, and in a sandbox whose clock was moved a token made here is still good here.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import sqlalchemy as sa
from jwt.types import Options
from sqlalchemy.dialects import postgresql

from discuno.admin.models import CronToken
from discuno.kit import clock
from discuno.kit.db import session

ALGORITHM = "HS256"  # and no other: neither "none" nor a stronger one that somebody else chose
AUDIENCE = "discuno-cron"
LIFE = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(seconds=10)  # a caller's clock may be so far ahead of ours
LONGEST_ID = 200
CHECKS: Options = {  # times are compared below, with the house's clock
    "require": ["exp", "iat", "aud", "jti"],
    "strict_aud": True,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


class BadToken(Exception):
    """Why a token is not taken; for our log, never for whoever sent it."""


@dataclass(frozen=True)
class Token:
    """A token that was signed with our secret and is valid now."""

    jti: str
    expires_at: datetime


def mint(secret: str) -> str:
    """A token that is good for one call within five minutes."""
    now = int(clock.now().timestamp())
    life = int(LIFE.total_seconds())
    claims = {"aud": AUDIENCE, "iat": now, "exp": now + life, "jti": secrets.token_urlsafe(18)}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def read(token: str, secret: str) -> Token:
    """The token, if it is ours and its time is now. Raises BadToken."""
    try:
        claims = jwt.decode(token, secret, algorithms=[ALGORITHM], audience=AUDIENCE, options=CHECKS)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise BadToken(f"{type(error).__name__}: {error}") from error
    now = clock.now().timestamp()
    fault = _fault(claims, now)
    if fault is not None:
        raise BadToken(fault)
    return Token(claims["jti"], datetime.fromtimestamp(claims["exp"], UTC))


def _fault(claims: dict[str, Any], now: float) -> str | None:
    times = {name: claims[name] for name in ("iat", "exp", "nbf") if name in claims}
    if any(type(at) is not int for at in times.values()):  # a bool is an int to Python, and no time
        return "a time is not in whole seconds"
    jti = claims["jti"]
    life, ahead = LIFE.total_seconds(), now + CLOCKS_DIFFER.total_seconds()
    checks = (
        ("it has expired", times["exp"] <= now),
        ("it lives too long", times["exp"] - times["iat"] > life or times["exp"] > ahead + life),
        ("it is from the future", max(times["iat"], times.get("nbf", 0)) > ahead),
        ("its jti is no id", not 0 < len(jti) <= LONGEST_ID or "\0" in jti),
    )
    return next((why for why, is_so in checks if is_so), None)


def use(token: Token) -> bool:
    """Use it up; False when it was used before. Those that have expired are forgotten: they are refused anyway."""
    session().execute(sa.delete(CronToken).where(CronToken.expires_at < clock.now() - LIFE))
    insert = (
        postgresql.insert(CronToken)
        .values(jti=token.jti, expires_at=token.expires_at)
        .on_conflict_do_nothing(index_elements=["jti"])
        .returning(CronToken.id)
    )
    return session().execute(insert).scalar_one_or_none() is not None
