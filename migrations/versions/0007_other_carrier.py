"""Letters that went by the mail server are counted by an index of their own.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME, TABLE = "ix_discuno_email_by_mail_server", "discuno_email"


def upgrade() -> None:
    op.create_index(
        NAME, TABLE, ["created_at", "status"], unique=False, postgresql_where=sa.text("carrier = 'smtp'")
    )


def downgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
