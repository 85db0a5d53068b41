"""Signed links: what somebody may do who has nothing but the link."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

Claims = Mapping[str, int | str]


def _signer(salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=salt)


def sign(salt: str, claims: Claims) -> str:
    """A token that nobody else can make; it is readable, so it carries no secrets."""
    return str(_signer(salt).dumps(dict(claims)))


def read(salt: str, token: str, lives: timedelta) -> dict[str, Any] | None:
    """What a token says, or None when it is not ours, for something else, or too old."""
    try:
        said: Any = _signer(salt).loads(token, max_age=int(lives.total_seconds()))
    except BadData:
        return None
    return said if isinstance(said, dict) else None
