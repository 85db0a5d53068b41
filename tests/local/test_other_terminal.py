"""Which settings a command reads that is typed beside a running `make run`."""

import os
from pathlib import Path

import pytest

from discuno import config
from tests.local.real_checkout import RUNNING
from tests.local.stand_in import FOREIGN

ELSEWHERE = "postgresql+psycopg://somebody@db.example/discuno"


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which `make run` runs, and a terminal in it where nothing is set."""
    for name in filter(FOREIGN.match, list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / ".local/env", RUNNING)
    return tmp_path


def write(path: Path, settings: dict[str, str]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


@pytest.mark.parametrize("own", [{}, {"DATABASE_URL": "", "PLATFORM_FEE_BPS": ""}, RUNNING])
def test_the_running_house_is_found_whether_dot_env_is_missing_empty_or_agrees(
    terminal: Path, own: dict[str, str]
) -> None:
    write(terminal / ".env", own)
    settings = config.load()
    assert settings.sandbox_url == RUNNING["SANDBOX_URL"]
    assert settings.database_url == RUNNING["DATABASE_URL"]


def test_a_database_of_your_own_under_make_run_is_found_from_another_terminal(terminal: Path) -> None:
    write(terminal / ".local/env", {**RUNNING, "DATABASE_URL": ELSEWHERE})
    write(terminal / ".env", {"DATABASE_URL": ELSEWHERE})
    settings = config.load()
    assert (settings.database_url, settings.sandbox_url) == (ELSEWHERE, RUNNING["SANDBOX_URL"])


@pytest.mark.parametrize("name", ["DATABASE_URL", "STRIPE_SECRET_KEY"])
def test_another_database_or_a_real_key_never_mixes_with_the_running_house(
    terminal: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, ELSEWHERE)
    with pytest.raises(config.BadSettings) as refusal:
        config.load()
    assert f"not used, because {name} differs" in str(refusal.value)
    assert ELSEWHERE not in str(refusal.value)


def test_where_nothing_runs_only_the_environment_counts(
    terminal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (terminal / ".local/env").unlink()
    for name in RUNNING.keys() - {"SANDBOX_URL", "STRIPE_API_BASE"}:
        monkeypatch.setenv(name, RUNNING[name])
    settings = config.load()
    assert settings.sandbox_url is None
    assert settings.stripe_api_base == "https://api.stripe.com"
