"""The dry run: what the release run would move until a moment to come, and what it would keep back, and why.

The facts are read for all shares at once and grouped; the guard that decides is `policy.Standing`, the same one that
the release asks, once a group. What happens between now and then (a refund, a report, Stripe's no) is not known.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from discuno import policy
from discuno.accounts.models import User
from discuno.admin.money.transfer_sums import IS_BLOCKED, IS_FREE, Pile
from discuno.bookings.models import Booking
from discuno.disputes.models import Dispute, DisputeStatus
from discuno.kit.db import session
from discuno.mentors.models import Mentor
from discuno.payments.models import Account, LedgerEntry, Payment, Refund, RefundStatus
from discuno.payouts import pauses
from discuno.payouts import service as payouts
from discuno.payouts.models import Transfer
from discuno.policy import Reason


@dataclass
class Goes:
    """What one mentor would get in one currency, in minor units: `amount`, after `debt` was paid from it."""

    mentor_id: int
    currency: str
    shares: int = 0
    held: int = 0  # of which debts are paid
    fixed: int = 0  # Stripe was asked already, without an answer: it goes as it was fixed
    debt: int = 0
    name: str = ""

    @property
    def amount(self) -> int:
        """What would arrive in their Stripe account."""
        return self.held - self.debt + self.fixed


@dataclass
class DryRun:
    """What a run at a moment would do. Shares that a debt takes as a whole go nowhere, and are in `shares` too."""

    until: datetime
    paused: bool
    goes: list[Goes] = field(default_factory=list)
    kept: dict[Reason, Pile] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, Goes]:
        """All mentors together, by currency."""
        found: dict[str, Goes] = {}
        for each in self.goes:
            total = found.setdefault(each.currency, Goes(0, each.currency))
            total.shares += each.shares
            total.held += each.held
            total.fixed += each.fixed
            total.debt += each.debt
        return dict(sorted(found.items()))

    @property
    def mentors(self) -> int:
        """How many mentors would get something."""
        return len({each.mentor_id for each in self.goes})


def dry_run(until: datetime) -> DryRun:
    """Ask the guard about every share whose time has come by then. Who gets most comes first."""
    found = DryRun(until, pauses.is_on())
    groups = [_Group(*row) for row in session().execute(_groups(until))]
    reachable = payouts.payable(list({group.mentor_id for group in groups}))
    goes: dict[tuple[int, str], Goes] = {}
    for group in groups:
        reason = group.reason_to_wait(group.mentor_id in reachable, found.paused)
        if reason is not None:
            found.kept.setdefault(reason, Pile()).add(group.number, group.currency, group.held)
            continue
        mine = goes.setdefault((group.mentor_id, group.currency), Goes(group.mentor_id, group.currency))
        mine.shares += group.number
        mine.held += group.held if group.is_open else 0
        mine.fixed += group.fixed
    _pay_debts(goes)
    _name(goes.values())
    found.goes = sorted(goes.values(), key=lambda each: (each.currency, -each.amount, each.mentor_id))
    return found


@dataclass(frozen=True)
class _Group:
    """Shares of one mentor in one currency about which all facts are the same."""

    mentor_id: int
    currency: str
    status: Any  # of the payment
    on_hold: bool
    needs_attention: bool
    cases: list[str] | None  # kinds of open ones
    refund_open: bool
    is_over: bool  # the dispute period, by then
    is_suspended: bool
    same_currency: bool
    blocked_by: str | None
    is_looked_at: bool  # what blocked it is asked again by then
    is_open: bool  # Stripe was not asked yet
    something_held: bool
    number: int
    held: int
    fixed: int

    def reason_to_wait(self, can_receive: bool, paused: bool) -> Reason | None:
        """What the run would find; what is given up, or blocked for longer, it does not look at."""
        if self.blocked_by is not None and (self.blocked_by == Reason.GIVEN_UP or not self.is_looked_at):
            return Reason(self.blocked_by)
        standing = policy.Standing(
            dispute_period_over=self.is_over,
            paid=self.status.has_money,
            objection=policy.objection(
                self.cases or [], on_hold=self.on_hold, needs_attention=self.needs_attention
            ),
            refund_open=self.refund_open,
            held=1 if self.something_held else 0,
            mentor_suspended=self.is_suspended,
            account_can_receive=can_receive,
            same_currency=self.same_currency,
            paused=paused,
        )
        return standing.reason_to_wait()


def _groups(until: datetime) -> sa.Select[Any]:
    """The facts of `_Group`, in its order."""
    shares = _shares(until)
    keys = [column for column in shares.c if column.name not in ("held", "fixed")]
    something = (shares.c.held > 0).label("something_held")
    sums = (sa.func.count(), sa.func.sum(shares.c.held), sa.func.sum(shares.c.fixed))
    return sa.select(*keys, something, *(each.cast(sa.BigInteger) for each in sums)).group_by(
        *keys, something
    )


def _shares(until: datetime) -> sa.Subquery:
    """Every share whose time has come by then, or would have, were it not blocked."""
    is_over = sa.and_(Payment.dispute_period_ends.is_not(None), Payment.dispute_period_ends <= until)
    is_open = Transfer.attempted_at.is_(None)
    elsewhere = Payment.settlement_currency != Payment.currency
    facts = {
        "mentor_id": Booking.mentor_id,
        "currency": Transfer.currency,
        "status": Payment.status,
        "on_hold": Payment.dispute_requested,
        "needs_attention": Payment.needs_attention.is_not(None),
        "cases": _open_cases(),
        "refund_open": _going_back(),
        "is_over": is_over,
        "is_suspended": Mentor.suspended_at.is_not(None),
        "same_currency": sa.not_(sa.func.coalesce(elsewhere, sa.false())),
        "blocked_by": Transfer.blocked_by,
        "is_looked_at": Transfer.next_try_at <= until,
        "is_open": is_open,
        "held": _held(),
        "fixed": sa.case((is_open, 0), else_=Transfer.amount),
    }
    due = sa.select(Transfer.id).where(IS_FREE, Transfer.next_try_at <= until)
    kept = sa.select(Transfer.id).where(IS_BLOCKED)
    return (
        sa.select(*(fact.label(name) for name, fact in facts.items()))
        .join(Payment, Payment.id == Transfer.payment_id)
        .join(Booking, Booking.id == Payment.booking_id)
        .join(Mentor, Mentor.id == Booking.mentor_id)
        .where(Transfer.id.in_(due.union_all(kept)), sa.or_(Transfer.blocked_by.is_(None), is_over))
        .subquery("shares")
    )


def _held() -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.coalesce(-sa.func.sum(LedgerEntry.amount), 0))
        .where(LedgerEntry.payment_id == Transfer.payment_id, LedgerEntry.account == Account.HELD)
        .scalar_subquery()
    )


def _open_cases() -> sa.ScalarSelect[list[str]]:
    """The kinds of them."""
    is_open = Dispute.status.in_([DisputeStatus.OPEN, DisputeStatus.WAITING])
    return (
        sa.select(sa.func.array_agg(sa.distinct(Dispute.kind), type_=sa.ARRAY(sa.Text)))
        .where(Dispute.payment_id == Transfer.payment_id, is_open)
        .scalar_subquery()
    )


def _going_back() -> sa.Exists:
    is_open = Refund.status.in_([RefundStatus.REQUESTED, RefundStatus.PENDING])
    return sa.exists().where(Refund.payment_id == Transfer.payment_id, is_open)


def _pay_debts(goes: dict[tuple[int, str], Goes]) -> None:
    """Whoever owes us something pays it from these shares first."""
    entry = LedgerEntry
    statement = (
        sa.select(entry.mentor_id, entry.currency, sa.func.sum(entry.amount))
        .where(
            entry.mentor_id.in_({mentor_id for mentor_id, _ in goes}),
            entry.account == Account.DEBT,
        )
        .group_by(entry.mentor_id, entry.currency)
        .having(sa.func.sum(entry.amount) > 0)
    )
    for mentor_id, currency, owed in session().execute(statement):
        mine = goes.get((mentor_id or 0, currency))
        if mine is not None:
            mine.debt = min(mine.held, int(owed))


def _name(goes: Iterable[Goes]) -> None:
    ids = {each.mentor_id for each in goes}
    statement = sa.select(Mentor.id, User.name).join(User, User.id == Mentor.user_id)
    found = session().execute(statement.where(Mentor.id.in_(ids)))
    names = {int(mentor_id): str(name) for mentor_id, name in found}
    for each in goes:
        each.name = names.get(each.mentor_id, "")
