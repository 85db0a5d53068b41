"""The sessions that a mentor was paid for, newest first: a page at a time, by where the money is, or by attendee."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from discuno.kit import clock
from discuno.kit.db import rows, session
from discuno.kit.web import row_number
from discuno.mentors.models import Mentor
from discuno.payments.ledger import GONE
from discuno.payments.models import Account, LedgerEntry, Payment
from discuno.payouts import path, path_money, sight
from discuno.payouts.models import PayoutStatus
from discuno.payouts.path import Path
from discuno.payouts.sight import Sight

A_PAGE = 25
LONGEST = 200  # characters of what is searched for
PLACES = {
    "": "Everywhere",
    "held": "Held",
    "account": "In your Stripe account",
    "way": "On the way to the bank",
    "bank": "In the bank",
    "returned": "Returned",
    "stuck": "Stuck",
}


@dataclass(frozen=True)
class Wanted:
    """The filters, as the address has them; `before` is the payment after which the page begins."""

    at: str = ""
    q: str = ""
    before: int | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is filtered."""
        return not self.at and not self.q

    def as_query(self, before: int | None = None) -> str:
        """The same filters in an address, from the newest on or from after a payment."""
        told = {"at": self.at, "q": self.q, "before": before}
        return urlencode({name: str(value) for name, value in told.items() if value})


def read(asked: Mapping[str, str]) -> Wanted:
    """The filters of an address; what is none of ours is left out."""
    at = asked.get("at", "")
    before = row_number(asked.get("before"))
    return Wanted(at if at in PLACES else "", asked.get("q", "").strip()[:LONGEST], before)


@dataclass(frozen=True)
class Sold:
    """One session with the path of its money."""

    payment: Payment
    path: Path


@dataclass(frozen=True)
class Page:
    """Some sessions, and whether there are older ones."""

    sessions: list[Sold]
    has_older: bool


def page(seen: Sight, wanted: Wanted) -> Page:
    """The sessions that are wanted, with as many questions to the database for twenty-five as for one."""
    statement = _mine(seen.mentor)
    if wanted.at:
        statement = statement.where(_is_one_of(_at(seen, wanted.at)))
    if wanted.q:
        named = (Payment.customer_name, Payment.customer_email)
        statement = statement.where(sa.or_(*(name.icontains(wanted.q, autoescape=True) for name in named)))
    if wanted.before is not None:
        statement = statement.where(Payment.id < wanted.before)
    found = _told(seen, statement.limit(A_PAGE + 1))
    return Page(found[:A_PAGE], len(found) > A_PAGE)


def _mine(mentor: Mentor) -> sa.Select[Payment]:
    paid = sa.select(Payment).where(Payment.mentor_user_id == mentor.user_id, Payment.paid_at.is_not(None))
    return paid.order_by(Payment.id.desc())


def _told(seen: Sight, statement: sa.Select[Payment]) -> list[Sold]:
    found = rows(sight.shown_whole(statement))
    sight.look_at(seen, [payment.id for payment in found])
    return [Sold(payment, path.of(payment, seen)) for payment in found]


def _is_one_of(ids: Collection[int]) -> sa.ColumnElement[bool]:
    """One parameter however many ids there are."""
    return Payment.id == sa.any_(sa.literal(list(ids), ARRAY(sa.BigInteger)))


# Where the money is


def _at(seen: Sight, place: str) -> set[int]:
    """The payments of which something is there."""
    match place:
        case "held":
            return _held(seen.mentor)
        case "account":
            return _lying(seen)
        case "way":
            return _paid_out(seen, *path_money.ON_THE_WAY)
        case "bank":
            return _paid_out(seen, PayoutStatus.PAID)
        case "returned":
            return _returned(seen.mentor)
    return {sold.payment.id for sold in _told(seen, _may_be_stuck(seen)) if sold.path.stuck is not None}


def _lying(seen: Sight) -> set[int]:
    return {payment_id for payment_id, lots in seen.lots.items() if any(lot.there for _, lot in lots)}


def _paid_out(seen: Sight, *statuses: PayoutStatus) -> set[int]:
    return {payment_id for payment_id in seen.lots if sight.parts_in(seen, payment_id, *statuses)}


def _sums(mentor: Mentor, *where: sa.ColumnElement[bool]) -> sa.Select[int | None]:
    """The payments that have entries like this in the books; `having` says what they come to."""
    mine = sa.select(LedgerEntry.payment_id).where(LedgerEntry.mentor_id == mentor.id, *where)
    return mine.group_by(LedgerEntry.payment_id)


def _held(mentor: Mentor) -> set[int]:
    held = _sums(mentor, LedgerEntry.account == Account.HELD).having(sa.func.sum(LedgerEntry.amount) < 0)
    return {found for found in session().execute(held).scalars() if found is not None}


def _returned(mentor: Mentor) -> set[int]:
    """The mentor has borne some of what went back."""
    borne = _sums(
        mentor,
        LedgerEntry.account.in_([Account.HELD, Account.DEBT]),
        LedgerEntry.kind.in_(GONE),
    ).having(sa.func.sum(LedgerEntry.amount) > 0)
    return {found for found in session().execute(borne).scalars() if found is not None}


def _may_be_stuck(seen: Sight) -> sa.Select[Payment]:
    """Few enough to be looked at one by one: cases, holds, shares overdue, money that its account cannot pay out."""
    overdue = sa.and_(Payment.dispute_period_ends <= clock.now(), _is_one_of(_held(seen.mentor)))
    live = seen.account.id if seen.account is not None else None
    blocked = {
        payment_id
        for payment_id, lots in seen.lots.items()
        if any(lot.there and (seen.bank_waits or account_id != live) for account_id, lot in lots)
    }
    return _mine(seen.mentor).where(
        sa.or_(
            Payment.dispute_requested,
            Payment.needs_attention.is_not(None),
            Payment.disputes.any(),
            overdue,
            _is_one_of(blocked),
        )
    )
