"""The whole house in one test process: embedded Postgres and Valkey, the sandbox and the app, each on a real port.

Nothing is mocked. Jobs are run by the test itself (`work`), so that a test decides what happens when.
Each test begins at the same hour of the day, so that none is red only because it is run at night. `OPENS=23:59:50`
before a command lets them begin at another hour of UTC, `OPENS=2028-02-29T10:07:30` on another day as well.
"""

import os
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import requests
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import make_server

from discuno import create_app, seed
from discuno.config import Settings
from discuno.edges import queue
from discuno.kit.db import db, session, transaction
from discuno.sandbox.app import Quiet, Sandbox, serve
from discuno.sandbox.embedded import postgres, valkey
from discuno.sandbox.settings import SandboxSettings
from tests import witness

ROOT = Path(__file__).parent.parent
CATALOGUE = {
    f"discuno_{name}" for name in ("user", "mentor", "event_type", "weekly_hours", "mentor_stripe_account")
}
WORLD = ("stripe.account", "calcom_event_type")
OPENS = os.environ.get("OPENS", "10:07:30")
KEEP = ("discuno_clock", "alembic_version")
# To truncate forty tables takes longer than most tests do, and few of them were touched.
TOUCHED = "SELECT '{0}' WHERE EXISTS (SELECT FROM {0})"
COUNTED = "SELECT replace(sequencename, '_id_seq', '') FROM pg_sequences WHERE last_value IS NOT NULL"
COUNTERS = COUNTED.replace(" FROM", ", last_value FROM")
TRUNCATED_EVERY = 40  # so that what was deleted does not pile up


def settings_for(sandbox: str, app: str, database: str, redis: str, **more: Any) -> Settings:
    """The app's settings against a sandbox; no file is read."""
    keys = SandboxSettings()
    given: dict[str, Any] = {
        "database_url": database,
        "redis_url": redis,
        "secret_key": "a secret of the tests, long enough to be one",
        "base_url": app,
        "stripe_secret_key": keys.stripe_secret_key,
        "stripe_publishable_key": keys.stripe_publishable_key,
        "stripe_webhook_secret": keys.stripe_webhook_secret,
        "stripe_connect_webhook_secret": keys.stripe_connect_webhook_secret,
        "stripe_api_base": f"{sandbox}/stripe",
        "stripe_js_url": f"{sandbox}/js/stripe.js",
        "calcom_api_key": keys.calcom_api_key,
        "calcom_api_base": f"{sandbox}/calcom/v2",
        "calcom_webhook_secret": keys.calcom_webhook_secret,
        "resend_api_key": keys.resend_api_key,
        "resend_api_base": f"{sandbox}/resend",
        "resend_webhook_secret": keys.resend_webhook_secret,
        "resend_rate": 1000,
        "email_from_domain": "discuno.example",
        "admin_email": "admin@discuno.example",
        "sandbox_url": sandbox,
    }
    return Settings(**{"_env_file": None, **given, **more})


def opening() -> datetime:
    """When the house opens: the next such hour, or the moment that OPENS names."""
    now = datetime.now(UTC)
    if "T" in OPENS:
        return datetime.fromisoformat(OPENS).replace(tzinfo=UTC)
    opens = datetime.combine(now, time.fromisoformat(OPENS), UTC)
    return opens if opens > now else opens + timedelta(days=1)


