"""The settings a local run gives its processes: what the person set, and defaults for the rest."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from discuno.sandbox.settings import SandboxSettings

Settings = dict[str, str]
VENDOR_KEYS = {
    "STRIPE_SECRET_KEY": SandboxSettings.stripe_secret_key,
    "CALCOM_API_KEY": SandboxSettings.calcom_api_key,
    "RESEND_API_KEY": SandboxSettings.resend_api_key,
}


def given(root: Path, environ: Mapping[str, str]) -> Settings:
    """What the person set: `.env`, and over it the environment. An empty value is none."""
    both = {**dotenv_values(root / ".env"), **environ}
    return {name: value for name, value in both.items() if value}


def has_real_keys(chosen: Mapping[str, str]) -> bool:
    """Whether any vendor is real, or a mail server; then none is simulated."""
    if chosen.get("SMTP_URL"):
        return True
    return any(chosen.get(name, simulated) != simulated for name, simulated in VENDOR_KEYS.items())


def local_defaults(home: Path, app_url: str) -> Settings:
    """Defaults of every local run."""
    return {
        "BASE_URL": app_url,
        "SECRET_KEY": _kept_secret(home / "secret_key"),
        "CRON_JWT_SECRET": _kept_secret(home / "cron_jwt_secret"),
    }


def sandbox_defaults(home: Path, sandbox_url: str, mail_port: int) -> Settings:
    """Defaults that point the app at the stand-ins, with the secrets they share."""
    return {
        **VENDOR_KEYS,
        "STRIPE_PUBLISHABLE_KEY": SandboxSettings.stripe_publishable_key,
        "STRIPE_WEBHOOK_SECRET": SandboxSettings.stripe_webhook_secret,
        "STRIPE_CONNECT_WEBHOOK_SECRET": SandboxSettings.stripe_connect_webhook_secret,
        "STRIPE_API_BASE": f"{sandbox_url}/stripe",
        "STRIPE_JS_URL": f"{sandbox_url}/js/stripe.js",
        "CALCOM_API_BASE": f"{sandbox_url}/calcom/v2",
        "CALCOM_WEBHOOK_SECRET": SandboxSettings.calcom_webhook_secret,
        "RESEND_API_BASE": f"{sandbox_url}/resend",
        "RESEND_WEBHOOK_SECRET": SandboxSettings.resend_webhook_secret,
        "SMTP_URL": f"smtp://127.0.0.1:{mail_port}",
        "EMAIL_FROM_DOMAIN": "discuno.example",
        "ADMIN_EMAIL": "admin@discuno.example",
        "SANDBOX_URL": sandbox_url,
        "SANDBOX_JOURNAL": str(home / "sandbox.jsonl"),
    }


def for_processes(chosen: Mapping[str, str], port: int) -> Settings:
    """The whole environment of a child: the settings, and what makes programs behave on this machine."""
    programs = str(Path(sys.executable).parent)
    return {
        **chosen,
        "PATH": os.pathsep.join([programs, chosen.get("PATH", os.defpath)]),
        "PORT": str(port),
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
        "PYTHONUNBUFFERED": "1",
        **{name: _never_proxied(chosen.get(name)) for name in ("NO_PROXY", "no_proxy")},
    }


def write_env_file(path: Path, settings: Mapping[str, str]) -> None:
    """Leave the settings for commands typed in another terminal; readable by the owner only."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in sorted(settings.items())))


def _kept_secret(path: Path) -> str:
    """A random secret, made once and kept, so that sessions survive a restart."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


def _never_proxied(hosts: str | None) -> str:
    return ",".join(filter(None, [hosts, "127.0.0.1", "localhost"]))
