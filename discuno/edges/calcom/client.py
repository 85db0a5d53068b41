"""The one way in which Cal.com is called, by whose key, and what may come of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import requests

from discuno.config import Settings
from discuno.kit import failpoints
from discuno.kit.db import leave_transaction

SLOTS = "2024-09-04"
EVENT_TYPES = "2024-06-14"
BOOKINGS = "2026-02-25"  # a missing version header silently selects the oldest shape
TIMEOUT = (5, 15)  # seconds


class CalcomDown(Exception):
    """No answer, or one that tells nothing: the outcome is unknown."""


class CalcomKeyRefused(CalcomDown):
    """Cal.com does not accept a mentor's own key, or not for this: as good as down until they give another."""


class CalcomRefused(Exception):
    """A definite no, with Cal.com's words."""


class CalcomMissing(CalcomRefused):
    """There is no such thing."""


_base = ""
_key = ""
_mine = threading.local()  # the requests session, and whose key it goes by: neither is for several threads


def configure(settings: Settings) -> None:
    """Set up the connection of this process. No call is made."""
    global _base, _key
    _base = settings.calcom_api_base
    _key = settings.calcom_api_key.get_secret_value() if settings.calcom_api_key else ""


@contextmanager
def acting_for(key: str | None) -> Iterator[None]:
    """Calls of this thread go by this mentor's own key meanwhile; None is the platform's. It may be nested."""
    before = _owner_key()
    _mine.key = key
    try:
        yield
    finally:
        _mine.key = before


def caller() -> str:
    """Who calls now, for counting calls: Cal.com allows so many a minute to each key. It tells no key."""
    key = _owner_key()
    return "platform" if key is None else sha256(key.encode()).hexdigest()[:16]


def ask(method: str, path: str, version: str | None, **request: Any) -> Any:
    """One call; returns what stands under `data`. Raises CalcomDown (CalcomKeyRefused is one), CalcomRefused."""
    leave_transaction()
    key = _owner_key()
    headers = {"cal-api-version": version, "Authorization": _authorization(key)}  # what is None is not sent
    failpoints.reach("calcom", "before")
    try:
        answer = _session().request(
            method, f"{_base}{path}", headers=headers, timeout=TIMEOUT, allow_redirects=False, **request
        )
        body = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise CalcomDown(f"{method} {path}: {type(error).__name__}") from error
    failpoints.reach("calcom", "after")
    if answer.status_code in (401, 403) and key is not None:
        raise CalcomKeyRefused(f"{method} {path}: {answer.status_code}")
    if answer.status_code in (401, 403, 429) or answer.status_code >= 500:  # our key, our pace, their trouble
        raise CalcomDown(f"{method} {path}: {answer.status_code}")
    if answer.status_code >= 400:
        raise (CalcomMissing if answer.status_code == 404 else CalcomRefused)(_message(body))
    return body.get("data") if isinstance(body, dict) else None


def _authorization(key: str | None) -> str | None:
    """By the mentor's key, or ours; without any, as anybody, which is enough for much of Cal.com."""
    chosen = _key if key is None else key
    return f"Bearer {chosen}" if chosen else None


def _owner_key() -> str | None:
    return getattr(_mine, "key", None)


def in_path(uid: str) -> str:
    """A uid as part of an address."""
    return quote(uid, safe="")


def _session() -> requests.Session:
    if not hasattr(_mine, "session"):
        _mine.session = requests.Session()
    session: requests.Session = _mine.session
    return session


def _message(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or "Cal.com refused without saying why")[:500]
