"""The schema: one line of migrations, there and back, and the models say what it says."""

from collections.abc import Iterator
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from discuno.bookings.models import Booking
from discuno.kit.db import db
from discuno.kit.outbox import Job
from tests.crowd import Crowd
from tests.factories import all_of, change, someone
from tests.house import ROOT, House

MIGRATIONS = str(ROOT / "migrations")


@pytest.fixture
def empty(built_house: House) -> Iterator[House]:
    """The house without a row, in a context."""
    built_house.empty()
    with built_house.app.app_context():
        yield built_house


def schema() -> dict[str, Any]:
    """What the database holds of ours, by name."""
    queries = {
        "columns": "SELECT table_name, column_name, data_type, is_nullable "
        "FROM information_schema.columns WHERE table_schema = 'public'",
        "constraints": "SELECT conname, pg_get_constraintdef(oid) "
        "FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    }
    with db.engine.connect() as connection:
        return {name: sorted(map(tuple, connection.execute(sa.text(q)))) for name, q in queries.items()}


def test_there_is_one_head() -> None:
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_up_and_down_and_up_again_leaves_the_same_schema(empty: House) -> None:
    before = schema()
    try:
        flask_migrate.downgrade(directory=MIGRATIONS, revision="base")
        assert {row[0] for row in schema()["columns"]} <= {"alembic_version"}
        assert schema()["functions"] == []
    finally:
        flask_migrate.upgrade(directory=MIGRATIONS)
        db.engine.dispose()
    assert schema() == before


def test_work_that_the_code_of_before_does_not_know_is_taken_back_and_comes_again(house: House) -> None:
    def work() -> dict[str | None, tuple[str, str]]:
        return {job.unique_key: (job.task, job.queue) for job in all_of(house, Job)}

    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1))
    house.work()
    change(
        house,
        "INSERT INTO discuno_email (event, recipient, template, about, status, created_at) "
        "VALUES ('x', 'x@example.com', 'alert', '{}', 'queued', now())",
    )
    [planned, *_] = sorted(key for key in work() if key is not None and key.startswith("remind"))
    with house.app.app_context():
        try:
            flask_migrate.downgrade(directory=MIGRATIONS, revision="0005")
            old = {(task, queue) for task, queue in work().values()}
        finally:
            flask_migrate.upgrade(directory=MIGRATIONS)
            db.engine.dispose()
    assert ("send_letter", "mail") in old
    assert not {task for task, _ in old} & {"remind", "send_batch"}
    assert "news" not in {queue for _, queue in old}
    assert work()[planned] == ("remind", "news")


def test_models_and_migrations_say_the_same(empty: House) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_each_check_in_the_database_allows_what_its_model_allows(empty: House) -> None:
    """Alembic does not compare CHECKs: enums, and every other one by its name."""
    inspector = sa.inspect(db.engine)
    for table in db.metadata.sorted_tables:
        there = {c["name"]: c["sqltext"] for c in inspector.get_check_constraints(table.name)}
        ours = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
        assert {str(name) for name in ours} == set(there), table.name
        for column in table.columns:
            if isinstance(column.type, sa.Enum):
                [said] = [text for text in there.values() if text.startswith(f"{column.name}::text = ANY")]
                assert {w.split("'")[0] for w in said.split("'")[1::2]} == set(column.type.enums), column


def test_the_exclusion_constraint_stands_in_both(empty: House) -> None:
    found = dict(schema()["constraints"])["ex_discuno_booking_one_hour_once"]
    assert "EXCLUDE USING gist" in found
    assert "mentor_id" in found
    assert "held" in found
    assert "confirmed" in found


WRONG = (
    "UPDATE discuno_payment SET platform_fee = platform_fee + 1",
    "UPDATE discuno_payment SET amount = 0, platform_fee = 0, mentor_amount = 0",
    "UPDATE discuno_payment SET currency = 'USD'",
    "UPDATE discuno_payment SET status = 'paid'",
    "UPDATE discuno_booking SET status = 'gone'",
    "UPDATE discuno_booking SET during = 'empty'",
    "UPDATE discuno_user SET email = 'Amara@discuno.example'",
    "DELETE FROM discuno_booking",
    "DELETE FROM discuno_user",
)


def test_the_database_itself_refuses_nonsense(house: House) -> None:
    someone(house).reach_payment("amara")
    for wrong in WRONG:
        with pytest.raises(sa.exc.IntegrityError):
            change(house, wrong)


def another_hour(house: House, minutes: int, status: str) -> None:
    """The one booking's row once more, so much later."""
    names = [column.name for column in Booking.__table__.columns if column.name != "id"]
    instead = {
        "public_id": f"public_id || '-{minutes}-{status}'",
        "status": f"'{status}'",
        "during": f"tstzrange(lower(during) + '{minutes} min', upper(during) + '{minutes} min')",
        "keeps": f"tstzrange(lower(keeps) + '{minutes} min', upper(keeps) + '{minutes} min')",
    }
    told = ", ".join(instead.get(name, name) for name in names)
    into = f"INSERT INTO discuno_booking ({', '.join(names)})"
    change(house, f"{into} SELECT {told} FROM discuno_booking LIMIT 1")  # noqa: S608 - names of columns


def test_the_database_refuses_an_hour_that_overlaps_a_live_one_and_takes_one_that_touches(
    house: House,
) -> None:
    someone(house).reach_payment("amara")
    for minutes in (0, 15, -15):
        for status in ("held", "confirmed"):
            with pytest.raises(sa.exc.IntegrityError, match="one_hour_once"):
                another_hour(house, minutes, status)
    another_hour(house, 15, "expired")
    another_hour(house, 60, "held")


ANOTHER = (
    "INSERT INTO discuno_transfer (payment_id, kind, about, status, amount, currency, retry_count, epoch, "
    "unknown_count, next_try_at, created_at) "
    "SELECT payment_id, '{}', '{}', '{}', amount, currency, 0, 2, 0, now(), now() "
    "FROM discuno_transfer LIMIT 1"
)


def test_the_database_refuses_a_second_live_release_of_a_payment(bare: House) -> None:
    with bare.app.app_context():
        Crowd(bare.sandbox.world, bare.sandbox.app.extensions["sandbox_settings"]).gather(1, 1)
    for over in ("cancelled", "reversed"):
        change(bare, ANOTHER.format("release", "", over))
    change(bare, ANOTHER.format("return", "dispute:1", "sent"))
    for kind, about in (("release", ""), ("return", "dispute:1")):
        with pytest.raises(sa.exc.IntegrityError, match="uq_discuno_transfer_one"):
            change(bare, ANOTHER.format(kind, about, "scheduled"))
