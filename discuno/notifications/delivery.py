"""What becomes of a letter: handed over, arrived, opened, or not; and who has to know when it did not."""

import sqlalchemy as sa

from discuno.kit import clock
from discuno.kit.db import one_or_none
from discuno.notifications import addresses, alerts
from discuno.notifications.models import AlertKind, Carrier, Email, EmailStatus
from discuno.notifications.service import ADMIN

ASKED_FOR = ("sign_in", "booking_link", "your_bookings")  # who does not get them sees it, and asks again
QUOTA, CLOSED = "quota:resend", "closed:resend"
PASSING = ("transient", "undetermined")  # a full mailbox, a server that rests: the next letter may arrive
DELIVERY = {
    "email.delivered": EmailStatus.DELIVERED,
    "email.bounced": EmailStatus.BOUNCED,
    "email.suppressed": EmailStatus.BOUNCED,  # the carrier knows the address for one that takes nothing
    "email.complained": EmailStatus.COMPLAINED,
    "email.failed": EmailStatus.FAILED,
}


def record_sent(email: Email, resend_id: str | None) -> None:
    """The letter was handed over. Without an id its answer was lost, and the carrier's news will bring it."""
    email.resend_id = resend_id or email.resend_id
    _is_out(email)
    if email.carrier == Carrier.RESEND:
        alerts.over(AlertKind.EMAIL, QUOTA, CLOSED)


def _is_out(email: Email) -> None:
    """It has left, whatever we thought; the carrier's news may be faster than its answer, or all there ever is."""
    if EmailStatus.SENT in Email.MOVES[email.status]:
        email.error = email.asked_at = None
        email.sent_at = clock.now()
        email.move_to(EmailStatus.SENT)


def record_failed(email: Email, why: str) -> None:
    """The letter could not be handed over: an admin has to know."""
    if email.status == EmailStatus.QUEUED:
        email.error = why
        email.move_to(EmailStatus.FAILED)
        _alert(email, f"letter:{email.id}", f"could not be sent: {why}")


def record_dropped(email: Email, why: str) -> None:
    """What it would have said is no longer true, or its reader does without; so it is not sent."""
    email.error = why
    email.move_to(EmailStatus.DROPPED)


def quota_is_spent(said: str, *, is_other: bool) -> None:
    """Resend takes no more letters today: an admin has to know, by letter only if there is another carrier."""
    words = f"Resend takes no more letters for now: {said}. They "
    if is_other:
        alerts.begin(AlertKind.EMAIL, QUOTA, f"{words}go by the mail server.", "/admin/emails")
    else:
        alerts.note(AlertKind.EMAIL, QUOTA, f"{words}wait.", "/admin/emails?status=queued")


def resend_is_passed_over(said: str) -> None:
    """Every letter goes by the mail server, of which nothing is heard: an admin has to know, and mend it."""
    words = f"Resend takes no letters of ours: {said}. They go by the mail server until it does."
    alerts.begin(AlertKind.EMAIL, CLOSED, words, "/admin/emails")


def of_carrier(resend_id: str, letter_id: str) -> Email | None:
    """The letter of a carrier's news: by the carrier's id, or by ours in its tags when its answer was lost."""
    known = one_or_none(sa.select(Email).where(Email.resend_id == resend_id).with_for_update())
    if known is not None or not letter_id.isdecimal():
        return known
    ours = sa.select(Email).where(Email.id == int(letter_id), Email.resend_id.is_(None)).with_for_update()
    found = one_or_none(ours)
    if found is not None:
        found.resend_id = resend_id
    return found


def record_delivery(email: Email, event_type: str, bounce: str = "") -> None:
    """Follow the carrier's word; what comes late or out of order changes nothing. `bounce` is its kind of one."""
    if event_type != "email.failed" or email.status == EmailStatus.QUEUED:
        _is_out(email)
    if event_type == "email.opened":
        email.opened_at = email.opened_at or clock.now()
    status = DELIVERY.get(event_type)
    if status is not None and status in Email.MOVES[email.status]:
        email.move_to(status)
        email.settled_at = clock.now()
        _settled(email)
        if status in addresses.STOPPED and bounce.lower() not in PASSING:
            addresses.stop(email, status)


def _settled(email: Email) -> None:
    """An address that takes nothing is one cause, however many letters come back from it."""
    address = f"address:{email.recipient}"
    if email.status == EmailStatus.DELIVERED:
        addresses.arrived(email)
        alerts.over(AlertKind.EMAIL, address)
    elif email.status == EmailStatus.BOUNCED and email.template not in ASKED_FOR:
        _alert(email, address, "came back")
    elif email.status == EmailStatus.FAILED:
        _alert(email, f"letter:{email.id}", "was not sent on by the carrier")


def _alert(email: Email, cause: str, what: str) -> None:
    """Told by letter, but not when it is letters to the admin that fail: those would only fail again."""
    words, path = f"“{email.template}” to {email.recipient} {what}", f"/admin/emails/{email.id}"
    if email.recipient == ADMIN:
        alerts.note(AlertKind.EMAIL, cause, words, path)
    else:
        alerts.begin(AlertKind.EMAIL, cause, words, path)