class House:
    """What a test may do to the running house, and what it may see from outside."""

    def __init__(self, app: Flask, sandbox: Sandbox) -> None:
        self.app = app
        self.sandbox = sandbox
        self._planted: Photograph | None = None
        self._sold: Photograph | None = None
        self._emptied = 0
        self.days: dict[str, datetime] = {}  # on which somebody in a zone books

    @property
    def url(self) -> str:
        """Where the app answers."""
        return str(self.app.config["BASE_URL"])

    def empty(self) -> None:
        """As on the first day: no rows, no Stripe objects, no jobs; it is the hour at which the house opens."""
        self.days.clear()
        self.control("POST", "reset")
        self.control("POST", "resend", {"requests_per_second": 0})
        self.hear_of_letters(False)
        with self.app.app_context():
            queue.connection().flushall()
            with transaction() as unit:
                # The books and the audit log refuse to be emptied; only a test's database is told not to ask them.
                unit.execute(sa.text("SET LOCAL session_replication_role = replica"))
                self._emptied += 1
                tables = [t.name for t in db.metadata.sorted_tables if t.name not in KEEP]
                if self._emptied % TRUNCATED_EVERY:
                    touched = " UNION ".join((COUNTED, *map(TOUCHED.format, tables)))
                    for name in unit.execute(sa.text(touched)).scalars().all():
                        unit.execute(sa.text(f"DELETE FROM {name}"))  # noqa: S608 - a table of ours
                        unit.execute(sa.text(f"ALTER SEQUENCE {name}_id_seq RESTART"))
                else:
                    unit.execute(sa.text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"))
        self.set_clocks(opening())

    def hear_of_letters(self, told: bool = True) -> None:
        """Whether Resend tells what becomes of letters, which is a third of all webhooks, and seldom in question."""
        self.sandbox.courier.set_weather("resend", lose=0 if told else -1)

    def begin_with(self, *entries: dict[str, Any]) -> None:
        """As on the first day with these mentors in it: planted once, put back as they were before each test."""
        if self._planted is not None:
            self._planted.put_back()
            return
        self.empty()
        for entry in entries:
            self.plant(entry)
        self.settle_down()  # the news of the planting has come
        self._planted = Photograph(self, "planted", CATALOGUE, WORLD)

    def begin_sold(self, sell: Callable[[], object]) -> None:
        """As it is after `sell`, which is done once."""
        if self._sold is None:
            sell()
            self._sold = Photograph(self, "sold")
        else:
            self._sold.put_back()

    def plant(self, entry: dict[str, Any]) -> None:
        """Add a mentor with account and calendar."""
        with self.app.app_context():
            seed.plant(entry, self.control)

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the sandbox's control desk, which is not what is tested: without a network between."""
        answer = self.sandbox.app.test_client().open(f"/control/{path}", method=method, json=body or {})
        assert answer.status_code < 400, answer.text
        return answer.get_json()

    def fault(self, path: str, action: str, **more: Any) -> None:
        """Plant trouble at a vendor."""
        self.control("POST", "faults", {"path": path, "action": action, **more})

    def work(self) -> int:
        """Do what is due in the outbox, as workers would; how many jobs ran."""
        with self.app.app_context():
            return queue.run_due()

    def settle_down(self) -> None:
        """Webhooks arrive and work is done until nothing is left that is due."""
        for _ in range(20):
            tried = self.control("POST", "deliveries/flush")["tried"]
            if self.work() == 0 and tried == 0:
                return

    def advance(self, by: timedelta) -> None:
        """Move everybody's clock."""
        self.control("POST", "advance", {"seconds": by.total_seconds()})
        with self.app.app_context(), transaction() as unit:
            unit.execute(sa.text("UPDATE discuno_clock SET ahead = ahead + :by"), {"by": by})

    def set_clocks(self, moment: datetime) -> None:
        """It is this moment on everybody's clock, whatever was before; nothing falls due by it."""
        ahead = moment - datetime.now(UTC)
        self.sandbox.world.put("clock", {"id": "clock", "shift": ahead.total_seconds()})
        with self.app.app_context(), transaction() as unit:
            unit.execute(sa.text("UPDATE discuno_clock SET ahead = :ahead"), {"ahead": ahead})

    def letters(self, to: str) -> list[dict[str, Any]]:
        """What lies in somebody's mailbox, oldest first."""
        found = requests.get(f"{self.sandbox.url}/mailbox.json", params={"to": to}, timeout=10).json()
        return list(reversed(found["emails"] if isinstance(found, dict) else found))

    def stripe(self, kind: str) -> list[dict[str, Any]]:
        """Stripe's book: all objects of a kind."""
        return list(self.control("GET", "state")["stripe"][kind])

    def read(self, ask: Callable[[], Any]) -> Any:
        """Ask the database something."""
        with self.app.app_context():
            found = ask()
            session().expunge_all()
            return found


class Photograph:
    """Rows and the stand-ins' books at a moment, all or some; not what Redis held: nothing may depend on that.

    When it is put back it is that moment again. The rows lie in a schema of their own, `shelf`; of two photographs
    on one shelf the later stays.
    """

    def __init__(
        self,
        house: House,
        shelf: str,
        names: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
    ) -> None:
        self._house, self._shelf = house, shelf
        world = house.sandbox.world
        with world.lock:
            self._records = {kind: deepcopy(world.all(kind)) for kind in kinds or world.kinds}
        with house.app.app_context(), transaction() as unit:
            unit.execute(sa.text(f"DROP SCHEMA IF EXISTS {shelf} CASCADE"))
            unit.execute(sa.text(f"CREATE SCHEMA {shelf}"))
            tables = [t.name for t in db.metadata.sorted_tables if t.name not in KEEP]
            filled = unit.execute(sa.text(" UNION ".join(map(TOUCHED.format, tables)))).scalars()
            self._filled = [name for name in filled if not names or name in names]
            for name in self._filled:
                unit.execute(sa.text(f"CREATE TABLE {shelf}.{name} AS TABLE {name}"))
            counters = unit.execute(sa.text(COUNTERS)).all()
            self._counters = [(name, last) for name, last in counters if not names or name in names]
            self._moment = unit.execute(sa.text("SELECT discuno_now()")).scalar_one()

    def put_back(self) -> None:
        """The house is emptied, and is as it was then."""
        self._house.empty()
        with self._house.sandbox.courier.carrying:
            for kind, records in deepcopy(self._records).items():
                for record in records:
                    self._house.sandbox.world.put(kind, record)
            with self._house.app.app_context(), transaction() as unit:
                unit.execute(sa.text("SET LOCAL session_replication_role = replica"))
                for name in self._filled:
                    unit.execute(sa.text(f"INSERT INTO {name} SELECT * FROM {self._shelf}.{name}"))  # noqa: S608 - our own names
                for name, last in self._counters:
                    unit.execute(sa.select(sa.func.setval(f"{name}_id_seq", last)))
            self._house.set_clocks(self._moment)

    def forget(self) -> None:
        """The shelf is cleared."""
        with self._house.app.app_context(), transaction() as unit:
            unit.execute(sa.text(f"DROP SCHEMA {self._shelf} CASCADE"))


@contextmanager
def running_house(directory: Path) -> Iterator[House]:
    """Start everything on free ports; the sandbox learns the app's address and the other way round."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres(directory / "pg", fast=True))
        redis = stack.enter_context(valkey(directory / "valkey"))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            sandbox = serve(SandboxSettings(app_url=url))
            stack.callback(sandbox.stop)
            app = create_app(settings_for(sandbox.url, url, database, redis))
            witness.install(app)
            port = listener.getsockname()[1]
            server = make_server(
                "127.0.0.1", port, app, threaded=True, request_handler=Quiet, fd=listener.fileno()
            )
        with app.app_context():
            flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        stack.callback(server.shutdown)
        yield House(app, sandbox)
