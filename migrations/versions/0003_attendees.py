"""Attendees: breaks, notice and limits of a calendar; changes of a booking; reports with files.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DEFAULTS_FOR_OLD_ROWS = (
    ("discuno_booking", "keeps"),
    ("discuno_booking", "changed_at"),
    ("discuno_booking", "sequence"),
    ("discuno_booking", "near_starts"),
    ("discuno_booking", "host_token_version"),
    ("discuno_booking", "moves"),
    ("discuno_event_type", "buffer_minutes"),
    ("discuno_event_type", "notice_minutes"),
    ("discuno_mentor", "booking_window_days"),
)

# What was promised before stays promised: no break after the hour, and the notice and window that were everybody's.
OLD_ROWS = (
    "UPDATE discuno_booking SET keeps = during, changed_at = coalesce(confirmed_at, created_at), sequence = 0, "
    "near_starts = '{}', host_token_version = 1, moves = 0",
    "UPDATE discuno_event_type SET buffer_minutes = 0, notice_minutes = 240",
    "UPDATE discuno_mentor SET booking_window_days = 60",
)

CHECKS = (
    ("keeps", "discuno_booking", "keeps @> during AND lower(keeps) = lower(during)"),
    ("buffer", "discuno_event_type", "buffer_minutes BETWEEN 0 AND 480"),
    ("notice", "discuno_event_type", "notice_minutes BETWEEN 0 AND 43200"),
    ("booking_window", "discuno_mentor", "booking_window_days BETWEEN 1 AND 365"),
    ("daily_maximum", "discuno_mentor", "daily_maximum > 0"),
    ("decision_reason", "discuno_dispute", "(decision IS NULL) = (decision_reason IS NULL)"),
)


EMAIL_STATES = ("queued", "sent", "delivered", "bounced", "complained", "failed")


def letters_may_be(*states: str) -> None:
    """What a letter's status may be."""
    op.drop_constraint(op.f("ck_discuno_email_status"), "discuno_email")
    op.create_check_constraint(
        op.f("ck_discuno_email_status"), "discuno_email", sa.column("status").in_(states)
    )


def party(name: str) -> sa.Enum:
    """Who did something: the same words wherever it is asked."""
    parties = ("attendee", "mentor", "admin", "calendar", "house")
    return sa.Enum(*parties, name=name, native_enum=False, create_constraint=True, length=24)


def one_hour_once(of: str) -> None:
    """No two live bookings of a mentor share a moment of what this column keeps."""
    op.execute("ALTER TABLE discuno_booking DROP CONSTRAINT ex_discuno_booking_one_hour_once")
    op.execute(
        "ALTER TABLE discuno_booking ADD CONSTRAINT ex_discuno_booking_one_hour_once EXCLUDE USING gist "
        f"((int8range(mentor_id, mentor_id, '[]')) WITH &&, {of} WITH &&) WHERE (status IN ('held', 'confirmed'))"
    )


