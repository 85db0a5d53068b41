"""The door to Resend: one letter at a time, with a key that never sends twice."""

import structlog
from flask import current_app

from discuno.edges import queue, resend
from discuno.edges.resend import Attachment, OutgoingLetter, ResendRefused, ResendSentBefore
from discuno.kit import outbox
from discuno.kit.db import locked, transaction
from discuno.notifications import (
    account_letters,
    alert_letters,
    alerts,
    bank_letters,
    booking_letters,
    calendar_letters,
    case_letters,
    change_letters,
    delivery,
    letters,
    money_letters,
    people_letters,
)
from discuno.notifications import service as notifications
from discuno.notifications.letters import Drawn, Letter
from discuno.notifications.models import AlertKind, Email, EmailStatus

log = structlog.get_logger()
LETTERS = (
    letters,
    alert_letters,
    booking_letters,
    change_letters,
    case_letters,
    bank_letters,
    money_letters,
    account_letters,
    calendar_letters,
    people_letters,
)  # imported: registered


@outbox.task("send_letter", queue="mail")
def send_letter(email_id: int) -> None:
    """Write the letter as things stand now, and hand it over. Raises ResendDown, to be tried again."""
    with transaction():
        email = locked(Email, email_id)
        if email.status != EmailStatus.QUEUED:
            return
        if letters.is_outdated(email.template, email.about, email.created_at):
            delivery.record_dropped(email)
            log.info("letter_dropped", email_id=email_id, template=email.template)
            return
        words = letters.write(email.template, email.about)
        drawn = letters.render(words, current_app.config["BASE_URL"])
        email.subject = drawn.subject
        outgoing = _outgoing(email, words, drawn)
        key = f"letter/{email_id}/{email.created_at:%Y%m%dT%H%M%S%f}"
    try:
        resend_id: str | None = resend.send(outgoing, key=key)
    except ResendSentBefore:
        resend_id = None  # the carrier's first word of it brings the id
    except ResendRefused as refusal:
        with transaction():
            delivery.record_failed(locked(Email, email_id), str(refusal))
        log.error("letter_refused", email_id=email_id, error=str(refusal))
        return
    with transaction():
        delivery.record_sent(locked(Email, email_id), resend_id)


def _outgoing(email: Email, words: Letter, drawn: Drawn) -> OutgoingLetter:
    config, file = current_app.config, words.calendar
    return OutgoingLetter(
        sender=f"Discuno <{words.sender}@{config['EMAIL_FROM_DOMAIN']}>",
        to=config["ADMIN_EMAIL"] if email.recipient == notifications.ADMIN else email.recipient,
        reply_to=config["ADMIN_EMAIL"],
        subject=drawn.subject,
        html=drawn.html,
        text=drawn.text,
        tags={"template": email.template, "letter": str(email.id)},
        attachments=[Attachment(file.filename, file.content_type, file.content.encode())] if file else [],
    )


@queue.on_death
def tell_admin(job: outbox.Job) -> None:
    """Work was given up: the admin is told; a letter that could not be sent says so itself."""
    log.error("job_dead", job_id=job.id, task=job.task, error=job.error)
    if job.task == "send_letter":
        delivery.record_failed(locked(Email, job.args["email_id"]), job.error or "")
        return
    words = f"{job.task} was given up after {job.attempts} attempts: {job.error}"
    kind, cause, path = AlertKind.JOB, f"job:{job.id}", f"/admin/jobs/{job.id}"
    if job.task == "handle_event":  # of which somebody was perhaps told when it began to fail
        event_id = job.args["event_id"]
        kind, cause, path = AlertKind.WEBHOOK, f"event:{event_id}", f"/admin/webhooks/{event_id}"
    alerts.begin(kind, cause, words, path, "job_dead_admin", job_id=job.id)
