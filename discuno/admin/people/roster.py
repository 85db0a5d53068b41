"""Everybody who is a mentor, or is asked to be one, and how far each of them has come."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from discuno.accounts import links
from discuno.accounts.models import AuditEntry, LinkPurpose, SignInLink, User, UserSession
from discuno.kit import clock
from discuno.kit.db import rows, session
from discuno.mentors.models import Mentor
from discuno.payouts.models import AccountStatus, MentorStripeAccount

PAGE = 30


@dataclass(frozen=True)
class Line:
    """One mentor: their account at Stripe, their newest invitation, and when they were last here."""

    mentor: Mentor
    account: MentorStripeAccount | None
    invitation: SignInLink | None
    last_here: datetime | None
    suspended_by: str | None

    @property
    def can_be_invited(self) -> bool:
        """Whether they were never here, so that an invitation is what they need."""
        return self.last_here is None and self.mentor.profile_saved_at is None

    @property
    def invitation_ends_at(self) -> datetime | None:
        """Until when their invitation works, or worked."""
        return links.ends_at(self.invitation) if self.invitation is not None else None

    @property
    def is_invitation_over(self) -> bool:
        """Whether they need another one."""
        return self.invitation_ends_at is None or self.invitation_ends_at <= clock.now()

    @property
    def missing(self) -> list[str]:
        """What stands between them and their first paid session."""
        steps = {
            "no profile": self.mentor.profile_saved_at is not None,
            "no session type": any(kind.enabled for kind in self.mentor.event_types),
            "cannot be paid": self.account is not None and self.account.can_receive,
        }
        return [words for words, is_done in steps.items() if not is_done]


@dataclass(frozen=True)
class Page:
    """Mentors, the newest first, and the number before which the next page begins."""

    lines: list[Line]
    before: int | None


def page(query: str = "", before: int | None = None, *, suspended: bool = False) -> Page:
    """Mentors whose name, address or username contains every word of the query; or only suspended ones of them."""
    statement = (
        sa.select(Mentor).join(User, User.id == Mentor.user_id).options(selectinload(Mentor.event_types))
    )
    for word in query.split()[:5]:
        text = User.name + " " + User.email + " " + Mentor.username
        statement = statement.where(text.icontains(word, autoescape=True))
    if suspended:
        statement = statement.where(Mentor.suspended_at.is_not(None))
    if before is not None:
        statement = statement.where(Mentor.id < before)
    found = rows(statement.order_by(Mentor.id.desc()).limit(PAGE + 1))
    shown = found[:PAGE]
    return Page(_lines(shown), shown[-1].id if len(found) > PAGE else None)


def line(mentor: Mentor) -> Line:
    """One of them."""
    [found] = _lines([mentor])
    return found


def _lines(mentors: list[Mentor]) -> list[Line]:
    ids, users = [mentor.id for mentor in mentors], [mentor.user_id for mentor in mentors]
    accounts, invitations, last = _accounts(ids), _invitations(users), _last_here(users)
    by = _suspended_by([mentor.id for mentor in mentors if mentor.suspended_at is not None])
    return [
        Line(
            mentor,
            accounts.get(mentor.id),
            invitations.get(mentor.user_id),
            last.get(mentor.user_id),
            by.get(mentor.id),
        )
        for mentor in mentors
    ]


def _accounts(ids: list[int]) -> dict[int, MentorStripeAccount]:
    live = MentorStripeAccount.status != AccountStatus.CLOSED
    found = rows(sa.select(MentorStripeAccount).where(MentorStripeAccount.mentor_id.in_(ids), live))
    return {account.mentor_id: account for account in found}


def _invitations(users: list[int]) -> dict[int | None, SignInLink]:
    """The newest of each: later ones replace earlier ones."""
    of_them = sa.select(SignInLink).where(
        SignInLink.user_id.in_(users), SignInLink.purpose == LinkPurpose.INVITATION
    )
    return {link.user_id: link for link in rows(of_them.order_by(SignInLink.id))}


def _last_here(users: list[int]) -> dict[int, datetime]:
    newest = sa.select(UserSession.user_id, sa.func.max(UserSession.seen_at))
    found = session().execute(newest.where(UserSession.user_id.in_(users)).group_by(UserSession.user_id))
    return {user_id: seen_at for user_id, seen_at in found}


def _suspended_by(ids: list[int]) -> dict[int, str]:
    """By whom, as the audit log has it; the last time counts."""
    about = {f"mentor:{mentor_id}": mentor_id for mentor_id in ids}
    entries = sa.select(AuditEntry).where(AuditEntry.about.in_(about), AuditEntry.action == "suspend")
    return {about[entry.about]: entry.actor for entry in rows(entries.order_by(AuditEntry.id))}
