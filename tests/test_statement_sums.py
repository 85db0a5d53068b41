"""Statements of random books: each opens as the last one closed, adds up to the cent, and says what they say."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from discuno.kit import clock, money, sheets
from discuno.kit.db import session
from discuno.mentors.models import Mentor
from discuno.payments import ledger
from discuno.payments.models import Account, LedgerEntry, PostingKind
from discuno.payouts import papers, statements, turnovers
from discuno.payouts.periods import Period
from discuno.payouts.statements import Statement, Sums
from tests.catalogue import AMARA, OWEN
from tests.factories import paid
from tests.house import House
from tests.test_ledger import ACTS, Story, empty_books

pytestmark = pytest.mark.story

ZONE = "Pacific/Auckland"  # whose year ends half a day before everybody else's
FROM = datetime(2027, 10, 31, 10, 59, 59, tzinfo=UTC)  # a second before November begins there
YEARS = (2027, 2028)
MORE_ACTS = (*ACTS, "pay_out", "comes_back", "forgive")
ACT = st.tuples(st.sampled_from(MORE_ACTS), st.integers(0, 1), st.floats(0, 1), st.integers(0, 40))


@pytest.fixture(scope="module")
def two_paid(built_house: House) -> House:
    built_house.begin_with(AMARA, OWEN)
    for _ in range(2):
        paid(built_house)
        built_house.settle_down()
    return built_house


class Bank:
    """What a mentor's account pays out, and what comes back."""

    def __init__(self, mentor: Mentor) -> None:
        self.mentor = mentor
        self.gone: list[tuple[str, int]] = []
        self.made = 0

    def pay_out(self, part: float) -> None:
        amount = int(_balance(self.mentor, Account.CONNECTED) * part)
        if amount > 0:
            self.made += 1
            self.gone.append((f"po_{self.made}", amount))
            ledger.paid_out(self.mentor.id, amount, "usd", f"po_{self.made}")

    def comes_back(self, part: float) -> None:
        if self.gone:
            payout, amount = self.gone.pop(int(part * len(self.gone)) % len(self.gone))
            ledger.payout_undone(self.mentor.id, amount, "usd", payout)

    def forgive(self, part: float) -> None:
        amount = int(ledger.debt_of(self.mentor.id, "usd") * part)
        if amount > 0:
            self.made += 1
            legs = {Account.DEBT: -amount, Account.LOSS: amount}
            about = {"currency": "usd", "payment_id": None, "mentor_id": self.mentor.id}
            ledger.post(PostingKind.WRITE_OFF, f"debt_{self.made}", legs, **about)


def _balance(mentor: Mentor, account: Account) -> int:
    of_account = LedgerEntry.account == account
    statement = sa.select(sa.func.sum(LedgerEntry.amount)).where(
        LedgerEntry.mentor_id == mentor.id, of_account
    )
    return int(session().execute(statement).scalar_one() or 0)


@contextmanager
def at_times() -> Iterator[Callable[[timedelta], None]]:
    """Let the clock of this process stand at a time, until the next posting."""
    was = clock.now()
    try:
        yield lambda after: clock.follow(FROM + after)
    finally:
        clock.follow(was)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACT, max_size=14))
@example([("release", 0, 0.0, 3), ("dispute", 0, 1.0, 20), ("release", 1, 0.0, 30), ("pay_out", 0, 1.0, 40)])
@example([("release", 0, 0.0, 0), ("pay_out", 0, 1.0, 0), ("refund", 0, 1.0, 9), ("forgive", 0, 0.5, 9)])
@example([("refund", 0, 1.0, 1), ("dispute", 0, 1.0, 1)])  # gone twice: the platform bears it
def test_statements_add_up_whatever_happens(two_paid: House, acts: list[tuple[str, int, float, int]]) -> None:
    with empty_books(two_paid), at_times() as stand:
        mentor = session().get_one(Mentor, 1)
        mentor.zone = ZONE
        bank, after = Bank(mentor), timedelta()
        stand(after)
        stories = [Story(1), Story(2)]
        for act, which, part, days in acts:
            after += timedelta(days=days)
            stand(after)
            getattr(bank if hasattr(bank, act) else stories[which], act)(part)
        stand(after + timedelta(days=1))
        session().flush()
        check(mentor)


def check(mentor: Mentor) -> None:
    """Everything that a statement promises, on the books as they are."""
    last = Sums()
    for year in YEARS:
        opened, lines = last, 0
        for month in range(1, 13):
            found = only(mentor, Period(year, month, ZONE), last)
            assert found.opening == last
            assert adds_up(found)
            last, lines = found.closing, lines + len(found.lines)
        whole = only(mentor, Period(year, None, ZONE), opened)
        assert (whole.opening, whole.closing, len(whole.lines)) == (opened, last, lines)
        assert adds_up(whole)
        as_read_from_the_file(whole, Period(year, None, ZONE))
    assert last == Sums(
        -_balance(mentor, Account.HELD),
        *(_balance(mentor, account) for account in (Account.CONNECTED, Account.DEBT, Account.BANK)),
    )
    months = [each for year in turnovers.years(mentor) for each in year.months]
    assert sum(each.paid_out for each in months) == last.bank
    assert sum(each.earned for each in months) == last.position + last.bank
    sums = [each for year in turnovers.years(mentor) for each in year.sums]
    assert sum(each.earned for each in sums) == last.position + last.bank


def only(mentor: Mentor, period: Period, opening: Sums) -> Statement:
    """The statement in dollars; a period that nothing is said of had nothing."""
    found = statements.statements(mentor, period)
    return found[0] if found else Statement("usd", opening)


def adds_up(statement: Statement) -> bool:
    """The totals tell the same story as the balances, and each line's net is what it paid less what it cost."""
    totals, change = statement.totals, statement.closing.position - statement.opening.position
    moved = [
        line
        for line in statement.lines
        if line.kind not in (PostingKind.WRITE_OFF, "payout", "payout_undone")
    ]
    assert all(line.net == line.gross - line.fee + line.borne for line in moved)
    return totals.earned - totals.paid_out == change


def as_read_from_the_file(statement: Statement, period: Period) -> None:
    """The file says the same integers, and its columns add up as a spreadsheet would add them."""
    rows = papers.rows_of(statement, period, {})
    read = list(csv.DictReader(io.StringIO(sheets.table(papers.HEADER, rows), newline="")))
    columns = {
        "held": "held",
        "in your Stripe account": "connected",
        "owed by you": "owed",
        "sent to your bank": "bank",
    }
    for column, name in columns.items():
        *before, closing = [int(Decimal(row[column]).scaleb(money.minor_digits("usd"))) for row in read]
        assert sum(before) == closing == getattr(statement.closing, name)
    assert [row["reference"] for row in read[1:-1]] == [line.source for line in statement.lines]
