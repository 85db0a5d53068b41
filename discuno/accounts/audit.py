"""Writing down who did what, and why, in the transaction that does it."""

from typing import Any, NamedTuple

from discuno.accounts.models import AuditEntry
from discuno.kit import clock
from discuno.kit.db import session
from discuno.kit.errors import DomainError

Facts = dict[str, Any]


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
) -> None:
    """One act that moves money. Raises DomainError when no reason is given: nobody moves money without one."""
    if not reason.strip():
        raise DomainError("Please say why; the reason is kept with what you do.")
    _write(actor, action, about, reason.strip(), before, after)


def note(
    actor: str | Actor,
    action: str,
    about: str,
    *,
    before: Facts | None = None,
    after: Facts | None = None,
) -> None:
    """One act that needs no reason: somebody changes what is theirs. Secrets are never among the facts."""
    _write(actor, action, about, "", before, after)


def _write(
    actor: str | Actor, action: str, about: str, reason: str, before: Facts | None, after: Facts | None
) -> None:
    who = actor if isinstance(actor, Actor) else Actor(actor)
    session().add(
        AuditEntry(
            at=clock.now(),
            actor=who.name,
            address=who.address,
            action=action,
            about=about,
            reason=reason,
            before=before,
            after=after,
        )
    )
