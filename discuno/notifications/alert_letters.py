"""The one letter to the admin about something that needs a person."""

from datetime import datetime

from discuno.kit.db import session
from discuno.notifications.letters import ADMIN_REASON, Letter, letter
from discuno.notifications.models import Alert


def _is_over(alert_id: int, _owed_at: datetime) -> bool:
    return session().get_one(Alert, alert_id).ended_at is not None


@letter("alert", about="alert_id", unless=_is_over)
def alert(alert_id: int) -> Letter:
    """To the admin: what has happened, where it can be dealt with, and the runbook that says how."""
    found = session().get_one(Alert, alert_id)
    return Letter(
        subject=f"{found.kind.label}: {found.cause}",
        sender="alerts",
        heading=found.kind.label,
        paragraphs=[found.kind.sentence],
        facts=[("What", found.words), ("About", found.cause), ("Runbook", f"docs/runbooks/{found.kind}.md")],
        action=("See to it", found.path),
        reason=ADMIN_REASON,
    )
