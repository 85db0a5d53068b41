"""Which payments somebody wants to see: by words or ids, how they stand, whose, from when, from which amount."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from discuno import policy
from discuno.admin.naming import Condition, named
from discuno.admin.spans import day_of
from discuno.disputes.models import Dispute, DisputeStatus
from discuno.kit import money
from discuno.kit.db import rows, session
from discuno.kit.text import one_line
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment, PaymentStatus, Refund, RefundStatus
from discuno.payouts.models import Transfer, TransferStatus
from discuno.payouts.sight import shown_whole

A_PAGE = 50
IN_A_FILE = 10_000
AT_ONCE = 500  # rows of a file
LONGEST = 200  # characters of what is searched for
Ids = sa.Select[Any]
NAMES = ("q", "status", "only", "mentor", "currency", "from", "to", "least")


def _with_refund_open() -> Ids:
    return sa.select(Refund.payment_id).where(
        Refund.status.in_([RefundStatus.REQUESTED, RefundStatus.PENDING])
    )


def _with_case_open() -> Ids:
    return sa.select(Dispute.payment_id).where(
        Dispute.status.in_([DisputeStatus.OPEN, DisputeStatus.WAITING])
    )


def _with_share_stuck() -> Ids:
    return sa.select(Transfer.payment_id).where(
        Transfer.blocked_by.is_not(None), Transfer.status == TransferStatus.SCHEDULED
    )


ONLY: dict[str, tuple[str, Condition]] = {  # each is answered by a partial index
    "on_hold": ("On hold", sa.and_(Payment.dispute_requested)),
    "attention": ("Needs attention", Payment.needs_attention.is_not(None)),
    "stuck": ("Share cannot go", Payment.id.in_(_with_share_stuck())),
    "refunding": ("Refund on its way", Payment.id.in_(_with_refund_open())),
    "disputed": ("With an open case", Payment.id.in_(_with_case_open())),
}


@dataclass(frozen=True)
class Wanted:
    """The filters, as the address has them. Days are in UTC, both included, and of when a payment was begun."""

    q: str = ""
    status: str = ""
    only: str = ""
    mentor: str = ""
    currency: str = ""
    since: date | None = None
    until: date | None = None
    least: int | None = None  # minor units of `currency`

    @property
    def is_all(self) -> bool:
        """Whether nothing is filtered."""
        return self == Wanted()

    def as_query(self, **more: object) -> str:
        """As the address has them, with more behind."""
        least = money.typed(self.least, self.currency) if self.least is not None else ""
        shown = {"since": "from", "until": "to"}
        told = {shown.get(f.name, f.name): getattr(self, f.name) for f in fields(self)}
        return urlencode({name: str(v) for name, v in {**told, "least": least, **more}.items() if v})


class Reading:
    """The filters of an address; `wrong` has a sentence for each that could not be read, which is left out."""

    def __init__(self, asked: Mapping[str, str]) -> None:
        self.typed = {name: one_line(asked.get(name))[:LONGEST] for name in NAMES}
        self.wrong: dict[str, str] = {}
        since, until = self._day("from"), self._day("to")
        if since and until and until < since:
            until, self.wrong["to"] = None, "The last day lies before the first one."
        self.wanted = Wanted(
            q=self.typed["q"],
            status=self._one_of("status", PaymentStatus),
            only=self._one_of("only", ONLY),
            mentor=self.typed["mentor"].lower(),
            currency=self._one_of("currency", policy.MINIMUM_CHARGE),
            since=since,
            until=until,
            least=self._amount(),
        )

    def _one_of(self, name: str, known: Iterable[str]) -> str:
        there = self.typed[name]
        return there if there in [str(each) for each in known] else ""

    def _day(self, name: str) -> date | None:
        return day_of(self.typed[name], name, self.wrong)

    def _amount(self) -> int | None:
        typed, currency = self.typed["least"], self.typed["currency"]
        if not typed:
            return None
        if currency not in policy.MINIMUM_CHARGE:
            self.wrong["least"] = "Please choose the currency of the least amount."
            return None
        try:
            return money.parse(typed, currency)
        except ValueError as unread:
            self.wrong["least"] = str(unread)
            return None


# Found


@dataclass(frozen=True)
class Page:
    """Some payments, the newest first, and whether there are older ones."""

    payments: list[Payment]
    has_older: bool


def page(wanted: Wanted, before: int | None = None, size: int = A_PAGE) -> Page:
    """The next payments that are older than one, with all that a line of them shows: a fixed number of queries."""
    statement = shown_whole(sa.select(Payment).where(*_asked(wanted), *_older(wanted, before)))
    found = rows(statement.order_by(*_order(wanted)).limit(size + 1))
    return Page(found[:size], len(found) > size)


def _order(wanted: Wanted) -> tuple[sa.ColumnElement[Any], ...]:
    """By number; by the clock where days are asked for, because that is the index which then has them in order."""
    return (Payment.created_at.desc(), Payment.id.desc()) if _has_days(wanted) else (Payment.id.desc(),)


def _has_days(wanted: Wanted) -> bool:
    return wanted.since is not None or wanted.until is not None


def _older(wanted: Wanted, before: int | None) -> Iterator[Condition]:
    if before is None:
        return
    if _has_days(wanted):
        at = session().execute(sa.select(Payment.created_at).where(Payment.id == before)).scalar_one_or_none()
        if at is not None:
            yield sa.tuple_(Payment.created_at, Payment.id) < (at, before)
            return
    yield Payment.id < before


def _asked(wanted: Wanted) -> Iterator[Condition]:
    if wanted.q:
        yield named(wanted.q)
    if wanted.only:
        yield ONLY[wanted.only][1]
    owner = sa.select(Mentor.user_id).where(Mentor.username == wanted.mentor).scalar_subquery()
    same: tuple[tuple[Any, object], ...] = (
        (Payment.status, wanted.status or None),
        (Payment.currency, wanted.currency or None),
        (Payment.mentor_user_id, owner if wanted.mentor else None),
    )
    yield from (column == value for column, value in same if value is not None)
    if wanted.least is not None:
        yield Payment.amount >= wanted.least
    yield from _within(wanted)


def _within(wanted: Wanted) -> Iterator[Condition]:
    if wanted.since is not None:
        yield Payment.created_at >= _midnight(wanted.since)
    if wanted.until is not None and wanted.until < date.max:
        yield Payment.created_at < _midnight(wanted.until + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
