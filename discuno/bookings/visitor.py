"""The browser that books: a random id in its signed cookie, and how it likes its times."""

import secrets

from flask import request, session

from discuno.kit import web

CLOCKS = ("12", "24")


def visitor() -> str | None:
    """This browser's id, if it has chosen a time before."""
    found = session.get("visitor")
    return found if isinstance(found, str) else None


def new_visitor() -> str:
    """This browser's id, made now if it has none."""
    session.permanent = True
    return str(session.setdefault("visitor", secrets.token_urlsafe(16)))


def zone(default: str) -> tuple[str, bool]:
    """The zone to show times in, and whether it is only the mentor's, because nobody told us another."""
    for candidate in (request.values.get("zone"), request.cookies.get("tz")):
        if web.zone_of(candidate) is not None:
            return str(candidate), False
    return default, True


def clock() -> str:
    """12 or 24 hours, as asked for, or as it was last asked for."""
    asked = request.args.get("clock")
    if asked in CLOCKS and session.get("clock") != asked:
        session["clock"] = asked
    kept = session.get("clock")
    return str(kept) if kept in CLOCKS else "24"
