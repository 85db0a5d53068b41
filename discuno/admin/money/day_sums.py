"""What each day's postings come to by mentor and session type: summed once a day is over, and kept beside the books.

The books are only ever added to, so that a day that is over comes to the same whenever it is summed. What is kept is
all days up to the last one that has a row, and everything after it is read off the books: both together are the
books, to the cent, also while somebody sums.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from discuno.admin.models import DaySum
from discuno.admin.spans import midnight
from discuno.bookings.models import Booking
from discuno.kit import clock
from discuno.kit.db import session
from discuno.payments.models import Account, LedgerEntry, Payment, PostingKind

CLOSED_AFTER = timedelta(minutes=15)  # whatever was posted before midnight is committed by then, or never
LOOK_AGAIN = timedelta(days=2)  # before the last day that is kept
AT_ONCE = timedelta(days=7)  # in one transaction
KEY = ("day", "mentor_id", "event_type_id", "currency")
MEASURES = ("payments", "captured", "fees", "stripe_fees", "refunded", "disputed", "loss")
LOCK = "discuno_day_sum"

K, E = PostingKind, LedgerEntry
REFUNDS = (K.REFUND, K.REFUND_UNDONE)
DISPUTED = (K.DISPUTE_WITHDRAWN, K.DISPUTE_REINSTATED)
IS_STRIPE = E.account == Account.STRIPE
COUNTS = sa.or_(
    E.account.in_([Account.FEES, Account.STRIPE_FEES, Account.LOSS]),
    sa.and_(IS_STRIPE, E.kind.in_([K.CAPTURE, *REFUNDS, *DISPUTED])),
)


def _sum(*where: ColumnElement[bool], sign: int = 1) -> ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sign * E.amount).filter(*where), 0).cast(sa.BigInteger)


SUMS = (
    sa.func.count().filter(E.kind == K.CAPTURE, IS_STRIPE).label("payments"),
    _sum(E.kind == K.CAPTURE, IS_STRIPE).label("captured"),
    _sum(E.account == Account.FEES, sign=-1).label("fees"),
    _sum(E.account == Account.STRIPE_FEES).label("stripe_fees"),
    _sum(IS_STRIPE, E.kind.in_(REFUNDS), sign=-1).label("refunded"),
    _sum(IS_STRIPE, E.kind.in_(DISPUTED), sign=-1).label("disputed"),
    _sum(E.account == Account.LOSS).label("loss"),
)


def kept() -> sa.Select[*tuple[Any, ...]]:
    """The sums of the days that are over, as they are kept."""
    return sa.select(*(getattr(DaySum, name) for name in (*KEY, *MEASURES)))


def in_the_books(begins: datetime, ends: datetime) -> sa.Select[*tuple[Any, ...]]:
    """The same sums read off the postings of a stretch of time."""
    day = sa.cast(sa.func.timezone("UTC", E.posted_at), sa.Date).label("day")
    return (
        sa.select(day, E.mentor_id, Booking.event_type_id, E.currency, *SUMS)
        .outerjoin(Payment, Payment.id == E.payment_id)
        .outerjoin(Booking, Booking.id == Payment.booking_id)
        .where(E.posted_at >= begins, E.posted_at < ends, COUNTS)
        .group_by(day, E.mentor_id, Booking.event_type_id, E.currency)
    )


def last_day() -> date | None:
    """The last day that is kept; what was posted later is in the books alone."""
    return session().execute(sa.select(sa.func.max(DaySum.day))).scalar_one()


def all_of(since: date, until: date) -> sa.Subquery:
    """Kept sums and open days together, from a day up to, and without, another."""
    last = last_day()
    opens = midnight(last + timedelta(days=1)) if last is not None else midnight(since)
    closed = kept().where(DaySum.day >= since, DaySum.day < min(until, opens.date()))
    begins = max(midnight(since), opens)
    if begins >= midnight(until):
        return closed.subquery("sums")
    return sa.union_all(closed, in_the_books(begins, midnight(until))).subquery("sums")


# Summing


def over_by() -> date:
    """The first day that is not over yet, or not long enough."""
    return (clock.now() - CLOSED_AFTER).astimezone(UTC).date()


def begin_at() -> date | None:
    """From which day on sums are to be made: the last kept ones once more, or from the first posting on."""
    last = last_day()
    return last - LOOK_AGAIN if last is not None else next_day(None)


def next_day(since: date | None) -> date | None:
    """The first day, from one on, on which something was posted; None when there is none that is over."""
    first = sa.select(sa.func.min(E.posted_at))
    if since is not None:
        first = first.where(E.posted_at >= midnight(since))
    found = session().execute(first).scalar_one()
    day = found.astimezone(UTC).date() if found is not None else None
    return day if day is not None and day < over_by() else None


def write(since: date, *, afresh: bool = False) -> date:
    """Sum some days from one on; answers where to go on. `afresh` drops what was kept of them. Twice does it once."""
    until = min(since + AT_ONCE, over_by())
    session().execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(LOCK))))
    if afresh:
        session().execute(sa.delete(DaySum).where(DaySum.day >= since, DaySum.day < until))
    made = in_the_books(midnight(since), midnight(until))
    insert = sa.dialects.postgresql.insert(DaySum).from_select([*KEY, *MEASURES], made)
    old = [getattr(DaySum, name) for name in MEASURES]
    new = [insert.excluded[name] for name in MEASURES]
    session().execute(
        insert.on_conflict_do_update(
            index_elements=KEY,
            set_=dict(zip(MEASURES, new, strict=True)),
            where=sa.tuple_(*old).is_distinct_from(sa.tuple_(*new)),
        )
    )
    return until
