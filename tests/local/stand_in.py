"""A checkout with a stand-in for the app: just enough for `make run`'s supervisor to run it, quickly."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
APP = """
import http.server, os, sys, time
from pathlib import Path

what = sys.argv[1]
Path(f"was-{what}").write_text("\\n".join(f"{k}={v}" for k, v in os.environ.items()))
if what == "web":
    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
elif what != "release":
    time.sleep(600)
"""
FLASK_APP = """
from flask import Flask

app = Flask(__name__)


@app.cli.command("seed")
def seed():
    print("seeded")
"""
PROCFILE = "".join(f"{name}: {sys.executable} app.py {name}\n" for name in ("release", "web", "worker"))
REAL_KEYS = {"STRIPE_SECRET_KEY": "sk_test_real", "RESEND_API_KEY": "re_real"}
FOREIGN = re.compile(
    r"^(DATABASE_URL|REDIS_URL|SANDBOX|STRIPE|CALCOM|RESEND|SECRET_KEY|BASE_URL|PYTHONDONTWRITEBYTECODE)"
)


def own_environment() -> dict[str, str]:
    """Ours, without settings that the person at this terminal has made."""
    return {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}


def make_checkout(place: Path, settings: Mapping[str, str]) -> Path:
    """Lay the stand-in out in `place`, with these settings in its `.env`."""
    (place / "app.py").write_text(APP)
    (place / "wsgi.py").write_text(FLASK_APP)
    (place / "Procfile").write_text(PROCFILE)
    (place / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return place


@contextmanager
def supervisor(checkout: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The supervisor at work in a checkout; killed at the end of the block if still there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "discuno.sandbox.up", f"--port={port}", f"--sandbox-port={port + 1}"],
        cwd=checkout,
        env={**own_environment(), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_pair() -> int:
    """A port free together with the next one, below those that outgoing connections are given."""
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            socket.create_server(("127.0.0.1", port + 1)).close()
            return port


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What it says up to a line with these words, or up to its end."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            break
    return said


def stop_twice(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, and again while it stops; returns what it still said."""
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=20)[0]


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Everything it has started that still runs."""
    family: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    return family
