"""The sums of days and the open days together are the books, to the cent, whatever happened and whoever sums."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from discuno.admin.models import DaySum
from discuno.admin.money import day_sums, revenue_sums
from discuno.admin.money.revenue_sums import Sums, Wanted
from discuno.admin.spans import Span
from discuno.kit import clock
from discuno.kit.db import session
from discuno.payments import ledger
from discuno.payments.models import Account, LedgerEntry, PostingKind
from tests.catalogue import AMARA, OWEN
from tests.factories import paid
from tests.house import House
from tests.test_ledger import ACT, Story, empty_books

pytestmark = pytest.mark.story

MIDNIGHT = datetime(2027, 3, 1, tzinfo=UTC)
HOURS = st.sampled_from((-72, -25, -24, -1, 0, 1, 23, 24, 50))
SECONDS = st.sampled_from((-1, 0, 1))  # right at a midnight, just before it and just after
EVER = Span(date(2027, 1, 1), date(2027, 12, 31))


@pytest.fixture(scope="module")
def two_paid(built_house: House) -> House:
    built_house.begin_with(AMARA, OWEN)
    for _ in range(2):
        paid(built_house)
        built_house.settle_down()
    return built_house


@contextmanager
def at_times() -> Iterator[None]:
    """The clock of this process comes back to where it was."""
    was = clock.now()
    try:
        yield
    finally:
        clock.follow(was)


def stand(hours: int, seconds: int = 0) -> None:
    clock.follow(MIDNIGHT + timedelta(hours=hours, seconds=seconds))


def books() -> dict[str, int]:
    """The ledger's own totals, in the words of the sums."""
    entry = LedgerEntry
    found = session().execute(
        sa.select(entry.account, entry.kind, sa.func.sum(entry.amount)).group_by(entry.account, entry.kind)
    )
    sums: Counter[str] = Counter()
    for account, kind, amount in found:
        sums[account] += int(amount)
        if account == Account.STRIPE:
            sums[f"stripe {kind}"] += int(amount)
    return {
        "captured": sums["stripe capture"],
        "refunded": -sums["stripe refund"] - sums["stripe refund_undone"],
        "disputed": -sums["stripe dispute_withdrawn"] - sums["stripe dispute_reinstated"],
        "fees": -sums[Account.FEES],
        "stripe_fees": sums[Account.STRIPE_FEES],
        "loss": sums[Account.LOSS],
        "payments": int(
            session()
            .execute(
                sa.select(sa.func.count()).where(
                    entry.kind == PostingKind.CAPTURE, entry.account == Account.STRIPE
                )
            )
            .scalar_one()
        ),
    }


def told(group: str = "time") -> dict[str, int]:
    """What the revenue page adds up to."""
    wanted = Wanted(EVER, group)
    if group == "time":
        whole = revenue_sums.totals(revenue_sums.by_time(wanted))
        assert set(whole) <= {"usd"}
        return vars(whole.get("usd", Sums()))
    total = Sums()
    for line in revenue_sums.lines(wanted, None, limit=None):
        total = total + line.sums
    return vars(total)


def write_all(*, afresh: bool = False) -> None:
    """As the job does, in the transaction of the test."""
    begins = day_sums.next_day(None) if afresh else day_sums.begin_at()
    while begins is not None:
        begins = day_sums.next_day(day_sums.write(begins, afresh=afresh))


def rows_kept() -> list[tuple[object, ...]]:
    return [tuple(row) for row in session().execute(day_sums.kept().order_by(*day_sums.KEY))]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(ACT, HOURS, SECONDS), max_size=10), st.integers(-80, 120), st.integers(0, 60))
@example([(("refund", 0, 1.0), 0, -1), (("refund_fails", 0, 1.0), 0, 0)], 1, 24)
@example([(("dispute", 0, 1.0), -72, 0), (("refund", 0, 0.5), 50, 1), (("dispute", 1, 1.0), 50, 1)], 30, 60)
def test_kept_days_and_open_days_are_the_books(
    two_paid: House, acts: list[tuple[tuple[str, int, float], int, int]], summed: int, later: int
) -> None:
    with empty_books(two_paid), at_times():
        stand(-80)
        stories = [Story(payment_id) for payment_id in (1, 2)]
        for story in stories:
            ledger.stripe_fee(story.payment, f"fee_{story.payment.id}", 204)
        ordered = sorted(acts, key=lambda each: (each[1], each[2]))
        early = [each for each in ordered if each[1] <= summed]
        _tell(stories, early)
        stand(summed)
        write_all()
        _tell(stories, ordered[len(early) :])  # what comes after some days were summed
        stand(max(summed, 50) + later)
        assert told() == told("mentor") == told("type") == books()
        write_all()
        once = rows_kept()
        assert told() == told("mentor") == told("type") == books()
        write_all()
        assert rows_kept() == once
        write_all(afresh=True)
        assert rows_kept() == once
        session().execute(sa.delete(DaySum))


def _tell(stories: list[Story], acts: list[tuple[tuple[str, int, float], int, int]]) -> None:
    for (act, which, part), hours, seconds in acts:
        stand(hours, seconds)
        getattr(stories[which], act)(part)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (timedelta(minutes=14, seconds=59), "2027-02-27"),
        (timedelta(minutes=15), "2027-02-28"),
        (timedelta(hours=23), "2027-02-28"),
    ],
)
def test_a_day_is_summed_a_quarter_of_an_hour_after_it_is_over(
    two_paid: House, now: timedelta, last: str
) -> None:
    with empty_books(two_paid), at_times():
        for hours, payment_id in ((-30, 1), (-1, 2)):
            stand(hours)
            Story(payment_id)
        clock.follow(MIDNIGHT + now)
        write_all()
        assert str(day_sums.last_day()) == last
        assert told() == books()
        session().execute(sa.delete(DaySum))


def test_a_posting_that_was_committed_late_is_found_by_the_next_run(two_paid: House) -> None:
    with empty_books(two_paid), at_times():
        stand(-1)
        Story(1)
        stand(2)
        write_all()
        stand(-1, 1)
        late = Story(2)
        stand(3)
        assert told()["payments"] == 1  # its day counts as summed, until
        write_all()
        assert told() == books()
        assert late.payment.id == 2
        session().execute(sa.delete(DaySum))
