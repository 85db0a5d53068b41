"""The Chromium of the browser stories: one that is there, else a download. `python -m tests.chromium`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLAYWRIGHT = [sys.executable, "-m", "playwright"]
PATIENCE = 60  # seconds a browser may take to say its version


def find() -> Path | None:
    """A Chromium that runs: $CHROMIUM, one of the PATH, or the test tool's own; None if there is none."""
    return next(filter(_runs, _candidates()), None)


def ensure() -> Path | None:
    """`find`, after trying to get one: the test tool's download, its libraries, the system's package."""
    for command in [None, *_remedies()]:
        if command is not None:
            sys.stderr.write(f"No Chromium that runs: trying {' '.join(command)}\n")
            subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL)
        if found := find():
            return found
    return None


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("CHROMIUM"):
        yield Path(named)
    yield from (Path(found) for name in NAMES if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        yield Path(playwright.chromium.executable_path)


def _runs(program: Path) -> bool:
    """Whether it can say its version: a package's empty shell and missing libraries show here."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0


def _remedies() -> Iterator[Sequence[str]]:
    """What can be done without asking anybody, the lightest first."""
    yield [*PLAYWRIGHT, "install", "chromium"]
    root = _as_root()
    if root is not None and shutil.which("apt-get"):
        yield [*root, *PLAYWRIGHT, "install-deps", "chromium"]
        yield [*root, "apt-get", "update"]
        yield [*root, "apt-get", "install", "-y", "chromium"]


def _as_root() -> list[str] | None:
    """The words before a command that make it root's; None if that takes a password."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:
        return [sudo, "-n"]
    return None


if __name__ == "__main__":
    browser = ensure()
    if browser is None:
        sys.exit("The browser stories need Chromium: install one and name it, CHROMIUM=/path/to/chromium.")
    sys.stdout.write(f"Chromium: {browser}\n")
