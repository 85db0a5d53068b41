"""Settings from the environment, typed and checked at start. Secrets are never printed."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from discuno.policy import Terms

STRIPE_TRAIN = "endive"  # Stripe.js release train; must be that of stripe.api_version (a test holds it)

DSN = re.compile(r"https?://\w+@[^/@\s]+/(?:\S+/)?\d+")  # of a project at Sentry


def name_the_driver(database_url: str) -> str:
    """Heroku hands out postgres://; SQLAlchemy wants the driver named."""
    for scheme in ("postgres://", "postgresql://"):
        if database_url.startswith(scheme):
            return "postgresql+psycopg://" + database_url.removeprefix(scheme)
    return database_url


class Settings(BaseSettings):
    """Names are those of the environment, in lower case. See README for what each one does."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True, env_ignore_empty=True)

    database_url: str
    redis_url: str = "redis://127.0.0.1:6379/0"
    secret_key: SecretStr = Field(min_length=32)
    base_url: str

    stripe_secret_key: SecretStr
    stripe_publishable_key: str
    stripe_webhook_secret: SecretStr = Field(min_length=8)
    stripe_connect_webhook_secret: SecretStr = Field(min_length=8)
    stripe_api_base: str = "https://api.stripe.com"
    stripe_js_url: str = f"https://js.stripe.com/{STRIPE_TRAIN}/stripe.js"
    stripe_transfer_rate: float = Field(default=20, gt=0, le=24)  # a second; Stripe allows 25 an endpoint
    stripe_accounts_api: Literal["v1", "v2"] = "v2"

    calcom_api_key: SecretStr | None = None
    calcom_api_base: str = "https://api.cal.com/v2"
    calcom_webhook_secret: SecretStr | None = None

    resend_api_key: SecretStr
    resend_api_base: str = "https://api.resend.com"
    resend_webhook_secret: SecretStr | None = None
    resend_rate: float = Field(
        default=4, gt=0, le=1000
    )  # requests a second; Resend allows 5 a team, and others ask too
    smtp_url: SecretStr | None = None  # for letters that Resend does not take
    email_from_domain: str
    admin_email: str

    cron_jwt_secret: SecretStr | None = Field(default=None, min_length=32)  # without it there is no cron door
    platform_fee_bps: int = Field(default=1000, ge=0, le=10_000)
    dispute_period_hours: int = Field(default=72, ge=0, le=24 * 90)
    hold_starts_at: Literal["session", "payment"] = "session"
    payout_mode: Literal["automatic", "on_request"] = "automatic"
    sentry_dsn: SecretStr | None = None
    sandbox_url: str | None = None  # for `flask seed` and `flask sandbox` only

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str) -> str:
        value = name_the_driver(value)
        if not value.startswith("postgresql+psycopg://"):
            raise ValueError("must be a Postgres URL; Discuno runs on no other database")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("base_url", "stripe_api_base", "calcom_api_base", "resend_api_base")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must be an http or https address")
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value is not None else None
        if parts is not None and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
            raise ValueError("must look like smtp://user:password@host:587 or smtps://user:password@host:465")
        return value

    @field_validator("sentry_dsn")
    @classmethod
    def _is_dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and DSN.fullmatch(value.get_secret_value()) is None:
            raise ValueError("must look like https://key@host/number")
        return value

    @model_validator(mode="after")
    def _live_keys_need_https(self) -> Self:
        if self.is_live and not self.is_https:
            raise ValueError("BASE_URL must be https when a live Stripe key is set")
        return self

    @property
    def is_live(self) -> bool:
        """Whether real money moves."""
        return self.stripe_secret_key.get_secret_value().startswith(("sk_live", "rk_live"))

    @property
    def is_https(self) -> bool:
        """Whether people reach us over TLS: cookies are then Secure and HSTS is sent."""
        return self.base_url.startswith("https://")

    @property
    def terms(self) -> Terms:
        """The business terms the owner has set."""
        return Terms(
            fee_bps=self.platform_fee_bps,
            dispute_period=timedelta(hours=self.dispute_period_hours),
            hold_starts_at=self.hold_starts_at,
        )


class BadSettings(SystemExit):
    """The app does not start half-configured; the message names each setting at fault."""


OWN = Path(".env")
RUNNING = Path(".local/env")  # there while `make run` runs, and only there: what it gave its processes


def env_files() -> list[Path]:
    """`.env`, and under it the settings of the `make run` in this checkout, unless another house is meant."""
    return [path for path in ([] if contradictions() else [RUNNING]) + [OWN] if path.exists()]


def contradictions() -> list[str]:
    """Settings named here that differ from the running house's: then it is another one, and none of it counts."""
    named = {**_values(OWN), **os.environ}
    return [name for name, value in _values(RUNNING).items() if named.get(name, "") not in ("", value)]


def _values(path: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(path).items()} if path.exists() else {}


def load(**given: Any) -> Settings:
    """Read the settings; `given` wins over the environment, the environment over the files."""
    try:
        return Settings(**{"_env_file": env_files(), **given})
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, e['loc'])).upper() or 'settings'}: {e['msg']}" for e in error.errors()
        ]
        if another := contradictions():
            lines.append(
                f"{RUNNING} of `make run` is not used, because {', '.join(another)} differs from it."
            )
        raise BadSettings(
            "Discuno cannot start; these settings are missing or wrong:\n" + "\n".join(lines)
        ) from None
