"""The money engine: the books, cases, reversals, payouts, and what exactly-once writing needs.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TRANSFER_STATUSES = ("scheduled", "sending", "sent", "cancelled")
DEFAULTS_FOR_OLD_ROWS = (
    ("discuno_mentor_stripe_account", "api"),
    ("discuno_mentor_stripe_account", "status"),
    ("discuno_mentor_stripe_account", "transfers"),
    ("discuno_mentor_stripe_account", "payouts_enabled"),
    ("discuno_mentor_stripe_account", "is_ours"),
    ("discuno_mentor_stripe_account", "requirements"),
    ("discuno_refund", "nonce"),
    ("discuno_refund", "unknown_count"),
    ("discuno_refund", "next_try_at"),
    ("discuno_transfer", "kind"),
    ("discuno_transfer", "unknown_count"),
    ("discuno_transfer", "next_try_at"),
)

# The books and the audit log are only ever added to, and a posting that does not sum to zero is not committed.
RULES = """
CREATE FUNCTION discuno_is_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON discuno_ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION discuno_is_written_once();
CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON discuno_audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION discuno_is_written_once();
CREATE FUNCTION discuno_posting_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT sum(amount) FROM discuno_ledger_entry
      WHERE kind = NEW.kind AND source = NEW.source AND currency = NEW.currency) <> 0 THEN
    RAISE EXCEPTION 'the posting % % does not sum to zero', NEW.kind, NEW.source
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER posting_is_balanced AFTER INSERT ON discuno_ledger_entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION discuno_posting_is_balanced()
"""

ENTRY = """
INSERT INTO discuno_ledger_entry (kind, source, account, amount, currency, payment_id, mentor_id, posted_at)
SELECT '{kind}', {source}, leg.account, leg.amount, payment.currency, payment.id, booking.mentor_id, discuno_now()
FROM discuno_payment payment JOIN discuno_booking booking ON booking.id = payment.booking_id {join},
LATERAL (VALUES {legs}) AS leg (account, amount)
WHERE leg.amount <> 0 AND {which}
"""
# What the rows of before say, said in the new words and written into the books.
CARRY_OVER = (
    "UPDATE discuno_refund SET nonce = CASE reason WHEN 'booking_refused' THEN reason ELSE id::text END",
    "UPDATE discuno_mentor_stripe_account SET status = 'active', transfers = 'active', payouts_enabled = true "
    "WHERE transfers_active",
    "UPDATE discuno_transfer SET next_try_at = payment.dispute_period_ends FROM discuno_payment payment "
    "WHERE payment.id = payment_id AND payment.dispute_period_ends IS NOT NULL",
    "UPDATE discuno_transfer SET blocked_by = NULL, sent_at = CASE status WHEN 'sent' THEN attempted_at END",
    "DELETE FROM discuno_job WHERE task = 'release_transfer'",
    ENTRY.format(
        kind="capture",
        source="payment.stripe_charge_id",
        join="",
        legs="('stripe', payment.amount), ('held', -payment.mentor_amount), ('fees', -payment.platform_fee)",
        which="payment.stripe_charge_id IS NOT NULL",
    ),
    ENTRY.format(
        kind="transfer",
        source="transfer.stripe_transfer_id",
        join="JOIN discuno_transfer transfer ON transfer.payment_id = payment.id",
        legs="('stripe', -transfer.amount), ('connected', transfer.amount), ('mentors', -transfer.amount), "
        "('held', transfer.amount)",
        which="transfer.status = 'sent'",
    ),
    ENTRY.format(  # only whole payments were returned until now, and only before their transfer
        kind="refund",
        source="refund.stripe_refund_id",
        join="JOIN discuno_refund refund ON refund.payment_id = payment.id AND refund.amount = payment.amount",
        legs="('stripe', -payment.amount), ('held', payment.mentor_amount), ('fees', payment.platform_fee)",
        which="refund.status IN ('pending', 'succeeded') AND refund.stripe_refund_id IS NOT NULL",
    ),
)


def upgrade() -> None:
    op.create_table(
        "discuno_audit_entry",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_audit_entry")),
    )
    op.create_index("ix_discuno_audit_entry_about", "discuno_audit_entry", ["about"], unique=False)
    op.create_table(
        "discuno_cron_token",
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_cron_token")),
        sa.UniqueConstraint("jti", name=op.f("uq_discuno_cron_token_jti")),
    )
    op.create_index("ix_discuno_cron_token_expires_at", "discuno_cron_token", ["expires_at"], unique=False)
    op.create_table(
        "discuno_drift",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("theirs", sa.Text(), nullable=False),
        sa.Column("difference", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_drift")),
        sa.UniqueConstraint("kind", "about", name=op.f("uq_discuno_drift_kind_about")),
    )
    op.create_index(
        "ix_discuno_drift_open",
        "discuno_drift",
        ["id"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "discuno_payout",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "pending",
                "in_transit",
                "paid",
                "failed",
                "canceled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("stripe_payout_id", sa.Text(), nullable=True),
        sa.Column("arrives_on", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown_count", sa.Integer(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_discuno_payout_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["discuno_mentor_stripe_account.id"],
            name=op.f("fk_discuno_payout_account_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_payout")),
        sa.UniqueConstraint("stripe_payout_id", name=op.f("uq_discuno_payout_stripe_payout_id")),
        sa.UniqueConstraint(
            "account_id", "currency", "nonce", name=op.f("uq_discuno_payout_account_id_currency_nonce")
        ),
    )
    op.create_index("ix_discuno_payout_account_id", "discuno_payout", ["account_id", "id"], unique=False)
    op.create_index(
        "uq_discuno_payout_one_requested",
        "discuno_payout",
        ["account_id", "currency"],
        unique=True,
        postgresql_where=sa.text("status = 'requested'"),
    )
    op.create_table(
        "discuno_dispute",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "report",
                "chargeback",
                "fraud_warning",
                "review",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "waiting",
                "won",
                "lost",
                "closed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("stripe_id", sa.Text(), nullable=True),
        sa.Column("stripe_status", sa.Text(), nullable=True),
        sa.Column("is_inquiry", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_discuno_dispute_amount")),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["discuno_payment.id"],
            name=op.f("fk_discuno_dispute_payment_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_dispute")),
        sa.UniqueConstraint("stripe_id", name=op.f("uq_discuno_dispute_stripe_id")),
    )
    op.create_index(
        "ix_discuno_dispute_open",
        "discuno_dispute",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('open', 'waiting')"),
    )
    op.create_index("ix_discuno_dispute_payment_id", "discuno_dispute", ["payment_id"], unique=False)
    op.create_table(
        "discuno_ledger_entry",
        sa.Column(
            "kind",
            sa.Enum(
                "capture",
                "stripe_fee",
                "transfer",
                "reversal",
                "refund",
                "refund_undone",
                "dispute_withdrawn",
                "dispute_reinstated",
                "dispute_fee",
                "debt_netted",
                "write_off",
                "payout",
                "payout_undone",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "account",
            sa.Enum(
                "stripe",
                "connected",
                "bank",
                "held",
                "mentors",
                "fees",
                "stripe_fees",
                "debt",
                "loss",
                name="account",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("mentor_id", sa.BigInteger(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_discuno_ledger_entry_currency")),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_discuno_ledger_entry_amount")),
        sa.ForeignKeyConstraint(
            ["mentor_id"],
            ["discuno_mentor.id"],
            name=op.f("fk_discuno_ledger_entry_mentor_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["discuno_payment.id"],
            name=op.f("fk_discuno_ledger_entry_payment_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_ledger_entry")),
        sa.UniqueConstraint(
            "kind",
            "source",
            "account",
            "currency",
            name=op.f("uq_discuno_ledger_entry_kind_source_account_currency"),
        ),
    )
    op.create_index(
        "ix_discuno_ledger_entry_account", "discuno_ledger_entry", ["account", "currency"], unique=False
    )
    op.create_index(
        "ix_discuno_ledger_entry_mentor",
        "discuno_ledger_entry",
        ["mentor_id", "account", "currency"],
        unique=False,
    )
    op.create_index(
        "ix_discuno_ledger_entry_payment_id", "discuno_ledger_entry", ["payment_id"], unique=False
    )
    op.create_table(
        "discuno_transfer_reversal",
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "made",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("stripe_reversal_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown_count", sa.Integer(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_discuno_transfer_reversal_amount")),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["discuno_transfer.id"],
            name=op.f("fk_discuno_transfer_reversal_transfer_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_transfer_reversal")),
        sa.UniqueConstraint(
            "stripe_reversal_id", name=op.f("uq_discuno_transfer_reversal_stripe_reversal_id")
        ),
        sa.UniqueConstraint(
            "transfer_id", "about", name=op.f("uq_discuno_transfer_reversal_transfer_id_about")
        ),
    )
    op.add_column(
        "discuno_mentor_stripe_account",
        sa.Column("api", sa.String(length=2), server_default=sa.text("'v2'"), nullable=False),
    )
    op.add_column(
        "discuno_mentor_stripe_account",
        sa.Column(
            "status",
            sa.Enum(
                "onboarding",
                "active",
                "restricted",
                "rejected",
                "closed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            server_default=sa.text("'onboarding'"),
            nullable=False,
        ),
    )
    op.add_column(
        "discuno_mentor_stripe_account",
        sa.Column("transfers", sa.Text(), server_default=sa.text("'inactive'"), nullable=False),
    )
    op.add_column(
        "discuno_mentor_stripe_account",
        sa.Column("payouts_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "discuno_mentor_stripe_account",
        sa.Column("is_ours", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.add_column("discuno_mentor_stripe_account", sa.Column("country", sa.String(length=2), nullable=True))
    op.add_column(
        "discuno_mentor_stripe_account",
        sa.Column(
            "requirements",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column("discuno_mentor_stripe_account", sa.Column("disabled_reason", sa.Text(), nullable=True))
    op.add_column(
        "discuno_mentor_stripe_account", sa.Column("deadline", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "discuno_mentor_stripe_account",
        sa.Column("manual_payouts_configured_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.add_column("discuno_mentor_stripe_account", sa.Column("payouts_blocked_by", sa.Text(), nullable=True))
    op.add_column(
        "discuno_mentor_stripe_account", sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.drop_constraint(
        op.f("uq_discuno_mentor_stripe_account_mentor_id"), "discuno_mentor_stripe_account", type_="unique"
    )
    op.create_index(
        "uq_discuno_mentor_stripe_account_one_live",
        "discuno_mentor_stripe_account",
        ["mentor_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.add_column("discuno_payment", sa.Column("stripe_entry_id", sa.Text(), nullable=True))
    op.add_column("discuno_payment", sa.Column("stripe_fee", sa.BigInteger(), nullable=True))
    op.add_column("discuno_payment", sa.Column("settlement_currency", sa.String(length=3), nullable=True))
    op.add_column("discuno_payment", sa.Column("available_on", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(
        op.f("uq_discuno_payment_stripe_charge_id"), "discuno_payment", ["stripe_charge_id"]
    )
    op.add_column(
        "discuno_refund", sa.Column("nonce", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column("discuno_refund", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "discuno_refund",
        sa.Column("unknown_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("discuno_refund", sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "discuno_refund",
        sa.Column("next_try_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.drop_index(op.f("ix_discuno_refund_payment_id"), table_name="discuno_refund")
    op.create_index(
        "ix_discuno_refund_open",
        "discuno_refund",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status IN ('requested', 'pending')"),
    )
    op.create_unique_constraint(
        op.f("uq_discuno_refund_payment_id_nonce"), "discuno_refund", ["payment_id", "nonce"]
    )
    op.add_column(
        "discuno_transfer",
        sa.Column("kind", sa.String(length=8), server_default=sa.text("'release'"), nullable=False),
    )
    op.add_column("discuno_transfer", sa.Column("about", sa.Text(), nullable=True))
    op.add_column("discuno_transfer", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discuno_transfer", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "discuno_transfer",
        sa.Column("unknown_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("discuno_transfer", sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "discuno_transfer",
        sa.Column("next_try_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_index(
        "ix_discuno_transfer_account_id", "discuno_transfer", ["account_id", "status"], unique=False
    )
    op.create_index(
        "ix_discuno_transfer_blocked",
        "discuno_transfer",
        ["next_try_at", "id"],
        unique=False,
        postgresql_where=sa.text("blocked_by IS NOT NULL AND status = 'scheduled'"),
    )
    op.create_index(
        "ix_discuno_transfer_due",
        "discuno_transfer",
        ["next_try_at", "id"],
        unique=False,
        postgresql_where=sa.text("blocked_by IS NULL AND status IN ('scheduled', 'sending')"),
    )
    op.create_index("ix_discuno_transfer_payment_id", "discuno_transfer", ["payment_id"], unique=False)
    op.create_index(
        "uq_discuno_transfer_one_return",
        "discuno_transfer",
        ["payment_id", "about"],
        unique=True,
        postgresql_where=sa.text("kind = 'return'"),
    )
    op.create_check_constraint(
        op.f("ck_discuno_transfer_kind"), "discuno_transfer", "kind IN ('release', 'return')"
    )
    transfer_statuses(*TRANSFER_STATUSES, "netted", "reversed")
    one_live_transfer("kind = 'release' AND status NOT IN ('cancelled', 'reversed')")
    for table, column in DEFAULTS_FOR_OLD_ROWS:
        op.alter_column(table, column, server_default=None)
    op.execute(RULES)
    for statement in CARRY_OVER:
        op.execute(statement)
    op.drop_column("discuno_mentor_stripe_account", "transfers_active")


def transfer_statuses(*allowed: str) -> None:
    """Let a transfer have these statuses."""
    op.drop_constraint(op.f("ck_discuno_transfer_status"), "discuno_transfer", type_="check")
    words = ", ".join(f"'{word}'" for word in allowed)
    op.create_check_constraint(op.f("ck_discuno_transfer_status"), "discuno_transfer", f"status IN ({words})")


def one_live_transfer(predicate: str) -> None:
    """At most one such transfer a payment."""
    name = "uq_discuno_transfer_one_live"
    op.drop_index(name, table_name="discuno_transfer")
    op.create_index(
        name, "discuno_transfer", ["payment_id"], unique=True, postgresql_where=sa.text(predicate)
    )


def downgrade() -> None:
    """Back to the tables before. What only the new ones can say (the books, cases, payouts) goes with them."""
    op.execute("DROP FUNCTION discuno_posting_is_balanced() CASCADE")
    op.execute("DROP FUNCTION discuno_is_written_once() CASCADE")
    op.execute("UPDATE discuno_transfer SET status = 'cancelled' WHERE status IN ('netted', 'reversed')")
    op.execute("DELETE FROM discuno_transfer WHERE kind = 'return'")
    transfer_statuses(*TRANSFER_STATUSES)
    one_live_transfer("status <> 'cancelled'")
    op.drop_constraint(op.f("ck_discuno_transfer_kind"), "discuno_transfer", type_="check")
    op.drop_index(
        "uq_discuno_transfer_one_return",
        table_name="discuno_transfer",
        postgresql_where=sa.text("kind = 'return'"),
    )
    op.drop_index("ix_discuno_transfer_payment_id", table_name="discuno_transfer")
    op.drop_index(
        "ix_discuno_transfer_due",
        table_name="discuno_transfer",
        postgresql_where=sa.text("blocked_by IS NULL AND status IN ('scheduled', 'sending')"),
    )
    op.drop_index(
        "ix_discuno_transfer_blocked",
        table_name="discuno_transfer",
        postgresql_where=sa.text("blocked_by IS NOT NULL AND status = 'scheduled'"),
    )
    op.drop_index("ix_discuno_transfer_account_id", table_name="discuno_transfer")
    op.drop_column("discuno_transfer", "next_try_at")
    op.drop_column("discuno_transfer", "claimed_until")
    op.drop_column("discuno_transfer", "unknown_count")
    op.drop_column("discuno_transfer", "answered_at")
    op.drop_column("discuno_transfer", "sent_at")
    op.drop_column("discuno_transfer", "about")
    op.drop_column("discuno_transfer", "kind")
    op.drop_constraint(op.f("uq_discuno_refund_payment_id_nonce"), "discuno_refund", type_="unique")
    op.drop_index(
        "ix_discuno_refund_open",
        table_name="discuno_refund",
        postgresql_where=sa.text("status IN ('requested', 'pending')"),
    )
    op.create_index(op.f("ix_discuno_refund_payment_id"), "discuno_refund", ["payment_id"], unique=False)
    op.drop_column("discuno_refund", "next_try_at")
    op.drop_column("discuno_refund", "claimed_until")
    op.drop_column("discuno_refund", "unknown_count")
    op.drop_column("discuno_refund", "answered_at")
    op.drop_column("discuno_refund", "nonce")
    op.drop_constraint(op.f("uq_discuno_payment_stripe_charge_id"), "discuno_payment", type_="unique")
    op.drop_column("discuno_payment", "available_on")
    op.drop_column("discuno_payment", "settlement_currency")
    op.drop_column("discuno_payment", "stripe_fee")
    op.drop_column("discuno_payment", "stripe_entry_id")
    op.add_column(
        "discuno_mentor_stripe_account",
        sa.Column("transfers_active", sa.BOOLEAN(), server_default=sa.false(), nullable=False),
    )
    op.execute("UPDATE discuno_mentor_stripe_account SET transfers_active = (status = 'active')")
    op.alter_column("discuno_mentor_stripe_account", "transfers_active", server_default=None)
    op.drop_index(
        "uq_discuno_mentor_stripe_account_one_live",
        table_name="discuno_mentor_stripe_account",
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_unique_constraint(
        op.f("uq_discuno_mentor_stripe_account_mentor_id"),
        "discuno_mentor_stripe_account",
        ["mentor_id"],
        postgresql_nulls_not_distinct=False,
    )
    op.drop_column("discuno_mentor_stripe_account", "refreshed_at")
    op.drop_column("discuno_mentor_stripe_account", "payouts_blocked_by")
    op.drop_column("discuno_mentor_stripe_account", "manual_payouts_configured_at")
    op.drop_column("discuno_mentor_stripe_account", "deadline")
    op.drop_column("discuno_mentor_stripe_account", "disabled_reason")
    op.drop_column("discuno_mentor_stripe_account", "requirements")
    op.drop_column("discuno_mentor_stripe_account", "country")
    op.drop_column("discuno_mentor_stripe_account", "is_ours")
    op.drop_column("discuno_mentor_stripe_account", "payouts_enabled")
    op.drop_column("discuno_mentor_stripe_account", "transfers")
    op.drop_column("discuno_mentor_stripe_account", "status")
    op.drop_column("discuno_mentor_stripe_account", "api")
    op.drop_table("discuno_transfer_reversal")
    op.drop_index("ix_discuno_ledger_entry_payment_id", table_name="discuno_ledger_entry")
    op.drop_index("ix_discuno_ledger_entry_mentor", table_name="discuno_ledger_entry")
    op.drop_index("ix_discuno_ledger_entry_account", table_name="discuno_ledger_entry")
    op.drop_table("discuno_ledger_entry")
    op.drop_index("ix_discuno_dispute_payment_id", table_name="discuno_dispute")
    op.drop_index(
        "ix_discuno_dispute_open",
        table_name="discuno_dispute",
        postgresql_where=sa.text("status IN ('open', 'waiting')"),
    )
    op.drop_table("discuno_dispute")
    op.drop_index(
        "uq_discuno_payout_one_requested",
        table_name="discuno_payout",
        postgresql_where=sa.text("status = 'requested'"),
    )
    op.drop_index("ix_discuno_payout_account_id", table_name="discuno_payout")
    op.drop_table("discuno_payout")
    op.drop_index(
        "ix_discuno_drift_open", table_name="discuno_drift", postgresql_where=sa.text("resolved_at IS NULL")
    )
    op.drop_table("discuno_drift")
    op.drop_index("ix_discuno_cron_token_expires_at", table_name="discuno_cron_token")
    op.drop_table("discuno_cron_token")
    op.drop_index("ix_discuno_audit_entry_about", table_name="discuno_audit_entry")
    op.drop_table("discuno_audit_entry")
