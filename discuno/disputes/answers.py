"""What we tell the bank about a chargeback: drafted, staged at Stripe, submitted once, or not contested at all."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa

from discuno.disputes import evidence
from discuno.disputes.models import (
    AnswerKind,
    AnswerStatus,
    Dispute,
    DisputeAnswer,
    DisputeFile,
    DisputeKind,
    DisputeMessage,
    DisputeStatus,
    EvidenceFile,
)
from discuno.disputes.reports import Upload
from discuno.kit import clock, outgoing
from discuno.kit.db import one_or_none, rows, session
from discuno.kit.errors import DomainError, NotFound

FINAL = (AnswerKind.SUBMIT, AnswerKind.ACCEPT)
TAKEN = ("application/pdf", "image/png", "image/jpeg")
OVER = "The bank is not waiting for an answer of ours."
ANSWERED = "The bank has our answer already; it takes one as a rule."
UNDER_WAY = "Something is on its way to Stripe. Please wait until it is there."
NOT_STAGED = "Nothing is staged yet. Save the evidence first, and read what the bank would read."
CHANGED = "The evidence has changed since you looked. Please read it again before you submit it."
NOTHING = "Please say at least one thing to the bank."
STAYS = "Stripe has a text here already: it can be changed, and not be taken away."
INQUIRY = "The bank only asks so far, and has taken nothing. Answer it, or return the payment in full."
TOO_LARGE = "The files have more than 5 MB together, which is more than Stripe takes."
TOO_LATE = "The bank no longer waited for this when Stripe was to be told."


# What there is


def chargeback(case_id: int) -> Dispute:
    """A case in which a bank is to be answered. Raises NotFound."""
    found = session().get(Dispute, case_id)
    if found is None or found.kind != DisputeKind.CHARGEBACK:
        raise NotFound("There is no such chargeback.")
    return found


def of_case(case: Dispute) -> list[DisputeAnswer]:
    """Everything we have told, the first thing first."""
    return rows(
        sa.select(DisputeAnswer).where(DisputeAnswer.dispute_id == case.id).order_by(DisputeAnswer.id)
    )


def files_of(case: Dispute) -> list[EvidenceFile]:
    """The files for the bank."""
    return rows(sa.select(EvidenceFile).where(EvidenceFile.dispute_id == case.id).order_by(EvidenceFile.id))


def file_of(case: Dispute, file_id: int) -> EvidenceFile:
    """One of them. Raises NotFound."""
    found = one_or_none(
        sa.select(EvidenceFile).where(EvidenceFile.id == file_id, EvidenceFile.dispute_id == case.id)
    )
    if found is None:
        raise NotFound("There is no such file.")
    return found


def sent_by_people(case: Dispute) -> list[DisputeFile]:
    """Files that came with the reports of the same payment, of a kind that banks are shown."""
    statement = (
        sa.select(DisputeFile)
        .join(DisputeFile.message)
        .join(DisputeMessage.dispute)
        .where(Dispute.payment_id == case.payment_id, DisputeFile.media_type.in_(TAKEN))
    )
    return rows(statement.order_by(DisputeFile.id))


def staged(made: Sequence[DisputeAnswer]) -> DisputeAnswer | None:
    """The evidence that lies at Stripe, or is on its way there."""
    kept = [a for a in made if a.kind == AnswerKind.STAGE and a.status != AnswerStatus.FAILED]
    return kept[-1] if kept else None


def under_way(made: Sequence[DisputeAnswer]) -> bool:
    """Whether something is being handed over."""
    return any(answer.status == AnswerStatus.REQUESTED for answer in made)


def was_refused(file: EvidenceFile) -> bool:
    """Whether Stripe has said no to it: it has a new key, and nothing was tried under that."""
    return file.stripe_file_id is None and file.epoch > 1 and not file.has_unknown_outcome


def final(case: Dispute, made: Sequence[DisputeAnswer]) -> DisputeAnswer | None:
    """The answer that was given, or is being given, to what the bank asks now.

    A bank may ask again: an inquiry becomes a chargeback, a decision is appealed.
    """
    given = (a for a in made if a.kind in FINAL and a.status != AnswerStatus.FAILED)
    return next((a for a in given if a.asked == asks(case)), None)


def asks(case: Dispute) -> str:
    """What the bank asks for now: Stripe's word."""
    return case.stripe_status or ""


def time_left(case: Dispute) -> timedelta | None:
    """How long the bank waits for an answer of ours, below zero when it no longer does; None when it does not."""
    if case.status != DisputeStatus.OPEN or case.due_at is None:
        return None
    return case.due_at - clock.now()


# What can be told


def why_not(case: Dispute, made: Sequence[DisputeAnswer]) -> str | None:
    """Why the bank cannot be told anything now, in a sentence for an admin; None when it can."""
    if case.kind != DisputeKind.CHARGEBACK or case.status != DisputeStatus.OPEN:
        return OVER
    return ANSWERED if final(case, made) is not None else None


def may_tell(case: Dispute) -> list[DisputeAnswer]:
    """What was told before, if more can be told. Raises DomainError, in words for an admin."""
    made = of_case(case)
    reason = why_not(case, made) or (UNDER_WAY if under_way(made) else None)
    if reason is not None:
        raise DomainError(reason, status=409)
    return made


