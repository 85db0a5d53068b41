"""The audit log, read: who did what, when, from where and why, before and after; and whether its chain is whole."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from discuno.accounts.models import SAID, AuditEntry, AuditSeal
from discuno.admin.spans import day_of, midnight
from discuno.kit.db import rows, session
from discuno.kit.text import one_line
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment, Refund
from discuno.payouts.models import Transfer

A_PAGE = 50
IN_A_FILE = 10_000
LONGEST = 200  # characters of what is searched for
CHECKED = 10_000  # seals, counted from the newest
WORD = re.compile(r"\w+")
Id = int | None


@dataclass(frozen=True)
class Wanted:
    """The filters, as the address has them. Days are in UTC, both included."""

    actor: str = ""
    action: str = ""
    about: str = ""
    q: str = ""  # words of the reason
    since: date | None = None
    until: date | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is filtered."""
        return self == Wanted()

    def as_query(self, **more: object) -> str:
        """As the address has them, with more behind; what is empty is left out."""
        typed = {"actor": self.actor, "action": self.action, "about": self.about, "q": self.q}
        told = {**typed, "from": self.since, "to": self.until, **more}
        return urlencode({name: str(value) for name, value in told.items() if value})


def read(asked: Mapping[str, str]) -> tuple[Wanted, dict[str, str]]:
    """The filters of an address, and a sentence for each that could not be read; that one is left out."""
    wrong: dict[str, str] = {}
    since, until = (day_of(asked.get(name, ""), name, wrong) for name in ("from", "to"))
    if since and until and until < since:
        until, wrong["to"] = None, "The last day lies before the first one."
    actor, action, about, q = (one_line(asked.get(n))[:LONGEST] for n in ("actor", "action", "about", "q"))
    return Wanted(actor.lower(), action, about, q, since, until), wrong


# Found


def page(wanted: Wanted, before: Id = None, size: int = A_PAGE) -> list[AuditEntry]:
    """The next entries that are older than one, the newest first; one more than a page shows."""
    order = _order(wanted)
    statement = sa.select(AuditEntry).where(*_asked(wanted))
    if before is not None:
        last = sa.select(*order).where(AuditEntry.id == before).subquery()
        statement = statement.where(sa.tuple_(*order) < sa.select(last).scalar_subquery())
    return rows(statement.order_by(*(column.desc() for column in order)).limit(size + 1))


def _order(wanted: Wanted) -> tuple[Any, ...]:
    """By number; by the clock where days are asked for, because that is the index which then has them in order.

    What words are found by is sorted afterwards: in the order of an index, a rare word would be sought in every row.
    """
    if wanted.q:
        return (AuditEntry.id + 0,)
    has_days = wanted.since is not None or wanted.until is not None
    return (AuditEntry.at, AuditEntry.id) if has_days else (AuditEntry.id,)


def _asked(wanted: Wanted) -> Iterator[sa.ColumnElement[bool]]:
    same = (
        (AuditEntry.actor, wanted.actor),
        (AuditEntry.action, wanted.action),
        (AuditEntry.about, wanted.about),
    )
    yield from (column == value for column, value in same if value)
    words = WORD.findall(wanted.q)
    if words:
        meant = sa.func.to_tsquery("simple", " & ".join(f"{word}:*" for word in words))
        yield sa.literal_column(SAID).op("@@", is_comparison=True)(meant)
    if wanted.since is not None:
        yield AuditEntry.at >= midnight(wanted.since)
    if wanted.until is not None:
        yield AuditEntry.at < midnight(wanted.until + timedelta(days=1))


def actions() -> list[str]:
    """Every kind of act there is in the log, by jumping from one to the next in the index."""
    found = session().execute(
        sa.text("""WITH RECURSIVE acts AS (
  (SELECT action FROM discuno_audit_entry ORDER BY action LIMIT 1)
  UNION ALL
  SELECT (SELECT action FROM discuno_audit_entry WHERE action > acts.action ORDER BY action LIMIT 1) FROM acts
  WHERE acts.action IS NOT NULL)
SELECT action FROM acts WHERE action IS NOT NULL""")
    )
    return [str(action) for (action,) in found]


# Told


@dataclass(frozen=True)
class Change:
    """One fact that an act has changed, in words; None where there was, or is, none."""

    name: str
    before: str | None
    after: str | None


def changes(entry: AuditEntry) -> list[Change]:
    """What was different afterwards; a fact that stayed as it was is not told."""
    old, new = entry.before or {}, entry.after or {}
    names = [*old, *(name for name in new if name not in old)]
    told = (Change(name.replace("_", " "), _word(old, name), _word(new, name)) for name in names)
    return [change for change in told if change.before != change.after]


