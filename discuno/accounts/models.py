"""People who have an account with us: mentors and admins. Attendees have none; they hold a link."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import status_type


class Role(StrEnum):
    """What somebody may do here."""

    ATTENDEE = "attendee"
    MENTOR = "mentor"
    ADMIN = "admin"


class User(HasId, Base):
    """A person with an account. E-mail is stored in lower case."""

    __table_args__ = (
        sa.UniqueConstraint("email"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
    )

    email: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    role: Mapped[Role] = mapped_column(status_type(Role, "role"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditEntry(HasId, Base):
    """Who did what to money, when and why. Never changed, never deleted: a trigger sees to it."""

    __table_args__ = (sa.Index("ix_discuno_audit_entry_about", "about"),)

    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(sa.Text)  # an e-mail address, or `operator` on the command line
    action: Mapped[str] = mapped_column(sa.Text)
    about: Mapped[str] = mapped_column(sa.Text)  # e.g. transfer:12
    reason: Mapped[str] = mapped_column(sa.Text)
