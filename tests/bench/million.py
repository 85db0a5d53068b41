"""A database as after two years and a million payments, filled by the database itself: see million.sql."""

from pathlib import Path
from typing import Any, cast

import psycopg
import sqlalchemy as sa

from discuno.kit.db import db

FILE = Path(__file__).with_suffix(".sql")
SETTINGS = {"session_replication_role": "replica", "work_mem": "256MB", "maintenance_work_mem": "1GB"}
SETTINGS["statement_timeout"] = "0"
BIG = ("booking", "payment", "transfer", "refund", "dispute", "email", "webhook_event", "audit_entry")
BIG += ("funnel_event", "ledger_entry")


def fill(rows: int, *, quick: bool = True) -> None:
    """So many payments, and what comes with them, into an empty database. In an app context.

    `quick` takes indexes away meanwhile, and for good the rule that no hour is sold twice.
    """
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.detach()  # nobody else gets a connection with these settings
        for name, value in {**SETTINGS, "bench.rows": str(rows)}.items():
            link.execute(sa.select(sa.func.set_config(name, value, False)))
        indexes = _drop_indexes(link) if quick else []
        driver = cast(
            psycopg.Connection[Any], link.connection.dbapi_connection
        )  # to which % is no placeholder
        for part in FILE.read_text().split(";\n"):
            if part.strip():
                driver.execute(part.encode())
        for definition in indexes:
            link.exec_driver_sql(definition)
        link.exec_driver_sql("VACUUM ANALYZE")


def _drop_indexes(link: sa.Connection) -> list[str]:
    """They are built in one go afterwards; an hour may be sold twice meanwhile."""
    link.exec_driver_sql("ALTER TABLE discuno_booking DROP CONSTRAINT ex_discuno_booking_one_hour_once")
    tables = [f"discuno_{name}" for name in BIG]
    found = link.execute(
        sa.text(
            "SELECT indexname, indexdef FROM pg_indexes i WHERE tablename = ANY(:tables) AND NOT EXISTS "
            "(SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"
        ),
        {"tables": tables},
    ).all()
    for name, _ in found:
        link.exec_driver_sql(f"DROP INDEX {name}")
    return [definition for _, definition in found]
