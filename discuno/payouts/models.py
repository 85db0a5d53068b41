"""Money out: connected accounts, transfers of the mentor's share, reversals, and payouts to the mentor's bank."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import HasLifecycle, Moves, Status, status_type
from discuno.kit.outgoing import Outgoing
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment


class AccountStatus(Status):
    """What a mentor's Stripe account can do, as Stripe last said."""

    ONBOARDING = (
        "onboarding",
        "Not finished",
        "wait",
        "Stripe still needs details before you can be paid.",
    )
    ACTIVE = ("active", "Ready", "ok", "Your account can receive money.")
    RESTRICTED = (
        "restricted",
        "Needs you",
        "bad",
        "Stripe has stopped transfers until you give more details.",
    )
    REJECTED = ("rejected", "Refused by Stripe", "bad", "Stripe does not accept this account.")
    CLOSED = ("closed", "Disconnected", "bad", "This account is no longer connected with us.")


S = AccountStatus


class MentorStripeAccount(HasLifecycle, HasId, Base):
    """A connected account of a mentor. An account id is never overwritten: another account is another row.

    Money goes only to the one row per mentor that is not closed, and only when Stripe says that the account carries
    our mentor's id in its metadata (`is_ours`).
    """

    MOVES: ClassVar[Moves] = {
        S.ONBOARDING: frozenset({S.ACTIVE, S.RESTRICTED, S.REJECTED, S.CLOSED}),
        S.ACTIVE: frozenset({S.ONBOARDING, S.RESTRICTED, S.REJECTED, S.CLOSED}),
        S.RESTRICTED: frozenset({S.ONBOARDING, S.ACTIVE, S.REJECTED, S.CLOSED}),
        S.REJECTED: frozenset({S.ONBOARDING, S.ACTIVE, S.RESTRICTED, S.CLOSED}),
        S.CLOSED: frozenset(),
    }

    __table_args__ = (
        sa.UniqueConstraint("stripe_account_id"),
        sa.Index(
            "uq_discuno_mentor_stripe_account_one_live",
            "mentor_id",
            unique=True,
            postgresql_where=sa.text("status <> 'closed'"),
        ),
    )

    mentor_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="RESTRICT"))
    stripe_account_id: Mapped[str] = mapped_column(sa.Text)
    api: Mapped[str] = mapped_column(sa.String(2), default="v2")  # which of Stripe's account APIs made it
    status: Mapped[AccountStatus] = mapped_column(status_type(AccountStatus, "status"), default=S.ONBOARDING)
    transfers: Mapped[str] = mapped_column(sa.Text, default="inactive")  # Stripe's word for the capability
    payouts_enabled: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    is_ours: Mapped[bool] = mapped_column(sa.Boolean, default=True)
    country: Mapped[str | None] = mapped_column(sa.String(2))
    requirements: Mapped[list[str]] = mapped_column(JSONB, default=list)  # what Stripe asks for now
    disabled_reason: Mapped[str | None] = mapped_column(sa.Text)
    deadline: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when Stripe stops money without them
    manual_payouts_configured_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    payouts_blocked_by: Mapped[str | None] = mapped_column(sa.Text)  # why no payout is tried until it changes
    refreshed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    mentor: Mapped[Mentor] = relationship(lazy="joined", innerjoin=True)

    @property
    def can_receive(self) -> bool:
        """Whether money may be sent there: active, ours, and on manual payouts, so that nothing leaves by itself."""
        return self.status == S.ACTIVE and self.is_ours and self.manual_payouts_configured_at is not None


class TransferStatus(Status):
    """Where the mentor's share is."""

    SCHEDULED = ("scheduled", "Held", "wait", "Held until the dispute period ends.")
    SENDING = ("sending", "Being transferred", "wait", "The transfer is being made.")
    SENT = ("sent", "Transferred", "ok", "The share is in the mentor's Stripe account.")
    NETTED = ("netted", "Used for a debt", "note", "The share paid a debt from an earlier session.")
    REVERSED = ("reversed", "Taken back", "note", "The transfer was taken back.")
    CANCELLED = ("cancelled", "Not due", "plain", "The payment was returned, so nothing is transferred.")

    @property
    def is_live(self) -> bool:
        """Whether the share is on its way or there."""
        return self not in (T.CANCELLED, T.REVERSED)


T = TransferStatus
RELEASE, RETURN = "release", "return"


