"""One row of a bulk run: what its act does to it. Answers None when it is done, or why there was nothing to do."""

from collections.abc import Callable

from discuno.accounts import service as accounts
from discuno.accounts.audit import Actor
from discuno.accounts.models import Role, User
from discuno.admin.machines import work_list
from discuno.disputes import claims
from discuno.disputes.models import Dispute
from discuno.journey import levers
from discuno.kit.db import locked, session
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.outbox import Job
from discuno.notifications import again
from discuno.notifications.models import Email, EmailStatus
from discuno.payments import service as payments
from discuno.payouts import service as payouts
from discuno.policy import Reason
from discuno.webhooks import service as inbox
from discuno.webhooks.models import WebhookEvent

DONE = None
NOBODY = "Whoever has begun this run is no admin any more."

# 18. An act on many rows, one row after the other, by the rules of the single lever.


def do_to_one(act: str, row_id: int, actor: Actor, reason: str) -> str | None:
    """Do it to one row, in the caller's unit of work. Raises DomainError when it cannot be done to this one.

    Nothing is done any more for somebody who has lost the role meanwhile.
    """
    _admin(actor)
    return DO[act](row_id, actor, reason)


def _admin(actor: Actor) -> User:
    user = accounts.by_email(actor.name)
    if user is None or user.role != Role.ADMIN:
        raise DomainError(NOBODY)
    return user


def _retry_transfer(transfer_id: int, actor: Actor, reason: str) -> str | None:
    transfer = payouts.locked_transfer(transfer_id)
    if transfer.blocked_by != Reason.GIVEN_UP:
        return "It is not given up any more."
    levers.retry(transfer, reason, actor)
    return DONE


def _hold(payment_id: int, actor: Actor, reason: str) -> str | None:
    done = levers.put_on_hold(payments.locked_payment(payment_id), reason, actor)
    return DONE if done else "It was on hold already."


def _lift_hold(payment_id: int, actor: Actor, reason: str) -> str | None:
    done = levers.lift(payments.locked_payment(payment_id), reason, actor)
    return DONE if done else "It was not on hold any more."


def _resend_letter(email_id: int, actor: Actor, reason: str) -> str | None:
    email = locked(Email, email_id)
    if email.status != EmailStatus.FAILED:
        return "It was sent, or waits to be sent, already."
    again.send_again(email, actor, reason)
    return DONE


def _replay_webhook(event_id: int, actor: Actor, reason: str) -> str | None:
    event = locked(WebhookEvent, event_id)
    if event.handled_at is not None:
        return "It was handled meanwhile."
    inbox.replay(event, actor, reason)
    return DONE


def _retry_job(job_id: int, actor: Actor, reason: str) -> str | None:
    try:
        job = locked(Job, job_id)
    except NotFound:
        return "It was done meanwhile."
    if job.dead_at is None or not work_list.retry(job, actor, reason):
        return "It is being tried already."
    return DONE


def _claim_case(case_id: int, actor: Actor, _reason: str) -> str | None:
    payments.locked_payment(session().get_one(Dispute, case_id).payment_id)
    case = locked(Dispute, case_id)
    if not case.is_open:
        return "It was closed meanwhile."
    if case.assignee_id is not None:
        return "Somebody has taken it meanwhile."
    claims.claim(case, _admin(actor), actor, seen=None)
    return DONE


DO: dict[str, Callable[[int, Actor, str], str | None]] = {
    "retry_transfer": _retry_transfer,
    "hold": _hold,
    "lift_hold": _lift_hold,
    "resend_letter": _resend_letter,
    "replay_webhook": _replay_webhook,
    "retry_job": _retry_job,
    "claim_cases": _claim_case,
}
