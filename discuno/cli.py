"""Commands of the operator: `flask --app wsgi …`."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import requests
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from discuno import seed as seeding
from discuno.admin.books.doctor import doctor
from discuno.config import Settings
from discuno.edges import queue
from discuno.kit import clock
from discuno.kit.db import transaction
from discuno.payouts import service as payouts

CATALOGUE = Path(__file__).parent / "sandbox" / "catalogue.toml"
DURATION = re.compile(r"^(\d+)([smhd])$")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

sandbox = AppGroup("sandbox", help="Steer the local stand-ins. They exist only under `make run`.")


def register(app: Flask) -> None:
    """Give the app its commands."""
    for command in (worker, scheduler, sweep, seed, doctor, sandbox):
        app.cli.add_command(command)


@click.command()
@with_appcontext
def worker() -> None:
    """Do the work in the outbox, until stopped."""
    queue.work()


@click.command()
@with_appcontext
def scheduler() -> None:
    """Tick: wake the workers for what is due, until stopped."""
    queue.scheduler().run()


@click.command()
@with_appcontext
def sweep() -> None:
    """Run everything that is due now in this process, without Redis."""
    click.echo(f"{queue.run_due()} jobs were run.")


@click.command()
@with_appcontext
def seed() -> None:
    """Put the sandbox's catalogue of mentors in place; what is there already stays."""
    catalogue = tomllib.loads(CATALOGUE.read_text())
    if current_app.extensions["settings"].sandbox_url is not None:
        for entry in catalogue["staff"]:
            seeding.employ(entry)
    made = [m["name"] for m in catalogue["mentors"] if seeding.plant(m, _control)]
    click.echo(
        f"{len(made)} mentors were added: {', '.join(made)}." if made else "The catalogue is in place."
    )


@sandbox.command()
@click.argument("by")
def advance(by: str) -> None:
    """Move the clock of the app and of the stand-ins forward: 90s, 15m, 72h, 3d, or `next`: to the next release."""
    span = _until_next_release() if by == "next" else duration(by)
    _control("POST", "advance", {"seconds": span.total_seconds()})
    queue.sweep()
    with transaction():
        now, due = clock.now(), payouts.next_release()
    click.echo(f"It is now {now:%A %d %B %Y, %H:%M} UTC. What has become due happens within seconds.")
    if due is not None:
        click.echo(
            f"The next dispute period ends {due:%A %d %B %Y, %H:%M} UTC (`sandbox advance next` goes there)."
        )


def _until_next_release() -> timedelta:
    with transaction():
        now, due = clock.now(), payouts.next_release()
    if due is None:
        raise click.ClickException("No money is held, so there is no release to go to.")
    return due - now + timedelta(seconds=1)


def duration(text: str) -> timedelta:
    """72h → 72 hours. Raises click.BadParameter."""
    found = DURATION.match(text.strip())
    if found is None:
        raise click.BadParameter("give a number and a unit, such as 90s, 15m, 72h or 3d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _control(method: str, path: str, body: dict[str, Any]) -> Any:
    """Ask the sandbox's control desk."""
    settings: Settings = current_app.extensions["settings"]
    if settings.sandbox_url is None:
        raise click.ClickException(
            "There is no sandbox here: SANDBOX_URL is not set. It runs under `make run`."
        )
    answer = requests.request(method, f"{settings.sandbox_url}/control/{path}", json=body, timeout=30)
    if not answer.ok:
        raise click.ClickException(f"The sandbox answered {answer.status_code}: {answer.text[:300]}")
    return answer.json() if answer.content else None
