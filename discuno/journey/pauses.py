"""Stop everything, or one mentor: money stays where it is until somebody lets it go on."""

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.journey import money
from discuno.kit import clock
from discuno.kit.errors import DomainError
from discuno.mentors.models import Mentor
from discuno.notifications import service as letters
from discuno.payouts import pauses, transfers
from discuno.payouts import service as payouts
from discuno.policy import Reason

# 17. An admin stops money, and lets it go on.


def pause_transfers(reason: str, actor: Actor) -> bool:
    """Nothing is transferred to anybody from now on; False when that is so already. What is in flight lands."""
    if not reason.strip():
        raise DomainError(audit.NO_REASON, status=422)
    if not pauses.begin(reason.strip(), actor.name):
        return False
    audit.record(actor, "pause transfers", "transfers", reason)
    return True


def resume_transfers(reason: str, actor: Actor) -> bool:
    """What has waited for this goes on at once; False when nothing was paused."""
    ended = pauses.end(actor.name)
    if ended is None:
        return False
    freed = transfers.unblock([Reason.PAUSED])
    audit.record(actor, "resume transfers", "transfers", reason, after={"freed": freed})
    money.wake_release()
    return True


def suspend(mentor: Mentor, reason: str, actor: Actor) -> bool:
    """Nobody books this mentor, and their money stays; False when that is so already. Under the mentor's lock."""
    if not reason.strip():
        raise DomainError(audit.NO_REASON, status=422)
    if mentor.suspended_at is not None:
        return False
    mentor.suspended_at, mentor.suspended_reason = clock.now(), reason.strip()
    audit.record(actor, "suspend", f"mentor:{mentor.id}", reason)
    _tell(mentor, "suspended", "mentor_suspended")
    return True


def unsuspend(mentor: Mentor, reason: str, actor: Actor) -> bool:
    """They can be booked and paid again; False when they were not suspended. Under the mentor's lock."""
    if mentor.suspended_at is None:
        return False
    before = {"since": mentor.suspended_at.isoformat(), "reason": mentor.suspended_reason}
    mentor.suspended_at = mentor.suspended_reason = None
    freed = transfers.unblock([Reason.SUSPENDED], mentor_id=mentor.id)
    audit.record(
        actor, "end suspension", f"mentor:{mentor.id}", reason, before=before, after={"freed": freed}
    )
    money.wake_release()
    account = payouts.account_of(mentor)
    if account is not None:
        money.ask_pay_out(account)
    _tell(mentor, "unsuspended", "mentor_unsuspended")
    return True


def _tell(mentor: Mentor, what: str, template: str) -> None:
    """The mentor hears of it, each time."""
    event = f"mentor:{mentor.id}:{what}:{clock.now():%Y%m%dT%H%M%S%f}"
    letters.tell(event, mentor.user.email, template, mentor_id=mentor.id)
