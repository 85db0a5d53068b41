"""Doors to Stripe for our answers to a bank: each is decide / call / record by `kit.outgoing`."""

from collections.abc import Callable

from discuno import journey
from discuno.disputes import answers, jobs
from discuno.disputes.models import AnswerKind, AnswerStatus, DisputeAnswer, EvidenceFile
from discuno.edges.stripe import evidence as bank
from discuno.edges.stripe.evidence import AnswerFacts, AnswerRequest, UploadRequest
from discuno.kit import outbox, outgoing
from discuno.kit.db import locked, session, transaction
from discuno.kit.outgoing import Kind

# Answers


def _locked_answer(answer_id: int) -> DisputeAnswer:
    """The answer, locked after its payment, booking and case."""
    jobs.locked_case(session().get_one(DisputeAnswer, answer_id).dispute_id)
    return locked(DisputeAnswer, answer_id)


def _request(answer: DisputeAnswer) -> AnswerRequest:
    stripe_id = answer.dispute.stripe_id
    if stripe_id is None:
        raise ValueError("a chargeback has an id of Stripe's")
    return AnswerRequest(stripe_id, answer.evidence, answers.submitted_before(answer), answer.key)


def _prepare(answer: DisputeAnswer) -> AnswerRequest | None:
    return _request(answer) if answers.may_send(answer) else None


def _kind(
    find: Callable[[AnswerRequest], AnswerFacts | None], create: Callable[[AnswerRequest], AnswerFacts]
) -> Kind[DisputeAnswer, AnswerRequest, AnswerFacts]:
    return Kind(
        lock=_locked_answer,
        is_open=lambda a: a.status == AnswerStatus.REQUESTED,
        frozen=_request,
        prepare=_prepare,
        find=find,
        create=create,
        made=lambda a, _facts: journey.answer_made(a),
        refused=journey.answer_refused,
        alarm=journey.answer_alarm,
    )


KINDS = {
    AnswerKind.STAGE: _kind(bank.find_staged, bank.stage),
    AnswerKind.SUBMIT: _kind(bank.find_submitted, bank.submit),
    AnswerKind.ACCEPT: _kind(bank.find_closed, bank.close),
}


@outbox.task("send_answer", queue="money")
def send_answer(answer_id: int) -> None:
    """Tell Stripe what we have to say to the bank, once."""
    with transaction() as unit:
        kind = KINDS[unit.get_one(DisputeAnswer, answer_id).kind]
    outgoing.work(kind, answer_id)


@outbox.task("look_at_dispute", queue="money")
def look_at_dispute(stripe_id: str) -> None:
    """Take Stripe's word on the dispute, with or without a webhook."""
    jobs.follow_dispute(stripe_id)


# Files


def _locked_file(file_id: int) -> EvidenceFile:
    """The file, locked after its payment, booking and case."""
    jobs.locked_case(session().get_one(EvidenceFile, file_id).dispute_id)
    return locked(EvidenceFile, file_id)


def _upload(file: EvidenceFile) -> UploadRequest:
    return UploadRequest(file.id, file.media_type, file.content, file.created_at, file.key)


UPLOAD: Kind[EvidenceFile, UploadRequest, str] = Kind(
    lock=_locked_file,
    is_open=lambda f: f.stripe_file_id is None and not answers.was_refused(f),
    frozen=_upload,
    prepare=_upload,
    find=bank.find_upload,
    create=bank.upload,
    made=journey.file_uploaded,
    refused=lambda f, code: journey.file_alarm(f, f.error or code),
    alarm=journey.file_alarm,
)


@outbox.task("upload_evidence", queue="money")
def upload_evidence(file_id: int) -> None:
    """Hand a file for the bank to Stripe, once; one that was replaced meanwhile is not needed any more."""
    with transaction() as unit:
        if unit.get(EvidenceFile, file_id) is None:
            return
    outgoing.work(UPLOAD, file_id)
