"""The visit of a browser: a random number in its signed cookie, so that it can be counted how far visits come.

It is not the visitor's id, names nobody, and ends after a day of silence or with a booking. A browser that asks not
to be tracked has none. Counting never breaks a page, and a robot, which brings no cookie back, is not counted.
"""

import secrets
from datetime import timedelta

import sqlalchemy as sa
import structlog
from flask import request, session

from discuno import policy
from discuno.bookings import funnel
from discuno.kit import clock, outbox
from discuno.kit.db import transaction

log = structlog.get_logger()
KEPT = "visit"  # where the cookie has it: its number, when it was seen last, and the pages that are counted
PAGES = 20  # of mentors that one cookie remembers as counted
SEEN_EVERY = 3600  # seconds: the cookie is written anew no more often than this
A_DAY = timedelta(days=1)


def visit() -> str | None:
    """The visit that this browser is on, or None when it has none yet, or wants none."""
    if _wants_none():
        return None
    kept = session.get(KEPT)
    if not isinstance(kept, list) or len(kept) != 3:
        return None
    silence = clock.now().timestamp() - kept[1]
    return str(kept[0]) if silence <= policy.VISIT_SILENCE.total_seconds() else None


def look(username: str) -> None:
    """Count that this browser looks at a mentor's pages, once it has brought its cookie back."""
    here = visit()
    if here is None:
        _begin()
        return
    number, seen_at, pages = session[KEPT]
    now = int(clock.now().timestamp())
    if username not in pages and _count(here, username):
        session[KEPT] = [number, now, [*pages[-PAGES + 1 :], username]]
    elif now - seen_at > SEEN_EVERY:
        session[KEPT] = [number, now, pages]


def to_choose_on() -> str | None:
    """The visit on which an hour is being chosen: after a booking another one begins. In a unit of work."""
    here = visit()
    if here is not None and not funnel.is_over(here):
        return here
    return _begin()


def _begin() -> str | None:
    """A new number, unless this browser wants none."""
    if _wants_none():
        session.pop(KEPT, None)
        return None
    session[KEPT] = [secrets.token_urlsafe(16), int(clock.now().timestamp()), []]
    return str(session[KEPT][0])


def _wants_none() -> bool:
    """Global Privacy Control, or its forerunner."""
    return "1" in (request.headers.get("Sec-GPC"), request.headers.get("DNT"))


def _count(here: str, username: str) -> bool:
    try:
        with transaction():
            funnel.looked(here, username)
    except sa.exc.SQLAlchemyError as error:
        log.warning("visit_not_counted", error=type(error).__name__)
        return False
    return True


@outbox.task("forget_visits", every=A_DAY)
def forget_visits() -> None:
    """Old steps go, a piece a transaction."""
    more = True
    while more:
        with transaction():
            more = funnel.forget()
