"""Signed links: what somebody may do who has nothing but the link. Some are good for a while, some until revoked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

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


def _sealer(salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=salt)


def seal(salt: str, claims: Claims) -> str:
    """A token that is the same whenever it is made, so that a letter written twice is one letter. It has no age."""
    return str(_sealer(salt).dumps(dict(claims)))


def unseal(salt: str, token: str) -> dict[str, Any] | None:
    """What such a token says, or None when it is not ours or for something else."""
    try:
        said: Any = _sealer(salt).loads(token)
    except BadData:
        return None
    return said if isinstance(said, dict) else None
