"""The second factor at the door: giving a code, setting up the app that shows them, and the codes on paper."""

from typing import Any

import segno
from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.accounts import access, second
from discuno.accounts import service as accounts
from discuno.accounts.forms import CodeForm
from discuno.accounts.models import STAFF, User, UserSession
from discuno.accounts.second import Answer
from discuno.kit import limits, security
from discuno.kit.db import locked, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.web import local_path, show

bp = security.private("signed_in", "second_factor", __name__, access.CODE)
MINUTES = int(policy.SET_UP_WITHIN.total_seconds()) // 60
SIGN_IN_AGAIN = (
    f"An app is set up within {MINUTES} minutes of signing in by letter. Please sign out, and sign in again."
)
PAPER = "paper"


def me() -> tuple[User, UserSession]:
    """One of the staff, and this sign-in of theirs. To others there is nothing here."""
    user, here = access.user(), access.here()
    if user is None or here is None or user.role not in STAFF:
        raise NotFound
    return user, here


def _wanted() -> str:
    return local_path(request.values.get("next"))


def _go_on() -> AnyResponse:
    return redirect(accounts.way_in(me()[0], _wanted()), 303)


def _page(part: str, title: str, status: int = 200, **context: Any) -> Response:
    frame = {"pages": [], "here": "", "next": _wanted(), "errors": {}}
    return show("accounts/page.html", f"accounts/_{part}.html", status, title=title, **{**frame, **context})


# Giving a code


@bp.get("")
def ask() -> AnyResponse:
    """Ask for a code; who has no app is led to setting one up, and who gave one just now is led on."""
    user, here = me()
    if not second.is_set_up(user):
        return redirect(url_for(".new", next=_wanted() or None), 303)
    return _go_on() if second.is_fresh(here) else _ask()


@bp.post("")
@limits.at_most(*policy.CODES)
def give() -> AnyResponse:
    """Take the code, and lead on to what they wanted. Who has used one from paper is told how many are left."""
    me()
    form = CodeForm()
    if not form.validate():
        return _ask(422, form.sentences())
    answer = access.prove(form.code.data)
    if not answer.is_taken:
        return _ask(422, {"code": answer.sentence})
    access.renew()
    if answer is Answer.PAPER:
        return redirect(url_for(".paper", used=1, next=_wanted() or None), 303)
    return _go_on()


def _ask(status: int = 200, errors: dict[str, str] | None = None) -> Response:
    by_paper = request.values.get("by") == PAPER
    return _page("code", "Your code", status, errors=errors or {}, by_paper=by_paper)


# Setting up an app


@bp.get("/new")
def new() -> Response:
    """The secret for an app, as a picture and as letters, once it was asked for."""
    return _new()


@bp.post("/new/begin")
@limits.at_most(*policy.CODES)
def begin() -> AnyResponse:
    """Make a secret, for who has just signed in by letter or has just proved the app that it replaces."""
    user, _ = me()
    if second.is_set_up(user) and (problem := access.proves(request.form.get("code", ""))):
        return _new(422, {"code": problem})
    with transaction():
        owner = locked(User, user.id)
        _check_may_set_up()
        journey.begin_app(owner, access.actor())
    return redirect(url_for(".new", next=_wanted() or None), 303)


@bp.post("/new")
@limits.at_most(*policy.CODES)
def confirm() -> AnyResponse:
    """The first code: from now on it counts. The recovery codes are in this answer, and nowhere afterwards."""
    form = CodeForm()
    user, here = me()
    if not form.validate():
        return _new(422, form.sentences())
    with transaction():
        locked(User, user.id)
        _check_may_set_up()
        answer, codes = journey.set_up_app(locked(UserSession, here.id), form.code.data, access.actor())
    if answer is Answer.NONE:  # pressed twice, or too late
        return redirect(url_for(".new", next=_wanted() or None), 303)
    if not answer.is_taken:
        return _new(422, {"code": answer.sentence})
    access.renew()
    return _codes(codes)


def _check_may_set_up() -> None:
    if not second.may_set_up(*me()):
        raise DomainError(SIGN_IN_AGAIN, status=403, heading="Please sign in again")


def _new(status: int = 200, errors: dict[str, str] | None = None) -> Response:
    user, here = me()
    may, factor = second.may_set_up(user, here), second.of(user)
    secret = second.pending(factor) if may and factor is not None else None
    context = {
        "may": may,
        "is_set_up": second.is_set_up(user),
        "must_prove": access.must_prove(),
        "secret": secret,
        "picture": _picture(second.address_of(secret, user)) if secret else "",
        "minutes": MINUTES,
        "errors": errors or {},
    }
    return _page("code_new", "Set up an authenticator app", status, **context)


def _picture(address: str) -> str:
    """The QR code, drawn here and put into the page: the secret goes to nobody else, and into no address."""
    return segno.make(address, error="m").svg_data_uri(scale=5, border=3, light="white")


# On paper


@bp.get("/recovery")
def paper() -> AnyResponse:
    """How many recovery codes are left."""
    _, here = me()
    if not second.is_proved(here):
        return redirect(access.code_path(request.full_path), 303)
    return _paper()


@bp.post("/recovery")
@limits.at_most(*policy.CODES)
def write() -> AnyResponse:
    """New ones, in place of those of before. They are in this answer, and nowhere afterwards."""
    user, here = me()
    if not second.is_set_up(user):
        raise NotFound
    if problem := access.proves(request.form.get("code", "")):
        return _paper(422, {"code": problem})
    with transaction():
        locked(User, user.id)
        codes = journey.write_recovery_codes(locked(UserSession, here.id), access.actor())
    return _codes(codes)


def _paper(status: int = 200, errors: dict[str, str] | None = None) -> Response:
    context = {
        "left": second.codes_left(me()[0]),
        "used": request.args.get("used") == "1",
        "must_prove": access.must_prove(),
        "errors": errors or {},
    }
    return _page("recovery", "Your recovery codes", status, **context)


def _codes(codes: list[str]) -> Response:
    return _page("codes", "Write these down", codes=codes, go_on=accounts.way_in(me()[0], _wanted()))
