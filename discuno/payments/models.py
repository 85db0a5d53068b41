"""Payments and refunds. Every amount is in minor units of `currency`; the split is frozen at creation."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from discuno.accounts.models import User
from discuno.bookings.models import Booking
from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import HasLifecycle, Moves, Status, status_type
from discuno.kit.outgoing import Outgoing


class PaymentStatus(Status):
    """The owner's seven words for where the money is."""

    PENDING = ("PENDING", "Not paid yet", "wait", "We are waiting for the payment.")
    PROCESSING = ("PROCESSING", "Being processed", "wait", "The bank is still working on the payment.")
    SUCCEEDED = (
        "SUCCEEDED",
        "Paid",
        "ok",
        "The payment has arrived and is held until the dispute period ends.",
    )
    FAILED = ("FAILED", "Not paid", "plain", "The payment was not made. Nothing was charged.")
    DISPUTED = ("DISPUTED", "Disputed", "bad", "The payment is disputed; the money waits for a decision.")
    REFUNDED = ("REFUNDED", "Refunded", "note", "The payment was returned in full.")
    TRANSFERRED = ("TRANSFERRED", "Transferred", "ok", "The mentor's share was transferred.")

    @property
    def is_waiting(self) -> bool:
        """Whether Stripe may still tell us that it was paid."""
        return self in (P.PENDING, P.PROCESSING)

    @property
    def has_money(self) -> bool:
        """Whether money came in, wherever it is now."""
        return self in (P.SUCCEEDED, P.DISPUTED, P.REFUNDED, P.TRANSFERRED)


P = PaymentStatus
TERMS = "terms"  # in our metadata: the sentences of the policy as they were shown
# What a search looks in, as words: Postgres takes an address for one word unless its signs are blanks.
# Written as Postgres writes it back, so that the schema test can compare the two.
SEARCHED = (
    "to_tsvector('simple'::regconfig, "
    "(customer_name || ' '::text) || translate(customer_email, '@.+_-'::text, '     '::text))"
)


