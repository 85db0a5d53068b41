"""The inbox of external events."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from discuno.kit.db import Base, HasId, UtcDateTime


class WebhookEvent(HasId, Base):
    """One event as it came. Kept when its object is unknown: it is tried again until explained."""

    __table_args__ = (
        sa.UniqueConstraint("provider", "external_id"),
        sa.Index("ix_discuno_webhook_event_type", "type", "id"),
        sa.Index("ix_discuno_webhook_event_account", "account", "id"),
        sa.Index("ix_discuno_webhook_event_provider", "provider", "id"),
        sa.Index(
            "ix_discuno_webhook_event_received_at",
            "received_at",
            postgresql_include=["provider", "handled_at", "ignored_by"],
        ),
        sa.Index(
            "ix_discuno_webhook_event_ignored", "id", postgresql_where=sa.text("ignored_by IS NOT NULL")
        ),
        sa.Index(
            "ix_discuno_webhook_event_open", "received_at", postgresql_where=sa.text("handled_at IS NULL")
        ),
    )

    provider: Mapped[str] = mapped_column(sa.Text)
    external_id: Mapped[str] = mapped_column(sa.Text)
    type: Mapped[str] = mapped_column(sa.Text)
    account: Mapped[str | None] = mapped_column(sa.Text)
    livemode: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(sa.Text)  # what became of it, in a few words
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    error: Mapped[str | None] = mapped_column(sa.Text)
    ignored_by: Mapped[str | None] = mapped_column(sa.Text)  # a person has decided that nothing is to be done
