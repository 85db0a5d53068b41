"""How fast a release run is: one worker process against a Stripe that takes 220 ms, in a process of its own."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask_migrate
import requests

from discuno import create_app
from discuno.admin.books import invariants
from discuno.kit.db import transaction
from discuno.payouts import transfers
from discuno.payouts.release import release
from discuno.sandbox.embedded import postgres, valkey
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import World
from tests.crowd import Crowd
from tests.house import ROOT, settings_for
from tests.local.stand_in import free_pair

LATENCY = 0.22  # seconds
MENTORS, EACH = 60, 10


def measure() -> list[str]:
    """Release everything once; a line for each figure."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        with postgres(directory / "pg", fast=True) as database, valkey(directory / "valkey") as redis:
            port = free_pair()
            own, app_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
            app = create_app(settings_for(own, app_url, database, redis))
            journal = directory / "world.jsonl"
            with app.app_context():
                flask_migrate.upgrade(directory=str(ROOT / "migrations"))
                Crowd(World(journal), SandboxSettings()).gather(MENTORS, EACH)
                with _sandbox(own, app_url, journal):
                    return _run(own, app.config["STRIPE_TRANSFER_RATE"])


def _run(own: str, rate: float) -> list[str]:
    _ask(own, "POST", "faults", {"path": "v1/transfers$", "action": "slow", "times": -1, "seconds": LATENCY})
    _ask(own, "POST", "stripe/limits", {"per_endpoint": 25, "global": 25})
    _ask(own, "DELETE", "stripe/requests")
    cpu, began = time.process_time(), time.monotonic()
    run = release(seconds=120)
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    seen = _ask(own, "GET", "stripe/requests")
    with transaction():
        left = transfers.next_due()
    began = time.perf_counter()
    violations = invariants.check()
    asked = time.perf_counter() - began
    speed = run.processed / took
    return [
        f"release: {run.processed} of {MENTORS * EACH} transfers in {took:.1f} s: {speed:.2f}/s, "
        f"{speed / rate:.0%} of the contract's {rate:g}/s; {cpu * 1000 / max(run.processed, 1):.1f} ms CPU each",
        f"release: {run.failed} refused, {run.waiting} waiting, {seen['rejected']} × 429, "
        f"busiest second {seen['peak_per_second']}, next due {left}",
        f"invariants: {len(violations)} rows at fault, {asked * 1000:.0f} ms for {MENTORS * EACH} payments",
    ]


def _ask(own: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = requests.request(method, f"{own}/control/{path}", json=body, timeout=10)
    answer.raise_for_status()
    return answer.json()


@contextmanager
def _sandbox(own: str, app_url: str, journal: Path) -> Iterator[None]:
    """The stand-in as its own process, with the crowd's charges in its book."""
    environ = {**os.environ, "SANDBOX_URL": own, "BASE_URL": app_url, "SANDBOX_JOURNAL": str(journal)}
    process = subprocess.Popen([sys.executable, "-m", "discuno.sandbox"], env=environ, cwd=ROOT)
    try:
        for _ in range(100):
            try:
                requests.get(own, timeout=1)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(10)
