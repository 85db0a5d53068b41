"""What a monitor is told: how the machine does, as it stands in the database, and nothing of business."""

import re
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from discuno.admin.machines import vitals
from discuno.edges import queue
from discuno.kit import clock, outbox
from discuno.kit.db import db, session, transaction
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind
from discuno.policy import METRICS
from tests.factories import change, paid
from tests.house import House
from tests.plans import asked_by, plan

WHERE = re.compile(r"discuno_(\w+)")


def told(house: House) -> dict[str, float]:
    """What /metrics says: jobs_due{queue=money} → 2."""
    answer = house.app.test_client().get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    found = {}
    for family in families(answer.text):
        assert family.type == "gauge"
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            found[sample.name.removeprefix("discuno_") + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


def ask_for_work(house: House, minutes_ago: int, task: str = "act", **more: str) -> None:
    with house.app.app_context(), transaction():
        outbox.add(task, run_at=clock.now() - timedelta(minutes=minutes_ago), **more)


@pytest.fixture
def quiet(bare: House) -> House:
    """A house in which all is well: the periodic work is planted, and has been done."""
    with bare.app.app_context():
        with transaction():
            outbox.plant_periodic()
        change(bare, "UPDATE discuno_job SET run_at = discuno_now() + interval '1 minute'")
    return bare


def test_where_all_is_well_nothing_is_late_stuck_or_unknown(quiet: House) -> None:
    found = told(quiet)
    about = {"redis_up", "process_start_timestamp_seconds"}
    schema = next(name for name in found if name.startswith("schema_info"))
    assert {name: value for name, value in found.items() if value and name not in about} == {schema: 1}
    assert re.fullmatch(r"schema_info\{revision=\d{4}\}", schema)
    assert found["redis_up"] == 1
    assert found["process_start_timestamp_seconds"] > 1.7e9
    assert {f"jobs_due{{queue={name}}}" for name in outbox.QUEUES} <= found.keys()  # there is a 0, not a gap
    assert {f"alerts_open{{kind={kind.value}}}" for kind in AlertKind} <= found.keys()


def test_work_that_nobody_begins_is_told_by_queue_with_the_age_of_the_oldest(quiet: House) -> None:
    ask_for_work(quiet, 5, queue="money", number=1)
    ask_for_work(quiet, 2, queue="money", number=2)
    ask_for_work(quiet, 9, queue="mail", number=3)
    ask_for_work(quiet, -9, queue="news", number=4)
    ask_for_work(quiet, 30, queue="default", number=5)
    in_hand = (
        "UPDATE discuno_job SET claimed_until = discuno_now() + interval '1 minute' WHERE queue = 'default'"
    )
    change(quiet, in_hand)
    change(quiet, "UPDATE discuno_job SET dead_at = discuno_now() WHERE args->>'number' = '2'")
    found = told(quiet)
    numbers = {name: found[f"jobs_due{{queue={name}}}"] for name in outbox.QUEUES}
    assert numbers == {"money": 1, "default": 0, "mail": 1, "news": 0}
    assert found["jobs_due_oldest_seconds{queue=money}"] == pytest.approx(300, abs=20)
    assert found["jobs_due_oldest_seconds{queue=mail}"] == pytest.approx(540, abs=20)
    assert found["jobs_given_up"] == 1


def test_a_silent_clock_is_told(quiet: House) -> None:
    change(
        quiet,
        "UPDATE discuno_job SET run_at = discuno_now() - interval '2 hours' WHERE unique_key = 'every:watch'",
    )
    change(quiet, "DELETE FROM discuno_job WHERE unique_key = 'every:reconcile'")
    found = told(quiet)
    assert found["periodic_late_seconds"] == pytest.approx(7200, abs=20)
    assert found["periodic_missing"] == 1


def test_events_and_letters_that_are_open_are_told(quiet: House) -> None:
    change(
        quiet,
        "INSERT INTO discuno_webhook_event (provider, external_id, type, livemode, payload, received_at, handled_at, "
        "attempts) SELECT p, n::text, 'x', false, '{}', discuno_now() - n * interval '1 minute', "
        "CASE WHEN n = 3 THEN discuno_now() END, 0 FROM unnest(ARRAY['stripe', 'resend']) p, generate_series(1, 3) n",
    )
    change(
        quiet,
        "INSERT INTO discuno_email (event, recipient, template, about, status, created_at) SELECT n::text, 'x', 'x', "
        "'{}', (ARRAY['queued', 'queued', 'failed', 'sent'])[n], discuno_now() - n * interval '1 minute' "
        "FROM generate_series(1, 4) n",
    )
    found = told(quiet)
    assert [found[f"webhook_events_open{{provider={name}}}"] for name in ("stripe", "calcom", "resend")] == [
        2,
        0,
        2,
    ]
    assert found["webhook_events_oldest_seconds{provider=resend}"] == pytest.approx(120, abs=20)
    assert (found["letters{state=waiting}"], found["letters{state=failed}"]) == (2, 1)
    assert found["letters_waiting_oldest_seconds"] == pytest.approx(120, abs=20)


def test_alerts_that_are_open_are_told_by_kind(quiet: House) -> None:
    with quiet.app.app_context(), transaction():
        alerts.stands(AlertKind.JOB, "job:1", "It was given up", "/admin/jobs/1")
        alerts.stands(AlertKind.CRON, "task:watch", "It has not come", "/admin/jobs")
        alerts.over(AlertKind.CRON, "task:watch")
    found = told(quiet)
    assert (found["alerts_open{kind=job}"], found["alerts_open{kind=cron}"]) == (1, 0)


def test_a_share_that_is_due_and_not_sent_is_told_with_what_keeps_it(held: House) -> None:
    ready, kept = "transfers_due{reason=ready}", "transfers_due{reason=mentor_suspended}"
    assert told(held)[ready] == 0  # it is held, and not due
    change(held, "UPDATE discuno_transfer SET next_try_at = discuno_now() - interval '10 minutes'")
    found = told(held)
    assert (found[ready], found[kept]) == (1, 0)
    assert found["transfers_ready_oldest_seconds"] == pytest.approx(600, abs=20)
    change(held, "UPDATE discuno_transfer SET blocked_by = 'mentor_suspended'")
    found = told(held)
    assert (found[ready], found[kept]) == (0, 1)
    assert found["transfers_ready_oldest_seconds"] == 0


def test_a_request_without_an_answer_is_told_until_there_is_one(held: House) -> None:
    unknown = "outcomes_unknown{kind=transfer}"
    asked = "UPDATE discuno_transfer SET attempted_at = discuno_now(), next_try_at = discuno_now()"
    change(held, f"{asked}, status = 'sending', claimed_until = discuno_now() + interval '1 minute'")
    assert told(held)[unknown] == 0  # it is being asked just now
    change(held, "UPDATE discuno_transfer SET claimed_until = NULL")
    assert told(held)[unknown] == 1
    change(
        held,
        "UPDATE discuno_transfer SET attempted_at = NULL, status = 'scheduled', next_try_at = discuno_now()",
    )
    assert told(held)[unknown] == 0


def test_how_much_business_there_is_makes_no_difference(house: House) -> None:
    before = told(house)
    paid(house)
    house.settle_down()
    after = told(house)
    timely = {"periodic_late_seconds", "periodic_missing"}
    assert {k: v for k, v in after.items() if k not in timely} == {
        k: v for k, v in before.items() if k not in timely
    }


def test_it_writes_nothing_and_waits_for_nobody(quiet: House) -> None:
    with quiet.app.app_context(), transaction():
        vitals.look()
        shown = session().execute(db.text("SELECT current_setting('transaction_read_only')")).scalar_one()
        limit = session().execute(db.text("SELECT current_setting('statement_timeout')")).scalar_one()
    assert (shown, limit) == ("on", "2s")


def test_no_figure_reads_a_large_table_through(quiet: House) -> None:
    asked = asked_by(quiet, quiet.app.test_client(), "/metrics")
    plans = "\n".join(plan(quiet, each, only_indexes=True) for each in asked if "alembic" not in each.sql)
    assert "Seq Scan on discuno_" not in plans, plans


def test_a_database_that_does_not_answer_in_time_is_told_of(
    bare: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "LIMITS", vitals.LIMITS.replace("2s", "50ms"))
    with bare.app.app_context(), db.engine.begin() as another:
        another.exec_driver_sql("LOCK TABLE discuno_job IN ACCESS EXCLUSIVE MODE")
        answer = bare.app.test_client().get("/metrics")
    assert (answer.status_code, answer.mimetype) == (503, "text/plain")
    assert answer.text == "# The database does not answer.\n"


def test_without_redis_the_rest_is_told(bare: House) -> None:
    settings = bare.app.extensions["settings"]
    queue.configure(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    try:
        assert told(bare)["redis_up"] == 0
    finally:
        queue.configure(settings)


def test_who_asks_too_often_waits(bare: House) -> None:
    client = bare.app.test_client()
    allowed = int(METRICS.per_address.split()[0])
    answers = [
        client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.7"}).status_code
        for _ in range(allowed)
    ]
    assert set(answers) == {200}
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.7"}).status_code == 429
