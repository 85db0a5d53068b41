"""The one switch that stops every transfer, and who has turned it."""

import sqlalchemy as sa

from discuno.kit import clock
from discuno.kit.db import one_or_none, rows, session
from discuno.payouts.models import Pause

LATEST = 20


def now_on() -> Pause | None:
    """The pause that is on, or None."""
    return one_or_none(sa.select(Pause).where(Pause.ended_at.is_(None)))


def is_on() -> bool:
    """Whether nothing is transferred to anybody."""
    return bool(session().execute(sa.select(sa.exists().where(Pause.ended_at.is_(None)))).scalar())


def begin(reason: str, by: str) -> bool:
    """Stop all transfers; False when they are stopped already. What is in flight lands."""
    insert = (
        sa.dialects.postgresql.insert(Pause)
        .values(reason=reason, began_at=clock.now(), began_by=by)
        .on_conflict_do_nothing()
        .returning(Pause.id)
    )
    return session().execute(insert).scalar_one_or_none() is not None


def end(by: str) -> Pause | None:
    """Let transfers go again; None when nothing was paused."""
    found = one_or_none(sa.select(Pause).where(Pause.ended_at.is_(None)).with_for_update())
    if found is not None:
        found.ended_at, found.ended_by = clock.now(), by
    return found


def latest() -> list[Pause]:
    """The last ones, the newest first."""
    return rows(sa.select(Pause).order_by(Pause.id.desc()).limit(LATEST))
