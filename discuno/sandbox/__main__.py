"""The sandbox as a process: `python -m discuno.sandbox`, settings from the environment."""

import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import sqlalchemy as sa

from discuno.config import name_the_driver
from discuno.gallery import create_gallery
from discuno.sandbox.app import LiveKey, serve
from discuno.sandbox.settings import SandboxSettings

LOOPBACK = ("127.0.0.1", "localhost")
ROOT = Path(__file__).parent.parent.parent
NAMES = {
    "BASE_URL": "app_url",
    "SANDBOX_URL": "own_url",
    "STRIPE_SECRET_KEY": "stripe_secret_key",
    "STRIPE_PUBLISHABLE_KEY": "stripe_publishable_key",
    "STRIPE_WEBHOOK_SECRET": "stripe_webhook_secret",
    "STRIPE_CONNECT_WEBHOOK_SECRET": "stripe_connect_webhook_secret",
    "CALCOM_API_KEY": "calcom_api_key",
    "CALCOM_WEBHOOK_SECRET": "calcom_webhook_secret",
    "RESEND_API_KEY": "resend_api_key",
    "RESEND_WEBHOOK_SECRET": "resend_webhook_secret",
}


def settings_from(environ: Mapping[str, str]) -> SandboxSettings:
    """The settings these variables give; what is unset or empty keeps its default."""
    given = {field: environ[name] for name, field in NAMES.items() if environ.get(name)}
    for field in ("app_url", "own_url"):
        if field in given:
            given[field] = given[field].rstrip("/")
    journal = environ.get("SANDBOX_JOURNAL")
    return SandboxSettings(**given, journal=Path(journal) if journal else None)


def move_app_clock(database_url: str, seconds: float) -> None:
    """Let the app's clock go along, so that both worlds live at the same time."""
    engine = sa.create_engine(name_the_driver(database_url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE discuno_clock SET ahead = ahead + make_interval(secs => :s)"), {"s": seconds}
        )


def main() -> int:
    """Serve until told to stop; 2 when the settings forbid it."""
    settings = settings_from(os.environ)
    address = urlsplit(settings.own_url)
    try:
        mounts = {"/gallery": create_gallery(str(ROOT)).wsgi_app}
        sandbox = serve(settings, address.hostname or "127.0.0.1", address.port or 8001, mounts)
    except LiveKey as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    post = urlsplit(os.environ.get("SMTP_URL", ""))
    if post.hostname in LOOPBACK and post.port:
        sandbox.open_post(post.hostname, post.port)
    if os.environ.get("DATABASE_URL"):
        sandbox.world.on_advance = partial(move_app_clock, os.environ["DATABASE_URL"])
    signal.signal(signal.SIGTERM, _leave)
    try:
        sandbox.wait()
    except KeyboardInterrupt:
        sandbox.stop()
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
