"""What a person has to see to: one row a cause, one letter a row, on every admin page until it is dealt with."""

from datetime import datetime

import sqlalchemy as sa

from discuno import policy
from discuno.kit import clock
from discuno.kit.db import one_or_none, rows, session
from discuno.notifications import service as letters
from discuno.notifications.models import Alert, AlertKind

LONGEST = 1000  # characters of the words
BY_ITSELF = "It was over by itself."


def begin(kind: AlertKind, cause: str, words: str, path: str, template: str = "alert", **about: int) -> bool:
    """Something needs a person, who is told once; met again while it is open, it is counted. Whether it is new.

    `template` is another letter than the general one, for causes that have more to say, with what it is about.
    """
    alert_id = note(kind, cause, words, path)
    if alert_id is None:
        return False
    if _began_this_hour(kind) > policy.ALERT_LETTERS:
        hour = f"{this_hour():%Y-%m-%dT%H}"
        letters.tell(f"alerts:{kind}:{hour}", letters.ADMIN, "alerts_many", alert_id=alert_id)
    else:
        letters.tell(f"alert:{alert_id}", letters.ADMIN, template, **(about or {"alert_id": alert_id}))
    return True


def note(kind: AlertKind, cause: str, words: str, path: str) -> int | None:
    """The same without a letter: for what is told in another one, or cannot be. Its number when it is new."""
    now, said = clock.now(), words[:LONGEST]
    insert = sa.dialects.postgresql.insert(Alert).values(
        kind=kind, cause=cause, words=said, path=path, times=1, began_at=now, seen_at=now
    )
    again = insert.on_conflict_do_update(
        index_elements=["kind", "cause"],
        index_where=Alert.ended_at.is_(None),
        set_={"times": Alert.times + 1, "seen_at": now, "words": said, "path": path},
    ).returning(Alert.id, Alert.times)
    alert_id, times = session().execute(again).one()
    return int(alert_id) if times == 1 else None


def stands(kind: AlertKind, cause: str, words: str, path: str, template: str = "alert", **about: int) -> bool:
    """The same for what is looked at again and again while it lasts: dealt with by a person, it rests for a day."""
    return not rests(kind, cause) and begin(kind, cause, words, path, template, **about)


def rests(kind: AlertKind, cause: str) -> bool:
    """Whether a person has dealt with this lately."""
    since = clock.now() - policy.ALERT_RESTS
    lately = sa.select(Alert.id).where(
        Alert.kind == kind, Alert.cause == cause, Alert.ended_by.is_not(None), Alert.ended_at > since
    )
    return bool(session().execute(sa.select(lately.exists())).scalar_one())


def this_hour() -> datetime:
    """When the hour began in which letters are counted."""
    return clock.now().replace(minute=0, second=0, microsecond=0)


def _began_this_hour(kind: AlertKind) -> int:
    new = sa.select(Alert.id).where(Alert.kind == kind, Alert.began_at >= this_hour())
    most = new.limit(policy.ALERT_LETTERS + 1).subquery()
    return int(session().execute(sa.select(sa.func.count()).select_from(most)).scalar_one())


def over(kind: AlertKind, *causes: str) -> None:
    """These causes are gone by themselves."""
    session().execute(
        sa.update(Alert)
        .where(Alert.kind == kind, Alert.cause.in_(causes), Alert.ended_at.is_(None))
        .values(ended_at=clock.now(), end_reason=BY_ITSELF)
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
