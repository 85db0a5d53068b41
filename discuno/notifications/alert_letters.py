"""Letters to the admin about what needs a person: the general one, and one for many of a kind at once."""

from datetime import datetime, timedelta
from textwrap import shorten

import sqlalchemy as sa

from discuno.kit.db import session
from discuno.kit.text import one_line
from discuno.notifications.letters import ADMIN_REASON, Letter, letter, runbook
from discuno.notifications.models import Alert


def _is_over(alert_id: int, _owed_at: datetime) -> bool:
    return session().get_one(Alert, alert_id).ended_at is not None


def _in_short(words: str) -> str:
    """Words of an alert, as they fit a subject."""
    return shorten(one_line(words), 80, placeholder="…")


@letter("alert", about="alert_id", unless=_is_over)
def alert(alert_id: int) -> Letter:
    """To the admin: what has happened, where it can be dealt with, and the runbook that says how."""
    found = session().get_one(Alert, alert_id)
    return Letter(
        subject=f"{found.kind.label}: {_in_short(found.words)}",
        sender="alerts",
        heading=found.kind.label,
        paragraphs=[found.kind.sentence],
        facts=[("What", found.words), ("About", found.cause), runbook(found.kind)],
        action=("See to it", found.path),
        reason=ADMIN_REASON,
    )


@letter("alerts_many", about="alert_id")
def alerts_many(alert_id: int) -> Letter:
    """To the admin: many alerts of one kind within an hour, of which no more letters come before its end."""
    found = session().get_one(Alert, alert_id)
    began = found.began_at.replace(minute=0, second=0, microsecond=0)
    ends = began + timedelta(hours=1)
    of_hour = sa.and_(Alert.kind == found.kind, Alert.began_at >= began, Alert.began_at < ends)
    number = session().execute(sa.select(sa.func.count()).where(of_hour)).scalar_one()
    return Letter(
        subject=f"{found.kind.label}: {number} within an hour",
        sender="alerts",
        heading=f"{found.kind.label}, {number} times within an hour",
        paragraphs=[
            f"{found.kind.sentence} This has happened {number} times since {began:%H:%M} UTC, which may well have "
            f"one cause. All of them are on the page; no further letter about this comes before {ends:%H:%M} UTC."
        ],
        facts=[("The last one", found.words), ("About", found.cause), runbook(found.kind)],
        action=("See all of them", f"/admin/alerts?kind={found.kind}"),
        reason=ADMIN_REASON,
    )
