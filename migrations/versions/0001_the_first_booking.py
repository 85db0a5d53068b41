"""Everything the first booking needs: mentors, bookings, payments, transfers, letters, the inbox and the outbox.

Revision ID: 0001
Revises: none
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The one clock of every process. `ahead` is nothing in production; the sandbox moves it forward.
CLOCK = """
CREATE FUNCTION discuno_now() RETURNS timestamptz LANGUAGE sql VOLATILE
AS $$ SELECT clock_timestamp() + ahead FROM discuno_clock $$
"""


def upgrade() -> None:
    op.create_table(
        "discuno_clock",
        sa.Column("id", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("ahead", sa.Interval(), server_default=sa.text("'0'"), nullable=False),
        sa.CheckConstraint("id", name=op.f("ck_discuno_clock_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_clock")),
    )
    op.execute("INSERT INTO discuno_clock DEFAULT VALUES")
    op.execute(CLOCK)
    op.create_table(
        "discuno_email",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("about", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "sent",
                "delivered",
                "bounced",
                "complained",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("resend_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_email")),
        sa.UniqueConstraint("event", "recipient", name=op.f("uq_discuno_email_event_recipient")),
        sa.UniqueConstraint("resend_id", name=op.f("uq_discuno_email_resend_id")),
    )
    op.create_index("ix_discuno_email_recipient", "discuno_email", ["recipient"], unique=False)
    op.create_table(
        "discuno_job",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_job")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_discuno_job_unique_key")),
    )
    op.create_index(
        "ix_discuno_job_due",
        "discuno_job",
        ["run_at", "id"],
        unique=False,
        postgresql_where=sa.text("dead_at IS NULL"),
    )
    op.create_table(
        "discuno_user",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "attendee",
                "mentor",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_discuno_user_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_user")),
        sa.UniqueConstraint("email", name=op.f("uq_discuno_user_email")),
    )
    op.create_table(
        "discuno_webhook_event",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_webhook_event")),
        sa.UniqueConstraint(
            "provider", "external_id", name=op.f("uq_discuno_webhook_event_provider_external_id")
        ),
    )
    op.create_index(
        "ix_discuno_webhook_event_open",
        "discuno_webhook_event",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_table(
        "discuno_mentor",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("bio", sa.Text(), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column(
            "calendar",
            sa.Enum(
                "builtin", "calcom", name="calendar", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_reason", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["discuno_user.id"], name=op.f("fk_discuno_mentor_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_mentor")),
        sa.UniqueConstraint("user_id", name=op.f("uq_discuno_mentor_user_id")),
        sa.UniqueConstraint("username", name=op.f("uq_discuno_mentor_username")),
    )
    op.create_table(
        "discuno_date_override",
        sa.Column("mentor_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=True),
        sa.Column("ends", sa.Time(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "(starts IS NULL) = (ends IS NULL) AND (starts IS NULL OR starts < ends)",
            name=op.f("ck_discuno_date_override_order"),
        ),
        sa.ForeignKeyConstraint(
            ["mentor_id"],
            ["discuno_mentor.id"],
            name=op.f("fk_discuno_date_override_mentor_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_date_override")),
    )
    op.create_index(
        "ix_discuno_date_override_mentor_id", "discuno_date_override", ["mentor_id", "day"], unique=False
    )
    op.create_table(
        "discuno_event_type",
        sa.Column("mentor_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("calcom_event_type_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_discuno_event_type_currency")),
        sa.CheckConstraint("duration_minutes BETWEEN 5 AND 480", name=op.f("ck_discuno_event_type_duration")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_discuno_event_type_price")),
        sa.ForeignKeyConstraint(
            ["mentor_id"],
            ["discuno_mentor.id"],
            name=op.f("fk_discuno_event_type_mentor_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_event_type")),
    )
    op.create_index("ix_discuno_event_type_mentor_id", "discuno_event_type", ["mentor_id"], unique=False)
    op.create_table(
        "discuno_mentor_stripe_account",
        sa.Column("mentor_id", sa.BigInteger(), nullable=False),
        sa.Column("stripe_account_id", sa.Text(), nullable=False),
        sa.Column("transfers_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["mentor_id"],
            ["discuno_mentor.id"],
            name=op.f("fk_discuno_mentor_stripe_account_mentor_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_mentor_stripe_account")),
        sa.UniqueConstraint("mentor_id", name=op.f("uq_discuno_mentor_stripe_account_mentor_id")),
        sa.UniqueConstraint(
            "stripe_account_id", name=op.f("uq_discuno_mentor_stripe_account_stripe_account_id")
        ),
    )
    op.create_table(
        "discuno_weekly_hours",
        sa.Column("mentor_id", sa.BigInteger(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("starts < ends", name=op.f("ck_discuno_weekly_hours_order")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_discuno_weekly_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["mentor_id"],
            ["discuno_mentor.id"],
            name=op.f("fk_discuno_weekly_hours_mentor_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_weekly_hours")),
    )
    op.create_index("ix_discuno_weekly_hours_mentor_id", "discuno_weekly_hours", ["mentor_id"], unique=False)
    op.create_table(
        "discuno_booking",
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("mentor_id", sa.BigInteger(), nullable=False),
        sa.Column("event_type_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "held",
                "confirmed",
                "expired",
                "released",
                "refused",
                "cancelled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("requires_payment", sa.Boolean(), nullable=False),
        sa.Column("attendee_name", sa.Text(), nullable=True),
        sa.Column("attendee_email", sa.Text(), nullable=True),
        sa.Column("attendee_phone", sa.Text(), nullable=True),
        sa.Column("attendee_zone", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("calcom_event_type_id", sa.BigInteger(), nullable=True),
        sa.Column("calcom_reservation_uid", sa.Text(), nullable=True),
        sa.Column("calcom_attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calcom_booking_uid", sa.Text(), nullable=True),
        sa.Column("meeting_url", sa.Text(), nullable=True),
        sa.Column("refused_because", sa.Text(), nullable=True),
        sa.Column("manage_token_version", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(mentor_id, mentor_id, '[]')"), "&&"),
            (sa.column("during"), "&&"),
            where=sa.text("status IN ('held', 'confirmed')"),
            using="gist",
            name="ex_discuno_booking_one_hour_once",
        ),
        sa.CheckConstraint(
            "NOT isempty(during) AND lower_inc(during)", name=op.f("ck_discuno_booking_during")
        ),
        sa.ForeignKeyConstraint(
            ["event_type_id"],
            ["discuno_event_type.id"],
            name=op.f("fk_discuno_booking_event_type_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["mentor_id"],
            ["discuno_mentor.id"],
            name=op.f("fk_discuno_booking_mentor_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_booking")),
        sa.UniqueConstraint("calcom_booking_uid", name=op.f("uq_discuno_booking_calcom_booking_uid")),
        sa.UniqueConstraint("public_id", name=op.f("uq_discuno_booking_public_id")),
    )
    op.create_index("ix_discuno_booking_event_type_id", "discuno_booking", ["event_type_id"], unique=False)
    op.create_index(
        "ix_discuno_booking_mentor_during",
        "discuno_booking",
        ["mentor_id", sa.literal_column("lower(during)")],
        unique=False,
    )
    op.create_index(
        "ix_discuno_booking_visitor",
        "discuno_booking",
        ["visitor"],
        unique=False,
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_table(
        "discuno_payment",
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("mentor_user_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_email", sa.Text(), nullable=False),
        sa.Column("customer_name", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("platform_fee", sa.BigInteger(), nullable=False),
        sa.Column("mentor_amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "PROCESSING",
                "SUCCEEDED",
                "FAILED",
                "DISPUTED",
                "REFUNDED",
                "TRANSFERRED",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("payment_status", sa.Text(), nullable=True),
        sa.Column("stripe_payment_intent_id", sa.Text(), nullable=True),
        sa.Column("stripe_charge_id", sa.Text(), nullable=True),
        sa.Column("stripe_checkout_session_id", sa.Text(), nullable=True),
        sa.Column("checkout_client_secret", sa.Text(), nullable=True),
        sa.Column("checkout_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checkout_epoch", sa.Integer(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispute_requested", sa.Boolean(), nullable=False),
        sa.Column("dispute_period_ends", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("needs_attention", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_discuno_payment_currency")),
        sa.CheckConstraint("amount = platform_fee + mentor_amount", name=op.f("ck_discuno_payment_split")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_discuno_payment_amount")),
        sa.CheckConstraint("platform_fee >= 0 AND mentor_amount >= 0", name=op.f("ck_discuno_payment_parts")),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["discuno_booking.id"],
            name=op.f("fk_discuno_payment_booking_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["mentor_user_id"],
            ["discuno_user.id"],
            name=op.f("fk_discuno_payment_mentor_user_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_payment")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_discuno_payment_booking_id")),
        sa.UniqueConstraint(
            "stripe_checkout_session_id", name=op.f("uq_discuno_payment_stripe_checkout_session_id")
        ),
        sa.UniqueConstraint(
            "stripe_payment_intent_id", name=op.f("uq_discuno_payment_stripe_payment_intent_id")
        ),
    )
    op.create_index("ix_discuno_payment_customer_email", "discuno_payment", ["customer_email"], unique=False)
    op.create_index(
        "ix_discuno_payment_dispute_period_ends", "discuno_payment", ["dispute_period_ends"], unique=False
    )
    op.create_index(
        "ix_discuno_payment_mentor_user_id", "discuno_payment", ["mentor_user_id", "id"], unique=False
    )
    op.create_index("ix_discuno_payment_status", "discuno_payment", ["status", "id"], unique=False)
    op.create_table(
        "discuno_refund",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "pending",
                "succeeded",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stripe_refund_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_discuno_refund_amount")),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["discuno_payment.id"],
            name=op.f("fk_discuno_refund_payment_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_refund")),
        sa.UniqueConstraint("stripe_refund_id", name=op.f("uq_discuno_refund_stripe_refund_id")),
    )
    op.create_index("ix_discuno_refund_payment_id", "discuno_refund", ["payment_id"], unique=False)
    op.create_table(
        "discuno_transfer",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "scheduled",
                "sending",
                "sent",
                "cancelled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("destination", sa.Text(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column("blocked_by", sa.Text(), nullable=True),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stripe_transfer_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_discuno_transfer_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["discuno_mentor_stripe_account.id"],
            name=op.f("fk_discuno_transfer_account_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["discuno_payment.id"],
            name=op.f("fk_discuno_transfer_payment_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_transfer")),
        sa.UniqueConstraint("stripe_transfer_id", name=op.f("uq_discuno_transfer_stripe_transfer_id")),
    )
    op.create_index(
        "uq_discuno_transfer_one_live",
        "discuno_transfer",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'cancelled'"),
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION discuno_now()")
    op.drop_table("discuno_clock")
    op.drop_index(
        "uq_discuno_transfer_one_live",
        table_name="discuno_transfer",
        postgresql_where=sa.text("status <> 'cancelled'"),
    )
    op.drop_table("discuno_transfer")
    op.drop_index("ix_discuno_refund_payment_id", table_name="discuno_refund")
    op.drop_table("discuno_refund")
    op.drop_index("ix_discuno_payment_status", table_name="discuno_payment")
    op.drop_index("ix_discuno_payment_mentor_user_id", table_name="discuno_payment")
    op.drop_index("ix_discuno_payment_dispute_period_ends", table_name="discuno_payment")
    op.drop_index("ix_discuno_payment_customer_email", table_name="discuno_payment")
    op.drop_table("discuno_payment")
    op.drop_index(
        "ix_discuno_booking_visitor",
        table_name="discuno_booking",
        postgresql_where=sa.text("status = 'held'"),
    )
    op.drop_index("ix_discuno_booking_mentor_during", table_name="discuno_booking")
    op.drop_index("ix_discuno_booking_event_type_id", table_name="discuno_booking")
    op.drop_table("discuno_booking")
    op.drop_index("ix_discuno_weekly_hours_mentor_id", table_name="discuno_weekly_hours")
    op.drop_table("discuno_weekly_hours")
    op.drop_table("discuno_mentor_stripe_account")
    op.drop_index("ix_discuno_event_type_mentor_id", table_name="discuno_event_type")
    op.drop_table("discuno_event_type")
    op.drop_index("ix_discuno_date_override_mentor_id", table_name="discuno_date_override")
    op.drop_table("discuno_date_override")
    op.drop_table("discuno_mentor")
    op.drop_index(
        "ix_discuno_webhook_event_open",
        table_name="discuno_webhook_event",
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.drop_table("discuno_webhook_event")
    op.drop_table("discuno_user")
    op.drop_index("ix_discuno_job_due", table_name="discuno_job", postgresql_where=sa.text("dead_at IS NULL"))
    op.drop_table("discuno_job")
    op.drop_index("ix_discuno_email_recipient", table_name="discuno_email")
    op.drop_table("discuno_email")