def upgrade() -> None:
    op.create_table(
        "discuno_link_request",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_link_request")),
    )
    op.create_table(
        "discuno_booking_change",
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", party("by"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "moved",
                "cancelled",
                "mentor_absent",
                "attendee_absent",
                "started",
                "ended",
                "link_replaced",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["discuno_booking.id"],
            name=op.f("fk_discuno_booking_change_booking_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_booking_change")),
    )
    op.create_index(
        "ix_discuno_booking_change_booking_id", "discuno_booking_change", ["booking_id", "id"], unique=False
    )
    op.create_table(
        "discuno_dispute_message",
        sa.Column("dispute_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", party("by"), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["dispute_id"],
            ["discuno_dispute.id"],
            name=op.f("fk_discuno_dispute_message_dispute_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_dispute_message")),
    )
    op.create_index(
        "ix_discuno_dispute_message_dispute_id", "discuno_dispute_message", ["dispute_id", "id"], unique=False
    )
    op.create_table(
        "discuno_dispute_file",
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "octet_length(content) BETWEEN 1 AND 5242880", name=op.f("ck_discuno_dispute_file_size")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["discuno_dispute_message.id"],
            name=op.f("fk_discuno_dispute_file_message_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_dispute_file")),
        sa.UniqueConstraint("public_id", name=op.f("uq_discuno_dispute_file_public_id")),
    )
    op.create_index(
        "ix_discuno_dispute_file_message_id", "discuno_dispute_file", ["message_id"], unique=False
    )
    op.add_column("discuno_booking", sa.Column("keeps", postgresql.TSTZRANGE(), nullable=True))
    op.add_column("discuno_booking", sa.Column("extended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discuno_booking", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discuno_booking", sa.Column("sequence", sa.Integer(), nullable=True))
    op.add_column("discuno_booking", sa.Column("calendar_uid", sa.Text(), nullable=True))
    op.add_column(
        "discuno_booking",
        sa.Column("near_starts", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=True),
    )
    op.add_column("discuno_booking", sa.Column("host_token_version", sa.Integer(), nullable=True))
    op.add_column("discuno_booking", sa.Column("moves", sa.SmallInteger(), nullable=True))
    op.add_column("discuno_booking", sa.Column("move_hold_id", sa.BigInteger(), nullable=True))
    op.add_column("discuno_booking", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discuno_booking", sa.Column("cancelled_by", party("cancelled_by"), nullable=True))
    op.add_column("discuno_booking", sa.Column("cancel_reason", sa.Text(), nullable=True))
    op.add_column("discuno_booking", sa.Column("mentor_absent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "discuno_booking", sa.Column("attendee_absent_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index("ix_discuno_booking_attendee_email", "discuno_booking", ["attendee_email"], unique=False)
    op.create_foreign_key(
        op.f("fk_discuno_booking_move_hold_id"),
        "discuno_booking",
        "discuno_booking",
        ["move_hold_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.add_column("discuno_dispute", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "discuno_dispute",
        sa.Column(
            "decision",
            sa.Enum(
                "refunded",
                "released",
                "withdrawn",
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=True,
        ),
    )
    op.add_column("discuno_dispute", sa.Column("decision_reason", sa.Text(), nullable=True))
    op.create_index(
        "uq_discuno_dispute_open_report",
        "discuno_dispute",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'report' AND status IN ('open', 'waiting')"),
    )
    op.add_column("discuno_event_type", sa.Column("buffer_minutes", sa.SmallInteger(), nullable=True))
    op.add_column("discuno_event_type", sa.Column("notice_minutes", sa.Integer(), nullable=True))
    op.add_column("discuno_mentor", sa.Column("booking_window_days", sa.SmallInteger(), nullable=True))
    op.add_column("discuno_mentor", sa.Column("daily_maximum", sa.SmallInteger(), nullable=True))
    for statement in OLD_ROWS:
        op.execute(statement)
    for table, column in DEFAULTS_FOR_OLD_ROWS:
        op.alter_column(table, column, nullable=False)
    for name, table, rule in CHECKS:
        op.create_check_constraint(name, table, rule)
    one_hour_once("keeps")
    letters_may_be(*EMAIL_STATES, "dropped")


def downgrade() -> None:
    op.execute("UPDATE discuno_email SET status = 'failed', error = 'dropped' WHERE status = 'dropped'")
    letters_may_be(*EMAIL_STATES)
    one_hour_once("during")
    for name, table, _rule in CHECKS:
        op.drop_constraint(name, table, type_="check")
    op.drop_column("discuno_mentor", "daily_maximum")
    op.drop_column("discuno_mentor", "booking_window_days")
    op.drop_column("discuno_event_type", "notice_minutes")
    op.drop_column("discuno_event_type", "buffer_minutes")
    op.drop_index(
        "uq_discuno_dispute_open_report",
        table_name="discuno_dispute",
        postgresql_where=sa.text("kind = 'report' AND status IN ('open', 'waiting')"),
    )
    op.drop_column("discuno_dispute", "decision_reason")
    op.drop_column("discuno_dispute", "decision")
    op.drop_column("discuno_dispute", "answered_at")
    op.drop_constraint(op.f("fk_discuno_booking_move_hold_id"), "discuno_booking", type_="foreignkey")
    op.drop_index("ix_discuno_booking_attendee_email", table_name="discuno_booking")
    op.drop_column("discuno_booking", "attendee_absent_at")
    op.drop_column("discuno_booking", "mentor_absent_at")
    op.drop_column("discuno_booking", "cancel_reason")
    op.drop_column("discuno_booking", "cancelled_by")
    op.drop_column("discuno_booking", "cancelled_at")
    op.drop_column("discuno_booking", "move_hold_id")
    op.drop_column("discuno_booking", "moves")
    op.drop_column("discuno_booking", "host_token_version")
    op.drop_column("discuno_booking", "near_starts")
    op.drop_column("discuno_booking", "calendar_uid")
    op.drop_column("discuno_booking", "sequence")
    op.drop_column("discuno_booking", "changed_at")
    op.drop_column("discuno_booking", "extended_at")
    op.drop_column("discuno_booking", "keeps")
    op.drop_index("ix_discuno_dispute_file_message_id", table_name="discuno_dispute_file")
    op.drop_table("discuno_dispute_file")
    op.drop_index("ix_discuno_dispute_message_dispute_id", table_name="discuno_dispute_message")
    op.drop_table("discuno_dispute_message")
    op.drop_index("ix_discuno_booking_change_booking_id", table_name="discuno_booking_change")
    op.drop_table("discuno_booking_change")
    op.drop_table("discuno_link_request")
