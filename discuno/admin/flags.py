"""What has to be seen on every admin page: whatever is stopped, and whatever waits for a person."""

from dataclasses import dataclass

import sqlalchemy as sa

from discuno.admin import proposals
from discuno.kit.db import rows, session
from discuno.mentors.models import Mentor
from discuno.notifications import alerts
from discuno.payments.models import Payment
from discuno.payouts import pauses

NAMED = 3  # so many suspended mentors are named
MOST = 100  # counted up to here


@dataclass(frozen=True)
class Flag:
    """One line, and where it leads. `tone` is bad, wait or note."""

    tone: str
    sentence: str
    label: str
    path: str


def up() -> list[Flag]:
    """All that are up now, what stops money first."""
    found = [_paused(), _suspended(), _held(), _proposed(), _alerts()]
    return [flag for flag in found if flag is not None]


def _paused() -> Flag | None:
    on = pauses.now_on()
    if on is None:
        return None
    sentence = f"All transfers are paused, by {on.began_by}: {on.reason}"
    return Flag("bad", sentence, "Pauses", "/admin/pauses")


def _suspended() -> Flag | None:
    statement = sa.select(Mentor).where(Mentor.suspended_at.is_not(None)).order_by(Mentor.id)
    found = rows(statement.limit(MOST))
    if not found:
        return None
    names = ", ".join(mentor.name for mentor in found[:NAMED]) + (" and others" if found[NAMED:] else "")
    return Flag(
        "bad", f"{_mentors(len(found))} suspended: {names}.", "See them", "/admin/mentors?only=suspended"
    )


def _mentors(number: int) -> str:
    return "One mentor is" if number == 1 else f"{_or_more(number)} mentors are"


def _held() -> Flag | None:
    kept = sa.select(Payment.id).where(Payment.dispute_requested).limit(MOST).subquery()
    number = int(session().execute(sa.select(sa.func.count()).select_from(kept)).scalar_one())
    if number == 0:
        return None
    sentence = "One payment is on hold." if number == 1 else f"{_or_more(number)} payments are on hold."
    return Flag("bad", sentence, "See them", "/admin/payments?only=on_hold")


def _proposed() -> Flag | None:
    waiting = proposals.all_open()
    if not waiting:
        return None
    first = waiting[0]
    path = (
        f"/admin/disputes/{first.dispute_id}" if first.dispute_id else f"/admin/payments/{first.payment_id}"
    )
    sentence = "One act waits" if len(waiting) == 1 else f"{len(waiting)} acts wait"
    return Flag("wait", f"{sentence} for a second admin.", "Look at the first", path)


def _alerts() -> Flag | None:
    number = alerts.how_many()
    if number == 0:
        return None
    sentence = "One alert needs somebody." if number == 1 else f"{number} alerts need somebody."
    return Flag("note", sentence, "Alerts", "/admin/alerts")


def _or_more(number: int) -> str:
    return f"{number} or more" if number == MOST else str(number)
