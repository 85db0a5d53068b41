"""Links that let somebody in: asked for by anybody, sent to who has an account, used up once."""

import hmac
from datetime import datetime

import sqlalchemy as sa

from discuno import policy
from discuno.accounts import service as accounts
from discuno.accounts.models import LinkPurpose, SignInLink, User
from discuno.accounts.sessions import digest
from discuno.kit import clock, links
from discuno.kit.db import one_or_none, session
from discuno.kit.lifecycle import Status

SALT = "sign-in"
MINUTES = int(policy.SIGN_IN_LIFE.total_seconds()) // 60
DAYS = policy.INVITATION_LIFE.days
LIFE = {LinkPurpose.SIGN_IN: policy.SIGN_IN_LIFE, LinkPurpose.INVITATION: policy.INVITATION_LIFE}


class LinkState(Status):
    """What a link does when it is opened: the label is the page's heading."""

    OPEN = ("open", "Sign in", "ok", "One click, and you are in.")
    ELSEWHERE = (
        "elsewhere",
        "Open this link where you asked for it",
        "wait",
        "It works in the browser in which it was asked for, and in no other. Open it there, or ask for one here.",
    )
    USED = (
        "used",
        "This link was used",
        "note",
        "Each link works once. If you need to sign in again, ask for a new one.",
    )
    REPLACED = (
        "replaced",
        "There is a newer invitation",
        "note",
        "We have sent you another one since. Use the link in the newest letter, or ask for a new one.",
    )
    TOO_OLD = (
        "too_old",
        "This link is too old",
        "note",
        f"A link to sign in works for {MINUTES} minutes, and an invitation for {DAYS} days. Please ask for another.",
    )
    UNKNOWN = (
        "unknown",
        "This link does not work",
        "bad",
        "A part of it may be missing. Copy all of it from the letter, or ask for a new one.",
    )


S = LinkState


def ask(email: str, browser: str, next_path: str, knows: int | None) -> SignInLink:
    """Somebody asks for a link, in a browser that holds this nonce. Whose address it is nobody looks up here."""
    link = SignInLink(
        purpose=LinkPurpose.SIGN_IN,
        email=email.lower(),
        browser=digest(browser),
        knows=knows,
        next_path=next_path,
        asked_at=clock.now(),
    )
    session().add(link)
    session().flush()  # its id is the job's
    return link


def invite(user: User) -> SignInLink:
    """A link for somebody who has not been here: it works in any browser, and in place of every earlier one."""
    link = SignInLink(purpose=LinkPurpose.INVITATION, email=user.email, user=user, asked_at=clock.now())
    session().add(link)
    session().flush()
    return link


def newest_invitation(user_id: int) -> SignInLink | None:
    """The invitation that counts."""
    theirs = sa.select(SignInLink).where(SignInLink.user_id == user_id)
    invitations = theirs.where(SignInLink.purpose == LinkPurpose.INVITATION)
    return one_or_none(invitations.order_by(SignInLink.id.desc()).limit(1))


def is_too_many(link: SignInLink, user: User) -> bool:
    """Whether so many went to this address within the hour, and were not used, that it gets no further letter.

    A browser in which they were signed in before is counted apart: strangers who ask cannot keep them out.
    """
    is_known = SignInLink.knows.is_not_distinct_from(user.id)
    unused = sa.select(sa.func.count()).where(
        SignInLink.email == link.email,
        SignInLink.purpose == LinkPurpose.SIGN_IN,
        SignInLink.used_at.is_(None),
        SignInLink.asked_at > link.asked_at - policy.UNUSED_LINKS_WITHIN,
        SignInLink.id < link.id,
        is_known if link.knows == user.id else sa.not_(is_known),
    )
    return session().execute(unused).scalar_one() >= policy.MAX_UNUSED_LINKS


def forget_old() -> None:
    """Nobody need know who asked to sign in long ago; invitations stay."""
    old = SignInLink.asked_at < clock.now() - policy.FORGET_REQUESTS
    session().execute(sa.delete(SignInLink).where(old, SignInLink.purpose == LinkPurpose.SIGN_IN))


def path(link: SignInLink) -> str:
    """The address in the letter. It is the same however often the letter is written; the row knows its age."""
    return f"/sign-in/{links.seal(SALT, {'link': link.id})}"


def read(token: str) -> SignInLink | None:
    """The row of a token that is ours, unless it is forgotten."""
    said = links.unseal(SALT, token) or {}
    number = said.get("link")
    return session().get(SignInLink, number) if isinstance(number, int) else None


def ends_at(link: SignInLink) -> datetime:
    """Until when it works."""
    return link.asked_at + LIFE[link.purpose]


def state(link: SignInLink | None, browser: str = "") -> LinkState:
    """What a link does now, in a browser that holds this nonce."""
    if link is None or link.user is None or not accounts.may_enter(link.user):
        return S.UNKNOWN
    over = _why_over(link)
    if over is not None:
        return over
    is_there = link.browser is None or hmac.compare_digest(link.browser, digest(browser))
    return S.OPEN if is_there else S.ELSEWHERE


def _why_over(link: SignInLink) -> LinkState | None:
    if link.used_at is not None:
        return S.USED
    if link.purpose == LinkPurpose.INVITATION and link.user is not None:
        if accounts.has_been_here(link.user):  # signed in without it: it lets nobody in any more
            return S.USED
        newest = newest_invitation(link.user.id)
        if newest is not None and newest.id != link.id:
            return S.REPLACED
    return S.TOO_OLD if clock.now() >= ends_at(link) else None


def is_over(link: SignInLink | None) -> bool:
    """Whether a letter with it would be of no use any more."""
    return link is None or _why_over(link) is not None


def use_up(link: SignInLink) -> None:
    """It has let somebody in. The caller has locked it."""
    link.used_at = clock.now()
