"""How many visits came how far in a stretch of time: together, by mentor, and by a mentor's session types."""

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from discuno.admin import bars
from discuno.admin.bars import Chart, Series
from discuno.admin.spans import Span
from discuno.bookings.models import FunnelEvent, FunnelStep
from discuno.kit.db import one_or_none, rows, session
from discuno.mentors.models import EventType, Mentor

MOST = 50  # mentors in the table
F = FunnelStep
NAMES = {F.TIME: "A time chosen", F.DETAILS: "Details given", F.PAYMENT: "Payment page", F.PAID: "Paid"}
OF_FREE = {F.TIME: "A time chosen", F.DETAILS: "Details given", F.PAID: "Confirmed"}


@dataclass(frozen=True)
class Step:
    """One step of the way: how many came to it, and how many of the step before it that is, in per cent."""

    name: str
    number: int
    before: int | None = None

    @property
    def went_on(self) -> int | None:
        """How many of a hundred came here from the step before; None where nobody was."""
        return min(100, round(100 * self.number / self.before)) if self.before else None

    @property
    def left(self) -> int:
        """How many of the step before did not come."""
        return max(0, (self.before or 0) - self.number)


@dataclass(frozen=True)
class Line:
    """One mentor, or one session type, in the table."""

    name: str
    more: str
    visits: int | None  # of a type there are none: a visit is a mentor's
    steps: Counter[FunnelStep]

    def number(self, step: str) -> int:
        """How many came to a step."""
        return self.steps[FunnelStep(step)]

    @property
    def booked(self) -> int | None:
        """How many visits of a hundred became a booking."""
        return min(100, round(100 * self.number(F.PAID) / self.visits)) if self.visits else None


@dataclass(frozen=True)
class Funnel:
    """The way of all visits: looked, and then for a session with a price, or for a free one."""

    visits: int
    priced: Counter[FunnelStep]
    free: Counter[FunnelStep]

    @property
    def steps(self) -> list[Step]:
        """Of sessions with a price."""
        return _steps(self.priced, NAMES)

    @property
    def free_steps(self) -> list[Step]:
        """Of free sessions, which have no payment."""
        return _steps(self.free, OF_FREE)

    def both(self, step: str) -> Step:
        """Whatever its price, measured by the visits."""
        found = FunnelStep(step)
        return Step(NAMES[found], self.priced[found] + self.free[found], self.visits)


def _steps(found: Counter[FunnelStep], names: dict[FunnelStep, str]) -> list[Step]:
    numbers = [found[step] for step in names]
    return [
        Step(name, number, before)
        for name, number, before in zip(names.values(), numbers, [None, *numbers[:-1]], strict=True)
    ]


def mentor_of(username: str) -> Mentor | None:
    """Whose funnel is asked for."""
    return one_or_none(sa.select(Mentor).where(Mentor.username == username.lower()))


def _within(span: Span, mentor: Mentor | None) -> list[sa.ColumnElement[bool]]:
    whose = [FunnelEvent.mentor_id == mentor.id] if mentor is not None else []
    return [*whose, span.is_within(FunnelEvent.at)]


Count = tuple[int, int | None, FunnelStep, int]  # a mentor, a session type, a step, how many


def counts(span: Span, mentor: Mentor | None = None) -> list[Count]:
    """All that the page tells, counted at once. A step counts on its day, and for a visit once a session type."""
    what = (FunnelEvent.mentor_id, FunnelEvent.event_type_id, FunnelEvent.step)
    statement = sa.select(*what, sa.func.count()).where(*_within(span, mentor)).group_by(*what)
    return [(m, t, step, int(number)) for m, t, step, number in session().execute(statement)]


def of(found: list[Count]) -> Funnel:
    """The way of all visits that were counted."""
    types = {type_id for _, type_id, _, _ in found}
    free = set(
        session()
        .execute(sa.select(EventType.id).where(EventType.id.in_(types), EventType.price == 0))
        .scalars()
    )
    ways: tuple[Counter[FunnelStep], Counter[FunnelStep]] = (Counter(), Counter())
    visits = 0
    for _mentor, type_id, step, number in found:
        if step == F.VISIT:
            visits += number
        else:
            ways[type_id in free][step] += number
    return Funnel(visits, *ways)


def by_mentor(found: list[Count]) -> list[Line]:
    """The mentors who were looked at most."""
    steps: dict[int, Counter[FunnelStep]] = {}
    for mentor_id, _, step, number in found:
        steps.setdefault(mentor_id, Counter())[step] += number
    most = sorted(steps, key=lambda mentor_id: (-steps[mentor_id][F.VISIT], mentor_id))[:MOST]
    who = {m.id: m for m in rows(sa.select(Mentor).where(Mentor.id.in_(most)))}
    return [Line(who[n].name, who[n].username, steps[n][F.VISIT], steps[n]) for n in most]


def by_type(found: list[Count], mentor: Mentor) -> list[Line]:
    """A mentor's session types, those that were booked most in front."""
    steps: dict[int | None, Counter[FunnelStep]] = {}
    for _, type_id, step, number in found:
        steps.setdefault(type_id, Counter())[step] += number
    types = rows(sa.select(EventType).where(EventType.mentor_id == mentor.id))
    lines = [Line(t.title, "free" if t.is_free else "", None, steps.get(t.id, Counter())) for t in types]
    return sorted(lines, key=lambda line: (-line.number(F.PAID), -line.number(F.TIME), line.name))


def drawn(span: Span, mentor: Mentor | None = None) -> Chart:
    """Every piece of the span: visits by how far they came, one upon the other."""
    piece = span.piece_of(FunnelEvent.at)
    statement = (
        sa.select(piece, FunnelEvent.step, sa.func.count())
        .where(*_within(span, mentor), FunnelEvent.step.in_([F.VISIT, F.TIME, F.PAID]))
        .group_by(sa.text("1"), FunnelEvent.step)
    )
    sums: dict[FunnelStep, dict[int, int]] = {F.VISIT: {}, F.TIME: {}, F.PAID: {}}
    for n, step, number in session().execute(statement):
        sums[step][n] = int(number)
    visits, times, paid = (bars.values(span, sums[step]) for step in (F.VISIT, F.TIME, F.PAID))
    series = [
        Series("Booked", "earned", paid),
        Series("Chose a time and left", "paid", _beyond(times, paid)),
        Series("Looked and left", "late", _beyond(visits, times)),
    ]
    return Chart("Visits by how far they came", span, series)


def _beyond(all_of: list[int], some: list[int]) -> list[int]:
    """So many more; a step may be taken on the day after the one before it, and is then not taken twice."""
    return [max(0, whole - part) for whole, part in zip(all_of, some, strict=True)]
