"""Writing letters down, in the transaction of what they tell."""

import sqlalchemy as sa

from discuno.kit import clock, outbox
from discuno.kit.db import session
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
        outbox.add("send_letter", email_id=email_id, unique_key=f"letter:{email_id}")


def record_sent(email: Email, resend_id: str, subject: str) -> None:
    """The letter was handed over."""
    email.resend_id = resend_id
    email.subject = subject
    email.sent_at = clock.now()
    email.error = None
    email.move_to(EmailStatus.SENT)


def record_failed(email: Email, why: str) -> None:
    """The letter could not be handed over."""
    if email.status == EmailStatus.QUEUED:
        email.error = why
        email.move_to(EmailStatus.FAILED)


DELIVERY = {
    "email.delivered": EmailStatus.DELIVERED,
    "email.bounced": EmailStatus.BOUNCED,
    "email.complained": EmailStatus.COMPLAINED,
    "email.failed": EmailStatus.FAILED,
}


def record_delivery(email: Email, event_type: str) -> None:
    """Follow the carrier's word; what comes late or out of order changes nothing."""
    status = DELIVERY.get(event_type)
    if status is not None and status in Email.MOVES[email.status]:
        email.move_to(status)
