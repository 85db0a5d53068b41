"""How disputes go: how many of the payments, how long they take, how they end, why, with whom, and who decides.

Rates are counted as card networks count them: the cases opened in a month (or a span) for every payment made in the
same month, whatever the cases are about. Inquiries have taken no money and are no chargebacks yet.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from discuno.accounts.models import AuditEntry, User
from discuno.admin import bars
from discuno.admin.bars import Chart, Series
from discuno.admin.money import day_sums
from discuno.admin.spans import Span
from discuno.disputes.models import Decision, Dispute, DisputeKind, DisputeStatus
from discuno.kit.db import rows, session
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment
from discuno.policy import REPORT_REASONS

PAGE = 50
TOP = 20
REPORT, CHARGEBACK = DisputeKind.REPORT, DisputeKind.CHARGEBACK
IS_CHARGEBACK = sa.and_(Dispute.kind == CHARGEBACK, sa.not_(Dispute.is_inquiry))
IS_OBJECTION = sa.or_(Dispute.kind == REPORT, IS_CHARGEBACK)
DECIDED = [f"report {each}" for each in Decision]  # as the audit log calls it


@dataclass(frozen=True)
class Opened:
    """The cases opened in a span, and the payments made in it, by piece."""

    span: Span
    reports: dict[int, int]
    chargebacks: dict[int, int]
    payments: dict[int, int]
    reasons: Counter[tuple[DisputeKind, str]]

    @property
    def totals(self) -> tuple[int, int, int]:
        """Reports, chargebacks, payments."""
        return sum(self.reports.values()), sum(self.chargebacks.values()), sum(self.payments.values())

    @property
    def chart(self) -> Chart:
        """Cases by when they were opened."""
        series = [
            Series("Reports", "late", bars.values(self.span, self.reports)),
            Series("Chargebacks", "back", bars.values(self.span, self.chargebacks)),
        ]
        return Chart("Cases opened", self.span, series)

    @property
    def lines(self) -> list[tuple[str, int, int, int]]:
        """By piece, the newest first: name, payments, reports, chargebacks."""
        found = []
        for n, day in enumerate(self.span.cuts, 1):
            made, said, taken = (each.get(n, 0) for each in (self.payments, self.reports, self.chargebacks))
            if made or said or taken:
                found.append((bars.name_of(self.span, day), made, said, taken))
        return found[::-1]


def rate(cases: int, payments: int) -> str:
    """0.42 %."""
    return f"{100 * cases / payments:.2f} %" if payments else "–"


def opened(span: Span) -> Opened:
    """What was opened in a span, by piece and by reason."""
    piece = span.piece_of(Dispute.opened_at)
    statement = (
        sa.select(piece, Dispute.kind, Dispute.reason, sa.func.count())
        .where(span.is_within(Dispute.opened_at), IS_OBJECTION)
        .group_by(piece, Dispute.kind, Dispute.reason)
    )
    counts: dict[DisputeKind, Counter[int]] = {REPORT: Counter(), CHARGEBACK: Counter()}
    reasons: Counter[tuple[DisputeKind, str]] = Counter()
    for place, kind, reason, number in session().execute(statement):
        counts[kind][int(place)] += number
        reasons[kind, reason] += number
    return Opened(span, dict(counts[REPORT]), dict(counts[CHARGEBACK]), _payments(span), reasons)


def _payments(span: Span) -> dict[int, int]:
    """How many payments were made, by piece of the span."""
    sums = day_sums.all_of(span.since, span.until)
    piece = span.piece_of(sums.c.day)
    found = session().execute(sa.select(piece, sa.func.sum(sums.c.payments)).group_by(piece))
    return {int(place): int(number) for place, number in found if number}


def reason_in_words(kind: DisputeKind, reason: str) -> str:
    """A report's reason as the attendee has read it; the bank's as Stripe calls it."""
    if kind == REPORT:
        return next((str(words) for key, words in REPORT_REASONS.items() if key == reason), reason)
    return reason.replace("_", " ").capitalize() or "Not given"


# How they ended


@dataclass(frozen=True)
class Ended:
    """The cases of one kind that were closed in a span: how, and how long they took."""

    kind: DisputeKind
    number: int
    median: timedelta | None
    slowest_tenth: timedelta | None  # nine of ten were quicker
    outcomes: list[tuple[str, int]]


def ended(span: Span) -> list[Ended]:
    """Reports and chargebacks that were closed in a span."""
    how = sa.func.coalesce(sa.cast(Dispute.decision, sa.Text), sa.cast(Dispute.status, sa.Text))
    where = (Dispute.closed_at.is_not(None), span.is_within(Dispute.closed_at), IS_OBJECTION)
    ends = sa.select(Dispute.kind, how, sa.func.count()).where(*where).group_by(Dispute.kind, how)
    outcomes: dict[DisputeKind, list[tuple[str, int]]] = {}
    for kind, word, number in session().execute(ends):
        outcomes.setdefault(kind, []).append((_outcome(word), number))
    medians, tenths = {}, {}
    for kind, median, tenth in session().execute(_times().where(*where)):
        medians[kind], tenths[kind] = median, tenth
    return [
        Ended(
            kind,
            sum(number for _, number in outcomes.get(kind, [])),
            medians.get(kind),
            tenths.get(kind),
            sorted(outcomes.get(kind, []), key=lambda each: -each[1]),
        )
        for kind in (REPORT, CHARGEBACK)
    ]


def _times() -> sa.Select[DisputeKind, timedelta, timedelta]:
    took = Dispute.closed_at - Dispute.opened_at
    median, tenth = (sa.func.percentile_cont(part).within_group(took) for part in (0.5, 0.9))
    return sa.select(Dispute.kind, median, tenth).group_by(Dispute.kind)


def _outcome(word: str) -> str:
    each: Decision | DisputeStatus
    for each in (*Decision, *DisputeStatus):
        if each.value == word:
            return each.label
    return word


# With whom, and who decides


@dataclass(frozen=True)
class OfMentor:
    """One mentor's cases of a span, and how many payments were made to them in it."""

    mentor_id: int
    name: str
    reports: int
    chargebacks: int
    payments: int