def wrong_texts(texts: Mapping[str, str], before: DisputeAnswer | None) -> dict[str, str]:
    """One sentence for each field that Stripe would not take."""
    wrong = {
        name: f"Please use at most {evidence.LONGEST:,} characters; these are {len(text):,}."
        for name, text in texts.items()
        if len(text) > evidence.LONGEST
    }
    total = sum(map(len, texts.values()))
    if total > evidence.LONGEST_ALL:
        most = f"{evidence.LONGEST_ALL:,}"
        wrong["uncategorized_text"] = f"All texts together have {total:,} characters; Stripe takes {most}."
    if not any(texts.values()):
        wrong["uncategorized_text"] = NOTHING
    kept = before.evidence.keys() - evidence.FILE_NAMES if before is not None else set()
    return {**dict.fromkeys((name for name in kept if not texts.get(name)), STAYS), **wrong}


def stage(case: Dispute, texts: Mapping[str, str]) -> DisputeAnswer | None:
    """Lay these texts and the case's files down at Stripe; None when they lie there already. Raises DomainError."""
    before = staged(may_tell(case))
    filled = {name: text for name, text in texts.items() if text}
    for sentence in wrong_texts(filled, before).values():
        raise DomainError(sentence)
    if _bytes(case) > evidence.MOST_BYTES:
        raise DomainError(TOO_LARGE)
    if before is not None and before.evidence == filled | _ids(files_of(case)):
        return None
    return _add(case, AnswerKind.STAGE, filled)


def submit(case: Dispute, seen_id: int) -> DisputeAnswer:
    """Hand to the bank what was staged, and seen by whoever says so. Raises DomainError."""
    before = staged(may_tell(case))
    if before is None:
        raise DomainError(NOT_STAGED, status=409)
    if before.id != seen_id:
        raise DomainError(CHANGED, status=409)
    return _add(case, AnswerKind.SUBMIT, before.evidence)


def may_accept(case: Dispute | None) -> Dispute:
    """The case, if the cardholder can be let keep the money. Raises DomainError, in words for an admin."""
    if case is None or case.kind != DisputeKind.CHARGEBACK:
        raise DomainError(OVER, status=409)
    may_tell(case)
    if case.is_inquiry:
        raise DomainError(INQUIRY, status=409)
    return case


def accept(case: Dispute) -> DisputeAnswer:
    """Do not contest it. Raises DomainError."""
    return _add(may_accept(case), AnswerKind.ACCEPT, {})


def _add(case: Dispute, kind: AnswerKind, told: Mapping[str, str]) -> DisputeAnswer:
    now = clock.now()
    made = DisputeAnswer(
        dispute_id=case.id,
        kind=kind,
        asked=asks(case),
        evidence=dict(told),
        created_at=now,
        next_try_at=now,
    )
    session().add(made)
    session().flush()
    return made


def submitted_before(answer: DisputeAnswer) -> int:
    """How often evidence had been submitted in this case before this answer."""
    earlier = [a for a in of_case(answer.dispute) if a.id < answer.id and a.kind == AnswerKind.SUBMIT]
    return sum(a.status == AnswerStatus.MADE for a in earlier)


# Files


def attach(case: Dispute, field: str, file: Upload) -> EvidenceFile | None:
    """Put a file into one of Stripe's fields, in place of what was there; None for the same again."""
    there = next((f for f in files_of(case) if f.field == field), None)
    if there is not None:
        if there.content == file.content and not was_refused(there):
            return None
        session().delete(there)
        session().flush()
    now = clock.now()
    made = EvidenceFile(
        dispute_id=case.id,
        field=field,
        name=file.name,
        media_type=file.media_type,
        content=file.content,
        created_at=now,
        next_try_at=now,
    )
    session().add(made)
    session().flush()
    return made


def _bytes(case: Dispute) -> int:
    """How much the files come to, together."""
    size = sa.func.coalesce(sa.func.sum(sa.func.octet_length(EvidenceFile.content)), 0)
    return int(session().execute(sa.select(size).where(EvidenceFile.dispute_id == case.id)).scalar_one())


def _ids(files: Sequence[EvidenceFile]) -> dict[str, str]:
    return {file.field: file.stripe_file_id or "" for file in files}


# On its way


def may_send(answer: DisputeAnswer) -> bool:
    """Whether Stripe is told now. Under the case's lock: one after the other, and files before the evidence."""
    case = answer.dispute
    asks_else = answer.kind in FINAL and answer.asked != asks(case)
    if case.status != DisputeStatus.OPEN or asks_else:
        answer.error = TOO_LATE
        answer.move_to(AnswerStatus.FAILED)
        return False
    files = files_of(case) if answer.kind == AnswerKind.STAGE else []
    refused = next((file for file in files if was_refused(file)), None)
    if refused is not None:
        answer.error = f"Stripe did not take the file “{refused.name}”: {refused.error}"
        answer.move_to(AnswerStatus.FAILED)
        return False
    earlier = any(a.id < answer.id and a.status == AnswerStatus.REQUESTED for a in of_case(case))
    if earlier or any(file.stripe_file_id is None for file in files):
        answer.next_try_at = clock.now() + outgoing.FIRST_RETRY
        return False
    answer.evidence = answer.evidence | _ids(files)
    return True
