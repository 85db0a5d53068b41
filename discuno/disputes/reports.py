"""An attendee's report of a problem: filed, answered by the mentor, decided."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from discuno import policy
from discuno.bookings.models import Booking, Party
from discuno.disputes.models import (
    Decision,
    Dispute,
    DisputeFile,
    DisputeKind,
    DisputeMessage,
    DisputeStatus,
)
from discuno.kit import clock
from discuno.kit.db import one_or_none, session
from discuno.kit.errors import DomainError, NotFound
from discuno.mentors.models import Mentor
from discuno.payments import ledger
from discuno.payments.models import Payment
from discuno.policy import ReportReason

TOLD = (
    DisputeKind.REPORT,
    DisputeKind.CHARGEBACK,
)  # what mentors see; warnings and reviews are ours to look at


@dataclass(frozen=True)
class Upload:
    """A file as it was sent and checked. `media_type` is what its first bytes say."""

    name: str
    media_type: str
    content: bytes


def latest(payment: Payment) -> Dispute | None:
    """The payment's report, the open one or the last."""
    made = [case for case in payment.disputes if case.kind == DisputeKind.REPORT]
    return next((case for case in made if case.is_open), made[-1] if made else None)


def file(payment: Payment, reason: ReportReason) -> Dispute:
    """Open a report about all that is left of a payment. The mentor's time to answer begins."""
    case = Dispute(
        payment=payment,
        payment_id=payment.id,
        kind=DisputeKind.REPORT,
        status=DisputeStatus.OPEN,
        is_inquiry=False,
        reason=reason.value,
        amount=max(0, payment.amount - ledger.gone(payment)),
        currency=payment.currency,
        opened_at=clock.now(),
        due_at=clock.now() + policy.ANSWER_WITHIN,
    )
    session().add(case)
    session().flush()
    return case


def is_open_already(error: sa.exc.IntegrityError) -> bool:
    """Whether the database refused a second open report of a payment."""
    return "uq_discuno_dispute_open_report" in str(error.orig)


def say(case: Dispute, by: Party, words: str, files: Sequence[Upload] = ()) -> bool:
    """Add what one side says; False for the same twice in a row: a button was pressed twice.

    Raises DomainError for more than anybody needs to say here.
    """
    said = [message for message in case.messages if message.by == by]
    if said and _is_same(said[-1], words, files):
        return False
    if len(said) >= policy.MAX_SAID:
        raise DomainError(
            "You have written very often here. Please write to us by e-mail instead.", status=409
        )
    message = DisputeMessage(dispute=case, at=clock.now(), by=by, words=words)
    message.files = [
        DisputeFile(
            public_id=secrets.token_urlsafe(16), name=f.name, media_type=f.media_type, content=f.content
        )
        for f in files
    ]
    session().add(message)
    session().flush()
    return True


def _is_same(said: DisputeMessage, words: str, files: Sequence[Upload]) -> bool:
    """Whether this was said, word for word and byte for byte."""
    before = [(f.name, f.media_type) for f in said.files]
    if said.words != words or before != [(f.name, f.media_type) for f in files]:
        return False
    return all(old.content == new.content for old, new in zip(said.files, files, strict=True))


def answered(case: Dispute) -> None:
    """The mentor has answered in time; from now on a person decides."""
    case.answered_at = case.answered_at or clock.now()
    case.due_at = None


def close(
    case: Dispute, decision: Decision, reason: str, *, refund: int | None = None, mentor: int | None = None
) -> bool:
    """The report is decided; False when it was before. `refund` goes back, `mentor` is the mentor's of a split."""
    if not case.is_open:
        return False
    case.move_to(DisputeStatus.CLOSED)
    case.closed_at = clock.now()
    case.due_at = None
    case.decision, case.decision_reason = decision, reason
    case.refund_amount, case.mentor_amount = refund, mentor
    return True


def is_unanswered(case: Dispute) -> bool:
    """Whether the mentor's time to answer has passed without an answer."""
    return (
        case.is_open and case.answered_at is None and case.due_at is not None and case.due_at <= clock.now()
    )


def of_mentor(mentor: Mentor, case_id: int) -> Dispute:
    """Load and authorize in one: a case about this mentor's session that they are told of. Raises NotFound."""
    statement = (
        sa.select(Dispute)
        .join(Dispute.payment)
        .join(Payment.booking)
        .where(Dispute.id == case_id, Dispute.kind.in_(TOLD), Booking.mentor_id == mentor.id)
    )
    found = one_or_none(statement)
    if found is None:
        raise NotFound("There is no such case.")
    return found


def file_of(payment: Payment, public_id: str) -> DisputeFile:
    """Load and authorize in one: a file of this payment's cases. Raises NotFound."""
    statement = (
        sa.select(DisputeFile)
        .join(DisputeFile.message)
        .join(DisputeMessage.dispute)
        .where(DisputeFile.public_id == public_id, Dispute.payment_id == payment.id)
    )
    found = one_or_none(statement)
    if found is None:
        raise NotFound("There is no such file.")
    return found
