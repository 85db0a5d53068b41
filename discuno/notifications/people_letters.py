"""Letters that let somebody in: to sign in, and to become a mentor."""

from datetime import datetime

import sqlalchemy as sa

from discuno.accounts import links
from discuno.accounts.models import AuditEntry, SignInLink
from discuno.kit.db import one_or_none, session
from discuno.kit.web import moment
from discuno.mentors.models import Mentor
from discuno.notifications.letters import Letter, letter

Facts = list[tuple[str, str]]


def _is_over(link_id: int, _owed_at: datetime) -> bool:
    """It would open nothing any more."""
    return links.is_over(session().get(SignInLink, link_id))


def _until(link: SignInLink) -> tuple[str, str]:
    mentor = one_or_none(sa.select(Mentor).where(Mentor.user_id == link.user_id))
    return ("The link works until", moment(links.ends_at(link), mentor.zone if mentor is not None else "UTC"))


@letter("sign_in", about="link_id", unless=_is_over)
def sign_in(link_id: int) -> Letter:
    """To a mentor or an admin: the link by which they sign in."""
    link = session().get_one(SignInLink, link_id)
    return Letter(
        subject="Your link to sign in to Discuno",
        sender="accounts",
        heading="Sign in to Discuno",
        paragraphs=[
            f"The link below works once, for {links.MINUTES} minutes, in the browser in which it was asked for.",
            "If you did not ask for it, you need not do anything: nobody gets in without this letter. "
            "Please do not pass it on.",
        ],
        facts=[_until(link)],
        action=("Sign in", links.path(link)),
        reason="You get this letter because somebody asked to sign in with your address.",
    )


@letter("invitation", about="link_id", unless=_is_over)
def invitation(link_id: int) -> Letter:
    """To somebody who is to be a mentor: by whom they are asked, what comes next, and the link."""
    link = session().get_one(SignInLink, link_id)
    return Letter(
        subject="You are invited to be a mentor at Discuno",
        sender="accounts",
        heading="Offer your hours at Discuno",
        paragraphs=[
            "At Discuno people book an hour with somebody who has been where they want to go. You set your own "
            "sessions, prices and times; what you earn is paid out to your bank through Stripe.",
            "The link below brings you to your pages, where a short list says what is missing before you can be "
            f"booked. It works once, for {links.DAYS} days; after that you sign in by your address.",
            "If you do not know us, or do not want to be a mentor, you need not do anything.",
        ],
        facts=[*_invited_by(link), _until(link)],
        action=("Accept the invitation", links.path(link)),
        reason="You get this letter because an admin of Discuno has invited you.",
    )


def _invited_by(link: SignInLink) -> Facts:
    """Whoever has an address; the command line has none."""
    theirs = sa.select(AuditEntry).where(
        AuditEntry.about == f"user:{link.user_id}", AuditEntry.action == "invite_mentor"
    )
    entry = one_or_none(theirs.order_by(AuditEntry.id.desc()).limit(1))
    return [("Invited by", entry.actor)] if entry is not None and "@" in entry.actor else []
