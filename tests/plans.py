"""What a page asks the database, and how the database goes about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient

from discuno.kit.db import db, session, transaction
from tests.house import House


@dataclass(frozen=True)
class Asked:
    """One statement as it was sent."""

    sql: str
    given: Any


@contextmanager
def listening(house: House) -> Iterator[list[Asked]]:
    """Every SELECT that is sent meanwhile."""
    found: list[Asked] = []

    def hear(_c: object, _cursor: object, sql: str, given: Any, _ctx: object, _many: bool) -> None:
        if sql.lstrip().upper().startswith(("SELECT", "WITH")):
            found.append(Asked(sql, given))

    with house.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", hear)


def asked_by(house: House, client: FlaskClient, url: str) -> list[Asked]:
    """What a page asks; the page itself has to be well."""
    with listening(house) as found:
        answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code, answer.text[:500])
    return found


def plan(house: House, asked: Asked, *, only_indexes: bool = False) -> str:
    """How the database would go about it; `only_indexes`: it reads a table through only when it has no other way."""
    with house.app.app_context(), transaction() as unit:
        if only_indexes:
            unit.execute(sa.text("SET LOCAL enable_seqscan = off"))
        lines = session().connection().exec_driver_sql(f"EXPLAIN {asked.sql}", asked.given)
        return "\n".join(line for (line,) in lines)