def mentors(span: Span) -> list[OfMentor]:
    """Who had most cases opened against their sessions."""
    reports, cases = sa.func.count().filter(Dispute.kind == REPORT), sa.func.count()
    most = (
        sa.select(Payment.mentor_user_id, reports.label("reports"), cases.label("cases"))
        .join(Dispute, Dispute.payment_id == Payment.id)
        .where(span.is_within(Dispute.opened_at), IS_OBJECTION)
        .group_by(Payment.mentor_user_id)
        .order_by(cases.desc(), Payment.mentor_user_id)
        .limit(TOP)
        .subquery()
    )
    statement = (
        sa.select(Mentor.id, User.name, most.c.reports, most.c.cases - most.c.reports)
        .join(User, User.id == Mentor.user_id)
        .join(most, most.c.mentor_user_id == Mentor.user_id)
        .order_by(most.c.cases.desc(), Mentor.id)
    )
    found = session().execute(statement).all()
    made = _payments_of(span, [mentor_id for mentor_id, *_ in found])
    return [OfMentor(m, name, said, taken, made.get(m, 0)) for m, name, said, taken in found]


def _payments_of(span: Span, mentor_ids: list[int]) -> dict[int, int]:
    sums = day_sums.all_of(span.since, span.until)
    statement = sa.select(sums.c.mentor_id, sa.func.sum(sums.c.payments))
    of_them = statement.where(sums.c.mentor_id.in_(mentor_ids)).group_by(sums.c.mentor_id)
    return {int(mentor_id): int(number) for mentor_id, number in session().execute(of_them)}


def deciders(span: Span) -> list[tuple[str, int]]:
    """Who has decided how many reports in a span, as the audit log says."""
    number = sa.func.count()
    statement = (
        sa.select(AuditEntry.actor, number)
        .where(AuditEntry.action.in_(DECIDED), span.is_within(AuditEntry.at))
        .group_by(AuditEntry.actor)
        .order_by(number.desc(), AuditEntry.actor)
    )
    return [(actor, int(count)) for actor, count in session().execute(statement.limit(TOP))]


def page(span: Span, before: int | None = None) -> list[Dispute]:
    """The cases opened in a span, the newest first: one more than a page, if there are more."""
    statement = sa.select(Dispute).where(span.is_within(Dispute.opened_at), IS_OBJECTION)
    if before is not None:
        last = sa.select(Dispute.opened_at, Dispute.id).where(Dispute.id == before).scalar_subquery()
        statement = statement.where(sa.tuple_(Dispute.opened_at, Dispute.id) < last)
    return rows(statement.order_by(Dispute.opened_at.desc(), Dispute.id.desc()).limit(PAGE + 1))
