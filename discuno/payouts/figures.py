"""A mentor's money at a glance: held, ready to pay out, on the way to the bank, paid out; read off the ledger.

By currency, in minor units, from the sums of the mentor's ledger entries:

    held = −HELD        ready + on the way + paid out ever = CONNECTED + BANK        owed = DEBT

They hold by construction: BANK is split by the payouts that are still open, and a payout that Stripe has not been
asked for yet is not in the books, so it is taken out of what is ready and put under what is on the way.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from discuno.kit import clock
from discuno.kit.db import rows, session
from discuno.mentors.models import EventType, Mentor
from discuno.payments.models import Account, LedgerEntry, Payment
from discuno.payouts import banking, lots
from discuno.payouts import service as payouts
from discuno.payouts.models import MentorStripeAccount, Payout, PayoutStatus, Transfer, TransferStatus

W = PayoutStatus
OPEN = (W.REQUESTED, W.PENDING, W.IN_TRANSIT)
USUAL = "usd"  # of a mentor who sells nothing yet


@dataclass(frozen=True)
class Figures:
    """One currency. `kept` and `unsettled` are of what is ready: what must stay for now, what Stripe still settles.

    `next_release` is an instant, `expected` the day (midnight UTC) of the next arrival; counts are of sessions.
    """

    currency: str
    held: int = 0
    ready: int = 0  # below zero when more has left the Stripe account than came to it
    on_the_way: int = 0
    paid_this_month: int = 0
    paid_ever: int = 0
    debt: int = 0
    kept: int = 0
    unsettled: int = 0
    next_release: datetime | None = None
    expected: datetime | None = None
    sessions_held: int = 0
    sessions_ready: int = 0
    sessions_on_the_way: int = 0

    @property
    def position(self) -> int:
        """Everything that is the mentor's, wherever it is, less what they owe."""
        return self.held + self.ready + self.on_the_way + self.paid_ever - self.debt

    @property
    def can_go(self) -> int:
        """What of the ready money nothing keeps back; Stripe has the last word on it."""
        return max(0, self.ready - self.kept - self.unsettled)


def of_mentor(mentor: Mentor, books: lots.Books | None = None) -> list[Figures]:
    """The mentor's figures, a currency each; with zeros in their usual one before anything was earned."""
    sums = _sums(mentor.id)
    found = sorted({currency for currency, _ in sums}) or [_usual(mentor)]
    books = lots.of_mentor(mentor.id) if books is None else books
    accounts = rows(sa.select(MentorStripeAccount).where(MentorStripeAccount.mentor_id == mentor.id))
    made = rows(sa.select(Payout).where(Payout.account_id.in_([account.id for account in accounts])))
    return [_figures(mentor, currency, sums, made, books) for currency in found]


def arrival(payout: Payout) -> date | None:
    """The day on which a payout arrives. Stripe tells it as midnight UTC, which is a day and no hour."""
    return payout.arrives_on.astimezone(UTC).date() if payout.arrives_on is not None else None


def _figures(
    mentor: Mentor, currency: str, sums: Counter[tuple[str, str]], made: list[Payout], books: lots.Books
) -> Figures:
    ours = [payout for payout in made if payout.currency == currency]
    still = [payout for payout in ours if payout.status in OPEN]
    asked = sum(p.amount for p in still if p.stripe_payout_id is None)
    sent = sum(p.amount for p in still if p.stripe_payout_id is not None)
    there = [found for (_, theirs), found in books.items() if theirs == currency]
    lying = _lying(there)
    account = payouts.account_of(mentor)
    ready = sums[currency, Account.CONNECTED] - asked
    release, waiting = _held(mentor.id, currency)
    return Figures(
        currency=currency,
        held=-sums[currency, Account.HELD],
        ready=ready,
        on_the_way=asked + sent,
        paid_this_month=paid_in_month(ours, clock.now().astimezone(ZoneInfo(mentor.zone)).date()),
        paid_ever=sums[currency, Account.BANK] - sent,
        debt=sums[currency, Account.DEBT],
        kept=min(max(0, ready), banking.kept(account, currency)) if account is not None else 0,
        unsettled=_unsettled(lying),
        next_release=release,
        expected=min((p.arrives_on for p in still if p.arrives_on is not None), default=None),
        sessions_held=waiting,
        sessions_ready=len(lying),
        sessions_on_the_way=len(_in_payouts(there, still)),
    )


def _sums(mentor_id: int) -> Counter[tuple[str, str]]:
    """The mentor's ledger entries, summed by currency and account."""
    entry = LedgerEntry
    statement = (
        sa.select(entry.currency, entry.account, sa.func.sum(entry.amount))
        .where(entry.mentor_id == mentor_id)
        .group_by(entry.currency, entry.account)
    )
    return Counter(
        {(currency, account): int(sum_) for currency, account, sum_ in session().execute(statement)}
    )


def _usual(mentor: Mentor) -> str:
    statement = (
        sa.select(EventType.currency)
        .where(EventType.mentor_id == mentor.id)
        .order_by(EventType.price == 0, EventType.position)
    )
    return session().execute(statement.limit(1)).scalar_one_or_none() or USUAL


def paid_in_month(made: Iterable[Payout], today: date) -> int:
    """What arrived in the bank in the month of this day."""
    arrived = ((payout, arrival(payout)) for payout in made if payout.status == W.PAID)
    return sum(p.amount for p, day in arrived if day and (day.year, day.month) == (today.year, today.month))


def _held(mentor_id: int, currency: str) -> tuple[datetime | None, int]:
    """When the next share that nothing stands against is due, and for how many sessions something is held."""
    sums = (
        sa.select(LedgerEntry.payment_id)
        .where(
            LedgerEntry.mentor_id == mentor_id,
            LedgerEntry.account == Account.HELD,
            LedgerEntry.currency == currency,
        )
        .group_by(LedgerEntry.payment_id)
        .having(sa.func.sum(LedgerEntry.amount) < 0)
        .subquery()
    )
    is_free_to_go = sa.exists().where(
        Transfer.payment_id == Payment.id,
        Transfer.status == TransferStatus.SCHEDULED,
        Transfer.blocked_by.is_(None),
    )
    is_to_come = sa.and_(Payment.dispute_period_ends > clock.now(), is_free_to_go)
    statement = sa.select(sa.func.min(Payment.dispute_period_ends).filter(is_to_come), sa.func.count()).join(
        sums, sums.c.payment_id == Payment.id
    )
    release, count = session().execute(statement).one()
    return release, int(count)


def _lying(found: list[lots.Lots]) -> Counter[int]:
    """By payment, what of its share lies in the mentor's Stripe account."""
    lying: Counter[int] = Counter()
    for lot in (lot for each in found for lot in each.lying()):
        if lot.payment_id is not None:
            lying[lot.payment_id] += lot.there
    return lying


def _unsettled(lying: Counter[int]) -> int:
    """What of it Stripe has not settled yet: a share can be spent when the charge it came from can."""
    if not lying:
        return 0
    late = sa.select(Payment.id).where(Payment.id.in_(list(lying)), Payment.available_on > clock.now())
    return sum(lying[payment_id] for payment_id in session().execute(late).scalars())


def _in_payouts(found: list[lots.Lots], still: list[Payout]) -> set[int]:
    """The sessions that are on the way."""
    ids = {payout.stripe_payout_id for payout in still}
    parts = [part for each in found for po, parts in each.payouts.items() if po in ids for part in parts]
    return {part.payment_id for part in parts if part.payment_id is not None}
