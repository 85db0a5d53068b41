"""Settings are checked when the app starts, by name, and never shown."""

from typing import Any

import pytest

from discuno import _flask_config
from discuno.config import BadSettings, Settings, load, name_the_driver
from tests.house import settings_for

GOOD: dict[str, Any] = {
    "_env_file": None,
    "database_url": "postgres://u:canary-password@h/d",
    "secret_key": "canary-" * 6,
    "base_url": "https://discuno.example/",
    "stripe_secret_key": "sk_live_canary",
    "stripe_publishable_key": "pk_live_x",
    "stripe_webhook_secret": "whsec_canary_1",
    "stripe_connect_webhook_secret": "whsec_canary_2",
    "resend_api_key": "re_canary_key",
    "email_from_domain": "discuno.example",
    "admin_email": "admin@discuno.example",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own settings."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_what_heroku_hands_out_is_understood() -> None:
    settings = load(**GOOD, redis_url="rediss://:p@h:6380/0")
    assert settings.database_url == "postgresql+psycopg://u:canary-password@h/d"
    assert name_the_driver("postgresql://h/d") == "postgresql+psycopg://h/d"
    assert settings.base_url == "https://discuno.example"
    assert settings.is_live


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "sqlite:///x"),
        ("redis_url", "http://h"),
        ("base_url", "discuno.example"),
        ("secret_key", "short"),
        ("stripe_webhook_secret", ""),
        ("platform_fee_bps", "10001"),
        ("platform_fee_bps", "-1"),
        ("dispute_period_hours", "-1"),
        ("hold_starts_at", "whenever"),
        ("stripe_accounts_api", "v3"),
    ],
)
def test_a_wrong_setting_is_named_and_the_app_does_not_start(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as refused:
        load(**{**GOOD, name: value})
    assert name.upper() in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("name", [n for n in GOOD if n != "_env_file"])
def test_a_missing_setting_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(BadSettings, match=name.upper()):
        load(**given)
    monkeypatch.setenv(name.upper(), GOOD[name])
    load(**given)


def test_live_keys_need_https() -> None:
    with pytest.raises(BadSettings, match="https"):
        load(**{**GOOD, "base_url": "http://discuno.example"})


def test_secrets_are_not_shown() -> None:
    shown = repr(load(**GOOD))
    for secret in ("sk_live_canary", "whsec_canary", "re_canary", "canary-canary"):
        assert secret not in shown


def test_over_https_the_cookie_is_secure_and_bound_to_the_host() -> None:
    over_tls = _flask_config(load(**GOOD))
    assert over_tls["SESSION_COOKIE_NAME"] == "__Host-discuno"
    assert over_tls["SESSION_COOKIE_SECURE"] is True
    plain = _flask_config(settings_for("http://h", "http://h", GOOD["database_url"], "redis://h"))
    assert plain["SESSION_COOKIE_SECURE"] is False
