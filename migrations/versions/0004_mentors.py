"""Mentors: signed in by e-mailed links, their own calendars at Cal.com, an audit log that says from where.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OLD_ROWS = (  # who is here already has a profile, and no one else has the link to their calendar feed
    "UPDATE discuno_mentor SET feed_version = 1, profile_saved_at = discuno_now()"
)


def upgrade() -> None:
    op.create_table(
        "discuno_sign_in_link",
        sa.Column(
            "purpose",
            sa.Enum(
                "sign_in", "invitation", name="purpose", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("browser", sa.Text(), nullable=True),
        sa.Column("knows", sa.BigInteger(), nullable=True),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["discuno_user.id"],
            name=op.f("fk_discuno_sign_in_link_user_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_sign_in_link")),
    )
    op.create_index("ix_discuno_sign_in_link_user_id", "discuno_sign_in_link", ["user_id"], unique=False)
    op.create_table(
        "discuno_user_session",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["discuno_user.id"],
            name=op.f("fk_discuno_user_session_user_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_user_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_discuno_user_session_digest")),
    )
    op.create_index("ix_discuno_user_session_user_id", "discuno_user_session", ["user_id"], unique=False)
    op.add_column("discuno_audit_entry", sa.Column("address", sa.Text(), nullable=True))
    op.add_column(
        "discuno_audit_entry", sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column(
        "discuno_audit_entry", sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column(
        "discuno_event_type", sa.Column("calcom_linked_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "discuno_event_type", sa.Column("calcom_gone_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "discuno_event_type", sa.Column("calcom_seen", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column("discuno_mentor", sa.Column("profile_saved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discuno_mentor", sa.Column("feed_version", sa.Integer(), nullable=True))
    op.add_column("discuno_mentor", sa.Column("calcom_key", sa.Text(), nullable=True))
    op.add_column("discuno_mentor", sa.Column("calcom_username", sa.Text(), nullable=True))
    op.add_column("discuno_mentor", sa.Column("calcom_linked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discuno_mentor", sa.Column("calcom_checked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discuno_mentor", sa.Column("calcom_problem", sa.Text(), nullable=True))
    op.execute(OLD_ROWS)
    op.alter_column("discuno_mentor", "feed_version", nullable=False)


def downgrade() -> None:
    op.drop_column("discuno_mentor", "calcom_problem")
    op.drop_column("discuno_mentor", "calcom_checked_at")
    op.drop_column("discuno_mentor", "calcom_linked_at")
    op.drop_column("discuno_mentor", "calcom_username")
    op.drop_column("discuno_mentor", "calcom_key")
    op.drop_column("discuno_mentor", "feed_version")
    op.drop_column("discuno_mentor", "profile_saved_at")
    op.drop_column("discuno_event_type", "calcom_seen")
    op.drop_column("discuno_event_type", "calcom_gone_at")
    op.drop_column("discuno_event_type", "calcom_linked_at")
    op.drop_column("discuno_audit_entry", "after")
    op.drop_column("discuno_audit_entry", "before")
    op.drop_column("discuno_audit_entry", "address")
    op.drop_index("ix_discuno_user_session_user_id", table_name="discuno_user_session")
    op.drop_table("discuno_user_session")
    op.drop_index("ix_discuno_sign_in_link_user_id", table_name="discuno_sign_in_link")
    op.drop_table("discuno_sign_in_link")
