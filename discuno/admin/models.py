"""What operators keep: drift, used cron tokens, acts that wait for a second admin, bulk runs, sums of days."""

from datetime import date, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from discuno.accounts.models import User
from discuno.disputes.models import Dispute
from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import HasLifecycle, Moves, Status, status_type
from discuno.payments.models import Payment


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


class ActKind(Status):
    """What an admin can do that moves money."""

    DECIDE = ("decide", "Decision of a report", "note", "A report is decided.")
    REFUND = ("refund", "Refund", "note", "Money goes back to the attendee.")
    TAKE_BACK = ("take_back", "Transfer taken back", "note", "Money comes back from the mentor's account.")
    ACCEPT = ("accept", "Chargeback accepted", "note", "The cardholder keeps the money.")


class ProposalStatus(Status):
    """Where an act that needs two admins stands."""

    OPEN = ("open", "Waits for a second admin", "wait", "Another admin has to agree before anything moves.")
    APPROVED = ("approved", "Approved", "ok", "A second admin agreed, and it was done.")
    DECLINED = ("declined", "Declined", "plain", "A second admin did not agree.")
    WITHDRAWN = ("withdrawn", "Withdrawn", "plain", "Whoever proposed it has taken it back.")
    OVERTAKEN = ("overtaken", "Overtaken", "plain", "Something else has happened meanwhile.")


X = ProposalStatus


class Proposal(HasLifecycle, HasId, Base):
    """An act above the limit: written down by one admin, done when another agrees. One at a time for a payment.

    `terms` is what shall be done, `moves` the preview that was agreed to: if something else would move by then, it is
    not done.
    """

    MOVES: ClassVar[Moves] = {
        X.OPEN: frozenset({X.APPROVED, X.DECLINED, X.WITHDRAWN, X.OVERTAKEN}),
        X.APPROVED: frozenset(),
        X.DECLINED: frozenset(),
        X.WITHDRAWN: frozenset(),
        X.OVERTAKEN: frozenset(),
    }

    __table_args__ = (
        sa.CheckConstraint(
            "settled_by_id IS NULL OR settled_by_id <> proposed_by_id OR status = 'withdrawn'",
            name="two_people",
        ),
        sa.Index(
            "uq_discuno_proposal_one_open",
            "payment_id",
            unique=True,
            postgresql_where=sa.text("status = 'open'"),
        ),
        sa.Index("ix_discuno_proposal_dispute_id", "dispute_id"),
    )

    kind: Mapped[ActKind] = mapped_column(status_type(ActKind, "kind"))
    status: Mapped[ProposalStatus] = mapped_column(status_type(ProposalStatus, "status"), default=X.OPEN)
    payment_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_payment.id", ondelete="RESTRICT"))
    dispute_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_dispute.id", ondelete="RESTRICT"))
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    moves: Mapped[str] = mapped_column(sa.Text)
    reason: Mapped[str] = mapped_column(sa.Text)
    proposed_by_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_reason: Mapped[str | None] = mapped_column(sa.Text)

    payment: Mapped[Payment] = relationship()
    dispute: Mapped[Dispute | None] = relationship()
    proposed_by: Mapped[User] = relationship(foreign_keys=[proposed_by_id])
    settled_by: Mapped[User | None] = relationship(foreign_keys=[settled_by_id])

    @property
    def cause(self) -> str:
        """What its alert is called."""
        return f"proposal:{self.id}"


class BulkStatus(Status):
    """How far one act on many rows has come."""

    RUNNING = ("running", "Running", "wait", "It is being done, one row after the other.")
    DONE = ("done", "Done", "ok", "Every row was looked at.")
    STOPPED = ("stopped", "Stopped", "plain", "Somebody has stopped it; what was done stays done.")


B = BulkStatus


class BulkRun(HasLifecycle, HasId, Base):
    """One act on many rows, done by a job in small pieces. What became of each row is in its items."""

    MOVES: ClassVar[Moves] = {
        B.RUNNING: frozenset({B.DONE, B.STOPPED}),
        B.DONE: frozenset(),
        B.STOPPED: frozenset(),
    }

    act: Mapped[str] = mapped_column(sa.Text)  # e.g. retry_transfer
    status: Mapped[BulkStatus] = mapped_column(status_type(BulkStatus, "status"), default=B.RUNNING)
    reason: Mapped[str] = mapped_column(sa.Text)
    asked_by: Mapped[str] = mapped_column(sa.Text)
    total: Mapped[int] = mapped_column(sa.Integer)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class BulkItem(HasId, Base):
    """One row of a bulk run, and what became of it: nothing yet, or done, skipped or failed, in words."""

    __table_args__ = (
        sa.UniqueConstraint("run_id", "about_id"),
        sa.Index("ix_discuno_bulk_item_waiting", "run_id", "id", postgresql_where=sa.text("outcome IS NULL")),
        sa.CheckConstraint("outcome IN ('done', 'skipped', 'failed')", name="outcome"),
    )

    run_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_bulk_run.id", ondelete="RESTRICT"))
    about_id: Mapped[int] = mapped_column(sa.BigInteger)
    outcome: Mapped[str | None] = mapped_column(sa.String(8))
    words: Mapped[str] = mapped_column(sa.Text, default="")


class DaySum(HasId, Base):
    """What one day's postings come to for one session type, in minor units. A day that is over never changes.

    The books are only added to: these are made once a day is over, and can be made again from the books at any time.
    `fees` and `loss` are the platform's, `stripe_fees` what Stripe kept; `payments` counts captures.
    """

    __table_args__ = (
        sa.UniqueConstraint(
            "day", "mentor_id", "event_type_id", "currency", postgresql_nulls_not_distinct=True
        ),
        sa.Index("ix_discuno_day_sum_mentor", "mentor_id", "day"),
    )

    day: Mapped[date] = mapped_column(sa.Date)
    mentor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="RESTRICT"))
    event_type_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("discuno_event_type.id", ondelete="RESTRICT")
    )
    currency: Mapped[str] = mapped_column(sa.String(3))
    payments: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    captured: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    fees: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    stripe_fees: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    refunded: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    disputed: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    loss: Mapped[int] = mapped_column(sa.BigInteger, default=0)
