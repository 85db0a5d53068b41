"""Letters sent and to be sent, one row per event and recipient."""

from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

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
    REPLACED = ("replaced", "Sent again", "plain", "It was not sent on; another letter went in its place.")
    DROPPED = ("dropped", "Not needed", "plain", "It was no longer true, or its reader does without.")


M = EmailStatus


class OptionalKind(Status):
    """Letters that their reader can do without, and may decline. All others tell of their money or their hour."""

    DAY_BEFORE = ("day_before", "The day before a session", "note", "A reminder 24 hours before it begins.")
    HOUR_BEFORE = ("hour_before", "The hour before a session", "note", "A reminder an hour before it begins.")
    MONEY = (
        "money",
        "Each transfer and payout",
        "note",
        "When your share of a session was transferred, and when a payout was sent and has arrived.",
    )


class Carrier(Status):
    """Who takes a letter to its reader."""

    RESEND = ("resend", "Resend", "note", "The letter goes by Resend.")
    SMTP = (
        "smtp",
        "Mail server",
        "wait",
        "Resend would not or could not take it. What becomes of it the mail server does not tell.",
    )


class AlertKind(Status):
    """What can go wrong so that a person is needed. Each has a runbook of its name in docs/runbooks."""

    TRANSFER = ("transfer", "Transfer failed", "bad", "Stripe has refused a transfer three times.")
    REFUND = ("refund", "Refund needs a person", "bad", "A refund could not be made by itself.")
    REVERSAL = ("reversal", "Transfer not taken back", "bad", "What had to come back from a mentor did not.")
    PAYMENT = ("payment", "Payment does not match", "bad", "Money is not what our rows say.")
    PAYOUT = ("payout", "Payout failed", "bad", "A payout to a mentor's bank failed or cannot be made.")
    HOLDING = ("holding", "Money lies too long", "bad", "Money nears the longest time that Stripe holds it.")
    WEBHOOK = ("webhook", "Webhook failing", "bad", "An event from outside could not be handled.")
    EMAIL = (
        "email",
        "Trouble with letters",
        "bad",
        "A letter was not sent or came back, or a carrier takes none.",
    )
    JOB = ("job", "Work given up", "bad", "Work was tried too often and given up.")
    CRON = ("cron", "Clock is silent", "bad", "Work that comes by the clock has not come.")
    DRIFT = ("drift", "Books differ", "bad", "Our books and Stripe's do not agree.")
    CASE = ("case", "Case past due", "bad", "Somebody waits for our answer to a case.")
    CALENDAR = (
        "calendar",
        "Calendar does not fit",
        "note",
        "A booking and a mentor's calendar do not agree.",
    )
    APPROVAL = ("approval", "Second admin asked for", "note", "A decision waits for a second admin.")


class Email(HasLifecycle, HasId, Base):
    """One letter. Its text is made when it is sent, from the rows `about` names."""

    # What we gave up, or dropped after an answer was lost, may have arrived: the carrier's word comes before ours.
    MOVES: ClassVar[Moves] = {
        M.QUEUED: frozenset({M.SENT, M.FAILED, M.DROPPED}),
        M.SENT: frozenset({M.DELIVERED, M.BOUNCED, M.COMPLAINED, M.FAILED}),
        M.DELIVERED: frozenset({M.COMPLAINED, M.BOUNCED}),
        M.BOUNCED: frozenset(),
        M.COMPLAINED: frozenset(),
        M.FAILED: frozenset({M.QUEUED, M.SENT, M.REPLACED}),
        M.REPLACED: frozenset({M.SENT}),
        M.DROPPED: frozenset({M.SENT}),
    }

    __table_args__ = (
        sa.UniqueConstraint("event", "recipient"),
        sa.UniqueConstraint("resend_id"),
        sa.Index("ix_discuno_email_recipient", "recipient", "id"),
        sa.Index("ix_discuno_email_status", "status", "id"),
        sa.Index("ix_discuno_email_template", "template", "status", "id"),
        sa.Index("ix_discuno_email_about", "about", postgresql_using="gin"),
        sa.Index("ix_discuno_email_batch_id", "batch_id", postgresql_where=sa.text("batch_id IS NOT NULL")),
        sa.Index(
            "ix_discuno_email_created_at",
            "created_at",
            postgresql_include=["template", "status", "opened_at"],
        ),
        sa.Index(
            "ix_discuno_email_by_mail_server",
            "created_at",
            "status",
            postgresql_where=sa.text("carrier = 'smtp'"),
        ),
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
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the carrier said what became of it
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # first; many readers never tell
    # Handed over since then without an answer: it may be there or not. None: nothing is unknown.
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    carrier: Mapped[Carrier] = mapped_column(
        status_type(Carrier, "carrier"), default=Carrier.RESEND, server_default=Carrier.RESEND.value
    )
    batch_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("discuno_letter_batch.id", ondelete="RESTRICT")
    )
    batch: Mapped["LetterBatch | None"] = relationship()


class LetterBatch(HasId, Base):
    """Letters that are handed over together, under one key. Broken up, each of them goes alone."""

    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    broken_up_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MailAddress(HasId, Base):
    """What an address takes of our letters: known of those that have declined something, or take nothing."""

    __table_args__ = (
        sa.UniqueConstraint("address"),
        sa.CheckConstraint("address = lower(address)", name="lower"),
        sa.CheckConstraint(
            "(stopped_at IS NULL) = (stopped_because IS NULL) "
            "AND (stopped_because IS NULL OR stopped_because IN ('bounced', 'complained'))",
            name="stopped",
        ),
        sa.Index("ix_discuno_mail_address_stopped", "id", postgresql_where=sa.text("stopped_at IS NOT NULL")),
    )

    address: Mapped[str] = mapped_column(sa.Text)
    declined: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)  # values of OptionalKind
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # it gets no optional letters since
    stopped_because: Mapped[str | None] = mapped_column(sa.Text)  # what became of the letter below
    stopped_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_email.id", ondelete="RESTRICT"))
    stopped_by: Mapped["Email | None"] = relationship()


class Alert(HasId, Base):
    """Something that a person has to see to: one row a cause, until somebody has dealt with it or it is over.

    `cause` names it (e.g. transfer:12); met again while it is open it is only counted.
    """

    __table_args__ = (
        sa.Index(
            "uq_discuno_alert_one_open",
            "kind",
            "cause",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_discuno_alert_ended_at", "ended_at"),
        sa.Index("ix_discuno_alert_began_at", "kind", "began_at"),
    )

    kind: Mapped[AlertKind] = mapped_column(status_type(AlertKind, "kind"))
    cause: Mapped[str] = mapped_column(sa.Text)
    words: Mapped[str] = mapped_column(sa.Text)
    path: Mapped[str] = mapped_column(sa.Text)  # the page on which it can be dealt with
    times: Mapped[int] = mapped_column(sa.Integer, default=1)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)  # last
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str | None] = mapped_column(sa.Text)  # who dealt with it; none: it was over by itself
    end_reason: Mapped[str | None] = mapped_column(sa.Text)
