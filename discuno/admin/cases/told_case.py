"""What happened in the cases of a payment: opened, said, answered, decided; what Stripe and the bank say."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, lazyload, selectinload

from discuno.admin.cases.told import Event, name_of
from discuno.admin.models import Proposal
from discuno.bookings.models import Party
from discuno.disputes import words as case_words
from discuno.disputes.models import Dispute, DisputeAnswer, DisputeKind, DisputeMessage, EvidenceFile, Note
from discuno.kit import clock
from discuno.kit.db import rows
from discuno.kit.money import in_words
from discuno.payments.models import Payment


def cases_of(payment: Payment) -> list[Dispute]:
    """Its cases with what was said in them: three questions, however much that is."""
    said = selectinload(Dispute.messages).selectinload(DisputeMessage.files)
    found = sa.select(Dispute).where(Dispute.payment_id == payment.id).order_by(Dispute.id)
    return rows(found.options(lazyload(Dispute.payment), said))


def of_cases(payment: Payment, cases: list[Dispute]) -> Iterator[Event]:
    """Each case from its opening to its end, and what is due in it."""
    for case in cases:
        yield from _standing(case)
        for message in case.messages:
            files = tuple((f.name, file_path(case, f.public_id)) for f in message.files)
            label = "The mentor answered" if message.by == Party.MENTOR else "Said"
            who = name_of(message.by, payment.booking)
            yield Event(message.at, label, message.words, "note", who=who, kind="said", files=files)
    yield from _to_the_bank([case.id for case in cases if case.kind == DisputeKind.CHARGEBACK])


def case_path(case_id: int) -> str:
    """The admins' page of a case."""
    return f"/admin/disputes/{case_id}"


def file_path(case: Dispute, public_id: str) -> str:
    """Where an admin gets a file of it."""
    return f"{case_path(case.id)}/files/{public_id}"


def _standing(case: Dispute) -> Iterator[Event]:
    amount, path, now = in_words(case.amount, case.currency), case_path(case.id), clock.now()
    label = f"{case.kind.label} of {amount}"
    at = max(case.opened_at, case.payment.created_at)  # as Stripe says it, to the second
    yield Event(at, label, f"{case_words.said_reason(case)}.", "bad", path, kind="case")
    if case.due_at is not None:
        bank = case.kind == DisputeKind.CHARGEBACK
        due = "Stripe’s deadline for evidence" if bank else "The mentor’s time to answer ends"
        yield Event(case.due_at, due, "", "wait", path, kind="case", is_to_come=case.due_at > now)
    if case.closed_at is not None:
        decided = case.decision or case.status
        told = case_words.decision_for_us(case) if case.decision else case.status.sentence
        words = f"{told} {case.decision_reason or ''}".strip()
        label = f"{case.kind.label}: {decided.label.lower()}"
        yield Event(case.closed_at, label, words, decided.tone, path, kind="case")


def _to_the_bank(case_ids: list[int]) -> Iterator[Event]:
    if not case_ids:
        return
    answers = sa.select(DisputeAnswer).where(DisputeAnswer.dispute_id.in_(case_ids))
    for answer in rows(answers.options(lazyload(DisputeAnswer.dispute))):
        path = f"{case_path(answer.dispute_id)}/evidence"
        words = f"{answer.kind.sentence} {answer.status.sentence} {answer.error or ''}".strip()
        yield Event(answer.created_at, answer.kind.label, words, answer.status.tone, path, kind="case")
    for file in rows(sa.select(EvidenceFile).where(EvidenceFile.dispute_id.in_(case_ids))):
        yield Event(file.created_at, "A file for the bank", file.name, "note", kind="case")


# What the people here do


def of_notes(payment: Payment) -> Iterator[Event]:
    """What they tell each other."""
    for note in rows(sa.select(Note).where(Note.payment_id == payment.id)):
        yield Event(note.at, "Note", note.words, "wait", who=note.user.name, kind="note")


def of_proposals(payment: Payment) -> Iterator[Event]:
    """What one has proposed, and what became of it."""
    by = (joinedload(Proposal.proposed_by), joinedload(Proposal.settled_by), lazyload(Proposal.payment))
    for made in rows(sa.select(Proposal).where(Proposal.payment_id == payment.id).options(*by)):
        label, who = f"Proposed: {made.kind.label.lower()}", made.proposed_by.name
        yield Event(made.proposed_at, label, made.reason, "wait", who=who, kind="case")
        if made.settled_at is not None:
            label, who = f"Proposal {made.status}", made.settled_by.name if made.settled_by else ""
            words = made.settled_reason or made.status.sentence
            yield Event(made.settled_at, label, words, made.status.tone, who=who, kind="case")
