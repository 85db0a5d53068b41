"""Transfers at a glance: what went when, what waits and why, how often Stripe said no, and the rows behind each."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from discuno.admin import bars
from discuno.admin.bars import Chart, Series
from discuno.admin.spans import Span
from discuno.kit import clock
from discuno.kit.db import rows, session
from discuno.payouts.models import Transfer, TransferStatus
from discuno.payouts.transfers import ON_THE_WAY
from discuno.policy import Reason

PAGE = 50
TABS = {
    "due": "Due now",
    "waiting": "Waiting for their time",
    "blocked": "Kept back",
    "refused": "Given up",
    "sent": "Transferred",
}
UNKNOWN = "no answer yet"
IS_FREE = sa.and_(Transfer.blocked_by.is_(None), Transfer.status.in_(ON_THE_WAY))
IS_BLOCKED = sa.and_(Transfer.blocked_by.is_not(None), Transfer.status == TransferStatus.SCHEDULED)


@dataclass
class Pile:
    """Some transfers: how many, and how much in each currency, in minor units."""

    number: int = 0
    amounts: Counter[str] = field(default_factory=Counter)

    def add(self, number: int, currency: str, amount: int) -> None:
        """More of them."""
        self.number += number
        self.amounts[currency] += amount


@dataclass
class Waiting:
    """Everything that is not there yet, as it was scheduled: by tab, by reason, by refusals, by Stripe's last no."""

    tabs: dict[str, Pile] = field(default_factory=lambda: {tab: Pile() for tab in TABS if tab != "sent"})
    reasons: dict[Reason, Pile] = field(default_factory=dict)
    refusals: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    def take(self, reason: Reason | None, is_due: bool, refusals: int, code: str | None, *pile: Any) -> None:
        """One group of the rows."""
        free = "due" if is_due else "waiting"
        tab = free if reason is None else "refused" if reason == Reason.GIVEN_UP else "blocked"
        self.tabs[tab].add(*pile)
        if reason is not None:
            self.reasons.setdefault(reason, Pile()).add(*pile)
        self.refusals[refusals] += pile[0]
        if code is not None:
            self.codes[code] += pile[0]


def waiting() -> Waiting:
    """All that waits, in two readings of small indexes."""
    is_due = Transfer.next_try_at <= clock.now()
    code = sa.func.split_part(Transfer.error, ":", 1)
    keys = (Transfer.blocked_by, is_due, Transfer.retry_count, code, Transfer.currency)
    groups = [
        sa.select(*keys, sa.func.count(), sa.func.sum(Transfer.amount)).where(part).group_by(*keys)
        for part in (IS_FREE, IS_BLOCKED)
    ]
    found = Waiting()
    for blocked_by, due, refusals, error, currency, number, amount in session().execute(
        sa.union_all(*groups)
    ):
        reason = Reason(blocked_by) if blocked_by is not None else None
        found.take(reason, due, refusals, _code(error), number, currency, int(amount))
    return found


def _code(error: str | None) -> str | None:
    """Stripe's code of a refusal; whatever else went wrong has left us without an answer."""
    if error is None:
        return None
    return error if error.islower() else UNKNOWN


@dataclass(frozen=True)
class Sent:
    """What was transferred in a span: by currency and piece. `again` needed more than one attempt."""

    span: Span
    piles: dict[str, Pile]
    pieces: dict[str, Counter[int]]
    again: int

    @property
    def number(self) -> int:
        """All of them."""
        return sum(pile.number for pile in self.piles.values())

    def chart(self, currency: str) -> Chart:
        """By day or month."""
        made = bars.values(self.span, self.pieces.get(currency, {}))
        return Chart("Transferred to mentors", self.span, [Series("Transferred", "earned", made)], currency)


def sent(span: Span) -> Sent:
    """What was transferred in a span; what was taken back later is in it."""
    piece = span.piece_of(Transfer.sent_at)
    again = sa.func.count().filter(Transfer.retry_count > 0)
    statement = (
        sa.select(piece, Transfer.currency, sa.func.count(), sa.func.sum(Transfer.amount), again)
        .where(Transfer.sent_at.is_not(None), span.is_within(Transfer.sent_at))
        .group_by(piece, Transfer.currency)
    )
    found, twice = Sent(span, {}, {}, 0), 0
    for place, currency, number, amount, retried in session().execute(statement):
        found.piles.setdefault(currency, Pile()).add(number, currency, int(amount))
        found.pieces.setdefault(currency, Counter())[int(place)] += int(amount)
        twice += retried
    return Sent(span, found.piles, found.pieces, twice)


# The rows behind


@dataclass(frozen=True)
class Wanted:
    """Which rows: a tab, of what is kept back one reason, and the row after which the page begins."""

    tab: str = "due"
    reason: Reason | None = None
    after: int | None = None


def read(asked: Mapping[str, str], after: int | None) -> Wanted:
    """The wish of an address."""
    tab = asked.get("tab", "due")
    reason = next((each for each in Reason if each == asked.get("reason")), None)
    return Wanted(tab if tab in TABS else "due", reason, after)


def page(span: Span, wanted: Wanted) -> list[Transfer]:
    """The rows of a tab, one more than a page if there are more: sent ones newest first, others as they fall due."""
    is_sent = wanted.tab == "sent"
    at = Transfer.sent_at if is_sent else Transfer.next_try_at
    statement = sa.select(Transfer).where(*_where(span, wanted))
    if wanted.after is not None:
        last = sa.select(at, Transfer.id).where(Transfer.id == wanted.after).scalar_subquery()
        here = sa.tuple_(at, Transfer.id)
        statement = statement.where(here < last if is_sent else here > last)
    order = (at.desc(), Transfer.id.desc()) if is_sent else (at, Transfer.id)
    return rows(statement.order_by(*order).limit(PAGE + 1))


def _where(span: Span, wanted: Wanted) -> tuple[sa.ColumnElement[bool], ...]:
    if wanted.tab == "sent":
        return (Transfer.sent_at.is_not(None), span.is_within(Transfer.sent_at))
    if wanted.tab in ("due", "waiting"):
        is_due = Transfer.next_try_at <= clock.now()
        return (IS_FREE, is_due if wanted.tab == "due" else sa.not_(is_due))
    if wanted.tab == "refused":
        return (IS_BLOCKED, Transfer.blocked_by == Reason.GIVEN_UP)
    of_reason = (
        Transfer.blocked_by == wanted.reason if wanted.reason else Transfer.blocked_by != Reason.GIVEN_UP
    )
    return (IS_BLOCKED, of_reason)