class Transfer(Outgoing, HasLifecycle, HasId, Base):
    """The intention to transfer, frozen when Stripe is first asked. `epoch` rises after a definite refusal only.

    Kind `release` is the mentor's share when its time has come; `return` gives back what was taken for a dispute that
    was won, and is keyed by that dispute (`about`). `blocked_by` is the reason to wait, or null when it may go.
    """

    MOVES: ClassVar[Moves] = {
        T.SCHEDULED: frozenset({T.SENDING, T.CANCELLED, T.NETTED, T.SENT}),
        T.SENDING: frozenset({T.SENT, T.SCHEDULED, T.NETTED}),  # netted: a debt was made before its new key
        T.SENT: frozenset({T.REVERSED}),
        T.NETTED: frozenset({T.SENT}),  # as below
        T.REVERSED: frozenset(),
        T.CANCELLED: frozenset({T.SENT}),  # a request believed lost has landed after all: believe the money
    }

    __table_args__ = (
        sa.UniqueConstraint("stripe_transfer_id"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("kind IN ('release', 'return')", name="kind"),
        sa.Index(
            "uq_discuno_transfer_one_live",
            "payment_id",
            unique=True,
            postgresql_where=sa.text("kind = 'release' AND status NOT IN ('cancelled', 'reversed')"),
        ),
        sa.Index(
            "uq_discuno_transfer_one_return",
            "payment_id",
            "about",
            unique=True,
            postgresql_where=sa.text("kind = 'return'"),
        ),
        sa.Index("ix_discuno_transfer_payment_id", "payment_id"),
        sa.Index(
            "ix_discuno_transfer_sent_at",
            "sent_at",
            "id",
            postgresql_include=["currency", "amount", "retry_count"],
            postgresql_where=sa.text("sent_at IS NOT NULL"),
        ),
        sa.Index("ix_discuno_transfer_account_id", "account_id", "status"),
        sa.Index(
            "ix_discuno_transfer_due",
            "next_try_at",
            "id",
            postgresql_where=sa.text("blocked_by IS NULL AND status IN ('scheduled', 'sending')"),
        ),
        sa.Index(
            "ix_discuno_transfer_blocked",
            "next_try_at",
            "id",
            postgresql_where=sa.text("blocked_by IS NOT NULL AND status = 'scheduled'"),
        ),
    )

    payment_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_payment.id", ondelete="RESTRICT"))
    account_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("discuno_mentor_stripe_account.id", ondelete="RESTRICT")
    )
    kind: Mapped[str] = mapped_column(sa.String(8), default=RELEASE)
    about: Mapped[str | None] = mapped_column(sa.Text)  # of a return: the dispute that was won
    status: Mapped[TransferStatus] = mapped_column(status_type(TransferStatus, "status"), default=T.SCHEDULED)
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    destination: Mapped[str | None] = mapped_column(sa.Text)
    retry_count: Mapped[int] = mapped_column(sa.Integer, default=0)
    blocked_by: Mapped[str | None] = mapped_column(sa.Text)
    stripe_transfer_id: Mapped[str | None] = mapped_column(sa.Text)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    payment: Mapped[Payment] = relationship(back_populates="transfers", lazy="joined", innerjoin=True)
    account: Mapped[MentorStripeAccount | None] = relationship()
    reversals: Mapped[list["TransferReversal"]] = relationship(
        back_populates="transfer", order_by="TransferReversal.id"
    )

    @property
    def is_release(self) -> bool:
        """Whether this is the release of the mentor's share, not a return after a dispute."""
        return self.kind == RELEASE

    @property
    def is_live(self) -> bool:
        """Whether the share is on its way or there."""
        return self.status.is_live

    @property
    def key(self) -> str:
        """The idempotency key of the current attempt."""
        if self.is_release:
            return f"transfer:{self.payment_id}:{self.epoch}"
        return f"return:{self.payment_id}:{self.about}:{self.epoch}"

    @property
    def reversed_amount(self) -> int:
        """What was taken back for certain."""
        return sum(r.amount for r in self.reversals if r.status == V.MADE)

    @property
    def reversible(self) -> int:
        """What was neither taken back nor is being taken back."""
        spoken_for = sum(r.amount for r in self.reversals if r.status != V.FAILED)
        return self.amount - spoken_for if self.stripe_transfer_id is not None else 0


class ReversalStatus(Status):
    """Where money asked back from a mentor's account is."""

    REQUESTED = ("requested", "Being taken back", "wait", "The transfer is being taken back.")
    MADE = ("made", "Taken back", "note", "The money is back on the platform.")
    FAILED = (
        "failed",
        "Could not be taken back",
        "bad",
        "The account had too little.",
    )


V = ReversalStatus
WISH = "admin:"  # what a reversal is for that an admin wanted, with the number of the page


