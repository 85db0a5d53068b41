"""What the platform earns, keeps and loses, by month, mentor or session type. Currencies are never added up."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from discuno.accounts.models import User
from discuno.admin import bars
from discuno.admin.bars import Chart, Series
from discuno.admin.money import day_sums
from discuno.admin.spans import Span
from discuno.kit.db import session
from discuno.kit.web import row_number
from discuno.mentors.models import EventType, Mentor
from discuno.payments.models import Payment

PAGE = 50
MOST = 1000  # counted up to here
GROUPS = {"time": "By time", "mentor": "By mentor", "type": "By session type"}
NO_SESSION = ("Not of a session", "")


@dataclass(frozen=True)
class Sums:
    """Money of one currency, in minor units. `fees` is our share, less what went back of it."""

    payments: int = 0
    captured: int = 0
    fees: int = 0
    stripe_fees: int = 0
    refunded: int = 0
    disputed: int = 0
    loss: int = 0

    @property
    def net(self) -> int:
        """What is ours in the end."""
        return self.fees - self.stripe_fees - self.loss

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Sums)))


@dataclass(frozen=True)
class Line:
    """One month, day, mentor or session type in one currency; `key` is its number, or its place in the span."""

    key: int
    name: str
    more: str
    currency: str
    sums: Sums


@dataclass(frozen=True)
class Wanted:
    """What an address asks for: a span, how it is grouped, and of whom."""

    span: Span
    group: str = "time"
    mentor: int | None = None
    kind: int | None = None  # of session
    currency: str = ""  # that was asked for

    def as_query(self, **more: object) -> str:
        """As the address has it, with more behind, or something else."""
        told = {"group": self.group, "mentor": self.mentor, "type": self.kind, "currency": self.currency}
        return self.span.as_query(**{**told, **more})


def read(asked: Mapping[str, str], span: Span) -> Wanted:
    """The wish of an address."""
    group = asked.get("group", "time")
    return Wanted(
        span,
        group if group in GROUPS else "time",
        row_number(asked.get("mentor")),
        row_number(asked.get("type")),
        asked.get("currency", "").lower()[:3],
    )


# Of the sums


def by_time(wanted: Wanted) -> dict[tuple[str, int], Sums]:
    """By currency and piece of the span."""
    sums = day_sums.all_of(wanted.span.since, wanted.span.until)
    piece = wanted.span.piece_of(sums.c.day)
    found = session().execute(_of(wanted, sums, sums.c.currency, piece))
    return {(row[0], int(row[1])): _sums(row[2:]) for row in found}


def lines(
    wanted: Wanted, currency: str | None, *, after: tuple[int, int] | None = None, limit: int | None = PAGE
) -> list[Line]:
    """By mentor or session type, who brought most first; `after` is the gross amount and key of the last one.

    Of one currency, or of all, one after the other.
    """
    sums = day_sums.all_of(wanted.span.since, wanted.span.until)
    key = sa.func.coalesce(sums.c.mentor_id if wanted.group == "mentor" else sums.c.event_type_id, 0)
    gross = sa.func.coalesce(sa.func.sum(sums.c.captured), 0)
    statement = _of(wanted, sums, sums.c.currency, key).order_by(sums.c.currency, gross.desc(), key.desc())
    if currency is not None:
        statement = statement.where(sums.c.currency == currency)
    if after is not None:
        statement = statement.having(sa.tuple_(gross, key) < sa.tuple_(*map(sa.literal, after)))
    found = session().execute(statement.limit(limit)).all()
    names = _names(wanted.group, [int(row[1]) for row in found])
    return [Line(int(r[1]), *names.get(int(r[1]), NO_SESSION), r[0], _sums(r[2:])) for r in found]


def _of(wanted: Wanted, sums: sa.Subquery, *keys: Any) -> sa.Select[Any]:
    statement = sa.select(*keys, *(sa.func.sum(sums.c[f.name]) for f in fields(Sums))).group_by(*keys)
    if wanted.mentor is not None:
        statement = statement.where(sums.c.mentor_id == wanted.mentor)
    if wanted.kind is not None:
        statement = statement.where(sums.c.event_type_id == wanted.kind)
    return statement


def _sums(row: Any) -> Sums:
    return Sums(*(int(value or 0) for value in row))


def _names(group: str, keys: list[int]) -> dict[int, tuple[str, str]]:
    """Names, and whose: a mentor's username, or whose session type it is."""
    if group == "mentor":
        statement = sa.select(Mentor.id, User.name, Mentor.username).join(User, User.id == Mentor.user_id)
        statement = statement.where(Mentor.id.in_(keys))
    else:
        statement = sa.select(EventType.id, EventType.title, User.name).join(
            Mentor, Mentor.id == EventType.mentor_id
        )
        statement = statement.join(User, User.id == Mentor.user_id).where(EventType.id.in_(keys))
    return {int(key): (name, more) for key, name, more in session().execute(statement)}


def name_of(group: str, key: int) -> str:
    """A mentor's name, or a session type's, for a heading; its number when there is none such."""
    return _names(group, [key]).get(key, (f"number {key}", ""))[0]


# As a page shows them


def over_time(wanted: Wanted, found: dict[tuple[str, int], Sums], currency: str) -> list[Line]:
    """The pieces of the span in one currency, the newest first; those in which nothing was are left out."""
    span = wanted.span
    return [
        Line(n + 1, bars.name_of(span, day), "", currency, found[currency, n + 1])
        for n, day in reversed(list(enumerate(span.cuts)))
        if (currency, n + 1) in found
    ]


def totals(found: dict[tuple[str, int], Sums]) -> dict[str, Sums]:
    """All of the span, by currency; the one with most payments first."""
    whole: dict[str, Sums] = {}
    for (currency, _), sums in found.items():
        whole[currency] = whole.get(currency, Sums()) + sums
    return dict(sorted(whole.items(), key=lambda each: (-each[1].payments, each[0])))


def chart(wanted: Wanted, found: dict[tuple[str, int], Sums], currency: str) -> Chart:
    """What we earn upwards, what it costs downwards."""

    def told(what: str) -> list[int]:
        mine = {piece: getattr(sums, what) for (code, piece), sums in found.items() if code == currency}
        return bars.values(wanted.span, mine)

    series = [
        Series("Platform fees", "earned", told("fees")),
        Series("Stripe’s fees", "late", told("stripe_fees"), -1),
        Series("Losses", "back", told("loss"), -1),
    ]
    return Chart("Revenue", wanted.span, series, currency)


def settled_elsewhere(span: Span) -> int:
    """How many payments Stripe settled in another currency, up to MOST: its fees for them are not in the books."""
    odd = Payment.settlement_currency != Payment.currency
    some = sa.select(Payment.id).where(odd, span.is_within(Payment.paid_at)).limit(MOST).subquery()
    return int(session().execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
