"""Writing letters down, in the transaction of what they tell."""

import sqlalchemy as sa

from discuno.kit import clock, outbox
from discuno.kit.db import one_or_none, session
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


def record_sent(email: Email, resend_id: str | None) -> None:
    """The letter was handed over. Without an id its answer was lost, and the carrier's news will bring it."""
    email.resend_id = resend_id or email.resend_id
    _is_out(email)


def _is_out(email: Email) -> None:
    """It has left; the carrier's news may be faster than its answer."""
    if email.status == EmailStatus.QUEUED:
        email.error = None
        email.sent_at = clock.now()
        email.move_to(EmailStatus.SENT)


def record_failed(email: Email, why: str) -> None:
    """The letter could not be handed over."""
    if email.status == EmailStatus.QUEUED:
        email.error = why
        email.move_to(EmailStatus.FAILED)


def record_dropped(email: Email) -> None:
    """What it would have said is no longer true, so nobody is told it."""
    email.move_to(EmailStatus.DROPPED)


DELIVERY = {
    "email.delivered": EmailStatus.DELIVERED,
    "email.bounced": EmailStatus.BOUNCED,
    "email.complained": EmailStatus.COMPLAINED,
    "email.failed": EmailStatus.FAILED,
}


def of_carrier(resend_id: str, letter_id: str) -> Email | None:
    """The letter of a carrier's news: by the carrier's id, or by ours in its tags when its answer was lost."""
    known = one_or_none(sa.select(Email).where(Email.resend_id == resend_id).with_for_update())
    if known is not None or not letter_id.isdecimal():
        return known
    ours = sa.select(Email).where(Email.id == int(letter_id), Email.resend_id.is_(None)).with_for_update()
    found = one_or_none(ours)
    if found is not None:
        found.resend_id = resend_id
    return found


def record_delivery(email: Email, event_type: str) -> None:
    """Follow the carrier's word; what comes late or out of order changes nothing."""
    _is_out(email)
    status = DELIVERY.get(event_type)
    if status is not None and status in Email.MOVES[email.status]:
        email.move_to(status)
