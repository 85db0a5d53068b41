"""Letters about what was done in a mentor's other calendar without us."""

from discuno.accounts.models import AuditEntry
from discuno.kit.db import session
from discuno.notifications.letters import ADMIN_REASON, Letter, letter, runbook
from discuno.notifications.models import AlertKind


@letter("foreign_booking_admin", about="audit_id")
def foreign_booking_admin(audit_id: int) -> Letter:
    """To the admin: somebody has booked a paid session at Cal.com itself, without paying here."""
    entry = session().get_one(AuditEntry, audit_id)
    return Letter(
        subject="A paid session was booked at Cal.com without us",
        sender="alerts",
        heading="A paid session was booked at Cal.com without us",
        paragraphs=[
            entry.reason,
            "Nobody has paid for it here. If it was the mentor's own doing, such sessions need a session type of "
            "their own at Cal.com that is not linked to a paid one here.",
        ],
        facts=[("At Cal.com", entry.about.partition(":")[2]), runbook(AlertKind.CALENDAR)],
        action=("See the alerts", f"/admin/alerts?kind={AlertKind.CALENDAR}"),
        reason=ADMIN_REASON,
    )
