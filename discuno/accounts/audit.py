"""Writing down who moved money, and why, in the transaction that moves it."""

from discuno.accounts.models import AuditEntry
from discuno.kit import clock
from discuno.kit.db import session
from discuno.kit.errors import DomainError


def record(actor: str, action: str, about: str, reason: str) -> None:
    """One act. Raises DomainError when no reason is given: nobody moves money without one."""
    if not reason.strip():
        raise DomainError("Please say why; the reason is kept with what you do.")
    session().add(AuditEntry(at=clock.now(), actor=actor, action=action, about=about, reason=reason.strip()))
