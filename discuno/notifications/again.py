"""Sending a letter again, because a person wants it: written anew, from the rows as they are now."""

from collections.abc import Sequence

import sqlalchemy as sa

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.kit.db import rows, session
from discuno.kit.errors import DomainError
from discuno.notifications import addresses, alerts, posting, service
from discuno.notifications.letters import LETTERS
from discuno.notifications.models import AlertKind, Carrier, Email, EmailStatus

AGAIN = ":again:"  # between the event and the number of a letter that is sent once more
WAITS = "This letter waits to be sent already."
NOT_TAKEN = (
    "The last letter to this address came back, or was marked as spam. Please check the address first."
)
GONE = "There is no such letter any more, so it cannot be written again."


def send_again(email: Email, actor: str | Actor, reason: str, *, checked: bool = False) -> Email:
    """Owe it once more: the same row when it never left, else a row of its own. Raises DomainError.

    `checked` says that the address was looked at; without, nothing is sent to one that takes no letters.
    """
    if email.status == EmailStatus.QUEUED:
        raise DomainError(WAITS, status=409)
    if email.template not in LETTERS:
        raise DomainError(GONE, status=409)
    if not checked and is_doubtful(email.recipient):
        raise DomainError(NOT_TAKEN, status=409)
    before = {"status": email.status, "error": email.error}
    sent = _queue_again(email) if never_left(email) else _another(email)
    after = {"letter": sent.id, "address_checked": checked}
    audit.record(actor, "send letter again", f"letter:{email.id}", reason, before=before, after=after)
    return sent


def never_left(email: Email) -> bool:
    """Whether it goes out by its own row and key: nobody has it, and no carrier has answered under that key."""
    return email.status == EmailStatus.FAILED and email.resend_id is None and not posting.is_forgotten(email)


def is_doubtful(recipient: str) -> bool:
    """Whether letters to this address come back, or its reader has marked one as spam."""
    return addresses.is_stopped(recipient)


def _queue_again(email: Email) -> Email:
    email.move_to(EmailStatus.QUEUED)
    email.settled_at = None
    alerts.over(AlertKind.EMAIL, f"letter:{email.id}")
    email.carrier = Carrier.RESEND
    posting.owe(email.id, email.template)
    return email


def _another(email: Email) -> Email:
    """One that waits already is not doubled. Whoever sends again what has failed does not mean this one any more."""
    if email.status == EmailStatus.FAILED:
        email.move_to(EmailStatus.REPLACED)
        alerts.over(AlertKind.EMAIL, f"letter:{email.id}")
    original = email.event.partition(AGAIN)[0]
    earlier = _again_of(original, email.recipient)
    waiting = next((each for each in earlier if each.status == EmailStatus.QUEUED), None)
    if waiting is not None:
        return waiting
    service.tell(f"{original}{AGAIN}{len(earlier) + 1}", email.recipient, email.template, **email.about)
    return _again_of(original, email.recipient)[-1]


def _again_of(original: str, recipient: str) -> Sequence[Email]:
    session().flush()
    begins = Email.event.startswith(f"{original}{AGAIN}", autoescape=True)
    return rows(sa.select(Email).where(Email.recipient == recipient, begins).order_by(Email.id))
