"""Secrets that people give us, sealed before they are kept: a copy of the database alone opens none of them."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


def _box(purpose: str) -> Fernet:
    """A key of its own for each purpose, from the app's secret."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"discuno vault: {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(str(current_app.secret_key).encode())))


def seal(purpose: str, secret: str) -> str:
    """The secret as it is kept."""
    return _box(purpose).encrypt(secret.encode()).decode()


def unseal(purpose: str, sealed: str) -> str | None:
    """The secret, or None when it was sealed under another SECRET_KEY: its owner has to give it again."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None
