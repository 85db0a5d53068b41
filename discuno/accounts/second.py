"""The second factor of who looks after money: a code of an authenticator app (RFC 6238), or one from paper.

An e-mailed link is one factor; OWASP ASVS 5.0 6.3.3 wants two of an admin. A code counts for `SECOND_FACTOR_LIFE` in
the browser in which it was given, and before money moves only for `PROVED_FOR`.
"""

import hashlib
import hmac
import secrets
from enum import Enum

import pyotp
import sqlalchemy as sa

from discuno import policy
from discuno.accounts.models import RecoveryCode, SecondFactor, User, UserSession
from discuno.kit import clock, vault
from discuno.kit.db import one_or_none, session

PURPOSE = "second factor"  # of the key that seals the secrets
ISSUER = "Discuno"
STEP = 30  # seconds
AROUND = (0, -1, 1)  # steps beside the present one that are taken too: clocks differ
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read for another


class Answer(Enum):
    """What became of a code. The value is the sentence for who has typed it."""

    TAKEN = ""
    WRONG = "That code is not right, or was used already. Please type the one that your app shows now."
    TIRED = "Too many wrong codes. Please wait five minutes, and then type the one that your app shows."
    NONE = "There is no authenticator app to ask. Please set one up first."


def of(user: User) -> SecondFactor | None:
    """Somebody's app, confirmed or just being set up."""
    return one_or_none(sa.select(SecondFactor).where(SecondFactor.user_id == user.id))


def is_set_up(user: User) -> bool:
    """Whether they have an app whose codes count."""
    found = of(user)
    return found is not None and found.confirmed_at is not None


def begin(user: User) -> SecondFactor:
    """A secret for their app, the same until a first code has confirmed it. Under the user's lock."""
    found = of(user)
    if found is not None and (found.confirmed_at is not None or secret_of(found) is not None):
        return found
    if found is not None:
        session().delete(found)
        session().flush()
    return replace(user)


def replace(user: User) -> SecondFactor:
    """Plant a new secret; whatever was there counts no longer."""
    session().execute(sa.delete(SecondFactor).where(SecondFactor.user_id == user.id))
    made = SecondFactor(
        user_id=user.id,
        secret=vault.seal(PURPOSE, pyotp.random_base32()),
        begun_at=clock.now(),
        refused_count=0,
    )
    session().add(made)
    session().flush()
    return made


def secret_of(factor: SecondFactor) -> str | None:
    """The secret itself; None when it was sealed under another SECRET_KEY."""
    return vault.unseal(PURPOSE, factor.secret)


def address_of(factor: SecondFactor, user: User) -> str | None:
    """What the QR code says to the app."""
    secret = secret_of(factor)
    return (
        pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)
        if secret is not None
        else None
    )


def take(user: User, typed: str) -> Answer:
    """Whether this code is theirs, once. Under the user's lock; what it says has to be committed either way."""
    factor = of(user)
    if factor is None:
        return Answer.NONE
    if is_tired(factor):
        return Answer.TIRED
    code = "".join(typed.split()).replace("-", "").upper()
    if _take_from_app(factor, code) or (factor.confirmed_at is not None and _take_from_paper(user, code)):
        factor.refused_count, factor.confirmed_at = 0, factor.confirmed_at or clock.now()
        return Answer.TAKEN
    factor.refused_count, factor.refused_at = factor.refused_count + 1, clock.now()
    return Answer.WRONG


def is_tired(factor: SecondFactor) -> bool:
    """Whether so many codes were wrong that the next one is not looked at yet: six digits would be guessed else."""
    rests = factor.refused_at is not None and clock.now() - factor.refused_at < policy.CODES_REST
    return factor.refused_count >= policy.CODES_REFUSED and rests


def _take_from_app(factor: SecondFactor, code: str) -> bool:
    secret = secret_of(factor)
    if secret is None:
        return False
    now = int(clock.now().timestamp()) // STEP
    for step in (now + offset for offset in AROUND):
        is_it = hmac.compare_digest(pyotp.TOTP(secret).at(step * STEP), code)
        if is_it and (factor.last_step is None or step > factor.last_step):
            factor.last_step = step
            return True
    return False


# On paper


def write_codes(user: User) -> list[str]:
    """New codes for the drawer, shown once; those of before count no longer."""
    session().execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = ["".join(secrets.choice(LETTERS) for _ in range(10)) for _ in range(policy.RECOVERY_CODES)]
    session().add_all(RecoveryCode(user_id=user.id, digest=_digest(c), made_at=clock.now()) for c in codes)
    session().flush()
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def codes_left(user: User) -> int:
    """How many of them were not used yet."""
    unused = sa.select(sa.func.count()).select_from(RecoveryCode)
    unused = unused.where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return int(session().execute(unused).scalar_one())


def _take_from_paper(user: User, code: str) -> bool:
    theirs = sa.select(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.digest == _digest(code), RecoveryCode.used_at.is_(None)
    )
    found = one_or_none(theirs)
    if found is not None:
        found.used_at = clock.now()
    return found is not None


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


# In one browser


def prove(here: UserSession) -> None:
    """The factor was given in this browser, now."""
    here.proved_at = clock.now()


def is_proved(here: UserSession) -> bool:
    """Whether it was given here lately enough to look around."""
    return here.proved_at is not None and clock.now() - here.proved_at < policy.SECOND_FACTOR_LIFE


def is_fresh(here: UserSession) -> bool:
    """Whether it was given here lately enough to move money."""
    return here.proved_at is not None and clock.now() - here.proved_at < policy.PROVED_FOR