class Payment(HasLifecycle, HasId, Base):
    """What one booking costs and where that money is. Created before Stripe is called.

    `checkout_epoch` numbers the Checkout Sessions made for it; only the current one may be paid.
    `customer_email`, amounts and currency are frozen per epoch, because an idempotency key must
    always carry the same request.
    """

    MOVES: ClassVar[Moves] = {
        P.PENDING: frozenset({P.PROCESSING, P.SUCCEEDED, P.FAILED}),
        P.PROCESSING: frozenset({P.SUCCEEDED, P.FAILED}),
        P.FAILED: frozenset(
            {P.SUCCEEDED, P.PENDING}
        ),  # a failure may be followed by money: believe the money
        # Once the money is here the word follows the rows (`payments.service.restate`): a dispute may be won,
        # a transfer reversed, and a bank may send a refund back.
        P.SUCCEEDED: frozenset({P.DISPUTED, P.REFUNDED, P.TRANSFERRED}),
        P.TRANSFERRED: frozenset({P.SUCCEEDED, P.DISPUTED, P.REFUNDED}),
        P.DISPUTED: frozenset({P.SUCCEEDED, P.REFUNDED, P.TRANSFERRED}),
        P.REFUNDED: frozenset({P.SUCCEEDED, P.DISPUTED, P.TRANSFERRED}),
    }

    __table_args__ = (
        sa.UniqueConstraint("booking_id"),
        sa.UniqueConstraint("stripe_payment_intent_id"),
        sa.UniqueConstraint("stripe_checkout_session_id"),
        sa.UniqueConstraint("stripe_charge_id"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("platform_fee >= 0 AND mentor_amount >= 0", name="parts"),
        sa.CheckConstraint("amount = platform_fee + mentor_amount", name="split"),
        sa.CheckConstraint(
            "(divided_at IS NULL) = (divided_mentor IS NULL) "
            "AND divided_mentor BETWEEN 0 AND amount - divided_at AND divided_at >= 0",
            name="divided",
        ),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency"),
        sa.Index("ix_discuno_payment_mentor_user_id", "mentor_user_id", "id"),
        sa.Index("ix_discuno_payment_customer_email", "customer_email"),
        sa.Index("ix_discuno_payment_status", "status", "id"),
        sa.Index("ix_discuno_payment_dispute_period_ends", "dispute_period_ends"),
        sa.Index("ix_discuno_payment_paid_at", "paid_at"),
        sa.Index("ix_discuno_payment_currency", "currency", "amount"),
        sa.Index(
            "ix_discuno_payment_created_at",
            "created_at",
            "id",
            postgresql_include=["status", "currency", "amount"],
        ),
        sa.Index(
            "ix_discuno_payment_settled_elsewhere",
            "paid_at",
            postgresql_where=sa.text("settlement_currency <> currency"),
        ),
        sa.Index("ix_discuno_payment_kept", "id", postgresql_where=sa.text("dispute_requested")),
        sa.Index("ix_discuno_payment_odd", "id", postgresql_where=sa.text("needs_attention IS NOT NULL")),
        sa.Index("ix_discuno_payment_words", sa.text(SEARCHED), postgresql_using="gin"),
    )

    booking_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_booking.id", ondelete="RESTRICT"))
    mentor_user_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    customer_email: Mapped[str] = mapped_column(sa.Text)
    customer_name: Mapped[str] = mapped_column(sa.Text)
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    platform_fee: Mapped[int] = mapped_column(sa.BigInteger)
    mentor_amount: Mapped[int] = mapped_column(sa.BigInteger)
    divided_at: Mapped[int | None] = mapped_column(sa.BigInteger)  # policy.Divided: once so much is gone,
    divided_mentor: Mapped[int | None] = mapped_column(sa.BigInteger)  # the mentor has so much of the rest
    status: Mapped[PaymentStatus] = mapped_column(status_type(PaymentStatus, "status"), default=P.PENDING)
    payment_status: Mapped[str | None] = mapped_column(sa.Text)  # Stripe's word, as last seen
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(sa.Text)
    stripe_charge_id: Mapped[str | None] = mapped_column(sa.Text)
    stripe_entry_id: Mapped[str | None] = mapped_column(
        sa.Text
    )  # the charge's balance transaction, once there
    stripe_fee: Mapped[int | None] = mapped_column(sa.BigInteger)  # what Stripe kept, in settlement_currency
    settlement_currency: Mapped[str | None] = mapped_column(sa.String(3))  # of the balance it went to
    available_on: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when Stripe lets it be spent
    stripe_checkout_session_id: Mapped[str | None] = mapped_column(sa.Text)
    checkout_client_secret: Mapped[str | None] = mapped_column(sa.Text)
    checkout_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checkout_epoch: Mapped[int] = mapped_column(sa.Integer, default=0)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dispute_requested: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    dispute_period_ends: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    needs_attention: Mapped[str | None] = mapped_column(sa.Text)
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    booking: Mapped[Booking] = relationship(lazy="joined", innerjoin=True)
    mentor_user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    refunds: Mapped[list["Refund"]] = relationship(back_populates="payment", order_by="Refund.id")
    # Named by string: transfers lie to the right of payments, and know them, not the other way round.
    transfers: Mapped[list[Any]] = relationship("Transfer", back_populates="payment", order_by="Transfer.id")
    disputes: Mapped[list[Any]] = relationship("Dispute", back_populates="payment", order_by="Dispute.id")

    @property
    def terms_shown(self) -> list[str]:
        """What the attendee was told about cancelling, before paying; empty for payments of before it was kept."""
        return list(self.metadata_.get(TERMS, []))

    @property
    def transfer_group(self) -> str:
        """Ties the charge and its transfers together at Stripe."""
        return f"payment_{self.id}"

    @property
    def release(self) -> Any:
        """The transfer of the mentor's share that counts: the live one, or the last, or None."""
        made = [t for t in self.transfers if t.is_release]
        return next((t for t in reversed(made) if t.is_live), made[-1] if made else None)

    @property
    def transfer_id(self) -> str | None:
        """Stripe's id of the release transfer, read off its own row."""
        return self.release.stripe_transfer_id if self.release is not None else None

    @property
    def transfer_status(self) -> str | None:
        """Where the release transfer stands, read off its own row."""
        return str(self.release.status) if self.release is not None else None

    @property
    def transfer_retry_count(self) -> int:
        """How often Stripe has definitely refused the release transfer."""
        return int(self.release.retry_count) if self.release is not None else 0

    @property
    def refunded(self) -> int:
        """How much was given back for certain."""
        return sum(r.amount for r in self.refunds if r.status == R.SUCCEEDED)

    @property
    def refund_is_open(self) -> bool:
        """Whether money is on its way back."""
        return any(r.status.is_open for r in self.refunds)


class RefundStatus(Status):
    """Where money on its way back is."""

    REQUESTED = ("requested", "Refund started", "wait", "The refund is on its way to the bank.")
    PENDING = ("pending", "Refund on its way", "wait", "The bank is working on the refund.")
    SUCCEEDED = ("succeeded", "Refunded", "ok", "The money was returned. Banks show it within 5 to 10 days.")
    FAILED = ("failed", "Refund failed", "bad", "The refund could not be made; we are looking into it.")

    @property
    def is_open(self) -> bool:
        """Whether it is not decided yet."""
        return self in (R.REQUESTED, R.PENDING)


R = RefundStatus


class Refund(Outgoing, HasLifecycle, HasId, Base):
    """The intention to give money back, written before Stripe is asked; or one that was made at Stripe by hand.

    `nonce` makes one wish one row, however often the button is pressed.
    """

    MOVES: ClassVar[Moves] = {
        R.REQUESTED: frozenset({R.PENDING, R.SUCCEEDED, R.FAILED}),
        R.PENDING: frozenset({R.SUCCEEDED, R.FAILED}),
        R.SUCCEEDED: frozenset({R.FAILED}),  # a bank may send it back later
        R.FAILED: frozenset({R.REQUESTED}),
    }

    __table_args__ = (
        sa.UniqueConstraint("stripe_refund_id"),
        sa.UniqueConstraint("payment_id", "nonce"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.Index("ix_discuno_refund_created_at", "created_at"),
        sa.Index(
            "ix_discuno_refund_open", "id", postgresql_where=sa.text("status IN ('requested', 'pending')")
        ),
    )

    payment_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_payment.id", ondelete="RESTRICT"))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    reason: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[RefundStatus] = mapped_column(status_type(RefundStatus, "status"), default=R.REQUESTED)
    nonce: Mapped[str] = mapped_column(sa.Text)
    stripe_refund_id: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    payment: Mapped[Payment] = relationship(back_populates="refunds")

    @property
    def key(self) -> str:
        """The idempotency key of the current attempt."""
        return f"refund:{self.payment_id}:{self.id}:{self.epoch}"


class Account(StrEnum):
    """The accounts of the ledger. Assets and expenses grow by positive amounts, the others by negative ones."""

    STRIPE = "stripe"  # asset: the platform's balance at Stripe
    CONNECTED = "connected"  # in custody: balances of the mentors' accounts at Stripe
    BANK = "bank"  # in custody: what was paid out to the mentors' banks
    HELD = "held"  # liability: shares that wait to be transferred
    MENTORS = "mentors"  # liability: what lies in the mentors' accounts and banks is theirs
    FEES = "fees"  # revenue: our share
    STRIPE_FEES = "stripe_fees"  # expense: what Stripe keeps
    DEBT = "debt"  # asset: what mentors owe us
    LOSS = "loss"  # expense: what the platform bears


class PostingKind(StrEnum):
    """What happened. With the Stripe object it names one posting, made at most once."""

    CAPTURE = "capture"
    STRIPE_FEE = "stripe_fee"
    TRANSFER = "transfer"
    REVERSAL = "reversal"
    REFUND = "refund"
    REFUND_UNDONE = "refund_undone"
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    DISPUTE_REINSTATED = "dispute_reinstated"
    DISPUTE_FEE = "dispute_fee"
    DEBT_NETTED = "debt_netted"
    WRITE_OFF = "write_off"
    SPLIT = "split"  # a decision gave the mentor more, or less, than the pro rata share of what stays
    PAYOUT = "payout"
    PAYOUT_UNDONE = "payout_undone"


class LedgerEntry(HasId, Base):
    """One leg of a posting. Never changed, never deleted: triggers see to it, and to every posting's sum being zero.

    The sum is checked when the transaction commits. `source` is the Stripe object that makes the posting unique.
    """

    __table_args__ = (
        sa.UniqueConstraint("kind", "source", "account", "currency"),
        sa.CheckConstraint("amount <> 0", name="amount"),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency"),
        sa.Index("ix_discuno_ledger_entry_payment_id", "payment_id"),
        sa.Index("ix_discuno_ledger_entry_mentor", "mentor_id", "account", "currency"),
        sa.Index("ix_discuno_ledger_entry_account", "account", "currency"),
        sa.Index("ix_discuno_ledger_entry_posted_at", "posted_at"),
        sa.Index(
            "ix_discuno_ledger_entry_sent",
            "posted_at",
            postgresql_where=sa.text("account = 'connected' AND kind IN ('transfer', 'reversal')"),
        ),
    )

    kind: Mapped[PostingKind] = mapped_column(status_type(PostingKind, "kind"))
    source: Mapped[str] = mapped_column(sa.Text)
    account: Mapped[Account] = mapped_column(status_type(Account, "account"))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    payment_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_payment.id", ondelete="RESTRICT"))
    mentor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="RESTRICT"))
    posted_at: Mapped[datetime] = mapped_column(UtcDateTime)
