"""The client of this process, and Stripe's many errors turned into few.

StripeDown: nobody knows what happened. StripeBusy: it was not begun. StripeRefused: a definite no, with its code.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from discuno.config import Settings
from discuno.kit import failpoints
from discuno.kit.db import leave_transaction
from discuno.kit.outgoing import Busy, KeyReused, OutcomeUnknown, Refused

API_VERSION = "2026-10-28.endive"  # the SDK's own; a test holds SDK, version and Stripe.js train together
CONNECT, READ = 5, 20  # seconds; below the web server's limit, far below the SDK's default of 80
WEB_RETRIES = 1  # the SDK repeats with the same key after a lost connection, 409 and 5xx

stripe.enable_telemetry = False


class StripeDown(OutcomeUnknown):
    """No answer, or one that tells nothing: the outcome is unknown, or it depends on our own settings."""

    def __init__(self, message: str, *, answered: bool = False) -> None:
        super().__init__(message)
        self.answered = answered


class StripeBusy(StripeDown, Busy):
    """429, or the key at work elsewhere: nothing was begun by this call."""


class StripeRefused(Refused):
    """A definite no of Stripe's."""


_client: stripe.StripeClient | None = None
_publishable_key = ""


def configure(settings: Settings) -> None:
    """Set up the client of this process. No call is made."""
    global _client, _publishable_key
    _publishable_key = settings.stripe_publishable_key
    _client = stripe.StripeClient(
        settings.stripe_secret_key.get_secret_value(),
        stripe_version=API_VERSION,
        max_network_retries=WEB_RETRIES,
        http_client=stripe.RequestsClient(timeout=(CONNECT, READ)),
        base_addresses={
            "api": settings.stripe_api_base,
            "files": settings.stripe_api_base.replace("//api.stripe.com", "//files.stripe.com"),
        },
    )


def publishable_key() -> str:
    """What the browser may know."""
    return _publishable_key


@contextmanager
def call() -> Iterator[stripe.StripeClient]:
    """Ask Stripe, outside any transaction. Raises StripeDown, StripeBusy, StripeRefused, KeyReused."""
    leave_transaction()
    if _client is None:
        raise RuntimeError("edges.stripe was not configured")
    failpoints.reach("stripe", "before")
    try:
        yield _client
    except stripe.StripeError as error:
        raise _ours(error) from error
    failpoints.reach("stripe", "after")


def _ours(error: stripe.StripeError) -> Exception:
    """Stripe's error in our words."""
    if isinstance(error, stripe.IdempotencyError):
        return StripeBusy(str(error)) if error.http_status == 409 else KeyReused(str(error))
    if isinstance(error, stripe.RateLimitError) or error.http_status == 409:
        return StripeBusy(f"{_code(error)}: {error}")
    if isinstance(error, stripe.APIConnectionError):
        return StripeDown(str(error))
    if isinstance(error, stripe.APIError):
        return StripeDown(str(error), answered=True)
    is_about_the_account = _code(error) == "account_invalid"
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError) and not is_about_the_account:
        return StripeDown(f"our key is not accepted: {error}")
    return StripeRefused(_code(error), str(error.user_message or error))


def _code(error: stripe.StripeError) -> str:
    """Stripe's code; the SDK leaves `error.code` empty for a 429."""
    inner = getattr(error, "error", None)
    return str(error.code or getattr(inner, "code", None) or type(error).__name__)
