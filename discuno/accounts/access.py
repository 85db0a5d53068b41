"""Who is signed in, and who may enter where. Flask-Login keeps the cookie; whom it stands for is a row of ours."""

from typing import cast
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, g, make_response, redirect, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response as AnyResponse

from discuno.accounts import sessions
from discuno.accounts.audit import Actor
from discuno.accounts.models import Role, User, UserSession
from discuno.kit import limits, security
from discuno.kit.db import locked, transaction
from discuno.kit.errors import NotFound
from discuno.kit.web import local_path, wants_part

SIGN_IN = "/sign-in"
KNOWS = "knows"  # in the cookie, after signing out too: who was signed in here last
KEPT = ("visitor", "clock", KNOWS)  # of the cookie, when somebody signs in or out
COOKIE = "_user_id"  # where Flask-Login keeps the token
_login = LoginManager()
_login.session_protection = None  # addresses of phones change; the token, its limits and its row protect it


class Visit(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
    """A sign-in as Flask-Login knows it: by the token of the cookie."""

    def __init__(self, token: str, row: UserSession) -> None:
        self.token, self.row = token, row

    def get_id(self) -> str:
        """What stands in the cookie."""
        return self.token


@_login.user_loader  # type: ignore[untyped-decorator]  # as above
def _load(token: str) -> Visit | None:
    row = sessions.find(token)
    return Visit(token, row) if row is not None else None


def install(app: Flask) -> None:
    """Let this app know who is signed in."""
    _login.init_app(app)


# Who it is


def user() -> User | None:
    """Whoever is signed in, or None."""
    row = here()
    return row.user if row is not None else None


def here() -> UserSession | None:
    """The sign-in of this browser, or None."""
    return current_user.row if current_user.is_authenticated else None


def knows() -> int | None:
    """Who was signed in here last, whether or not they still are."""
    found = session.get(KNOWS)
    return found if isinstance(found, int) else None


def actor() -> Actor:
    """Who acts in this request, for the audit log. Raises NotFound when nobody is signed in."""
    found = user()
    if found is None:
        raise NotFound
    return Actor(found.email, limits.address())


# In and out


def let_in(found: User) -> None:
    """This browser is theirs from now on, under a new token. Not inside a unit of work."""
    with transaction():
        token = sessions.begin(locked(User, found.id), request.headers.get("User-Agent", ""))
    _forget()
    session[KNOWS], session.permanent = found.id, True
    row = sessions.find(token)
    if row is not None:
        login_user(Visit(token, row))


def let_out(*, everywhere: bool = False) -> None:
    """Signed out, in this browser or in all; a copy of the cookie is worth nothing afterwards."""
    row = here()
    if row is not None:
        with transaction():
            if everywhere:
                sessions.end_all(locked(User, row.user_id))
            else:
                sessions.end(locked(UserSession, row.id))
    logout_user()
    _forget()


def _forget() -> None:
    """Nothing of what this cookie held before stays in it, the token against forged forms included."""
    kept = {name: session[name] for name in KEPT if name in session}
    session.clear()
    session.update(kept)
    g.pop("csrf_token", None)


# Who may enter


def signed_in() -> AnyResponse | None:
    """A guard: everybody else is asked to sign in, and led back."""
    row = here()
    if row is None:
        return _ask_to_sign_in()
    if sessions.is_unseen(row):
        with transaction():
            seen = locked(UserSession, row.id)
            if sessions.is_live(seen):
                sessions.touch(seen)
    return None


def admin() -> AnyResponse | None:
    """A guard: to anybody but an admin there is nothing here.

    An e-mailed link is one factor; the second one that admins need (OWASP ASVS 5.0 6.3.3) will be asked for here.
    """
    asked = signed_in()
    if asked is not None:
        return asked
    found = user()
    if found is None or found.role != Role.ADMIN:
        raise NotFound
    return None


def _ask_to_sign_in() -> AnyResponse:
    if wants_part():
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        there = f"{page.path}?{page.query}" if page.query else page.path
        return make_response("", 204, {"HX-Redirect": sign_in_path(there), "Cache-Control": "no-store"})
    there = request.full_path.rstrip("?") if request.method == "GET" else ""
    response = cast(Response, redirect(sign_in_path(there), 303))
    response.headers["Cache-Control"] = "no-store"
    return response


def sign_in_path(there: str) -> str:
    """The sign-in page, which leads back to a path of ours."""
    path = local_path(there)
    return f"{SIGN_IN}?{urlencode({'next': path})}" if path else SIGN_IN


security.GUARDS["signed_in"] = signed_in
security.GUARDS["admin"] = admin
