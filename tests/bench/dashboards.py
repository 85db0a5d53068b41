"""How long each admin page's queries take after a million payments: `make bench ARGS=dashboards` (or fewer: ROWS)."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, cast

import flask_migrate
import sqlalchemy as sa
from flask.testing import FlaskClient

from discuno import create_app
from discuno.admin.money import sums_jobs
from discuno.kit.db import db
from discuno.sandbox.app import Sandbox
from discuno.sandbox.embedded import postgres, valkey
from tests import signing
from tests.bench import million
from tests.house import ROOT, House, settings_for

ROWS = int(os.environ.get("ROWS", "1000000"))
ROUNDS = 5
TARGET = 300.0  # ms, all queries of a page together
PAGES = (
    "/admin",
    "/admin/status",
    "/admin/status?period=12m",
    "/admin/status?status=DISPUTED&period=12m",
    "/admin/transfers",
    "/admin/transfers?period=12m",
    "/admin/transfers?tab=blocked",
    "/admin/transfers/dry-run",
    "/admin/transfers?tab=sent&period=12m",
    "/admin/revenue",
    "/admin/revenue?period=12m",
    "/admin/revenue?period=12m&group=mentor",
    "/admin/revenue?period=12m&group=type",
    "/admin/revenue?period=12m&group=type&mentor=1",
    "/admin/disputes/metrics?period=12m",
    "/admin/disputes",
    "/admin/disputes?show=closed",
    "/admin/payments",
    "/admin/payments?q=jun%20mori%2041",
    "/admin/payments?q=pi_777",
    "/admin/payments?q=jun41%40crowd.example",
    "/admin/payments?status=DISPUTED",
    "/admin/payments/777",
    "/admin/emails",
    "/admin/emails?status=bounced",
    "/admin/emails?period=12m",
    "/admin/emails/templates",
    "/admin/webhooks",
    "/admin/jobs",
    "/admin/reconciliation",
    "/admin/alerts",
    "/admin/pauses",
    "/admin/audit",
    "/admin/audit?actor=admin7%40discuno.example",
    "/admin/funnel",
    "/admin/bulk",
    "/admin/mentors",
    "/admin/people",
    "/metrics",
)


def measure() -> list[str]:
    """A line a page, the slowest query of each that is not quick enough, and what filling took."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        with postgres(directory / "pg", fast=True) as database, valkey(directory / "valkey") as redis:
            app = create_app(settings_for("http://127.0.0.1:9", "http://127.0.0.1:8", database, redis))
            house = House(app, cast(Sandbox, None))  # nobody asks Stripe here
            with app.app_context():
                flask_migrate.upgrade(directory=str(ROOT / "migrations"))
                lines = [_timed(f"filled with {ROWS:,} payments", lambda: million.fill(ROWS))]
                lines.append(_timed("summed two years of days", lambda: sums_jobs.rebuild(None)))
                with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
                    link.exec_driver_sql("VACUUM ANALYZE discuno_day_sum")
            client = signing.staff(house)
            return [*lines, *(line for url in PAGES for line in _page(house, client, url))]


def _timed(what: str, work: Callable[[], None]) -> str:
    began = time.perf_counter()
    work()
    line = f"{what} in {time.perf_counter() - began:.1f} s"
    sys.stderr.write(line + "\n")
    return line


def _page(house: House, client: FlaskClient, url: str) -> Iterator[str]:
    """Medians of all the page's queries together, of the slowest, and of the whole answer; in ms."""
    queries, slowest, whole, sql = [], [], [], ""
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        with _stopwatch(house) as told:
            status = client.get(url).status_code
        if status != 200:
            yield f"{url:52} answers {status}"
            return
        whole.append((time.perf_counter() - began) * 1000)
        queries.append(sum(ms for ms, _ in told))
        longest, sql = max(told)
        slowest.append(longest)
    sums, one, answer = (median(each[1:]) for each in (queries, slowest, whole))  # the first warms up
    late = "  <- slow" if sums > TARGET else ""
    yield f"{url:52} {sums:8.1f} ms in {len(told):2} queries, slowest {one:8.1f}; answer {answer:8.1f}{late}"
    if late:
        yield "    " + " ".join(sql.split())[:900]


@contextmanager
def _stopwatch(house: House) -> Iterator[list[tuple[float, str]]]:
    """Milliseconds and text of every statement meanwhile."""
    found: list[tuple[float, str]] = []

    def before(_c: object, _cursor: object, _sql: str, _given: object, context: Any, _many: bool) -> None:
        context.began = time.perf_counter()

    def after(_c: object, _cursor: object, sql: str, _given: object, context: Any, _many: bool) -> None:
        found.append(((time.perf_counter() - context.began) * 1000, sql))

    with house.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", before)
    sa.event.listen(engine, "after_cursor_execute", after)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", before)
        sa.event.remove(engine, "after_cursor_execute", after)
