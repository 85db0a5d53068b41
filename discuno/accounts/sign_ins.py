"""Where somebody is signed in, and how they end it there: the same page for mentors and admins."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access, audit, browsers, sessions
from discuno.accounts import service as accounts
from discuno.accounts.models import STAFF, User, UserSession
from discuno.bookings.visitor import clock as chosen_clock
from discuno.bookings.visitor import zone
from discuno.kit import limits, security
from discuno.kit.db import locked, one_or_none, transaction
from discuno.kit.errors import NotFound
from discuno.kit.web import show
from discuno.mentors.models import Mentor

bp = security.private("signed_in", "sign_ins", __name__, "/sign-ins")


def me() -> tuple[User, UserSession]:
    """Whoever is signed in, and their sign-in. Raises NotFound."""
    user, here = access.user(), access.here()
    if user is None or here is None:
        raise NotFound
    return user, here


@bp.get("")
def listing() -> Response:
    """Every browser in which they are signed in."""
    user, here = me()
    lines = [{"row": row, "words": browsers.in_words(row.browser)} for row in sessions.of_user(user)]
    frame = {"pages": [("Your pages", accounts.way_in(user))], "here": ""}
    life = {"idle": _in_words(sessions.idle(user)), "days": policy.SESSION_LIFE.days}
    context = {"lines": lines, "present": here.id, "user": user, "is_staff": user.role in STAFF}
    return show(
        "accounts/page.html",
        "accounts/_sign_ins.html",
        title="Where you are signed in",
        **{**context, **life, **frame, **_times(user)},
    )


def _in_words(span: timedelta) -> str:
    return f"{span.days} days" if span.days else f"{span.seconds // 3600} hours"


def _times(user: User) -> dict[str, Any]:
    """A mentor's own zone, or the browser's."""
    mentor = one_or_none(sa.select(Mentor).where(Mentor.user_id == user.id))
    return {"zone": mentor.zone if mentor is not None else zone("UTC")[0], "clock": chosen_clock()}


@bp.post("/<int:session_id>/end")
@limits.at_most(*policy.SETTINGS)
def end(session_id: int) -> AnyResponse:
    """Sign out in another browser, or in this one. Twice does it once."""
    user, here = me()
    theirs = sa.select(UserSession).where(UserSession.id == session_id, UserSession.user_id == user.id)
    if one_or_none(theirs) is None:
        raise NotFound
    if session_id == here.id:
        access.let_out()
        return redirect(url_for("sign_out.signed_out"), 303)
    with transaction():
        sessions.end(locked(UserSession, session_id))
        audit.note(access.actor(), "sign_out_elsewhere", f"user:{user.id}")
    return redirect(url_for(".listing"), 303)


@bp.post("/end-all")
@limits.at_most(*policy.SETTINGS)
def end_all() -> AnyResponse:
    """Signed out everywhere, here included."""
    user, _ = me()
    with transaction():
        sessions.end_all(locked(User, user.id))
        audit.note(access.actor(), "sign_out_everywhere", f"user:{user.id}")
    access.let_out()
    return redirect(url_for("sign_out.signed_out"), 303)
