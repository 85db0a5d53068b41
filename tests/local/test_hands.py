"""The worker and the scheduler as processes: they outlive Redis, stop when told to, and speak JSON."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from discuno.sandbox.embedded import valkey_server
from tests.local.real_checkout import RUNNING, link_checkout, wait_for
from tests.local.stand_in import own_environment

pytestmark = pytest.mark.story

PATIENCE = 30.0  # seconds until a process is at work, on a busy machine
SECONDS = 5.0  # how long it may take to stop


@contextmanager
def hand(name: str, checkout: Path, redis_url: str) -> Iterator[subprocess.Popen[str]]:
    """`flask --app wsgi NAME`, whose database is never asked; killed if still there at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", name],
        cwd=checkout,
        env={**own_environment(), **RUNNING, "REDIS_URL": redis_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[str]) -> list[dict[str, str]]:
    """Ask it to stop; what it has said."""
    process.terminate()
    said, _ = process.communicate(timeout=SECONDS)
    return [json.loads(line) for line in said.splitlines()]


def has_begun(name: str, at: redis.Redis) -> Callable[[], bool]:
    key = {"worker": "rq:workers", "scheduler": "rq:scheduler:scheduled_jobs"}[name]
    return lambda: bool(at.exists(key))


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_a_hand_stops_within_seconds_when_asked_and_is_quiet(tmp_path: Path, name: str) -> None:
    checkout = link_checkout(tmp_path)
    with valkey_server(tmp_path / "valkey") as valkey, hand(name, checkout, valkey.url) as process:
        wait_for(has_begun(name, redis.Redis.from_url(valkey.url)), f"a {name}", PATIENCE)
        assert stop(process) == []
        assert process.returncode == 0


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_a_hand_waits_for_a_redis_that_is_away_and_still_stops(tmp_path: Path, name: str) -> None:
    checkout = link_checkout(tmp_path)
    with valkey_server(tmp_path / "valkey") as valkey:
        gone = valkey.url
    with hand(name, checkout, gone) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "redis_away"
        assert {line["event"] for line in stop(process)} <= {"redis_away"}
        assert process.returncode == 0
