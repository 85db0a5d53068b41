"""What a person has to see to: one row a cause, one letter a row, on every admin page until it is dealt with."""

import sqlalchemy as sa

from discuno.kit import clock
from discuno.kit.db import one_or_none, rows, session
from discuno.notifications import service as letters
from discuno.notifications.models import Alert, AlertKind

LONGEST = 1000  # characters of the words


def begin(kind: AlertKind, cause: str, words: str, path: str) -> bool:
    """Something needs a person, who is told once; met again while it is open, it is counted. Whether it is new."""
    now, said = clock.now(), words[:LONGEST]
    insert = sa.dialects.postgresql.insert(Alert).values(
        kind=kind, cause=cause, words=said, path=path, times=1, began_at=now, seen_at=now
    )
    again = insert.on_conflict_do_update(
        index_elements=["kind", "cause"],
        index_where=Alert.ended_at.is_(None),
        set_={"times": Alert.times + 1, "seen_at": now, "words": said},
    ).returning(Alert.id, Alert.times)
    alert_id, times = session().execute(again).one()
    if times == 1:
        letters.tell(f"alert:{alert_id}", letters.ADMIN, "alert", alert_id=alert_id)
    return bool(times == 1)


def over(kind: AlertKind, cause: str) -> None:
    """Its cause is gone by itself."""
    session().execute(
        sa.update(Alert)
        .where(Alert.kind == kind, Alert.cause == cause, Alert.ended_at.is_(None))
        .values(ended_at=clock.now(), end_reason="It was over by itself.")
    )


def deal_with(alert: Alert, by: str, reason: str) -> bool:
    """A person has seen to it; False when that was done before."""
    if alert.ended_at is not None:
        return False
    alert.ended_at, alert.ended_by, alert.end_reason = clock.now(), by, reason
    return True


def now_open(limit: int = 100) -> list[Alert]:
    """What needs a person, the oldest first."""
    return rows(sa.select(Alert).where(Alert.ended_at.is_(None)).order_by(Alert.id).limit(limit))


def how_many() -> int:
    """How many there are."""
    counted = sa.select(sa.func.count()).select_from(Alert).where(Alert.ended_at.is_(None))
    return int(session().execute(counted).scalar_one())


def by_id(alert_id: int) -> Alert | None:
    """One of them, or None."""
    return one_or_none(sa.select(Alert).where(Alert.id == alert_id))
