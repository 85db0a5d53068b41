"""Writing down who did what, and why, in the transaction that does it."""

from typing import Any, NamedTuple

from discuno.accounts.models import AuditEntry
from discuno.kit import clock
from discuno.kit.db import session
from discuno.kit.errors import DomainError

Facts = dict[str, Any]
NO_REASON = "Please say why; the reason is kept with what you do."


class Actor(NamedTuple):
    """Who acts: an e-mail address, or a word such as `operator`; and from which address of the net, if from one."""

    name: str
    address: str | None = None


def record(
    actor: str | Actor,
    action: str,
    about: str,
    reason: str,
    *,
    before: Facts | None = None,
    after: Facts | None = None,
) -> AuditEntry:
    """One act that moves money. Raises DomainError when no reason is given: nobody moves money without one."""
    if not reason.strip():
        raise DomainError(NO_REASON)
    return _write(actor, action, about, reason.strip(), before, after)


def note(
    actor: str | Actor,
    action: str,
    about: str,
    *,
    before: Facts | None = None,
    after: Facts | None = None,
) -> AuditEntry:
    """One act that needs no reason: somebody changes what is theirs. Secrets are never among the facts."""
    return _write(actor, action, about, "", before, after)


def _write(
    actor: str | Actor, action: str, about: str, reason: str, before: Facts | None, after: Facts | None
) -> AuditEntry:
    who = actor if isinstance(actor, Actor) else Actor(actor)
    entry = AuditEntry(
        at=clock.now(),
        actor=who.name,
        address=who.address,
        action=action,
        about=about,
        reason=reason,
        before=before,
        after=after,
    )
    session().add(entry)
    return entry
