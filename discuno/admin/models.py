"""What operators keep: where our books and Stripe's differ, and which cron tokens were used."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from discuno.kit.db import Base, HasId, UtcDateTime


class Drift(HasId, Base):
    """One difference between our rows and Stripe's, in minor units where it is an amount. One row while it lasts."""

    __table_args__ = (
        sa.UniqueConstraint("kind", "about"),
        sa.Index("ix_discuno_drift_open", "id", postgresql_where=sa.text("resolved_at IS NULL")),
    )

    kind: Mapped[str] = mapped_column(sa.Text)  # e.g. platform_balance, unknown_transfer
    about: Mapped[str] = mapped_column(sa.Text)  # a Stripe id, an account and currency, …
    ours: Mapped[str] = mapped_column(sa.Text)
    theirs: Mapped[str] = mapped_column(sa.Text)
    difference: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str | None] = mapped_column(sa.String(3))
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __str__(self) -> str:
        return f"{self.id}: {self.kind} {self.about}: ours {self.ours}; Stripe's {self.theirs}"


class CronToken(HasId, Base):
    """A token of the cron endpoint that was used: never again. Kept until it would have expired anyway."""

    __table_args__ = (sa.UniqueConstraint("jti"), sa.Index("ix_discuno_cron_token_expires_at", "expires_at"))

    jti: Mapped[str] = mapped_column(sa.Text)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
