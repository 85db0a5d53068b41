"""How `flask db` reaches the database: one engine, one transaction a migration, and no long waits for locks."""

from alembic import context
from flask import current_app

db = current_app.extensions["migrate"].db

# A migration that cannot have its lock soon gives up, rather than queueing all traffic behind itself.
LOCK_TIMEOUT = "2s"


def run_migrations() -> None:
    """Migrate over a connection of the app's own engine."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transaction_per_migration=True,
            compare_type=True,
            compare_server_default=False,
        )
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.commit()
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database; there is no offline mode.")
run_migrations()
