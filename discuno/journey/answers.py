"""A bank is answered: evidence drafted from what happened, staged, submitted; or the cardholder keeps the money."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.admin import proposals
from discuno.admin.cases.told import Hours
from discuno.admin.cases.told_booking import first_start, of_booking, shown_terms
from discuno.disputes import answers, evidence, reports
from discuno.disputes.evidence import Known
from discuno.disputes.models import AnswerKind, AnswerStatus, Dispute, DisputeAnswer, EvidenceFile
from discuno.disputes.reports import Upload
from discuno.kit import outbox
from discuno.kit.db import one_or_none, rows
from discuno.kit.errors import DomainError
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind, Email
from discuno.payments.models import Payment, PaymentStatus

UTC = "UTC"

# 17. A bank is answered.


def draft_evidence(case: Dispute) -> dict[str, str]:
    """What our rows say to the bank, before anybody has read it."""
    payment = case.payment
    terms = shown_terms(payment, first_start(payment.booking))
    return evidence.draft(case, Known(_happened(payment), terms, _other(payment)))


def _happened(payment: Payment) -> list[str]:
    """What concerns the customer, in order; nothing of what we have told each other or the mentor."""
    lines = [*_of_booking(payment), *_of_payment(payment), *_letters(payment)]
    lines.sort(key=lambda line: line[0].replace(microsecond=0))  # when it was paid, Stripe says to the second
    return [f"{moment(at, UTC)}: {words}" for at, words in lines]


Line = tuple[datetime, str]


def _of_booking(payment: Payment) -> Iterator[Line]:
    booking = payment.booking
    if booking.confirmed_at is not None:
        where = f" Meeting at {booking.meeting_url}." if booking.meeting_url else ""
        yield booking.confirmed_at, f"Confirmed.{where}"
    for event in of_booking(payment, Hours()):
        if not event.is_to_come and event.at != booking.confirmed_at:
            by = f", by {event.who}" if event.who else ""
            yield event.at, f"{event.label}{by}. {event.words}".strip()


def _of_payment(payment: Payment) -> Iterator[Line]:
    if payment.paid_at is not None:
        yield payment.paid_at, f"Paid by card: {in_words(payment.amount, payment.currency)}."
    report = reports.latest(payment)
    if report is not None:
        said = [f"“{message.words}”" for message in report.messages[:1]]
        yield report.opened_at, " ".join(["The customer reported a problem to us.", *said])


def _letters(payment: Payment) -> Iterator[Line]:
    """The letters to the customer about the booking, as far as their carrier has told of them."""
    about = Email.about.contains({"booking_id": payment.booking_id})
    mine = sa.select(Email).where(about, Email.recipient == payment.customer_email.lower())
    for email in rows(mine.order_by(Email.id)):
        if email.sent_at is not None:
            told = [f"Letter “{email.subject}” sent to {email.recipient}"]
            if email.settled_at is not None:
                told.append(f"{email.status.label.lower()} {moment(email.settled_at, UTC)}")
            if email.opened_at is not None:
                told.append(f"opened {moment(email.opened_at, UTC)}")
            yield email.sent_at, f"{'; '.join(told)}."


def _other(payment: Payment) -> Payment | None:
    """The payment of the same person, of the same amount, that was made closest to this one."""
    apart = sa.func.abs(sa.extract("epoch", Payment.paid_at - payment.paid_at))
    alike = (
        Payment.customer_email == payment.customer_email,
        Payment.id != payment.id,
        Payment.amount == payment.amount,
        Payment.currency == payment.currency,
        Payment.status != PaymentStatus.FAILED,
        Payment.paid_at.is_not(None),
    )
    return one_or_none(sa.select(Payment).where(*alike).order_by(apart, Payment.id).limit(1))


def stage_evidence(
    case: Dispute, texts: Mapping[str, str], files: Mapping[str, Upload], actor: Actor
) -> DisputeAnswer | None:
    """Lay it down at Stripe, where the bank does not see it yet; None when it lies there. Raises DomainError."""
    answers.may_tell(case)
    for field, upload in files.items():
        made = answers.attach(case, field, upload)
        if made is not None:
            outbox.add("upload_evidence", file_id=made.id, unique_key=f"evidence:{made.id}")
    answer = answers.stage(case, texts)
    if answer is not None:
        facts = {"fields": sorted(answer.evidence), "files": [upload.name for upload in files.values()]}
        audit.note(actor, "stage evidence", f"dispute:{case.id}", after=facts)
        _send(answer)
    return answer


def submit_evidence(case: Dispute, seen_id: int, reason: str, actor: Actor) -> DisputeAnswer:
    """Hand to the bank what is staged: as a rule once. Raises DomainError."""
    if proposals.of_payment(case.payment) is not None:
        raise DomainError(proposals.WAITS, status=409)
    answer = answers.submit(case, seen_id)
    audit.record(
        actor, "submit evidence", f"dispute:{case.id}", reason, after={"fields": sorted(answer.evidence)}
    )
    _send(answer)
    return answer


def accept_chargeback(case: Dispute) -> DisputeAnswer:
    """Let the cardholder keep the money; an admin's act has agreed to it. Raises DomainError."""
    answer = answers.accept(case)
    _send(answer)
    return answer


def _send(answer: DisputeAnswer) -> None:
    outbox.add("send_answer", answer_id=answer.id, unique_key=f"bank:{answer.id}")


# What Stripe says to it


def answer_made(answer: DisputeAnswer) -> None:
    """Stripe has it. What becomes of the case is Stripe's word, which is asked for at once."""
    answer.move_to(AnswerStatus.MADE)
    alerts.over(AlertKind.CASE, _cause(answer))
    if answer.kind != AnswerKind.STAGE:
        _look(answer)


def answer_refused(answer: DisputeAnswer, code: str) -> None:
    """Stripe did not take it: a person has to see why."""
    answer.move_to(AnswerStatus.FAILED)
    answer_alarm(answer, answer.error or code)
    _look(answer)


def answer_alarm(answer: DisputeAnswer, why: str) -> None:
    """An admin is told, once a case."""
    words = f"{answer.kind.label}: Stripe did not take it. {why}"
    alerts.begin(AlertKind.CASE, _cause(answer), words, f"/admin/disputes/{answer.dispute_id}/evidence")


def _cause(answer: DisputeAnswer) -> str:
    return f"answer:{answer.dispute_id}"


def _look(answer: DisputeAnswer) -> None:
    stripe_id = answer.dispute.stripe_id
    outbox.add("look_at_dispute", stripe_id=stripe_id, unique_key=f"dispute:{stripe_id}")


def file_uploaded(file: EvidenceFile, stripe_file_id: str) -> None:
    """Stripe has the file."""
    file.stripe_file_id = stripe_file_id


def file_alarm(file: EvidenceFile, why: str) -> None:
    """Stripe did not take a file; the evidence that waits for it fails with the same words."""
    words = f"Stripe did not take the file “{file.name}”. {why}"
    path = f"/admin/disputes/{file.dispute_id}/evidence"
    alerts.begin(AlertKind.CASE, f"answer:{file.dispute_id}", words, path)
