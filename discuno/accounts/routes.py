"""Signing in by an e-mailed link, and out again. The link shows a button; pressing it uses the link up."""

import secrets
from typing import Any

from flask import Response, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access, audit, links
from discuno.accounts import service as accounts
from discuno.accounts.audit import Actor
from discuno.accounts.forms import SignInForm
from discuno.accounts.links import LinkState
from discuno.accounts.models import SignInLink, User
from discuno.bookings.visitor import new_visitor
from discuno.kit import limits, outbox, security
from discuno.kit.db import locked, transaction
from discuno.kit.web import local_path, show

bp = security.private("anybody", "sign_in", __name__, "/sign-in")
leave = security.private("anybody", "sign_out", __name__)

NONCE = "asked"  # in the cookie of a browser that has asked for a link
STATUS = {
    LinkState.OPEN: 200,
    LinkState.ELSEWHERE: 409,
    LinkState.USED: 410,
    LinkState.REPLACED: 410,
    LinkState.TOO_OLD: 410,
    LinkState.UNKNOWN: 404,
}


def _page(part: str, title: str, status: int = 200, **context: Any) -> Response:
    return show("accounts/page.html", f"accounts/_{part}.html", status, title=title, **context)


# Asking


@bp.get("")
def ask() -> AnyResponse:
    """Ask for the address; who is signed in already is led on."""
    wanted, user = local_path(request.args.get("next")), access.user()
    if user is not None:
        return redirect(accounts.way_in(user, wanted), 303)
    return _page("sign_in", "Sign in", email="", errors={}, next=wanted)


@bp.post("")
@limits.at_most(*policy.MAIL)
def send() -> AnyResponse:
    """The same answer and the same work for every address; a link goes to the mailbox of who has an account."""
    form, wanted = SignInForm(), local_path(request.form.get("next"))
    if not form.validate():
        return _page("sign_in", "Sign in", 422, errors=form.sentences(), next=wanted, **form.typed())
    new_visitor()  # counted from now on
    nonce = session.setdefault(NONCE, secrets.token_urlsafe(32))
    with transaction():
        link = links.ask(form.email.data, nonce, wanted, access.knows())
        outbox.add("send_sign_in_link", link_id=link.id)
    return redirect(url_for(".sent", next=wanted or None), 303)


@bp.get("/sent")
def sent() -> Response:
    """What is said to everybody."""
    again = access.sign_in_path(request.args.get("next", ""))
    return _page("sent", "Look into your mailbox", again=again, minutes=links.MINUTES)


# The link


@bp.get("/<token>")
def opened(token: str) -> AnyResponse:
    """Show the button. Mail programs open links too, so looking at one changes nothing."""
    link = links.read(token)
    return _lead_on(link) or _link_page(token, link, links.state(link, _nonce()))


@bp.post("/<token>")
@limits.at_most(*policy.SIGN_INS)
def enter(token: str) -> AnyResponse:
    """Use the link up and let them in: once, however many ask at a time."""
    found = links.read(token)
    state, user = _use_up(found) if found is not None else (LinkState.UNKNOWN, None)
    if user is None:
        return _lead_on(found) or _link_page(token, found, state)
    access.let_out()  # whoever was signed in here before
    access.let_in(user)
    return redirect(accounts.way_in(user, found.next_path if found else ""), 303)


def _lead_on(link: SignInLink | None) -> AnyResponse | None:
    """Who is signed in already needs no link of theirs."""
    user = access.user()
    if user is None or (link is not None and link.user_id != user.id):
        return None
    return redirect(accounts.way_in(user, link.next_path if link is not None else ""), 303)


def _use_up(found: SignInLink) -> tuple[LinkState, User | None]:
    """What the link does, under its lock, and whom it lets in."""
    nonce = _nonce()
    with transaction():
        link = locked(SignInLink, found.id)
        state = links.state(link, nonce)
        if state != LinkState.OPEN or link.user is None:
            return state, None
        links.use_up(link)
        audit.note(Actor(link.user.email, limits.address()), "sign_in", f"user:{link.user.id}")
        return state, link.user


def _nonce() -> str:
    return str(session.get(NONCE, ""))


def _link_page(token: str, link: SignInLink | None, state: LinkState) -> Response:
    user = link.user if link is not None and state == LinkState.OPEN else None
    context = {"state": state, "user": user, "next": link.next_path if link is not None else ""}
    return _page("enter", state.label, STATUS[state], token=token, email="", errors={}, **context)


# Out


@leave.post("/sign-out")
@limits.at_most(*policy.SETTINGS)
def sign_out() -> AnyResponse:
    """Signed out in this browser; who was not signed in is told the same."""
    access.let_out()
    return redirect(url_for(".signed_out"), 303)


@leave.get("/signed-out")
def signed_out() -> Response:
    """That it is done."""
    return _page("signed_out", "You are signed out")
