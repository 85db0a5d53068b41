"""Letters about who may come in: to sign in, to become a mentor, and whatever changes among the staff."""

from datetime import datetime

import sqlalchemy as sa

from discuno.accounts import links
from discuno.accounts.models import STAFF, AuditEntry, SignInLink, User
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
    """To the mentor or the admin: the link by which they sign in."""
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
    """To the mentor to be: by whom they are asked, what comes next, and the link."""
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


# What has happened to somebody of the staff: a heading, and a sentence. {name} is they, {who} is who did it.
STAFF_NEWS = {
    "recovery code used": (
        "A recovery code was used",
        "A recovery code of {name} was used in place of the authenticator app. It works no more.",
    ),
    "second factor set up": (
        "An authenticator app was set up",
        "{name} has set up an authenticator app, whose codes are asked for from now on.",
    ),
    "second factor replaced": (
        "An authenticator app was replaced",
        "{name} has set up another authenticator app. The one of before counts no more.",
    ),
    "recovery codes written": (
        "New recovery codes were written",
        "{name} has new recovery codes. Those of before work no more.",
    ),
    "reset second factor": (
        "An authenticator app was taken away",
        "{who} has taken away the authenticator app and the recovery codes of {name}, and signed them out "
        "everywhere. They sign in by letter and set up an app again.",
    ),
    "add staff": (
        "Somebody new looks after payments",
        "{who} has asked {name} to look after payments at Discuno, as {role}. They sign in with this address, and "
        "set up an authenticator app when they first come.",
    ),
    "change role": ("A role was changed", "{who} has made {name} {role}, and signed them out everywhere."),
    "remove from staff": (
        "Somebody looks after payments no more",
        "{name} was removed from the staff by {who}, and signed out everywhere.",
    ),
}
ROLES = {"admin": "an admin", "support": "support"}


@letter("staff_changed", about="entry_id")
def staff_changed(entry_id: int) -> Letter:
    """To one of the staff, and to the admin's mailbox: what has happened to how they come in."""
    entry = session().get_one(AuditEntry, entry_id)
    user = session().get_one(User, int(entry.about.removeprefix("user:")))
    after = entry.after or {}
    heading, sentence = STAFF_NEWS[entry.action]
    words = {"name": user.name, "who": entry.actor, "role": ROLES.get(after.get("role", ""), "nobody")}
    return Letter(
        subject=f"{heading}: {user.name}",
        sender="accounts",
        heading=heading,
        paragraphs=[
            sentence.format(**words),
            "If this is not right, tell another admin at once: they can sign somebody out everywhere, and take the "
            "app away, on the page of the staff.",
        ],
        facts=_staff_facts(entry, after),
        action=("Sign in", "/sign-in") if entry.action == "add staff" else ("The staff", "/admin/people"),
        reason="You get this letter because you look after payments at Discuno."
        if user.role in STAFF
        else "You get this letter because you looked after payments at Discuno.",
    )


def _staff_facts(entry: AuditEntry, after: dict[str, object]) -> Facts:
    """When, by whom, from where and why, as far as it is known."""
    facts = [
        ("When", moment(entry.at, "UTC")),
        ("By", entry.actor),
        ("Browser", after.get("browser")),
        ("Address", entry.address),
        ("Recovery codes left", after.get("left")),
        ("Why", entry.reason),
    ]
    return [(name, str(said)) for name, said in facts if said not in (None, "")]
