"""The database: typed base, UTC times, and the one way to open a transaction."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, lazyload, mapped_column

from discuno.kit import clock, failpoints
from discuno.kit.errors import NotFound

TABLE_PREFIX = "discuno_"


class Base(DeclarativeBase):
    """Every table is named discuno_<model>, singular; every constraint has a name."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    @classmethod
    def table_name(cls) -> str:
        """EventType → discuno_event_type."""
        return TABLE_PREFIX + re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "__tablename__" not in cls.__dict__ and not cls.__dict__.get("__abstract__"):
            cls.__tablename__ = cls.table_name()
        super().__init_subclass__(**kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'id', None)}>"


# How far the clock of this database is ahead of the wall: one row, read by discuno_now(); see kit/clock.py.
sa.Table(
    TABLE_PREFIX + "clock",
    Base.metadata,
    sa.Column("id", sa.Boolean, primary_key=True, server_default=sa.true()),
    sa.Column("ahead", sa.Interval, nullable=False, server_default=sa.text("'0'")),
    sa.CheckConstraint("id", name="single"),
)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A timestamptz that refuses naive times and always answers in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse what has no zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone is not a time")
        return value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """The same instant, in UTC."""
        return value.astimezone(UTC) if value is not None else None


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


class HasId:
    """A 64-bit identity."""

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)


def session() -> Session:
    """The session of this request or job."""
    return cast(Session, db.session())


@event.listens_for(Session, "after_begin")
def _follow_the_database_clock(_session: Session, _transaction: object, connection: sa.Connection) -> None:
    # By the driver's own cursor: this is asked in every transaction.
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute("SELECT discuno_now()")
        [(now,)] = cursor.fetchall()
    clock.follow(now)


AfterCommit = Callable[[], None]
_after_commit: list[AfterCommit] = []


def after_commit(callback: AfterCommit) -> AfterCommit:
    """Register something to do after every committed unit of work; it must not raise."""
    if callback not in _after_commit:
        _after_commit.append(callback)
    return callback


class InTransaction(RuntimeError):
    """The network was about to be called, or a second unit opened, inside a unit of work."""


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work: all of it is committed, or none. Opened by doors only; does not nest."""
    current = session()
    if current.info.get("unit"):
        raise InTransaction("units of work do not nest")
    current.rollback()
    current.info["unit"] = True
    try:
        current.connection()  # begins, so that whoever asks the clock in this unit is told the database's time
        yield current
        failpoints.reach("commit", "before")
        current.commit()
        failpoints.reach("commit", "after")
    except BaseException:
        current.rollback()
        raise
    finally:
        current.info["unit"] = False
    for callback in _after_commit:
        callback()


def leave_transaction() -> None:
    """Give back the connection that reading took, before waiting for somebody else's server."""
    current = session()
    if current.info.get("unit"):
        raise InTransaction("the network is never called inside a unit of work")
    current.rollback()


Row = TypeVar("Row", bound=Base)


def locked(model: type[Row], row_id: int) -> Row:
    """The row as it is now, ours until the unit of work ends; rows it is shown with stay free. Raises NotFound.

    FOR NO KEY UPDATE, so that a new row may refer to it meanwhile.
    """
    only_it = {"of": model, "key_share": True}
    alone = [lazyload("*")]  # what it is shown with is read when asked for: a join would show it as it was
    row = session().get(model, row_id, with_for_update=only_it, populate_existing=True, options=alone)
    if row is None:
        raise NotFound
    return row


def one_or_none(statement: sa.Select[Row]) -> Row | None:
    """The single row of a statement, or None."""
    return session().execute(statement).scalar_one_or_none()


def rows(statement: sa.Select[Row]) -> list[Row]:
    """All rows of a statement."""
    return list(session().execute(statement).scalars())
