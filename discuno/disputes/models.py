"""Cases: whatever says that a payment may not be right. An open case keeps its money where it is."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from discuno.accounts.models import User
from discuno.bookings.models import Party
from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import HasLifecycle, Moves, Status, status_type
from discuno.kit.outgoing import Outgoing
from discuno.payments.models import Payment


class DisputeKind(Status):
    """Who says so, and how."""

    REPORT = ("report", "Problem report", "note", "The attendee has reported a problem.")
    CHARGEBACK = ("chargeback", "Chargeback", "bad", "The cardholder's bank has disputed the payment.")
    FRAUD_WARNING = ("fraud_warning", "Fraud warning", "bad", "The card network suspects fraud.")
    REVIEW = ("review", "Stripe review", "note", "Stripe asks a person to look at the payment.")


class DisputeStatus(Status):
    """Where a case stands. Stripe's own word is kept beside it, whatever it is."""

    OPEN = ("open", "Open", "bad", "Somebody has to answer.")
    WAITING = ("waiting", "Waiting", "wait", "We have answered; the bank decides.")
    WON = ("won", "Won", "ok", "The bank decided for us; the money came back.")
    LOST = ("lost", "Lost", "bad", "The bank decided for the cardholder; the money is gone.")
    CLOSED = ("closed", "Closed", "plain", "The case is closed.")

    @property
    def is_open(self) -> bool:
        """Whether the money has to wait for it."""
        return self in (D.OPEN, D.WAITING)


class Decision(Status):
    """How an attendee's report ended."""

    REFUNDED = ("refunded", "Refunded", "ok", "The payment was returned in full.")
    PARTLY = ("partly", "Refunded in part", "ok", "A part of the payment goes back.")
    SPLIT = ("split", "Split", "ok", "The payment is divided between both sides.")
    RELEASED = ("released", "Released", "plain", "The mentor keeps the payment.")
    WITHDRAWN = ("withdrawn", "Withdrawn", "plain", "The attendee has withdrawn the report.")


D = DisputeStatus
ENDS = frozenset({D.WON, D.LOST, D.CLOSED})


class Dispute(HasLifecycle, HasId, Base):
    """One case about one payment. `stripe_status` is Stripe's word, unknown ones included; `amount` what it is about.

    An inquiry asks before money is taken. `due_at` is when an answer is due, if one is.
    """

    MOVES: ClassVar[Moves] = {
        D.OPEN: frozenset({D.WAITING, *ENDS}),
        D.WAITING: frozenset({D.OPEN, *ENDS}),
        # Stripe's word is followed also when it comes back: an appeal, a warning that becomes actionable again.
        D.WON: frozenset({D.OPEN, D.WAITING, D.LOST, D.CLOSED}),
        D.LOST: frozenset({D.OPEN, D.WAITING, D.WON, D.CLOSED}),
        D.CLOSED: frozenset({D.OPEN, D.WAITING, D.WON, D.LOST}),
    }

    __table_args__ = (
        sa.UniqueConstraint("stripe_id"),
        sa.CheckConstraint("amount >= 0", name="amount"),
        sa.CheckConstraint("refund_amount >= 0 AND mentor_amount >= 0", name="parts"),
        sa.CheckConstraint("(assignee_id IS NULL) = (claimed_at IS NULL)", name="claim"),
        sa.CheckConstraint("(decision IS NULL) = (decision_reason IS NULL)", name="decision_reason"),
        sa.Index("ix_discuno_dispute_payment_id", "payment_id"),
        sa.Index(
            "ix_discuno_dispute_closed_at", "closed_at", postgresql_where=sa.text("closed_at IS NOT NULL")
        ),
        sa.Index("ix_discuno_dispute_opened_at", "opened_at"),
        sa.Index(  # one open report a payment, however often the button is pressed
            "uq_discuno_dispute_open_report",
            "payment_id",
            unique=True,
            postgresql_where=sa.text("kind = 'report' AND status IN ('open', 'waiting')"),
        ),
        sa.Index(
            "ix_discuno_dispute_open",
            "due_at",
            "id",
            postgresql_where=sa.text("status IN ('open', 'waiting')"),
        ),
    )

    payment_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_payment.id", ondelete="RESTRICT"))
    kind: Mapped[DisputeKind] = mapped_column(status_type(DisputeKind, "kind"))
    status: Mapped[DisputeStatus] = mapped_column(status_type(DisputeStatus, "status"), default=D.OPEN)
    stripe_id: Mapped[str | None] = mapped_column(sa.Text)
    stripe_status: Mapped[str | None] = mapped_column(sa.Text)
    is_inquiry: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # by the mentor, to a report
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision: Mapped[Decision | None] = mapped_column(status_type(Decision, "decision"))
    decision_reason: Mapped[str | None] = mapped_column(sa.Text)
    refund_amount: Mapped[int | None] = mapped_column(
        sa.BigInteger
    )  # what was decided to go back to the attendee
    mentor_amount: Mapped[int | None] = mapped_column(
        sa.BigInteger
    )  # of a split: what was decided for the mentor
    assignee_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    assignee: Mapped[User | None] = relationship()
    messages: Mapped[list["DisputeMessage"]] = relationship(
        back_populates="dispute", order_by="DisputeMessage.id"
    )
    payment: Mapped[Payment] = relationship(back_populates="disputes", lazy="joined", innerjoin=True)

    @property
    def is_open(self) -> bool:
        """Whether the money has to wait for it."""
        return self.status.is_open

    @property
    def marks_payment(self) -> bool:
        """Whether the payment counts as disputed: somebody objects, or the bank has kept the money."""
        objects = self.kind in (DisputeKind.CHARGEBACK, DisputeKind.REPORT)
        return objects and (self.is_open or self.status == D.LOST)

    @property
    def forbids_refund(self) -> bool:
        """Whether the bank has the money while it decides; an inquiry has taken none, and a refund may end it."""
        return self.kind == DisputeKind.CHARGEBACK and self.is_open and not self.is_inquiry


