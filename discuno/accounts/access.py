"""Who is signed in, and who may enter where. Flask-Login keeps the cookie; whom it stands for is a row of ours."""

from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, g, make_response, redirect, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey
from discuno.accounts import second, sessions
from discuno.accounts.audit import Actor
from discuno.accounts.models import STAFF, Role, User, UserSession
from discuno.accounts.second import Answer
from discuno.kit import limits, security
from discuno.kit.db import locked, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.web import local_path, wants_part

SIGN_IN = "/sign-in"
CODE = "/sign-in/code"
LOOK_ONLY = "You can look at everything here. To change something, ask an admin."
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
    """A guard: for who looks after money, with a second factor. To others there is nothing here.

    An e-mailed link is one factor (OWASP ASVS 5.0 6.3.3). Support may look at everything and change nothing.
    """
    asked = signed_in()
    if asked is not None:
        return asked
    found, row = user(), here()
    if found is None or row is None or found.role not in STAFF:
        raise NotFound
    if not second.is_proved(row):
        return _lead_to(code_path)
    if found.role != Role.ADMIN and request.method not in security.SAFE:
        raise DomainError(LOOK_ONLY, status=403)
    return None


def may_act() -> bool:
    """Whether whoever looks at an admin page may change something there."""
    found = user()
    return found is not None and found.role == Role.ADMIN


def must_prove() -> bool:
    """Whether a code is to be typed before money moves: none was, lately, in this browser."""
    row = here()
    return row is None or not second.is_fresh(row)


def prove(code: str) -> Answer:
    """Take a code in this browser. Not inside a unit of work. Raises NotFound when nobody is signed in."""
    row = here()
    if row is None:
        raise NotFound
    with transaction():
        locked(User, row.user_id)
        return journey.take_code(locked(UserSession, row.id), code, actor())


def proves(code: str) -> str | None:
    """The same for a form that moves money: None when no code is needed or it was taken, else why it was not."""
    return prove(code).sentence or None if must_prove() else None


def renew() -> None:
    """What was proved here is worth nothing to who has a copy of the cookie of before. Not inside a unit of work."""
    row = here()
    if row is not None:
        with transaction():
            session[COOKIE] = sessions.renew(locked(UserSession, row.id))


def _ask_to_sign_in() -> AnyResponse:
    return _lead_to(sign_in_path)


def _lead_to(path: Callable[[str], str]) -> AnyResponse:
    """Elsewhere first, and from there back here."""
    if wants_part():
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        there = f"{page.path}?{page.query}" if page.query else page.path
        return make_response("", 204, {"HX-Redirect": path(there), "Cache-Control": "no-store"})
    there = request.full_path.rstrip("?") if request.method == "GET" else ""
    response = cast(Response, redirect(path(there), 303))
    response.headers["Cache-Control"] = "no-store"
    return response


def sign_in_path(there: str) -> str:
    """The sign-in page, which leads back to a path of ours."""
    return _with_next(SIGN_IN, there)


def code_path(there: str) -> str:
    """The page that asks for the second factor, and leads back."""
    return _with_next(CODE, there)


def _with_next(page: str, there: str) -> str:
    path = local_path(there)
    return f"{page}?{urlencode({'next': path})}" if path else page


security.GUARDS["signed_in"] = signed_in
security.GUARDS["admin"] = admin
