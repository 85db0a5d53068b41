"""Who of the people here sees to a case. Anybody may take it over, and it is said that they have."""

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.accounts.models import User
from discuno.disputes.models import Dispute
from discuno.kit import clock
from discuno.kit.errors import DomainError

CLOSED = "This case is closed; nobody needs to see to it."
NOT_YOURS = "Somebody else sees to this case. You can take it over."


def claim(case: Dispute, user: User, actor: Actor, *, seen: int | None) -> bool:
    """Take a case on, from whom it was `seen` to be with; False when it is theirs already. Under the case's lock.

    Raises DomainError when it is closed, or with somebody else by now.
    """
    if case.assignee_id == user.id:
        return False
    if not case.is_open:
        raise DomainError(CLOSED, status=409)
    if case.assignee_id != seen:
        raise DomainError(_meanwhile(case), status=409)
    before = {"assignee": case.assignee.email} if case.assignee is not None else None
    case.assignee, case.assignee_id, case.claimed_at = user, user.id, clock.now()
    action = "take over a case" if before is not None else "claim a case"
    audit.note(actor, action, f"dispute:{case.id}", before=before, after={"assignee": user.email})
    return True


def release(case: Dispute, user: User, actor: Actor) -> bool:
    """Give a case back to everybody; False when it was nobody's. Raises DomainError when it is somebody else's."""
    if case.assignee_id is None:
        return False
    if case.assignee_id != user.id:
        raise DomainError(NOT_YOURS, status=409)
    case.assignee = case.assignee_id = case.claimed_at = None
    audit.note(actor, "release a case", f"dispute:{case.id}", before={"assignee": user.email})
    return True


def _meanwhile(case: Dispute) -> str:
    if case.assignee is None:
        return "This case was given back meanwhile. Please claim it again."
    return f"{case.assignee.name} has claimed this case meanwhile."
