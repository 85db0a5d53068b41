"""`make run`'s supervisor, seen from the terminal it runs in."""

import socket
from pathlib import Path

import psutil
import pytest
import requests

from tests.local.stand_in import (
    REAL_KEYS,
    descendants,
    free_pair,
    make_checkout,
    read_until,
    stop_twice,
    supervisor,
)

pytestmark = pytest.mark.story


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path, REAL_KEYS)


def seen_by(checkout: Path, process: str) -> dict[str, str]:
    lines = (checkout / f"was-{process}").read_text().splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_interrupting_it_twice_stops_everything_and_counts_as_success(checkout: Path) -> None:
    with supervisor(checkout, free_pair()) as run:
        assert "Discuno runs." in read_until(run, "Stop  ")
        family = descendants(run)
        names = " ".join(p.name() for p in family)
        assert "postgres" in names
        assert "valkey" in names
        assert (checkout / ".local/env").stat().st_mode & 0o777 == 0o600
        assert "Stopped." in stop_twice(run)
        assert run.returncode == 0
        assert [p for p in family if p.is_running()] == []
        assert not (checkout / ".local/env").exists()


def test_with_a_real_key_nothing_of_the_sandbox_is_loaded(checkout: Path) -> None:
    with supervisor(checkout, free_pair()) as run:
        said = read_until(run, "Stop  ")
        stop_twice(run)
    env = seen_by(checkout, "web")
    assert "andbox" not in said
    assert env["STRIPE_SECRET_KEY"] == "sk_test_real"
    assert not [name for name in env if name.startswith("SANDBOX") or name.endswith(("API_BASE", "JS_URL"))]
    assert env["DATABASE_URL"].startswith("postgresql+psycopg://")


def test_without_keys_the_app_is_pointed_at_the_sandbox_and_seeded(tmp_path: Path) -> None:
    checkout, port = make_checkout(tmp_path, {}), free_pair()
    with supervisor(checkout, port) as run:
        said = read_until(run, "Stop  ")
        sandbox = f"http://127.0.0.1:{port + 1}"
        assert f"{sandbox}/mailbox" in said
        assert requests.get(f"{sandbox}/mailbox", timeout=5).status_code == 200
        stop_twice(run)
    env = seen_by(checkout, "web")
    assert env["STRIPE_API_BASE"] == f"{sandbox}/stripe"
    assert env["BASE_URL"] == f"http://127.0.0.1:{port}"
    assert (checkout / ".local/logs/seed.log").read_text() == "seeded\n"


def test_when_a_process_dies_it_is_named_and_everything_stops(checkout: Path) -> None:
    with supervisor(checkout, free_pair()) as run:
        read_until(run, "Stop  ")
        family = descendants(run)
        next(p for p in family if "worker" in p.cmdline()).kill()
        said, _ = run.communicate(timeout=20)
        assert "worker died (exit code -9)" in said
        assert run.returncode == 1
        assert [p for p in family if p.is_running()] == []


def test_a_killed_run_leaves_nothing_behind_for_the_next(checkout: Path) -> None:
    port = free_pair()
    with supervisor(checkout, port) as run:
        read_until(run, "Stop  ")
        family = descendants(run)
        run.kill()
        run.wait()
    with supervisor(checkout, port) as run:
        assert "Discuno runs." in read_until(run, "Stop  ")
        psutil.wait_procs(family, timeout=1)
        assert [p for p in family if p.is_running()] == []
        stop_twice(run)


def test_a_taken_port_is_named_with_the_way_to_choose_another(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with supervisor(checkout, port) as run:
            said, _ = run.communicate(timeout=10)
    assert f"Port {port} cannot be used" in said
    assert "make run PORT=" in said
    assert run.returncode == 1
    assert not (checkout / "was-release").exists()


def test_a_second_run_in_the_same_checkout_is_refused_and_the_first_can_stop_half_way_up(
    checkout: Path,
) -> None:
    with supervisor(checkout, free_pair()) as first:
        read_until(first, "Starting PostgreSQL")
        with supervisor(checkout, free_pair()) as second:
            assert "already running" in second.communicate(timeout=10)[0]
        family = descendants(first)
        stop_twice(first)
    assert first.returncode == 0
    assert [p for p in family if p.is_running()] == []
