"""The door to the carriers of letters: one at a time or many together, with keys that never send twice."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from flask import current_app

from discuno import policy
from discuno.edges import pace, queue, resend, smtp
from discuno.edges.mail import (
    Attachment,
    CarrierBusy,
    CarrierClosed,
    CarrierRefused,
    OutgoingLetter,
    QuotaSpent,
    SentBefore,
)
from discuno.kit import clock, outbox
from discuno.kit.db import locked, transaction
from discuno.notifications import (
    account_letters,
    addresses,
    alert_letters,
    alerts,
    bank_letters,
    booking_letters,
    calendar_letters,
    case_letters,
    change_letters,
    delivery,
    letters,
    mentor_letters,
    money_letters,
    payout_letters,
    people_letters,
    posting,
    refund_letters,
    reminder_letters,
)
from discuno.notifications import service as notifications
from discuno.notifications.models import AlertKind, Carrier, Email, EmailStatus, LetterBatch

log = structlog.get_logger()
LETTERS = (
    letters,
    alert_letters,
    booking_letters,
    change_letters,
    case_letters,
    bank_letters,
    refund_letters,
    money_letters,
    account_letters,
    payout_letters,
    calendar_letters,
    mentor_letters,
    people_letters,
    reminder_letters,
)  # imported: registered


@dataclass(frozen=True)
class Ready:
    """A letter that is written, and what was known of it before it is handed over."""

    email_id: int
    letter: OutgoingLetter
    key: str
    carrier: Carrier
    was_sure: bool  # that it is not there already


@outbox.task("send_letter", queue="mail")
def send_letter(email_id: int) -> None:
    """Write the letter as things stand now, and hand it over. Raises what mail.py names, to be tried again."""
    with transaction():
        email = locked(Email, email_id)
        if email.status != EmailStatus.QUEUED or posting.goes_with_others(email):
            return
        if posting.gather(email) is not None:
            return
        ready = _ready(email)
    if ready is not None:
        _hand_over(ready)


def _hand_over(ready: Ready) -> None:
    try:
        resend_id = _call(ready)
    except CarrierRefused as refusal:
        with transaction():
            is_elsewhere = _refused(locked(Email, ready.email_id), refusal)
    except CarrierBusy as busy:
        with transaction():
            is_elsewhere = _not_taken([ready], busy)
        if not is_elsewhere:
            raise _later(busy) from busy
    else:
        with transaction():
            delivery.record_sent(locked(Email, ready.email_id), resend_id)
        return
    if is_elsewhere:
        send_letter(ready.email_id)


def _call(ready: Ready) -> str | None:
    """Resend's id; none from the other carrier, nor when the first answer was lost: then the news bring it."""
    if ready.carrier == Carrier.SMTP:
        smtp.send(ready.letter, message_id=f"<{ready.key}@{current_app.config['EMAIL_FROM_DOMAIN']}>")
        return None
    _take_turn()
    try:
        return resend.send(ready.letter, key=ready.key)
    except SentBefore:
        return None


def _take_turn() -> None:
    """Requests of all processes together stay below what Resend allows."""
    time.sleep(pace.turn("letters", current_app.config["RESEND_RATE"]))


@outbox.task("send_batch", queue="mail")
def send_batch(batch_id: int) -> None:
    """The same for many at once: one key, one request; all of them are taken, or none."""
    try:
        with transaction():
            batch = locked(LetterBatch, batch_id)
            key = f"batch/{batch.id}/{batch.made_at:%Y%m%dT%H%M%S%f}"
            together = _write_all(posting.of_batch(batch))
    except Exception as error:  # whatever is wrong with one letter keeps none of the others
        _part(batch_id, error)
        return
    if together:
        _hand_over_together(batch_id, together, key)


def _write_all(waiting: Sequence[Email]) -> list[Ready]:
    addresses.make_known(each.recipient for each in waiting if letters.LETTERS[each.template].optional)
    written = [_ready(email) for email in waiting]
    return [ready for ready in written if ready is not None]


def _part(batch_id: int, error: Exception, refused: Sequence[Ready] = ()) -> None:
    """Each goes alone from now on; what was refused is surely not there."""
    with transaction():
        for ready in refused:
            posting.not_taken(locked(Email, ready.email_id), was_sure=True)
        for email in posting.break_up(locked(LetterBatch, batch_id)):
            delivery.record_failed(email, posting.MAYBE)
    log.warning("letters_go_alone", batch_id=batch_id, error=f"{type(error).__name__}: {error}")


def _hand_over_together(batch_id: int, together: Sequence[Ready], key: str) -> None:
    _take_turn()
    try:
        ids: Sequence[str | None] = resend.send_batch([ready.letter for ready in together], key=key)
    except SentBefore:
        ids = [None] * len(together)
    except CarrierRefused as refusal:
        _part(batch_id, refusal, together)
        return
    except CarrierBusy as busy:
        with transaction():
            is_elsewhere = _not_taken(together, busy)
            if is_elsewhere:
                posting.break_up(locked(LetterBatch, batch_id))
        if is_elsewhere:
            return
        raise _later(busy) from busy
    with transaction():
        for ready, resend_id in zip(together, ids, strict=True):
            delivery.record_sent(locked(Email, ready.email_id), resend_id)


