"""The whole house as it was at a moment, to begin again from there a hundred times."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import sqlalchemy as sa

from discuno.edges import queue
from discuno.kit.db import db, session, transaction
from tests.house import House

SHELF = "snapshot"  # a schema of its own


class Snapshot:
    """Rows and the stand-ins' books. What Redis held is not part of it: nothing may depend on that.

    No webhook is under way while it is taken or put back: half of what one stores would be in it.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        with house.sandbox.courier.carrying:
            self._take(house)

    def _take(self, house: House) -> None:
        world = house.sandbox.world
        with world.lock:
            self._kinds = {kind: deepcopy(world.all(kind)) for kind in world.kinds}
        with house.app.app_context(), transaction() as unit:
            unit.execute(sa.text(f"CREATE SCHEMA {SHELF}"))
            for name in _tables():
                unit.execute(sa.text(f"CREATE TABLE {SHELF}.{name} AS TABLE {name}"))
            self._filled = [name for name in _tables() if _count(name)]

    def put_back(self) -> None:
        """As it was then."""
        with self._house.sandbox.courier.carrying:
            self._put_back(self._house)

    def _put_back(self, house: House) -> None:
        house.sandbox.world.clear()
        for kind, records in deepcopy(self._kinds).items():
            for record in records:
                house.sandbox.world.put(kind, record)
        with house.app.app_context():
            db.session.remove()
            queue.connection().flushall()
            with transaction() as unit:
                unit.execute(sa.text("SET LOCAL session_replication_role = replica"))
                unit.execute(sa.text(f"TRUNCATE {', '.join(_tables())} RESTART IDENTITY"))
                for name in self._filled:
                    unit.execute(sa.text(f"INSERT INTO {name} SELECT * FROM {SHELF}.{name}"))  # noqa: S608 - our own names
                    _count_on(unit, name)


def _tables() -> list[str]:
    return [table.name for table in db.metadata.sorted_tables]


def _count(name: str) -> Any:
    return session().execute(sa.select(sa.func.count()).select_from(db.metadata.tables[name])).scalar_one()


def _count_on(unit: Any, name: str) -> None:
    """New rows get new numbers."""
    if "id" in db.metadata.tables[name].columns and name != "discuno_clock":
        last = sa.select(sa.func.max(db.metadata.tables[name].c.id)).scalar_subquery()
        unit.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(name, "id"), last)))


@contextmanager
def snapshot(house: House) -> Iterator[Snapshot]:
    """The present moment, kept until the end of the block."""
    taken = Snapshot(house)
    try:
        yield taken
    finally:
        with house.app.app_context(), transaction() as unit:
            unit.execute(sa.text(f"DROP SCHEMA {SHELF} CASCADE"))
