"""People who have an account with us: mentors and admins. Attendees have none; they hold a link."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from discuno.kit import clock
from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import status_type


class Role(StrEnum):
    """What somebody may do here. Support sees what admins see, and changes nothing."""

    ATTENDEE = "attendee"
    MENTOR = "mentor"
    ADMIN = "admin"
    SUPPORT = "support"


STAFF = (Role.ADMIN, Role.SUPPORT)


class User(HasId, Base):
    """A person with an account. E-mail is stored in lower case.

    `admitted_at` is of the staff alone: when they were last let in by somebody else, by a role or to another app.
    """

    __table_args__ = (
        sa.UniqueConstraint("email"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint("(role IN ('admin', 'support')) = (admitted_at IS NOT NULL)", name="admitted"),
    )

    email: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    role: Mapped[Role] = mapped_column(status_type(Role, "role"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    admitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def take_role(self, role: Role) -> None:
        """They may do this from now on."""
        self.role = role
        self.admitted_at = clock.now() if role in STAFF else None


class LinkPurpose(StrEnum):
    """What an e-mailed link is for."""

    SIGN_IN = "sign_in"
    INVITATION = "invitation"


class SignInLink(HasId, Base):
    """A link that lets somebody in once. A sign-in link works in the browser that asked for it alone.

    A row is written for every address that is typed, whether or not anybody has it: asking tells nothing. `user_id`
    is known once the letter is owed.
    """

    __table_args__ = (sa.Index("ix_discuno_sign_in_link_user_id", "user_id"),)

    purpose: Mapped[LinkPurpose] = mapped_column(status_type(LinkPurpose, "purpose"))
    email: Mapped[str] = mapped_column(sa.Text)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    browser: Mapped[str | None] = mapped_column(sa.Text)  # digest of the nonce in the asking browser's cookie
    knows: Mapped[int | None] = mapped_column(sa.BigInteger)  # the user who was signed in there last
    next_path: Mapped[str] = mapped_column(sa.Text, default="")  # where they wanted to go; a path of ours
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User | None] = relationship()


class UserSession(HasId, Base):
    """Somebody signed in, in one browser. Its cookie holds a random token; here is the digest: a row opens nothing.

    It ends by signing out, here or everywhere, and by itself after `policy.SESSION_IDLE` and `policy.SESSION_LIFE`.
    """

    __table_args__ = (
        sa.UniqueConstraint("digest"),
        sa.Index("ix_discuno_user_session_user_id", "user_id"),
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    digest: Mapped[str] = mapped_column(sa.Text)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    browser: Mapped[str] = mapped_column(sa.Text, default="")  # as it calls itself, for the list of sign-ins
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the second factor was given last

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class SecondFactor(HasId, Base):
    """The secret that somebody's authenticator app shares with us, sealed (kit/vault.py). It counts once confirmed.

    `last_step` is the 30-second step of the last code that was taken: no code is taken twice (RFC 6238, 5.2).
    """

    __table_args__ = (sa.UniqueConstraint("user_id"),)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    secret: Mapped[str] = mapped_column(sa.Text)
    next_secret: Mapped[str | None] = mapped_column(sa.Text)  # of the app that takes its place once confirmed
    last_step: Mapped[int | None] = mapped_column(sa.BigInteger)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused_count: Mapped[int] = mapped_column(sa.Integer, default=0)  # wrong codes since the last right one
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(HasId, Base):
    """A code on paper, for when the app is lost. It works once; only its digest is kept."""

    __table_args__ = (
        sa.UniqueConstraint("digest"),
        sa.Index("ix_discuno_recovery_code_user_id", "user_id"),
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    digest: Mapped[str] = mapped_column(sa.Text)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


SAID = "to_tsvector('simple'::regconfig, reason)"  # what a search of the audit log looks in


class AuditEntry(HasId, Base):
    """Who did what, when, from where and why. Never changed, never deleted: a trigger sees to it."""

    __table_args__ = (
        sa.Index("ix_discuno_audit_entry_about", "about"),
        sa.Index("ix_discuno_audit_entry_actor", "actor", "id"),
        sa.Index("ix_discuno_audit_entry_action", "action", "id"),
        sa.Index("ix_discuno_audit_entry_at", "at"),
        sa.Index("ix_discuno_audit_entry_words", sa.text(SAID), postgresql_using="gin"),
    )

    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(sa.Text)  # an e-mail address, or `operator` on the command line
    action: Mapped[str] = mapped_column(sa.Text)
    about: Mapped[str] = mapped_column(sa.Text)  # e.g. transfer:12
    reason: Mapped[str] = mapped_column(sa.Text)
    address: Mapped[str | None] = mapped_column(sa.Text)  # where the request came from
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class AuditSeal(HasId, Base):
    """The chain over the audit log: the digest of an entry and of the seal before it, written when it is committed.

    A trigger writes it last in the transaction, one after the other, so that `id` is the order of the chain. Who
    changes or removes an entry, whatever triggers they switch off, has to write every later seal anew.
    """

    __table_args__ = (sa.UniqueConstraint("entry_id"),)

    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_audit_entry.id", ondelete="RESTRICT"))
    digest: Mapped[str] = mapped_column(sa.Text)  # SHA-256, in hex
