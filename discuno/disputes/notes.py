"""What the people here tell each other about a payment and its cases. Only ever added to, and never shown outside."""

import sqlalchemy as sa

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.accounts.models import User
from discuno.disputes.models import Dispute, Note
from discuno.kit import clock
from discuno.kit.db import rows, session
from discuno.payments.models import Payment

LONGEST = 4000  # characters


def add(payment: Payment, user: User, actor: Actor, words: str, case: Dispute | None = None) -> bool:
    """Write a note; False for the same words by the same person twice in a row: a button was pressed twice."""
    newest = sa.select(Note).where(Note.payment_id == payment.id).order_by(Note.id.desc()).limit(1)
    last = next(iter(rows(newest)), None)
    if last is not None and (last.user_id, last.words) == (user.id, words):
        return False
    dispute_id = case.id if case is not None else None
    made = Note(payment_id=payment.id, dispute_id=dispute_id, user=user, at=clock.now(), words=words)
    session().add(made)
    session().flush()
    about = f"dispute:{dispute_id}" if dispute_id is not None else f"payment:{payment.id}"
    audit.note(actor, "write a note", about, after={"note": made.id})
    return True


def of(payment: Payment) -> list[Note]:
    """All of a payment's, the earliest first."""
    return rows(sa.select(Note).where(Note.payment_id == payment.id).order_by(Note.id))