class DisputeMessage(HasId, Base):
    """What one side has said about a case. Never changed."""

    __table_args__ = (sa.Index("ix_discuno_dispute_message_dispute_id", "dispute_id", "id"),)

    dispute_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_dispute.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[Party] = mapped_column(status_type(Party, "by"))
    words: Mapped[str] = mapped_column(sa.Text)

    dispute: Mapped[Dispute] = relationship(back_populates="messages")
    files: Mapped[list["DisputeFile"]] = relationship(back_populates="message", order_by="DisputeFile.id")


class DisputeFile(HasId, Base):
    """A file that came with a message. It lies in the database, because dynos forget their disks.

    `media_type` is what its first bytes are, never what the sender called it.
    """

    __table_args__ = (
        sa.UniqueConstraint("public_id"),
        sa.CheckConstraint("octet_length(content) BETWEEN 1 AND 5242880", name="size"),
        sa.Index("ix_discuno_dispute_file_message_id", "message_id"),
    )

    public_id: Mapped[str] = mapped_column(sa.Text)
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_dispute_message.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(sa.Text)
    media_type: Mapped[str] = mapped_column(sa.Text)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)

    message: Mapped[DisputeMessage] = relationship(back_populates="files")


class Note(HasId, Base):
    """What the people here tell each other about a payment. Never shown outside, never changed."""

    __table_args__ = (sa.Index("ix_discuno_note_payment_id", "payment_id", "id"),)

    payment_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_payment.id", ondelete="RESTRICT"))
    dispute_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_dispute.id", ondelete="RESTRICT"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    words: Mapped[str] = mapped_column(sa.Text)

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class AnswerKind(Status):
    """What we tell the bank about a chargeback."""

    STAGE = ("stage", "Evidence staged", "note", "The evidence lies at Stripe; the bank has not seen it yet.")
    SUBMIT = ("submit", "Evidence submitted", "ok", "The bank has our evidence and decides.")
    ACCEPT = ("accept", "Accepted", "plain", "We do not contest it; the cardholder keeps the money.")


class AnswerStatus(Status):
    """How far an answer has come on its way to Stripe."""

    REQUESTED = ("requested", "On its way", "wait", "It is being handed over to Stripe.")
    MADE = ("made", "Handed over", "ok", "Stripe has it.")
    FAILED = ("failed", "Refused by Stripe", "bad", "Stripe did not take it.")


N = AnswerStatus


class DisputeAnswer(Outgoing, HasLifecycle, HasId, Base):
    """The intention to tell Stripe something about a chargeback. `evidence` is frozen: Stripe's fields and our texts.

    Stripe takes one submission as a rule, so there is one final answer that is not refused each time that it asks: an
    inquiry which became a chargeback, or an appeal, asks again.
    """

    MOVES: ClassVar[Moves] = {
        N.REQUESTED: frozenset({N.MADE, N.FAILED}),
        N.MADE: frozenset(),
        N.FAILED: frozenset(),
    }

    __table_args__ = (
        sa.Index("ix_discuno_dispute_answer_dispute_id", "dispute_id", "id"),
        sa.Index(
            "uq_discuno_dispute_answer_final",
            "dispute_id",
            "asked",
            unique=True,
            postgresql_where=sa.text("kind IN ('submit', 'accept') AND status <> 'failed'"),
        ),
    )

    dispute_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_dispute.id", ondelete="RESTRICT"))
    kind: Mapped[AnswerKind] = mapped_column(status_type(AnswerKind, "kind"))
    status: Mapped[AnswerStatus] = mapped_column(status_type(AnswerStatus, "status"), default=N.REQUESTED)
    asked: Mapped[str] = mapped_column(sa.Text, default="")  # Stripe's word for the case that is answered
    evidence: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    dispute: Mapped[Dispute] = relationship(lazy="joined", innerjoin=True)

    @property
    def key(self) -> str:
        """The idempotency key of the current attempt."""
        return f"answer:{self.id}:{self.epoch}"


class EvidenceFile(Outgoing, HasId, Base):
    """A file for the bank, in one of Stripe's fields. `stripe_file_id` is known once it was uploaded."""

    __table_args__ = (
        sa.UniqueConstraint("stripe_file_id"),
        sa.UniqueConstraint("dispute_id", "field"),
        sa.CheckConstraint("octet_length(content) BETWEEN 1 AND 5242880", name="size"),
    )

    dispute_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_dispute.id", ondelete="RESTRICT"))
    field: Mapped[str] = mapped_column(sa.Text)  # e.g. service_documentation
    name: Mapped[str] = mapped_column(sa.Text)
    media_type: Mapped[str] = mapped_column(sa.Text)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    stripe_file_id: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def key(self) -> str:
        """The idempotency key of the upload."""
        return f"evidence:{self.id}:{self.epoch}"
