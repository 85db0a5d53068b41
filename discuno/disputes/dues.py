"""Who owes the next word in a case, and until when: the same said once for a row and once for the database."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from discuno import policy
from discuno.disputes.models import Dispute, DisputeKind, DisputeStatus
from discuno.kit import clock

K, S = DisputeKind, DisputeStatus


class Whose(StrEnum):
    """Whose turn it is."""

    OURS = "ours"
    MENTORS = "mentors"
    BANKS = "banks"
    NOBODYS = "nobodys"


@dataclass(frozen=True)
class Due:
    """Whose turn it is, and until when, if there is a clock."""

    whose: Whose
    at: datetime | None = None

    @property
    def is_past(self) -> bool:
        """Whether we are late. Nobody else ever is: what they do not say in time is decided without them."""
        return self.whose == Whose.OURS and self.at is not None and self.at <= clock.now()


def of(case: Dispute) -> Due:
    """Who owes the next word in this case now."""
    if not case.is_open:
        return Due(Whose.NOBODYS)
    if case.status == S.WAITING:
        return Due(Whose.BANKS)
    if case.kind != K.REPORT:
        ends = case.due_at if case.kind == K.CHARGEBACK else None
        return Due(Whose.OURS, ends or case.opened_at + policy.DECIDE_WITHIN)
    if case.answered_at is None and case.due_at is not None and case.due_at > clock.now():
        return Due(Whose.MENTORS, case.due_at)
    could_speak_until = case.answered_at or case.due_at or case.opened_at
    return Due(Whose.OURS, could_speak_until + policy.DECIDE_WITHIN)


def column() -> sa.ColumnElement[datetime]:
    """Until when somebody owes a word, to sort and to filter by; what waits for the bank comes last of all."""
    within = sa.literal(policy.DECIDE_WITHIN, sa.Interval)
    is_the_mentors = sa.and_(Dispute.answered_at.is_(None), Dispute.due_at > clock.now())
    ours = sa.func.coalesce(Dispute.answered_at, Dispute.due_at, Dispute.opened_at) + within
    report = sa.case((is_the_mentors, Dispute.due_at), else_=ours)
    bank = sa.func.coalesce(Dispute.due_at, Dispute.opened_at + within)
    found = sa.case(
        (Dispute.status != S.OPEN, sa.literal_column("'infinity'::timestamptz")),
        (Dispute.kind == K.REPORT, report),
        (Dispute.kind == K.CHARGEBACK, bank),
        else_=Dispute.opened_at + within,
    )
    return sa.type_coerce(found, Dispute.due_at.type)


def is_ours() -> sa.ColumnElement[bool]:
    """Whether it is our turn."""
    is_the_mentors = sa.and_(
        Dispute.kind == K.REPORT, Dispute.answered_at.is_(None), Dispute.due_at > clock.now()
    )
    return sa.and_(Dispute.status == S.OPEN, sa.not_(sa.func.coalesce(is_the_mentors, False)))


def in_words(due: Due, now: datetime) -> str:
    """3 days left; past due by 2 hours: only while we owe the next word."""
    if due.at is None or due.whose != Whose.OURS:
        return ""
    seconds = int((due.at - now).total_seconds())
    return f"{how_long(seconds)} left" if seconds > 0 else f"Past due by {how_long(-seconds)}"


def how_long(seconds: int) -> str:
    """3 days, 2 hours, 40 minutes: in the largest unit of which there are two, so that nothing is rounded away."""
    units = ((86_400, "days"), (3600, "hours"), (60, "minutes"))
    for size, name in units:
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return "a minute"
