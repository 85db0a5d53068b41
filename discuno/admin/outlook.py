"""The first look of the morning: what waits for somebody, what money did, what it will do, and what was done last."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from discuno.accounts.models import AuditEntry
from discuno.admin import spans
from discuno.admin.bars import Chart, Series
from discuno.admin.models import Drift, Proposal, ProposalStatus
from discuno.admin.money import day_sums
from discuno.disputes import dues
from discuno.disputes.models import Dispute, DisputeStatus
from discuno.kit import clock
from discuno.kit.db import one_or_none, rows, session
from discuno.kit.outbox import Job
from discuno.notifications.models import Alert, Email, EmailStatus
from discuno.payments.models import Payment
from discuno.payouts.models import Transfer, TransferStatus
from discuno.policy import Reason
from discuno.webhooks.models import WebhookEvent

MOST = 1000  # counted up to here
SOON = timedelta(hours=24)
LATEST_ACTS = 10
MEASURES = ("captured", "fees", "refunded")


@dataclass(frozen=True)
class Kind:
    """Something that may wait: its rows, what one and many are called, the page that lists them, how loud it is."""

    ids: sa.Select[Any]
    names: tuple[str, str]
    path: str
    tone: str = "bad"


@dataclass(frozen=True)
class Wait:
    """So many of a kind wait."""

    kind: Kind
    number: int

    @property
    def count(self) -> str:
        """12, or 1,000+."""
        return f"{MOST:,}+" if self.number > MOST else f"{self.number:,}"

    @property
    def name(self) -> str:
        """What they are called."""
        return self.kind.names[self.number != 1]


def _cases() -> list[Kind]:
    now, due, listed = clock.now(), dues.column(), "/admin/disputes"
    tomorrow = spans.midnight(spans.today() + timedelta(days=1))
    is_open = sa.select(Dispute.id).where(Dispute.status == DisputeStatus.OPEN)
    ours, nobodys = is_open.where(dues.is_ours()), is_open.where(Dispute.assignee_id.is_(None))
    return [
        Kind(ours.where(due <= now), ("case past due", "cases past due"), listed),
        Kind(ours.where(due > now, due < tomorrow), ("case due today", "cases due today"), listed, "wait"),
        Kind(
            nobodys,
            ("case that is nobody’s", "cases that are nobody’s"),
            f"{listed}?whose=unassigned",
            "wait",
        ),
    ]


def _acts() -> list[Kind]:
    waiting = sa.select(Proposal.id).where(Proposal.status == ProposalStatus.OPEN)
    first = one_or_none(
        sa.select(Proposal).where(Proposal.status == ProposalStatus.OPEN).order_by(Proposal.id).limit(1)
    )
    if first is None:
        return []
    page = f"disputes/{first.dispute_id}" if first.dispute_id else f"payments/{first.payment_id}"
    names = ("act waits for a second admin", "acts wait for a second admin")
    return [Kind(waiting, names, f"/admin/{page}", "wait")]


def _money() -> list[Kind]:
    given_up = sa.select(Transfer.id).where(
        Transfer.status == TransferStatus.SCHEDULED, Transfer.blocked_by == Reason.GIVEN_UP.value
    )
    return [
        Kind(
            sa.select(Payment.id).where(Payment.needs_attention.is_not(None)),
            ("payment needs attention", "payments need attention"),
            "/admin/payments?only=attention",
        ),
        Kind(given_up, ("transfer given up", "transfers given up"), "/admin/transfers?tab=refused"),
        Kind(
            sa.select(Drift.id).where(Drift.resolved_at.is_(None)),
            ("difference to Stripe’s books", "differences to Stripe’s books"),
            "/admin/reconciliation",
        ),
    ]


def _machines() -> list[Kind]:
    event = WebhookEvent
    failing = sa.select(event.id).where(event.handled_at.is_(None), event.error.is_not(None))
    return [
        Kind(
            sa.select(Alert.id).where(Alert.ended_at.is_(None)),
            ("open alert", "open alerts"),
            "/admin/alerts",
        ),
        Kind(
            sa.select(Email.id).where(Email.status == EmailStatus.FAILED),
            ("letter not sent", "letters not sent"),
            "/admin/emails?status=failed",
        ),
        Kind(failing, ("webhook failing", "webhooks failing"), "/admin/webhooks?state=failing"),
        Kind(
            sa.select(Job.id).where(Job.dead_at.is_not(None)),
            ("piece of work given up", "pieces of work given up"),
            "/admin/jobs?state=dead",
        ),
    ]


def waits() -> list[Wait]:
    """What waits for somebody now; nothing of it when all is quiet. One query counts all, each up to `MOST`."""
    kinds = [*_cases(), *_acts(), *_money(), *_machines()]
    numbers = (
        session().execute(sa.select(*(_count(kind).label(f"n{n}") for n, kind in enumerate(kinds)))).one()
    )
    return [Wait(kind, int(number)) for kind, number in zip(kinds, numbers, strict=True) if number]


def _count(kind: Kind) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(kind.ids.limit(MOST + 1).subquery()).scalar_subquery()


# Money


@dataclass(frozen=True)
class Money:
    """What came in, what of it is ours, what went on and what went back, of one currency, in minor units."""

    captured: int = 0
    fees: int = 0
    refunded: int = 0
    transferred: int = 0


@dataclass(frozen=True)
class Purse:
    """One currency: today, the last thirty days, and what will be released within a day."""

    currency: str
    today: Money
    month: Money
    soon: int
    soon_shares: int
    chart: Chart


def purses() -> list[Purse]:
    """A purse a currency, the one with most money in it first. Three queries."""
    span = spans.of_name("30d")
    sums, sent, soon = _by_day(span.since, span.until), _sent(span.since), _soon()
    currencies = {key[0] for key in (*sums, *sent)} | soon.keys()
    found = [_purse(currency, span, sums, sent, soon.get(currency, (0, 0))) for currency in currencies]
    return sorted(found, key=lambda purse: (-purse.month.captured, purse.currency))


Sums = Counter[tuple[str, date, str]]  # by currency, day, and what


def _purse(currency: str, span: spans.Span, sums: Sums, sent: Sums, soon: tuple[int, int]) -> Purse:
    all_sums = Counter({**sums, **sent})
    series = [
        Series("Paid in", "earned", [sums[currency, day, "captured"] for day in span.cuts]),
        Series("Refunded", "back", [sums[currency, day, "refunded"] for day in span.cuts], -1),
    ]
    return Purse(
        currency,
        _money_on(all_sums, currency, [spans.today()]),
        _money_on(all_sums, currency, span.cuts),
        *soon,
        Chart("Money in and back", span, series, currency),
    )


def _money_on(sums: Sums, currency: str, days: Iterable[date]) -> Money:
    inside = list(days)
    return Money(*(sum(sums[currency, day, what] for day in inside) for what in (*MEASURES, "transferred")))


def _by_day(since: date, until: date) -> Sums:
    kept = day_sums.all_of(since, until)
    totals = (sa.func.sum(kept.c[name]) for name in MEASURES)
    statement = sa.select(kept.c.currency, kept.c.day, *totals).group_by(kept.c.currency, kept.c.day)
    found: Sums = Counter()
    for currency, day, *amounts in session().execute(statement):
        for what, amount in zip(MEASURES, amounts, strict=True):
            found[currency, day, what] = int(amount)
    return found


def _sent(since: date) -> Sums:
    day = sa.cast(sa.func.timezone("UTC", Transfer.sent_at), sa.Date)
    statement = (
        sa.select(Transfer.currency, day, sa.func.sum(Transfer.amount))
        .where(Transfer.sent_at >= spans.midnight(since))
        .group_by(Transfer.currency, day)
    )
    found: Sums = Counter()
    for currency, on, amount in session().execute(statement):
        found[currency, on, "transferred"] = int(amount)
    return found


def _soon() -> dict[str, tuple[int, int]]:
    """What may go within a day, if nothing comes between: how much, and how many shares."""
    statement = (
        sa.select(Transfer.currency, sa.func.sum(Transfer.amount), sa.func.count())
        .where(
            Transfer.blocked_by.is_(None),
            Transfer.status.in_([TransferStatus.SCHEDULED, TransferStatus.SENDING]),
            Transfer.next_try_at <= clock.now() + SOON,
        )
        .group_by(Transfer.currency)
    )
    return {currency: (int(amount), int(n)) for currency, amount, n in session().execute(statement)}


def latest_acts() -> list[AuditEntry]:
    """What was done last."""
    return rows(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(LATEST_ACTS))
