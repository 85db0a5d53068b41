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
LENGTH, GROUP = 12, 4  # letters of a code on paper


class Answer(Enum):
    """What became of a code: as the audit log calls it, and the sentence for who has typed it."""

    APP = ("second factor given", "")
    PAPER = ("recovery code used", "")
    WRONG = (
        "second factor refused",
        "That code is not right, or was used already. Please type the one that your app shows now.",
    )
    TIRED = (
        "second factor not looked at",
        "Too many wrong codes. Please wait five minutes, and then type the one that your app shows.",
    )
    NONE = (
        "no second factor",
        "There is no authenticator app to ask. Please set one up first.",
    )

    def __init__(self, action: str, sentence: str) -> None:
        self.action, self.sentence = action, sentence

    @property
    def is_taken(self) -> bool:
        """Whether the code was theirs."""
        return self in (Answer.APP, Answer.PAPER)


def of(user: User) -> SecondFactor | None:
    """Somebody's app, confirmed or just being set up."""
    return one_or_none(sa.select(SecondFactor).where(SecondFactor.user_id == user.id))


def is_set_up(user: User) -> bool:
    """Whether they have an app whose codes count."""
    found = of(user)
    return found is not None and found.confirmed_at is not None


def secret_of(factor: SecondFactor) -> str | None:
    """The secret of the app whose codes count; None when it was sealed under another SECRET_KEY."""
    return vault.unseal(PURPOSE, factor.secret)


# Setting up an app


def plant(user: User, secret: str) -> SecondFactor:
    """An app that counts at once, in place of any other: for who knows that its owner has the secret."""
    forget(user)
    made = SecondFactor(
        user_id=user.id,
        secret=vault.seal(PURPOSE, secret),
        begun_at=clock.now(),
        confirmed_at=clock.now(),
        refused_count=0,
    )
    session().add(made)
    session().flush()
    return made


def forget(user: User) -> None:
    """Neither app nor paper counts any more."""
    for model in (SecondFactor, RecoveryCode):
        session().execute(sa.delete(model).where(model.user_id == user.id))


def begin(user: User) -> bool:
    """A secret for an app; False when there is one that waits. It counts from its first code on, another until then.

    Under the user's lock.
    """
    factor = of(user)
    if factor is not None and pending(factor) is not None:
        return False
    secret = vault.seal(PURPOSE, pyotp.random_base32())
    if factor is None:
        factor = SecondFactor(user_id=user.id, secret=secret, refused_count=0)
        session().add(factor)
    elif factor.confirmed_at is None:
        factor.secret = secret
    else:
        factor.next_secret = secret
    factor.begun_at = clock.now()
    return True


def pending(factor: SecondFactor) -> str | None:
    """The secret that waits for a first code, for as long as it may be shown."""
    sealed = factor.secret if factor.confirmed_at is None else factor.next_secret
    is_late = clock.now() - factor.begun_at >= policy.SET_UP_WITHIN
    return None if sealed is None or is_late else vault.unseal(PURPOSE, sealed)


def address_of(secret: str, user: User) -> str:
    """What the QR code says to the app."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


def confirm(user: User, typed: str) -> Answer:
    """The first code of an app that is being set up: it counts from now on. Under the user's lock."""
    factor = of(user)
    secret = pending(factor) if factor is not None else None
    if factor is None or secret is None:
        return Answer.NONE
    if is_tired(factor):
        return Answer.TIRED
    step = _step_of(secret, _plain(typed))
    if step is None:
        return _refuse(factor)
    factor.secret, factor.next_secret = vault.seal(PURPOSE, secret), None
    factor.last_step, factor.refused_count, factor.confirmed_at = step, 0, clock.now()
    return Answer.APP


# Giving a code


def take(user: User, typed: str) -> Answer:
    """Whether this code is theirs, once. Under the user's lock; what it says has to be committed either way."""
    factor = of(user)
    if factor is None or factor.confirmed_at is None:
        return Answer.NONE
    if is_tired(factor):
        return Answer.TIRED
    code = _plain(typed)
    if _take_from_app(factor, code):
        answer = Answer.APP
    elif _take_from_paper(user, code):
        answer = Answer.PAPER
    else:
        return _refuse(factor)
    factor.refused_count = 0
    return answer


def is_tired(factor: SecondFactor) -> bool:
    """Whether so many codes were wrong that the next one is not looked at yet: six digits would be guessed else."""
    rests = factor.refused_at is not None and clock.now() - factor.refused_at < policy.CODES_REST
    return factor.refused_count >= policy.CODES_REFUSED and rests


def _refuse(factor: SecondFactor) -> Answer:
    factor.refused_count, factor.refused_at = factor.refused_count + 1, clock.now()
    return Answer.WRONG


def _plain(typed: str) -> str:
    """As it was meant: apps and paper show codes in groups."""
    return "".join(typed.split()).replace("-", "").upper()


def _take_from_app(factor: SecondFactor, code: str) -> bool:
    secret = secret_of(factor)
    step = _step_of(secret, code) if secret is not None else None
    if step is None or (factor.last_step is not None and step <= factor.last_step):
        return False
    factor.last_step = step
    return True


def _step_of(secret: str, code: str) -> int | None:
    """Of which of the steps around now it is the code."""
    now, app = int(clock.now().timestamp()) // STEP, pyotp.TOTP(secret)
    steps = [now + offset for offset in AROUND]
    return next((s for s in steps if hmac.compare_digest(app.at(s * STEP).encode(), code.encode())), None)


# On paper


def write_codes(user: User) -> list[str]:
    """New codes for the drawer, shown once; those of before count no longer."""
    session().execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(policy.RECOVERY_CODES)]
    now = clock.now()
    session().add_all(RecoveryCode(user_id=user.id, digest=_digest(user, c), made_at=now) for c in codes)
    session().flush()
    return ["-".join(code[at : at + GROUP] for at in range(0, LENGTH, GROUP)) for code in codes]


def codes_left(user: User) -> int:
    """How many of them were not used yet."""
    unused = sa.select(sa.func.count()).select_from(RecoveryCode)
    unused = unused.where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return int(session().execute(unused).scalar_one())


def _take_from_paper(user: User, code: str) -> bool:
    if len(code) != LENGTH:
        return False
    theirs = sa.select(RecoveryCode).where(
        RecoveryCode.user_id == user.id,
        RecoveryCode.digest == _digest(user, code),
        RecoveryCode.used_at.is_(None),
    )
    found = one_or_none(theirs)
    if found is not None:
        found.used_at = clock.now()
    return found is not None


def _digest(user: User, code: str) -> str:
    """Slow on purpose: 59 bits could be tried through otherwise by who has a copy of the rows (ASVS 5.0 6.5.2)."""
    return hashlib.scrypt(code.encode(), salt=f"{PURPOSE} {user.id}".encode(), n=2**12, r=8, p=1).hex()


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


def may_set_up(user: User, here: UserSession) -> bool:
    """Whether an app may be set up in this browser: by who has proved theirs, or has none and just came by letter.

    A cookie stolen long ago must not plant an app.
    """
    if is_set_up(user):
        return is_fresh(here)
    return clock.now() - here.began_at < policy.SET_UP_WITHIN
