"""Letters sent and to be sent, one row per event and recipient."""

from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import HasLifecycle, Moves, Status, status_type


class EmailStatus(Status):
    """How far a letter has come."""

    QUEUED = ("queued", "Waiting", "wait", "The letter waits to be sent.")
    SENT = ("sent", "Sent", "note", "The letter was handed over.")
    DELIVERED = ("delivered", "Delivered", "ok", "The letter reached the mailbox.")
    BOUNCED = ("bounced", "Bounced", "bad", "The address did not take the letter.")
    COMPLAINED = ("complained", "Marked as spam", "bad", "The reader marked the letter as spam.")
    FAILED = ("failed", "Not sent", "bad", "The letter could not be sent.")
    DROPPED = ("dropped", "Not needed", "plain", "What it would have said was no longer true.")


M = EmailStatus


class Email(HasLifecycle, HasId, Base):
    """One letter. Its text is made when it is sent, from the rows `about` names."""

    MOVES: ClassVar[Moves] = {
        M.QUEUED: frozenset({M.SENT, M.FAILED, M.DROPPED}),
        M.SENT: frozenset({M.DELIVERED, M.BOUNCED, M.COMPLAINED, M.FAILED}),
        M.DELIVERED: frozenset({M.COMPLAINED, M.BOUNCED}),
        M.BOUNCED: frozenset(),
        M.COMPLAINED: frozenset(),
        M.FAILED: frozenset({M.QUEUED}),
        M.DROPPED: frozenset(),
    }

    __table_args__ = (
        sa.UniqueConstraint("event", "recipient"),
        sa.UniqueConstraint("resend_id"),
        sa.Index("ix_discuno_email_recipient", "recipient"),
    )

    event: Mapped[str] = mapped_column(sa.Text)  # e.g. booking:12:confirmed
    recipient: Mapped[str] = mapped_column(sa.Text)
    template: Mapped[str] = mapped_column(sa.Text)
    about: Mapped[dict[str, Any]] = mapped_column(JSONB)  # ids only
    status: Mapped[EmailStatus] = mapped_column(status_type(EmailStatus, "status"), default=M.QUEUED)
    subject: Mapped[str | None] = mapped_column(sa.Text)
    resend_id: Mapped[str | None] = mapped_column(sa.Text)
    error: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
