"""Admins: a second factor, cases that are claimed and decided in parts, approval, alerts, pauses, a sealed audit log.

Revision ID: 0005
Revises: 0004
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


# A seal is the last thing that a transaction writes: the lock that puts them in one row is taken when all others are.
SEALS = """
CREATE FUNCTION discuno_audit_digest(prior text, entry discuno_audit_entry) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(sha256(convert_to(jsonb_build_array(
    prior, entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), entry.actor, entry.action,
    entry.about, entry.reason, entry.address, entry.before, entry.after)::text, 'UTF8')), 'hex')
$$;
CREATE FUNCTION discuno_seal_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE prior text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('discuno_audit_seal'));
  SELECT digest INTO prior FROM discuno_audit_seal ORDER BY id DESC LIMIT 1;
  INSERT INTO discuno_audit_seal (entry_id, digest)
  VALUES (NEW.id, discuno_audit_digest(coalesce(prior, ''), NEW));
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER sealed AFTER INSERT ON discuno_audit_entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION discuno_seal_audit_entry();
CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON discuno_audit_seal
  FOR EACH STATEMENT EXECUTE FUNCTION discuno_is_written_once();
CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON discuno_note
  FOR EACH STATEMENT EXECUTE FUNCTION discuno_is_written_once();
DO $$
DECLARE entry discuno_audit_entry; prior text := '';
BEGIN
  FOR entry IN SELECT * FROM discuno_audit_entry ORDER BY id LOOP
    prior := discuno_audit_digest(prior, entry);
    INSERT INTO discuno_audit_seal (entry_id, digest) VALUES (entry.id, prior);
  END LOOP;