# Written


def _ready(email: Email) -> Ready | None:
    """The letter in words, from now on perhaps there; None when it is not sent after all."""
    if posting.is_forgotten(email):
        delivery.record_failed(email, posting.MAYBE)
        return None
    why_not = _why_not(email)
    if why_not is not None:
        delivery.record_dropped(email, why_not)
        log.info("letter_dropped", email_id=email.id, template=email.template, because=why_not)
        return None
    letter = _outgoing(email)
    was_sure = email.asked_at is None
    posting.begin(email)
    key = f"letter/{email.id}/{email.created_at:%Y%m%dT%H%M%S%f}"
    return Ready(email.id, letter, key, email.carrier, was_sure)


def _why_not(email: Email) -> str | None:
    """Why it is not sent after all, or None."""
    if letters.is_outdated(email.template, email.about, email.created_at):
        return "what it tells is no longer so"
    kind = letters.LETTERS[email.template].optional
    return addresses.why_not(email.recipient, kind) if kind is not None else None


def _outgoing(email: Email) -> OutgoingLetter:
    config = current_app.config
    words = letters.write(email.template, email.about)
    kind, choices = letters.LETTERS[email.template].optional, None
    if kind is not None:
        choices = addresses.path_for(email.recipient)
    drawn = letters.render(words, config["BASE_URL"], choices)
    email.subject, file = drawn.subject, words.calendar
    return OutgoingLetter(
        sender=f"Discuno <{words.sender}@{config['EMAIL_FROM_DOMAIN']}>",
        to=config["ADMIN_EMAIL"] if email.recipient == notifications.ADMIN else email.recipient,
        reply_to=config["ADMIN_EMAIL"],
        subject=drawn.subject,
        html=drawn.html,
        text=drawn.text,
        tags={"template": email.template, "letter": str(email.id)},
        headers=_declining(f"{config['BASE_URL']}{choices}/stop/{kind}") if choices is not None else {},
        attachments=[Attachment(file.filename, file.content_type, file.content.encode())] if file else [],
    )


def _declining(url: str) -> dict[str, str]:
    """How a mail program lets its reader decline with one click (RFC 8058)."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


# Not taken


def _refused(email: Email, refusal: CarrierRefused) -> bool:
    """A definite no: the other carrier has it now, which is the answer; or else somebody has to know."""
    why = str(refusal)
    posting.not_taken(email, was_sure=True)
    log.error("letter_refused", email_id=email.id, carrier=str(email.carrier), error=why)
    is_elsewhere = smtp.is_there() and posting.may_fall_back(email)
    if is_elsewhere:
        posting.fall_back(email, why)
        if isinstance(refusal, CarrierClosed):
            delivery.resend_is_passed_over(why)
    else:
        delivery.record_failed(email, why)
    return is_elsewhere


def _not_taken(together: Sequence[Ready], busy: CarrierBusy) -> bool:
    """Nothing was taken this time; whether the other carrier has them all now."""
    found = [locked(Email, ready.email_id) for ready in together]
    for email, ready in zip(found, together, strict=True):
        posting.not_taken(email, was_sure=ready.was_sure)
    is_long = isinstance(busy, QuotaSpent)
    if is_long:
        delivery.quota_is_spent(str(busy), is_other=smtp.is_there())
    is_elsewhere = smtp.is_there() and posting.fall_back_together(found, str(busy), is_long=is_long)
    if is_elsewhere and not is_long:
        delivery.resend_is_passed_over(str(busy))
    return is_elsewhere


def _later(busy: CarrierBusy) -> Exception:
    """A quota comes back by the clock, and waiting for it is no attempt."""
    if isinstance(busy, QuotaSpent):
        return outbox.Later(clock.now() + policy.QUOTA_RESTS, str(busy))
    return busy


@queue.on_death
def tell_admin(job: outbox.Job) -> None:
    """Work was given up: the admin is told; a letter that could not be sent says so itself."""
    log.error("job_dead", job_id=job.id, task=job.task, error=job.error)
    if job.task in ("send_letter", "send_batch"):
        _give_up(job)
        return
    words = f"{job.task} was given up after {job.attempts} attempts: {job.error}"
    kind, cause, path = AlertKind.JOB, f"job:{job.id}", f"/admin/jobs/{job.id}"
    if job.task == "handle_event":  # of which somebody was perhaps told when it began to fail
        event_id = job.args["event_id"]
        kind, cause, path = AlertKind.WEBHOOK, f"event:{event_id}", f"/admin/webhooks/{event_id}"
    alerts.begin(kind, cause, words, path, "job_dead_admin", job_id=job.id)


def _give_up(job: outbox.Job) -> None:
    """Resend has not taken it for hours: what is surely not there goes to the other carrier, of the rest we tell."""
    batch = locked(LetterBatch, job.args["batch_id"]) if job.task == "send_batch" else None
    found = posting.of_batch(batch) if batch is not None else [locked(Email, job.args["email_id"])]
    if batch is not None:
        batch.broken_up_at = clock.now()
    for email in found:
        if smtp.is_there() and posting.may_fall_back(email):
            posting.fall_back(email, job.error or "")
            posting.owe(email.id, email.template)
        else:
            delivery.record_failed(email, job.error or "")
