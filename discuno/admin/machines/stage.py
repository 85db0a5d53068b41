"""A stage for letters that nobody gets: rows of our tables that exist for one question, seen by one session alone.

The tables of its rows stand on it as temporary ones. The search path holds nothing else, so that no name means one of
the house's; the transaction is read-only, in which Postgres lets temporary tables be written and no other; and it is
always rolled back.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from flask import current_app

from discuno.kit.db import Base, leave_transaction, session

# Indexes, triggers and foreign keys stay behind; what a row may hold is checked as ever.
TABLE = "CREATE TEMPORARY TABLE {0} (LIKE {0} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) ON COMMIT DROP;"
CLOSED = "SET TRANSACTION READ ONLY; SET LOCAL search_path = pg_temp"


@contextmanager
def stage(rows: Collection[Base], empty: Iterable[type[Base]] = ()) -> Iterator[None]:
    """Within it `session()` sees these rows, which bring their ids, and none of the house's. Not inside a unit.

    Of the `empty` models there is nothing; any other table is not found at all.
    """
    models: set[type[Base]] = {type(row) for row in rows} | set(empty)
    names = sorted(model.__tablename__ for model in models)
    leave_transaction()  # one connection at a time
    with current_app.app_context():  # a session of its own
        try:
            session().connection().exec_driver_sql("".join(map(TABLE.format, names)) + CLOSED)
            session().add_all(rows)
            session().flush()
            yield
        finally:
            session().rollback()
