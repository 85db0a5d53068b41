"""Everybody who looks after payments, and how each of them proves that it is they."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from discuno.accounts.models import STAFF, AuditEntry, RecoveryCode, SecondFactor, User, UserSession
from discuno.kit.db import rows, session

PAGE, LATELY = 50, 10
Owner = InstrumentedAttribute[int]


@dataclass(frozen=True)
class Line:
    """One of the staff: whether their app counts, how many recovery codes they have, when they were last here."""

    user: User
    is_set_up: bool
    codes_left: int
    last_here: datetime | None


@dataclass(frozen=True)
class Page:
    """Staff, the newest first, and the number before which the next page begins."""

    lines: list[Line]
    before: int | None


def page(before: int | None = None) -> Page:
    """The staff, the newest first."""
    statement = sa.select(User).where(User.role.in_(STAFF)).order_by(User.id.desc()).limit(PAGE + 1)
    found = rows(statement if before is None else statement.where(User.id < before))
    shown = found[:PAGE]
    return Page(_lines(shown), shown[-1].id if len(found) > PAGE else None)


def line(user: User) -> Line:
    """One of them."""
    [found] = _lines([user])
    return found


def lately(user: User) -> list[AuditEntry]:
    """What was done about somebody, the newest first."""
    about = sa.select(AuditEntry).where(AuditEntry.about == f"user:{user.id}")
    return rows(about.order_by(AuditEntry.id.desc()).limit(LATELY))


def _lines(users: list[User]) -> list[Line]:
    ids = [user.id for user in users]
    confirmed = _of_each(SecondFactor.user_id, sa.func.count(SecondFactor.confirmed_at), ids)
    unused = sa.func.count().filter(RecoveryCode.used_at.is_(None))
    codes = _of_each(RecoveryCode.user_id, unused, ids)
    last = _of_each(UserSession.user_id, sa.func.max(UserSession.seen_at), ids)
    return [
        Line(user, bool(confirmed.get(user.id)), codes.get(user.id, 0), last.get(user.id)) for user in users
    ]


def _of_each(owner: Owner, what: sa.ColumnElement[Any], ids: list[int]) -> dict[int, Any]:
    found = session().execute(sa.select(owner, what).where(owner.in_(ids)).group_by(owner))
    return {user_id: value for user_id, value in found}