END $$
"""
NO_SEALS = (
    "DROP TRIGGER sealed ON discuno_audit_entry",
    "DROP FUNCTION discuno_seal_audit_entry()",
    "DROP FUNCTION discuno_audit_digest(text, discuno_audit_entry)",
)
SENT = "account = 'connected' AND kind IN ('transfer', 'reversal')"
LOOKED_UP: tuple[tuple[str, str, list[Any], dict[str, Any]], ...] = (  # what the dashboards ask for
    ("ix_discuno_alert_began_at", "discuno_alert", ["kind", "began_at"], {}),
    ("ix_discuno_audit_entry_at", "discuno_audit_entry", ["at"], {}),
    (
        "ix_discuno_audit_entry_words",
        "discuno_audit_entry",
        [sa.literal_column("to_tsvector('simple'::regconfig, reason)")],
        {"postgresql_using": "gin"},
    ),
    (
        "ix_discuno_ledger_entry_sent",
        "discuno_ledger_entry",
        ["posted_at"],
        {"postgresql_where": sa.text(SENT)},
    ),
    ("ix_discuno_payment_currency", "discuno_payment", ["currency", "amount"], {}),
    (
        "ix_discuno_payment_settled_elsewhere",
        "discuno_payment",
        ["paid_at"],
        {"postgresql_where": sa.text("settlement_currency <> currency")},
    ),
    (
        "ix_discuno_transfer_sent_at",
        "discuno_transfer",
        ["sent_at", "id"],
        {
            "postgresql_include": ["currency", "amount", "retry_count"],
            "postgresql_where": sa.text("sent_at IS NOT NULL"),
        },
    ),
    (
        "ix_discuno_webhook_event_ignored",
        "discuno_webhook_event",
        ["id"],
        {"postgresql_where": sa.text("ignored_by IS NOT NULL")},
    ),
    ("ix_discuno_webhook_event_provider", "discuno_webhook_event", ["provider", "id"], {}),
    (
        "ix_discuno_webhook_event_received_at",
        "discuno_webhook_event",
        ["received_at"],
        {"postgresql_include": ["provider", "handled_at", "ignored_by"]},
    ),
)
ROLES = ("attendee", "mentor", "admin")
DECISIONS = ("refunded", "released", "withdrawn")
POSTINGS = (
    *("capture", "stripe_fee", "transfer", "reversal", "refund", "refund_undone", "dispute_withdrawn"),
    *("dispute_reinstated", "dispute_fee", "debt_netted", "write_off", "payout", "payout_undone"),
)
CHECKS = (
    (
        "discuno_payment",
        "divided",
        "(divided_at IS NULL) = (divided_mentor IS NULL) "
        "AND divided_mentor BETWEEN 0 AND amount - divided_at AND divided_at >= 0",
    ),
    ("discuno_user", "admitted", "(role IN ('admin', 'support')) = (admitted_at IS NOT NULL)"),
    ("discuno_dispute", "parts", "refund_amount >= 0 AND mentor_amount >= 0"),
    ("discuno_dispute", "claim", "(assignee_id IS NULL) = (claimed_at IS NULL)"),
)
# The books are not rewritten: with a split in them there is no way back, and the CHECK says so.
OLD_WORDS = (
    "UPDATE discuno_user SET role = 'attendee', admitted_at = NULL WHERE role = 'support'",
    "UPDATE discuno_dispute SET decision = 'released' WHERE decision IN ('partly', 'split')",
)


def words_of(table: str, column: str, *words: str) -> None:
    """Say anew which words a column may hold."""
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({', '.join(map(repr, words))})")


def upgrade() -> None:
    op.create_table(
        "discuno_alert",
        sa.Column(
            "kind",
            sa.Enum(
                "transfer",
                "refund",
                "reversal",
                "payment",
                "payout",
                "holding",
                "webhook",
                "email",
                "job",
                "cron",
                "drift",
                "case",
                "calendar",
                "approval",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_alert")),
    )
    op.create_index("ix_discuno_alert_ended_at", "discuno_alert", ["ended_at"], unique=False)
    op.create_index(
        "uq_discuno_alert_one_open",
        "discuno_alert",
        ["kind", "cause"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "discuno_bulk_run",
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "running",
                "done",
                "stopped",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_bulk_run")),
    )
    op.create_table(
        "discuno_pause",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_pause")),
    )
    op.create_index(
        "uq_discuno_pause_one_on",
        "discuno_pause",
        [sa.literal_column("(ended_at IS NULL)")],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "discuno_audit_seal",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["discuno_audit_entry.id"],
            name=op.f("fk_discuno_audit_seal_entry_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_audit_seal")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_discuno_audit_seal_entry_id")),
    )
    op.create_table(
        "discuno_bulk_item",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("about_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('done', 'skipped', 'failed')", name=op.f("ck_discuno_bulk_item_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["discuno_bulk_run.id"], name=op.f("fk_discuno_bulk_item_run_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_bulk_item")),
        sa.UniqueConstraint("run_id", "about_id", name=op.f("uq_discuno_bulk_item_run_id_about_id")),
    )
    op.create_index(
        "ix_discuno_bulk_item_waiting",
        "discuno_bulk_item",
        ["run_id", "id"],
        unique=False,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "discuno_recovery_code",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["discuno_user.id"],
            name=op.f("fk_discuno_recovery_code_user_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_recovery_code")),
        sa.UniqueConstraint("digest", name=op.f("uq_discuno_recovery_code_digest")),
    )
    op.create_index("ix_discuno_recovery_code_user_id", "discuno_recovery_code", ["user_id"], unique=False)
    op.create_table(
        "discuno_second_factor",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("next_secret", sa.Text(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_count", sa.Integer(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["discuno_user.id"],
            name=op.f("fk_discuno_second_factor_user_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_second_factor")),
        sa.UniqueConstraint("user_id", name=op.f("uq_discuno_second_factor_user_id")),
    )
    op.create_table(
        "discuno_day_sum",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("mentor_id", sa.BigInteger(), nullable=True),
        sa.Column("event_type_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payments", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("fees", sa.BigInteger(), nullable=False),
        sa.Column("stripe_fees", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("disputed", sa.BigInteger(), nullable=False),
        sa.Column("loss", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_type_id"],
            ["discuno_event_type.id"],
            name=op.f("fk_discuno_day_sum_event_type_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["mentor_id"],
            ["discuno_mentor.id"],
            name=op.f("fk_discuno_day_sum_mentor_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_day_sum")),
        sa.UniqueConstraint(
            "day",
            "mentor_id",
            "event_type_id",
            "currency",
            name=op.f("uq_discuno_day_sum_day_mentor_id_event_type_id_currency"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_discuno_day_sum_mentor", "discuno_day_sum", ["mentor_id", "day"], unique=False)
    op.create_table(
        "discuno_funnel_event",
        sa.Column("visit", sa.Text(), nullable=False),
        sa.Column("mentor_id", sa.BigInteger(), nullable=False),
        sa.Column("event_type_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "step",
            sa.Enum(
                "visit",
                "time",
                "details",
                "payment",
                "paid",
                name="step",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_type_id"],
            ["discuno_event_type.id"],
            name=op.f("fk_discuno_funnel_event_event_type_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["mentor_id"],
            ["discuno_mentor.id"],
            name=op.f("fk_discuno_funnel_event_mentor_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_funnel_event")),
        sa.UniqueConstraint(
            "visit",
            "mentor_id",
            "event_type_id",
            "step",
            name=op.f("uq_discuno_funnel_event_visit_mentor_id_event_type_id_step"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "ix_discuno_funnel_event_at",
        "discuno_funnel_event",
        ["at", "step", "mentor_id", "event_type_id"],
        unique=False,
    )
    op.create_index(
        "ix_discuno_funnel_event_mentor", "discuno_funnel_event", ["mentor_id", "at", "step"], unique=False
    )
    op.create_table(
        "discuno_dispute_answer",
        sa.Column("dispute_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "stage", "submit", "accept", name="kind", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
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
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown_count", sa.Integer(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["dispute_id"],
            ["discuno_dispute.id"],
            name=op.f("fk_discuno_dispute_answer_dispute_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_dispute_answer")),
    )
    op.create_index(
        "ix_discuno_dispute_answer_dispute_id", "discuno_dispute_answer", ["dispute_id", "id"], unique=False
    )
    op.create_index(
        "uq_discuno_dispute_answer_final",
        "discuno_dispute_answer",
        ["dispute_id", "asked"],
        unique=True,
        postgresql_where=sa.text("kind IN ('submit', 'accept') AND status <> 'failed'"),
    )
    op.create_table(
        "discuno_evidence_file",
        sa.Column("dispute_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("stripe_file_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown_count", sa.Integer(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "octet_length(content) BETWEEN 1 AND 5242880", name=op.f("ck_discuno_evidence_file_size")
        ),
        sa.ForeignKeyConstraint(
            ["dispute_id"],
            ["discuno_dispute.id"],
            name=op.f("fk_discuno_evidence_file_dispute_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_evidence_file")),
        sa.UniqueConstraint("dispute_id", "field", name=op.f("uq_discuno_evidence_file_dispute_id_field")),
        sa.UniqueConstraint("stripe_file_id", name=op.f("uq_discuno_evidence_file_stripe_file_id")),
    )
    op.create_table(
        "discuno_note",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("dispute_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["dispute_id"],
            ["discuno_dispute.id"],
            name=op.f("fk_discuno_note_dispute_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["discuno_payment.id"],
            name=op.f("fk_discuno_note_payment_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["discuno_user.id"], name=op.f("fk_discuno_note_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_note")),
    )
    op.create_index("ix_discuno_note_payment_id", "discuno_note", ["payment_id", "id"], unique=False)
    op.create_table(
        "discuno_proposal",
        sa.Column(
            "kind",
            sa.Enum(
                "decide",
                "refund",
                "take_back",
                "accept",
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
                "approved",
                "declined",
                "withdrawn",
                "overtaken",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("dispute_id", sa.BigInteger(), nullable=True),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("moves", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by_id", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by_id", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_reason", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "settled_by_id IS NULL OR settled_by_id <> proposed_by_id OR status = 'withdrawn'",
            name=op.f("ck_discuno_proposal_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["dispute_id"],
            ["discuno_dispute.id"],
            name=op.f("fk_discuno_proposal_dispute_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["discuno_payment.id"],
            name=op.f("fk_discuno_proposal_payment_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"],
            ["discuno_user.id"],
            name=op.f("fk_discuno_proposal_proposed_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"],
            ["discuno_user.id"],
            name=op.f("fk_discuno_proposal_settled_by_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_proposal")),
    )
    op.create_index("ix_discuno_proposal_dispute_id", "discuno_proposal", ["dispute_id"], unique=False)
    op.create_index(
        "uq_discuno_proposal_one_open",
        "discuno_proposal",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index("ix_discuno_audit_entry_action", "discuno_audit_entry", ["action", "id"], unique=False)
    op.create_index("ix_discuno_audit_entry_actor", "discuno_audit_entry", ["actor", "id"], unique=False)
    op.add_column("discuno_booking", sa.Column("visit", sa.Text(), nullable=True))
    op.add_column("discuno_payment", sa.Column("divided_at", sa.BigInteger(), nullable=True))
    op.add_column("discuno_payment", sa.Column("divided_mentor", sa.BigInteger(), nullable=True))
    op.add_column("discuno_dispute", sa.Column("refund_amount", sa.BigInteger(), nullable=True))
    op.add_column("discuno_dispute", sa.Column("mentor_amount", sa.BigInteger(), nullable=True))
    op.add_column("discuno_dispute", sa.Column("assignee_id", sa.BigInteger(), nullable=True))
    op.add_column("discuno_dispute", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_discuno_dispute_closed_at",
        "discuno_dispute",
        ["closed_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index("ix_discuno_dispute_opened_at", "discuno_dispute", ["opened_at"], unique=False)
    op.create_foreign_key(
        op.f("fk_discuno_dispute_assignee_id"),
        "discuno_dispute",
        "discuno_user",
        ["assignee_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.add_column("discuno_email", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discuno_email", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index(op.f("ix_discuno_email_recipient"), table_name="discuno_email")
    op.create_index("ix_discuno_email_recipient", "discuno_email", ["recipient", "id"], unique=False)
    op.create_index(
        "ix_discuno_email_about", "discuno_email", ["about"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "ix_discuno_email_created_at",
        "discuno_email",
        ["created_at"],
        unique=False,
        postgresql_include=["template", "status", "opened_at"],
    )
    op.create_index("ix_discuno_email_status", "discuno_email", ["status", "id"], unique=False)
    op.create_index("ix_discuno_email_template", "discuno_email", ["template", "status", "id"], unique=False)
    op.create_index("ix_discuno_ledger_entry_posted_at", "discuno_ledger_entry", ["posted_at"], unique=False)
    op.create_index(
        "ix_discuno_payment_created_at",
        "discuno_payment",
        ["created_at", "id"],
        unique=False,
        postgresql_include=["status", "currency", "amount"],
    )
    op.create_index(
        "ix_discuno_payment_kept",
        "discuno_payment",
        ["id"],
        unique=False,
        postgresql_where=sa.text("dispute_requested"),
    )
    op.create_index(
        "ix_discuno_payment_odd",
        "discuno_payment",
        ["id"],
        unique=False,
        postgresql_where=sa.text("needs_attention IS NOT NULL"),
    )
    op.create_index("ix_discuno_payment_paid_at", "discuno_payment", ["paid_at"], unique=False)
    op.create_index(
        "ix_discuno_payment_words",
        "discuno_payment",
        [
            sa.literal_column(
                "to_tsvector('simple'::regconfig, (customer_name || ' '::text) || "
                "translate(customer_email, '@.+_-'::text, '     '::text))"
            )
        ],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("ix_discuno_refund_created_at", "discuno_refund", ["created_at"], unique=False)
    op.add_column("discuno_user", sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE discuno_user SET admitted_at = discuno_now() WHERE role = 'admin'")
    op.add_column("discuno_user_session", sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discuno_webhook_event", sa.Column("ignored_by", sa.Text(), nullable=True))
    op.create_index(
        "ix_discuno_webhook_event_account", "discuno_webhook_event", ["account", "id"], unique=False
    )
    op.create_index("ix_discuno_webhook_event_type", "discuno_webhook_event", ["type", "id"], unique=False)
    words_of("discuno_user", "role", *ROLES, "support")
    words_of("discuno_dispute", "decision", *DECISIONS, "partly", "split")
    words_of("discuno_ledger_entry", "kind", *POSTINGS, "split")
    for table, name, rule in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
    for name, table, columns, more in LOOKED_UP:
        op.create_index(name, table, columns, unique=False, **more)
    op.execute(SEALS)


def downgrade() -> None:
    for statement in (*NO_SEALS, *OLD_WORDS):
        op.execute(statement)
    for name, table, _columns, _more in LOOKED_UP:
        op.drop_index(name, table_name=table)
    for table, name, _rule in CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    words_of("discuno_ledger_entry", "kind", *POSTINGS)
    words_of("discuno_dispute", "decision", *DECISIONS)
    words_of("discuno_user", "role", *ROLES)
    op.drop_index("ix_discuno_webhook_event_type", table_name="discuno_webhook_event")
    op.drop_index("ix_discuno_webhook_event_account", table_name="discuno_webhook_event")
    op.drop_column("discuno_webhook_event", "ignored_by")
    op.drop_column("discuno_user_session", "proved_at")
    op.drop_column("discuno_user", "admitted_at")
    op.drop_index("ix_discuno_refund_created_at", table_name="discuno_refund")
    op.drop_index("ix_discuno_payment_words", table_name="discuno_payment", postgresql_using="gin")
    op.drop_index("ix_discuno_payment_paid_at", table_name="discuno_payment")
    op.drop_index(
        "ix_discuno_payment_odd",
        table_name="discuno_payment",
        postgresql_where=sa.text("needs_attention IS NOT NULL"),
    )
    op.drop_index(
        "ix_discuno_payment_kept", table_name="discuno_payment", postgresql_where=sa.text("dispute_requested")
    )
    op.drop_index("ix_discuno_payment_created_at", table_name="discuno_payment")
    op.drop_index("ix_discuno_ledger_entry_posted_at", table_name="discuno_ledger_entry")
    op.drop_index("ix_discuno_email_template", table_name="discuno_email")
    op.drop_index("ix_discuno_email_status", table_name="discuno_email")
    op.drop_index("ix_discuno_email_created_at", table_name="discuno_email")
    op.drop_index("ix_discuno_email_about", table_name="discuno_email", postgresql_using="gin")
    op.drop_index("ix_discuno_email_recipient", table_name="discuno_email")
    op.create_index(op.f("ix_discuno_email_recipient"), "discuno_email", ["recipient"], unique=False)
    op.drop_column("discuno_email", "opened_at")
    op.drop_column("discuno_email", "settled_at")
    op.drop_constraint(op.f("fk_discuno_dispute_assignee_id"), "discuno_dispute", type_="foreignkey")
    op.drop_index("ix_discuno_dispute_opened_at", table_name="discuno_dispute")
    op.drop_index(
        "ix_discuno_dispute_closed_at",
        table_name="discuno_dispute",
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.drop_column("discuno_dispute", "claimed_at")
    op.drop_column("discuno_dispute", "assignee_id")
    op.drop_column("discuno_dispute", "mentor_amount")
    op.drop_column("discuno_payment", "divided_mentor")
    op.drop_column("discuno_payment", "divided_at")
    op.drop_column("discuno_booking", "visit")
    op.drop_column("discuno_dispute", "refund_amount")
    op.drop_index("ix_discuno_audit_entry_actor", table_name="discuno_audit_entry")
    op.drop_index("ix_discuno_audit_entry_action", table_name="discuno_audit_entry")
    op.drop_index(
        "uq_discuno_proposal_one_open",
        table_name="discuno_proposal",
        postgresql_where=sa.text("status = 'open'"),
    )
    op.drop_index("ix_discuno_proposal_dispute_id", table_name="discuno_proposal")
    op.drop_table("discuno_proposal")
    op.drop_index("ix_discuno_note_payment_id", table_name="discuno_note")
    op.drop_table("discuno_note")
    op.drop_table("discuno_evidence_file")
    op.drop_index(
        "uq_discuno_dispute_answer_final",
        table_name="discuno_dispute_answer",
        postgresql_where=sa.text("kind IN ('submit', 'accept') AND status <> 'failed'"),
    )
    op.drop_index("ix_discuno_dispute_answer_dispute_id", table_name="discuno_dispute_answer")
    op.drop_table("discuno_dispute_answer")
    op.drop_index("ix_discuno_funnel_event_mentor", table_name="discuno_funnel_event")
    op.drop_index("ix_discuno_funnel_event_at", table_name="discuno_funnel_event")
    op.drop_table("discuno_funnel_event")
    op.drop_index("ix_discuno_day_sum_mentor", table_name="discuno_day_sum")
    op.drop_table("discuno_day_sum")
    op.drop_table("discuno_second_factor")
    op.drop_index("ix_discuno_recovery_code_user_id", table_name="discuno_recovery_code")
    op.drop_table("discuno_recovery_code")
    op.drop_index(
        "ix_discuno_bulk_item_waiting",
        table_name="discuno_bulk_item",
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.drop_table("discuno_bulk_item")
    op.drop_table("discuno_audit_seal")
    op.drop_index(
        "uq_discuno_pause_one_on", table_name="discuno_pause", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_table("discuno_pause")
    op.drop_table("discuno_bulk_run")
    op.drop_index(
        "uq_discuno_alert_one_open", table_name="discuno_alert", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_index("ix_discuno_alert_ended_at", table_name="discuno_alert")
    op.drop_table("discuno_alert")
