"""Connected accounts and transfers of the mentor's share."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import HasLifecycle, Moves, Status, status_type
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment


class MentorStripeAccount(HasId, Base):
    """The connected account of a mentor. An account id is never overwritten by another."""

    __table_args__ = (sa.UniqueConstraint("mentor_id"), sa.UniqueConstraint("stripe_account_id"))

    mentor_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="RESTRICT"))
    stripe_account_id: Mapped[str] = mapped_column(sa.Text)
    transfers_active: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    mentor: Mapped[Mentor] = relationship(lazy="joined", innerjoin=True)


class TransferStatus(Status):
    """Where the mentor's share is."""

    SCHEDULED = ("scheduled", "Held", "wait", "Held until the dispute period ends.")
    SENDING = ("sending", "Being transferred", "wait", "The transfer is being made.")
    SENT = ("sent", "Transferred", "ok", "The share is in the mentor's Stripe account.")
    CANCELLED = ("cancelled", "Not due", "plain", "The payment was returned, so nothing is transferred.")


T = TransferStatus


class Transfer(HasLifecycle, HasId, Base):
    """The intention to transfer, frozen before Stripe is asked. `epoch` rises after a definite refusal only."""

    MOVES: ClassVar[Moves] = {
        T.SCHEDULED: frozenset({T.SENDING, T.CANCELLED}),
        T.SENDING: frozenset({T.SENT, T.SCHEDULED}),
        T.SENT: frozenset(),
        T.CANCELLED: frozenset(),
    }

    __table_args__ = (
        sa.UniqueConstraint("stripe_transfer_id"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.Index(
            "uq_discuno_transfer_one_live",
            "payment_id",
            unique=True,
            postgresql_where=sa.text("status <> 'cancelled'"),
        ),
    )

    payment_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_payment.id", ondelete="RESTRICT"))
    account_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("discuno_mentor_stripe_account.id", ondelete="RESTRICT")
    )
    status: Mapped[TransferStatus] = mapped_column(status_type(TransferStatus, "status"), default=T.SCHEDULED)
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    destination: Mapped[str | None] = mapped_column(sa.Text)
    epoch: Mapped[int] = mapped_column(sa.Integer, default=1)
    retry_count: Mapped[int] = mapped_column(sa.Integer, default=0)
    blocked_by: Mapped[str | None] = mapped_column(sa.Text)
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stripe_transfer_id: Mapped[str | None] = mapped_column(sa.Text)
    error: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    payment: Mapped[Payment] = relationship(back_populates="transfers", lazy="joined", innerjoin=True)
    account: Mapped[MentorStripeAccount | None] = relationship()

    @property
    def key(self) -> str:
        """The idempotency key of the current attempt."""
        return f"transfer:{self.payment_id}:{self.epoch}"
