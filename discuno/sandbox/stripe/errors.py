"""The ways the Stripe stand-in says no, in Stripe's own shape."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Refusal(Exception):
    """An answer other than 2xx; `code` and `param` are Stripe's words."""

    message: str
    code: str | None = None
    param: str | None = None
    status: int = 400
    type: str = "invalid_request_error"
    kept: bool = True  # whether an idempotency key remembers it
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON Stripe would answer with."""
        error = {
            "type": self.type,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}",
        }
        return {"error": {key: value for key, value in error.items() if value is not None}}


@dataclass(eq=False)
class BadParam(Exception):
    """A parameter the SDK's own types do not allow."""

    message: str
    param: str
    code: str | None = None


def missing(what: str, record_id: str, param: str, status: int = 404) -> Refusal:
    """Stripe's answer for an id it does not know; 404 in a path, 400 in a parameter."""
    return Refusal(f"No such {what}: '{record_id}'", "resource_missing", param, status)
