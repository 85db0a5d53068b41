"""What the commands say on a machine that cannot do it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make_setup(checkout: Path, python: str) -> subprocess.CompletedProcess[str]:
    """`make setup` as from a terminal, though we may ourselves be inside `make test`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "setup", f"PYTHON={python}"], cwd=checkout, env=env, capture_output=True, text=True
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    shutil.copy(ROOT / "requirements-dev.txt", tmp_path)
    return tmp_path


def fake_python(checkout: Path, script: str) -> str:
    python = checkout / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return str(python)


def test_a_python_too_old_is_told_with_its_version(checkout: Path) -> None:
    old = fake_python(checkout, '[ "$1" = --version ] && echo Python 3.8.10 && exit 0\nexit 1')
    said = make_setup(checkout, old)
    assert said.returncode != 0
    assert "needs Python 3.11 or newer; found Python 3.8.10" in said.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_without_venv_is_told_what_to_install(checkout: Path) -> None:
    bare = fake_python(checkout, 'case "$2" in *venv*) exit 1;; esac')
    assert "install its venv module" in make_setup(checkout, bare).stderr


def test_a_directory_that_cannot_be_written_to_is_named(checkout: Path) -> None:
    fine = fake_python(checkout, "exit 0")
    (checkout / ".venv").write_text("a file where a directory must go")
    said = make_setup(checkout, fine)
    assert f"This directory cannot be written to: {os.fspath(checkout)}" in said.stderr


def test_an_installed_lock_is_not_installed_again(checkout: Path) -> None:
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    shutil.copy(fake_python(checkout, "exit 0"), programs / "python")
    shutil.copy(checkout / "requirements-dev.txt", checkout / ".venv" / "installed.txt")
    said = make_setup(checkout, "no-such-python")
    assert (said.returncode, said.stdout) == (0, "")
