"""A checkout of the real app, with its own data and no `.env`; and its house, seen from outside."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urljoin

import psycopg
import redis
import requests
from dotenv import dotenv_values

from tests.local.stand_in import ROOT, own_environment

PARTS = ("discuno", "migrations", "static", "templates", "wsgi.py", "Procfile", "gunicorn.conf.py")
RUNNING = {  # settings with which every command starts, though nothing answers at these addresses
    "DATABASE_URL": "postgresql+psycopg://postgres@/discuno?host=/nowhere",
    "SECRET_KEY": "a secret of the running house, long enough",
    "BASE_URL": "http://127.0.0.1:9",
    "STRIPE_SECRET_KEY": "sk_test_sandbox",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_sandbox",
    "STRIPE_WEBHOOK_SECRET": "whsec_sandbox",
    "STRIPE_CONNECT_WEBHOOK_SECRET": "whsec_sandbox",
    "STRIPE_API_BASE": "http://127.0.0.1:9/stripe",
    "RESEND_API_KEY": "re_sandbox",
    "EMAIL_FROM_DOMAIN": "discuno.example",
    "ADMIN_EMAIL": "admin@discuno.example",
    "SANDBOX_URL": "http://127.0.0.1:9",
}


def link_checkout(place: Path) -> Path:
    """The product as links, so that `.env` and `.local` of the real checkout stay out of it."""
    for part in PARTS:
        (place / part).symlink_to(ROOT / part)
    return place


def flask(checkout: Path, *words: str) -> str:
    """What a command typed in another terminal says."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=checkout,
        env=own_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_for(look: Callable[[], Any], what: str, patience: float) -> Any:
    """Look until there is something to see."""
    deadline = time.monotonic() + patience
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        time.sleep(0.1)
    return seen


@dataclass
class Answer:
    """An HTTP answer, with the names Flask's test client gives its parts."""

    status_code: int
    text: str
    location: str


@dataclass
class Browser:
    """Cookies and an address; stands where the attendee expects Flask's test client."""

    base: str
    http: requests.Session = field(default_factory=requests.Session)

    def get(self, url: str) -> Answer:
        """Follow no redirect."""
        return self._ask("GET", url)

    def post(self, url: str, data: dict[str, str]) -> Answer:
        """Send a form."""
        return self._ask("POST", url, data)

    def _ask(self, method: str, url: str, data: dict[str, str] | None = None) -> Answer:
        said = self.http.request(
            method, urljoin(self.base, url), data=data, allow_redirects=False, timeout=30
        )
        return Answer(said.status_code, said.text, said.headers.get("Location", ""))


@dataclass
class FarHouse:
    """The running house as others see it: its sandbox, its database, its Redis."""

    checkout: Path
    days: dict[str, datetime] = field(default_factory=dict)  # on which somebody in a zone books

    @property
    def settings(self) -> dict[str, str]:
        """What `make run` tells other terminals."""
        return {name: value or "" for name, value in dotenv_values(self.checkout / ".local/env").items()}

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the sandbox's control desk."""
        url = f"{self.settings['SANDBOX_URL']}/control/{path}"
        answer = requests.request(method, url, json=body or {}, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def stripe(self, kind: str) -> list[dict[str, Any]]:
        """Stripe's book: all objects of a kind."""
        return list(self.control("GET", "state")["stripe"][kind])

    def subjects(self, to: str) -> list[str]:
        """What somebody was written."""
        found = requests.get(
            f"{self.settings['SANDBOX_URL']}/mailbox.json", params={"to": to}, timeout=10
        ).json()
        return [letter["subject"] for letter in (found["emails"] if isinstance(found, dict) else found)]

    def query(self, statement: LiteralString) -> Any:
        """The first value of a row; None after a statement that returns none."""
        with psycopg.connect(self.settings["DATABASE_URL"].replace("+psycopg", "")) as db:
            answer = db.execute(statement)
            row = answer.fetchone() if answer.description else None
        return row[0] if row else None

    @property
    def redis(self) -> redis.Redis:
        """Its Valkey."""
        return redis.Redis.from_url(self.settings["REDIS_URL"])
