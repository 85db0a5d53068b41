"""How often each letter is sent: for the list of what there is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from discuno.admin.machines.letter_log import LEFT
from discuno.kit import clock
from discuno.kit.db import session
from discuno.notifications.models import Email

LATELY = timedelta(days=30)


@dataclass(frozen=True)
class Use:
    """How many of a letter were handed over lately, and when the last of them was owed."""

    number: int
    last: datetime


def lately() -> dict[str, Use]:
    """By template; what was not sent is left out. Read off the index alone."""
    left = Email.status.in_(LEFT)  # no condition on rows: the index that counts is the one by time
    statement = (
        sa.select(
            Email.template,
            sa.func.count().filter(left),
            sa.func.max(Email.created_at).filter(left),
        )
        .where(Email.created_at > clock.now() - LATELY)
        .group_by(Email.template)
    )
    found = session().execute(statement)
    return {template: Use(number, last) for template, number, last in found if number}
