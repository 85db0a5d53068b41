"""How letters leave: alone or many together, by Resend or by the other carrier, and what is known of it meanwhile.

`asked_at` is when a letter was first handed over without an answer since. While it stands nobody knows whether it has
arrived, and it goes out again under the same key only; without a key, or once the key is forgotten, not at all.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from discuno import policy
from discuno.kit import clock, outbox
from discuno.kit.db import rows, session
from discuno.notifications.letters import LETTERS
from discuno.notifications.models import Carrier, Email, EmailStatus, LetterBatch

MAYBE = "It was handed over, and the answer was lost: it may have arrived. Send it again if it did not."


def owe(email_id: int, template: str) -> None:
    """Have somebody send it; what its reader can do without goes after everything else."""
    known = LETTERS.get(template)
    queue = "news" if known is not None and known.optional is not None else "mail"
    outbox.add("send_letter", email_id=email_id, unique_key=f"letter:{email_id}", queue=queue)


# What is known


def begin(email: Email) -> None:
    """From now on it may be there."""
    email.asked_at = email.asked_at or clock.now()


def not_taken(email: Email, *, was_sure: bool) -> None:
    """This time it was not taken; an earlier time may still have done it."""
    if was_sure:
        email.asked_at = None


def is_forgotten(email: Email) -> bool:
    """Whether it may be there already, and no key stands against sending it twice any more."""
    if email.asked_at is None:
        return False
    return email.carrier == Carrier.SMTP or email.asked_at <= clock.now() - policy.LETTER_KEY_LIFE


# Another carrier


def may_fall_back(email: Email) -> bool:
    """Whether the other carrier may have it: nothing is unknown, and it has not had it before."""
    return email.status == EmailStatus.QUEUED and email.asked_at is None and email.carrier == Carrier.RESEND


def fall_back_together(found: Sequence[Email], why: str, *, is_long: bool) -> bool:
    """The other carrier takes them all, when it may, and it would be or has been long; whether it does."""
    has_waited = any(email.created_at <= clock.now() - policy.LETTER_FALLBACK for email in found)
    if not (is_long or has_waited) or not all(map(may_fall_back, found)):
        return False
    for email in found:
        fall_back(email, why)
    return True


def fall_back(email: Email, why: str) -> None:
    """It is the other carrier's from now on."""
    email.carrier, email.error = Carrier.SMTP, why


# Many together


def gather(email: Email) -> LetterBatch | None:
    """When many are due: a batch of this one and the next ones, with a job of its own; else None.

    Letters with a calendar file go alone: Resend takes no files in a batch.
    """
    if not _may_join(email):
        return None
    alone = [name for name, template in LETTERS.items() if not template.attaches]
    waiting = sa.select(Email).where(
        Email.id != email.id,
        Email.status == EmailStatus.QUEUED,
        Email.batch_id.is_(None),
        Email.asked_at.is_(None),
        Email.carrier == Carrier.RESEND,
        Email.template.in_(alone),
    )
    most = policy.LETTERS_IN_BATCH - 1
    others = rows(waiting.order_by(Email.id).limit(most).with_for_update(skip_locked=True))
    if len(others) + 1 < policy.LETTERS_MAKE_BATCH:
        return None
    batch = LetterBatch(made_at=clock.now())
    session().add(batch)
    session().flush()
    for each in (email, *others):
        each.batch_id = batch.id
    outbox.add("send_batch", batch_id=batch.id, unique_key=f"batch:{batch.id}")
    return batch


def _may_join(email: Email) -> bool:
    template = LETTERS.get(email.template)
    is_new = email.batch_id is None and email.asked_at is None and email.carrier == Carrier.RESEND
    return is_new and template is not None and not template.attaches


def goes_with_others(email: Email) -> bool:
    """Whether it is in a batch that is still one."""
    return email.batch is not None and email.batch.broken_up_at is None


def of_batch(batch: LetterBatch) -> Sequence[Email]:
    """Those of its letters that are still to be sent, locked; none when it was broken up."""
    if batch.broken_up_at is not None:
        return []
    waiting = sa.select(Email).where(Email.batch_id == batch.id, Email.status == EmailStatus.QUEUED)
    return rows(waiting.order_by(Email.id).with_for_update())


def break_up(batch: LetterBatch) -> list[Email]:
    """Each of them goes its own way; those that may be there already, under the key of all, are returned."""
    waiting = of_batch(batch)
    batch.broken_up_at = clock.now()
    for email in waiting:
        if email.asked_at is None:
            owe(email.id, email.template)
    return [email for email in waiting if email.asked_at is not None]
