"""The embedded servers are real ones, and end with the block that asked for them."""

from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest
import redis

from discuno.sandbox.embedded import postgres, postgres_server, valkey, valkey_server

pytestmark = pytest.mark.story


def ask(url: str, question: LiteralString) -> str:
    with psycopg.connect(url.replace("+psycopg", "")) as db:
        answer = db.execute(question)
        row = answer.fetchone() if answer.description else None
    return str(row[0]) if row else ""


def test_postgres_answers_keeps_its_data_and_leaves_no_process(tmp_path: Path) -> None:
    with postgres_server(tmp_path / "data", fast=True) as server:
        ask(server.url, "CREATE TABLE kept (n) AS VALUES (42)")
        family = [psutil.Process(server.child.process.pid)]
        family += family[0].children(recursive=True)
    psutil.wait_procs(family, timeout=1)
    assert [p for p in family if p.is_running()] == []
    with postgres(tmp_path / "data") as url:
        assert ask(url, "SELECT n FROM kept") == "42"
        assert ask(url, "SHOW fsync") == "on"


def test_postgres_lives_under_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    with postgres(tmp_path / ("long-" * 20) / "data", fast=True) as url:
        assert int(ask(url, "SHOW server_version_num")) >= 150000


def test_valkey_answers_refuses_to_evict_and_ends_with_the_block(tmp_path: Path) -> None:
    with valkey_server(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "no"}
    assert not server.child.alive


def test_two_valkeys_stand_side_by_side(tmp_path: Path) -> None:
    with valkey(tmp_path / "a") as a, valkey(tmp_path / "b") as b:
        assert a != b
