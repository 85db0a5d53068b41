"""Letters: what an address takes, letters that go together, another carrier, and since when an answer is missing.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STOPPED = (
    "(stopped_at IS NULL) = (stopped_because IS NULL) "
    "AND (stopped_because IS NULL OR stopped_because IN ('bounced', 'complained'))"
)
# Who came back or complained before this day gets no more optional letters either.
OLD_ROWS = """
INSERT INTO discuno_mail_address (address, declined, stopped_at, stopped_because, stopped_by_id)
SELECT recipient, '{}', coalesce(settled_at, created_at), status, id
FROM (SELECT DISTINCT ON (recipient) * FROM discuno_email WHERE status IN ('delivered', 'bounced', 'complained')
      ORDER BY recipient, id DESC) latest
WHERE status IN ('bounced', 'complained') AND recipient <> 'admin'
"""
LOOKED_UP = (  # what /metrics asks for
    ("ix_discuno_job_dead", "discuno_job", "dead_at", "dead_at IS NOT NULL"),
    ("ix_discuno_transfer_reversal_open", "discuno_transfer_reversal", "id", "status = 'requested'"),
)
# Sessions that are to come are reminded of, too.
REMINDERS = """
INSERT INTO discuno_job (task, args, queue, unique_key, run_at, created_at, attempts, again)
SELECT 'remind', jsonb_build_object('booking_id', b.id, 'lead', lead), 'news', 'remind:' || b.id || ':' || lead,
  lower(b.during) - before, discuno_now(), 0, false
FROM discuno_booking b, (VALUES ('day', interval '24 hours'), ('hour', interval '1 hour')) AS reminder(lead, before)
WHERE b.status = 'confirmed' AND lower(b.during) - before > discuno_now()
"""
# The code of before knows neither of these tasks nor this queue nor this state; its letters go each alone.
OLD_WORK = (
    "UPDATE discuno_email SET status = 'failed' WHERE status = 'replaced'",
    "DELETE FROM discuno_job WHERE task IN ('remind', 'send_batch')",
    "UPDATE discuno_job SET queue = 'mail', pushed_at = NULL WHERE queue = 'news'",
    "INSERT INTO discuno_job (task, args, queue, unique_key, run_at, created_at, attempts, again) "
    "SELECT 'send_letter', jsonb_build_object('email_id', id), 'mail', 'letter:' || id, discuno_now(), discuno_now(),"
    " 0, false FROM discuno_email WHERE status = 'queued' ON CONFLICT (unique_key) DO NOTHING",
)


EMAIL_STATES = ("queued", "sent", "delivered", "bounced", "complained", "failed", "dropped")


def letters_may_be(*states: str) -> None:
    """What a letter's status may be."""
    op.drop_constraint(op.f("ck_discuno_email_status"), "discuno_email")
    op.create_check_constraint(
        op.f("ck_discuno_email_status"), "discuno_email", sa.column("status").in_(states)
    )


def upgrade() -> None:
    op.create_table(
        "discuno_letter_batch",
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("broken_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_letter_batch")),
    )
    op.create_table(
        "discuno_mail_address",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("declined", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_because", sa.Text(), nullable=True),
        sa.Column("stopped_by_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(STOPPED, name=op.f("ck_discuno_mail_address_stopped")),
        sa.CheckConstraint("address = lower(address)", name=op.f("ck_discuno_mail_address_lower")),
        sa.ForeignKeyConstraint(
            ["stopped_by_id"],
            ["discuno_email.id"],
            name=op.f("fk_discuno_mail_address_stopped_by_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discuno_mail_address")),
        sa.UniqueConstraint("address", name=op.f("uq_discuno_mail_address_address")),
    )
    op.create_index(
        "ix_discuno_mail_address_stopped",
        "discuno_mail_address",
        ["id"],
        unique=False,
        postgresql_where=sa.text("stopped_at IS NOT NULL"),
    )
    op.add_column("discuno_email", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "discuno_email",
        sa.Column("carrier", sa.String(length=24), server_default="resend", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_discuno_email_carrier"), "discuno_email", "carrier IN ('resend', 'smtp')"
    )
    op.add_column("discuno_email", sa.Column("batch_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_discuno_email_batch_id",
        "discuno_email",
        ["batch_id"],
        unique=False,
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("fk_discuno_email_batch_id"),
        "discuno_email",
        "discuno_letter_batch",
        ["batch_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    for name, table, column, where in LOOKED_UP:
        op.create_index(name, table, [column], unique=False, postgresql_where=sa.text(where))
    letters_may_be(*EMAIL_STATES, "replaced")
    op.execute(OLD_ROWS)
    op.execute(REMINDERS)


def downgrade() -> None:
    for statement in OLD_WORK:
        op.execute(statement)
    letters_may_be(*EMAIL_STATES)
    for name, table, *_ in LOOKED_UP:
        op.drop_index(name, table_name=table)
    op.drop_constraint(op.f("fk_discuno_email_batch_id"), "discuno_email", type_="foreignkey")
    op.drop_index("ix_discuno_email_batch_id", table_name="discuno_email")
    op.drop_column("discuno_email", "batch_id")
    op.drop_column("discuno_email", "carrier")
    op.drop_column("discuno_email", "asked_at")
    op.drop_table("discuno_mail_address")
    op.drop_table("discuno_letter_batch")
