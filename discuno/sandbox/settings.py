"""What the sandbox must know of the app it serves: where it is, and the shared secrets."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SandboxSettings:
    """Addresses end without a slash. Secrets are the ones the app was given too."""

    app_url: str = "http://127.0.0.1:8000"
    own_url: str = "http://127.0.0.1:8001"
    journal: Path | None = None
    stripe_secret_key: str = "sk_test_sandbox"
    stripe_publishable_key: str = "pk_test_sandbox"
    stripe_webhook_secret: str = "whsec_sandbox_platform"
    stripe_connect_webhook_secret: str = "whsec_sandbox_connect"
    calcom_api_key: str = "cal_sandbox"
    calcom_webhook_secret: str = "calcom_sandbox_secret"
    resend_api_key: str = "re_sandbox"
    resend_webhook_secret: str = "whsec_c2FuZGJveF9yZXNlbmRfc2VjcmV0"