def _word(facts: Mapping[str, Any], name: str) -> str | None:
    value = facts.get(name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    plain = isinstance(value, str | int | float)
    return None if value is None else str(value) if plain else json.dumps(value, ensure_ascii=False)


PLACES = {  # where a thing is seen, by its number
    "payment": "/admin/payments/{}",
    "dispute": "/admin/disputes/{}",
    "email": "/admin/emails/{}",
    "letter": "/admin/emails/{}",
    "webhook": "/admin/webhooks/{}",
    "event": "/admin/webhooks/{}",
    "job": "/admin/jobs",
    "bulk": "/admin/bulk/{}",
    "drift": "/admin/reconciliation",
    "alert": "/admin/alerts",
    "user": "/admin/people",
    "transfers": "/admin/pauses",
}
OVER_A_ROW: dict[
    str, tuple[str, sa.Select[*tuple[Any, ...]]]
] = {  # what is seen on the page of something else
    "transfer": ("/admin/payments/{}", sa.select(Transfer.id, Transfer.payment_id)),
    "refund": ("/admin/payments/{}", sa.select(Refund.id, Refund.payment_id)),
    "booking": ("/admin/payments/{}", sa.select(Payment.booking_id, Payment.id)),
    "mentor": ("/admin/mentors?q={}", sa.select(Mentor.id, Mentor.username)),
}


def places(entries: Iterable[AuditEntry]) -> dict[str, str]:
    """Where each thing that these entries are about is seen, as far as it has a page: a query a kind of thing."""
    found: dict[str, str] = {}
    elsewhere: dict[str, set[int]] = {}
    for about in {entry.about for entry in entries}:
        kind, _, number = about.partition(":")
        if kind in PLACES and (number.isdecimal() or not number):
            found[about] = PLACES[kind].format(number)
        elif kind in OVER_A_ROW and number.isdecimal():
            elsewhere.setdefault(kind, set()).add(int(number))
    for kind, numbers in elsewhere.items():
        path, statement = OVER_A_ROW[kind]
        first = next(iter(statement.selected_columns))
        for number, there in session().execute(statement.where(first.in_(numbers))):
            found[f"{kind}:{number}"] = path.format(there)
    return found


# The chain


@dataclass(frozen=True)
class Head:
    """The newest seal: noted elsewhere, it tells whether the end of the log was cut off later."""

    seal_id: int
    entry_id: int
    digest: str
    at: datetime


@dataclass(frozen=True)
class Chain:
    """What became of the check: how many seals were looked at, and the entries that are at fault."""

    looked_at: int
    faults: list[tuple[int, str]]

    @property
    def is_whole(self) -> bool:
        """Whether every entry is what was written."""
        return not self.faults


def head() -> Head | None:
    """The newest seal, or None when nothing was ever done."""
    newest = (
        sa.select(AuditSeal.id, AuditSeal.entry_id, AuditSeal.digest, AuditEntry.at)
        .join(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
        .order_by(AuditSeal.id.desc())
        .limit(1)
    )
    found = session().execute(newest).one_or_none()
    return Head(*found) if found is not None else None


BROKEN = sa.text("""WITH newest AS (
  SELECT id, entry_id, digest FROM discuno_audit_seal ORDER BY id DESC LIMIT :most + 1),
chain AS (SELECT *, lag(digest) OVER (ORDER BY id) AS prior, row_number() OVER (ORDER BY id) AS place,
  count(*) OVER () AS seals FROM newest)
SELECT entry_id, 'It is not what was sealed, or a seal before it is gone.' AS says FROM chain
WHERE (seals <= :most OR place > 1) AND digest IS DISTINCT FROM
  (SELECT discuno_audit_digest(coalesce(chain.prior, ''), e) FROM discuno_audit_entry e WHERE e.id = chain.entry_id)
UNION ALL
SELECT e.id, 'It has no seal.' FROM (SELECT id FROM discuno_audit_entry ORDER BY id DESC LIMIT :most) e
WHERE NOT EXISTS (SELECT 1 FROM discuno_audit_seal s WHERE s.entry_id = e.id)
ORDER BY entry_id LIMIT 100""")


def chain(most: int = CHECKED) -> Chain:
    """Whether the newest entries are what was written, each sealed after the one before it."""
    faults = [(int(entry_id), str(says)) for entry_id, says in session().execute(BROKEN, {"most": most})]
    newest = sa.select(AuditSeal.id).order_by(AuditSeal.id.desc()).limit(most).subquery()
    looked_at = session().execute(sa.select(sa.func.count()).select_from(newest)).scalar_one()
    return Chain(int(looked_at), faults)