class TransferReversal(Outgoing, HasLifecycle, HasId, Base):
    """The intention to take (a part of) a transfer back. `about` says why, and makes one cause one row."""

    MOVES: ClassVar[Moves] = {
        V.REQUESTED: frozenset({V.MADE, V.FAILED}),
        V.MADE: frozenset(),
        V.FAILED: frozenset({V.REQUESTED, V.MADE}),
    }

    __table_args__ = (
        sa.UniqueConstraint("transfer_id", "about"),
        sa.UniqueConstraint("stripe_reversal_id"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.Index("ix_discuno_transfer_reversal_open", "id", postgresql_where=sa.text("status = 'requested'")),
    )

    transfer_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_transfer.id", ondelete="RESTRICT"))
    about: Mapped[str] = mapped_column(sa.Text)  # e.g. refund:12, dispute:3, admin:<nonce>, stripe:trr_…
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[ReversalStatus] = mapped_column(status_type(ReversalStatus, "status"), default=V.REQUESTED)
    stripe_reversal_id: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    transfer: Mapped[Transfer] = relationship(back_populates="reversals", lazy="joined", innerjoin=True)

    @property
    def is_wish(self) -> bool:
        """Whether an admin wanted it: no money had left, so that nobody owes anything when it does not come."""
        return self.about.startswith(WISH)

    @property
    def what_for(self) -> str:
        """Refund 12, an admin."""
        return "an admin" if self.is_wish else self.about.replace(":", " ", 1)

    @property
    def key(self) -> str:
        """The idempotency key of the current attempt: never the transfer's id alone, there may be several."""
        return f"reversal:{self.id}:{self.epoch}"


class PayoutStatus(Status):
    """Where money on its way to a mentor's bank is."""

    REQUESTED = ("requested", "Being paid out", "wait", "The payout is being made.")
    PENDING = ("pending", "On its way", "wait", "Stripe has the payout and will send it to the bank.")
    IN_TRANSIT = ("in_transit", "On its way to the bank", "wait", "The money is on its way to the bank.")
    PAID = ("paid", "In the bank", "ok", "The money should be in the bank account.")
    FAILED = (
        "failed",
        "Sent back",
        "bad",
        "The bank did not take the money; it is in the Stripe account again.",
    )
    CANCELED = ("canceled", "Cancelled", "plain", "The payout was cancelled; the money stayed.")

    @property
    def is_open(self) -> bool:
        """Whether it is still on its way."""
        return self in (W.REQUESTED, W.PENDING, W.IN_TRANSIT)


W = PayoutStatus


class Payout(Outgoing, HasLifecycle, HasId, Base):
    """The intention to pay out to a mentor's bank, or a payout that Stripe made by itself."""

    MOVES: ClassVar[Moves] = {
        W.REQUESTED: frozenset({W.PENDING, W.IN_TRANSIT, W.PAID, W.FAILED, W.CANCELED}),
        W.PENDING: frozenset({W.IN_TRANSIT, W.PAID, W.FAILED, W.CANCELED}),
        W.IN_TRANSIT: frozenset({W.PAID, W.FAILED, W.CANCELED}),
        W.PAID: frozenset({W.FAILED}),  # Stripe: a paid payout may still turn failed
        W.FAILED: frozenset(),
        W.CANCELED: frozenset(),
    }

    __table_args__ = (
        sa.UniqueConstraint("stripe_payout_id"),
        sa.UniqueConstraint("account_id", "currency", "nonce"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.Index(
            "uq_discuno_payout_one_requested",
            "account_id",
            "currency",
            unique=True,
            postgresql_where=sa.text("status = 'requested'"),
        ),
        sa.Index("ix_discuno_payout_account_id", "account_id", "id"),
    )

    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("discuno_mentor_stripe_account.id", ondelete="RESTRICT")
    )
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    status: Mapped[PayoutStatus] = mapped_column(status_type(PayoutStatus, "status"), default=W.REQUESTED)
    origin: Mapped[str] = mapped_column(sa.Text)  # automatic | mentor | stripe
    nonce: Mapped[str | None] = mapped_column(sa.Text)  # of the mentor's wish: one wish is one payout
    stripe_payout_id: Mapped[str | None] = mapped_column(sa.Text)
    arrives_on: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failure_code: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    account: Mapped[MentorStripeAccount] = relationship(lazy="joined", innerjoin=True)

    @property
    def key(self) -> str:
        """The idempotency key of the current attempt."""
        return f"payout:{self.id}:{self.epoch}"


class Pause(HasId, Base):
    """Nothing is transferred to anybody while one is on: an admin has stopped the release run, and says why."""

    __table_args__ = (
        sa.Index(
            "uq_discuno_pause_one_on",
            sa.text("(ended_at IS NULL)"),
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    reason: Mapped[str] = mapped_column(sa.Text)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    began_by: Mapped[str] = mapped_column(sa.Text)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str | None] = mapped_column(sa.Text)
