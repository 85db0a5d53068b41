"""Writing letters down, in the transaction of what they tell."""

import sqlalchemy as sa

from discuno.kit import clock
from discuno.kit.db import session
from discuno.notifications import posting
from discuno.notifications.models import Email, EmailStatus

ADMIN = "admin"  # a recipient the mail door replaces by ADMIN_EMAIL


def tell(event: str, recipient: str, template: str, **about: int) -> None:
    """Owe somebody a letter about an event; once per event and recipient, however often this is called."""
    insert = (
        sa.dialects.postgresql.insert(Email)
        .values(
            event=event,
            recipient=recipient.lower(),
            template=template,
            about=about,
            status=EmailStatus.QUEUED.value,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["event", "recipient"])
        .returning(Email.id)
    )
    email_id = session().execute(insert).scalar_one_or_none()
    if email_id is not None:
        posting.owe(email_id, template)
