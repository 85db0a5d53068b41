"""The books: whatever happens to a payment, in whatever order, nothing is lost, shared twice or rewritten."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from discuno import policy
from discuno.kit.db import locked, session, transaction
from discuno.payments import ledger
from discuno.payments.models import Account, LedgerEntry, Payment, PostingKind
from tests.catalogue import AMARA, OWEN
from tests.factories import paid
from tests.house import House

# Who bears what leaves: pure

AMOUNTS = st.integers(1, 10**9)


@st.composite
def splits(draw: st.DrawFn) -> tuple[int, int]:
    """A price and our fee of it."""
    amount = draw(AMOUNTS)
    return amount, policy.split(amount, draw(st.integers(0, 10_000))).platform_fee


@given(splits(), st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8))
def test_parts_add_up_to_the_whole_in_whatever_pieces_it_leaves_and_comes_back(
    split: tuple[int, int], changes: list[int]
) -> None:
    amount, fee = split
    gone, parts = 0, []
    for change in changes:
        after = max(0, gone + change)
        parts.append(policy.bearing(amount, fee, gone, after))
        assert parts[-1].mentor + parts[-1].platform_fee + parts[-1].loss == after - gone
        gone = after
    whole = policy.bearing(amount, fee, 0, gone)
    assert sum(p.mentor for p in parts) == whole.mentor
    assert sum(p.platform_fee for p in parts) == whole.platform_fee
    assert sum(p.loss for p in parts) == whole.loss == max(0, gone - amount)


@given(splits(), st.integers(0, 10**9))
def test_nobody_bears_more_than_they_had_and_a_whole_refund_takes_each_their_part(
    split: tuple[int, int], left: int
) -> None:
    amount, fee = split
    part = policy.bearing(amount, fee, 0, min(left, amount))
    assert 0 <= part.mentor <= amount - fee
    assert 0 <= part.platform_fee <= fee
    assert policy.bearing(amount, fee, 0, amount) == policy.Bearing(amount - fee, fee, 0)


# What happens to two payments of one mentor: on the database


class Undo(Exception):
    """Ends a transaction that was only tried."""


@contextmanager
def empty_books(house: House) -> Iterator[None]:
    """The books of two payments before anything was written into them; all of it is undone."""
    with house.app.app_context(), suppress(Undo), transaction() as unit:
        unit.execute(sa.text("SET LOCAL session_replication_role = replica"))
        unit.execute(sa.text("DELETE FROM discuno_ledger_entry"))
        unit.execute(sa.text("SET LOCAL session_replication_role = DEFAULT"))
        yield
        unit.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))  # every posting sums to zero
        raise Undo


class Story:
    """One payment's life, told to the books; what happened is counted here as well."""

    def __init__(self, payment_id: int) -> None:
        self.payment = locked(Payment, payment_id)
        self.refunds: list[int] = []
        self.disputes: list[int] = []
        self.transfers: list[int] = []
        self.refunded = self.disputed = self.sent = self.steps = 0
        ledger.captured(self.payment, f"ch_{payment_id}")

    def source(self, kind: str) -> str:
        self.steps += 1
        return f"{kind}_{self.payment.id}_{self.steps}"

    def refund(self, part: float) -> None:
        amount = int((self.payment.amount - ledger.gone(self.payment)) * part)
        if amount > 0:
            ledger.money_left(self.payment, amount, PostingKind.REFUND, self.source("re"))
            self.refunds.append(amount)
            self.refunded += amount

    def refund_fails(self, part: float) -> None:
        if self.refunds:
            amount = self.refunds.pop(int(part * len(self.refunds)) % len(self.refunds))
            ledger.money_returned(self.payment, amount, PostingKind.REFUND_UNDONE, self.source("re"))
            self.refunded -= amount

    def dispute(self, part: float) -> None:
        """A bank takes up to the whole payment, whatever was refunded before."""
        amount = max(1, int(self.payment.amount * part))
        ledger.money_left(self.payment, amount, PostingKind.DISPUTE_WITHDRAWN, self.source("txn"))
        self.disputes.append(amount)
        self.disputed += amount

    def win(self, part: float) -> None:
        if self.disputes:
            amount = self.disputes.pop(int(part * len(self.disputes)) % len(self.disputes))
            ledger.money_returned(self.payment, amount, PostingKind.DISPUTE_REINSTATED, self.source("txn"))
            self.disputed -= amount

    def release(self, _part: float) -> None:
        """As the release does: debts first, the rest to the mentor."""
        held, mentor = ledger.held(self.payment), self.payment.booking.mentor_id
        used = min(held, max(0, ledger.debt_of(mentor, self.payment.currency)))
        if used:
            ledger.debt_netted(self.payment, used, self.source("net"))
        if held > used:
            self._send(held - used)

    def land_late(self, part: float) -> None:
        """A transfer believed lost turns up, after its money went elsewhere."""
        self._send(max(1, int(self.payment.mentor_amount * part)))

    def _send(self, amount: int) -> None:
        ledger.transferred(self.payment, amount, self.source("tr"))
        self.transfers.append(amount)
        self.sent += amount

    def divide(self, part: float) -> None:
        """A decision divides what stays, once: so much is to go back, and so much is the mentor's."""
        if ledger.divided(self.payment) is None:
            left = max(0, self.payment.amount - ledger.gone(self.payment))
            back = int(left * part) // 2
            given = int((left - back) * ((part * 7) % 1))
            if self.payment.amount >= ledger.gone(self.payment):
                ledger.divide(self.payment, back, given, self.source("dispute"))

    def take_back(self, part: float) -> None:
        if self.transfers:
            amount = max(1, int(self.transfers[-1] * part))
            left = self.transfers.pop() - amount
            self.transfers += [left] if left else []
            ledger.reversed_(self.payment, amount, self.source("trr"))
            self.sent -= amount

    def check(self) -> None:
        """Promise 1, from what happened and from the books; and who bears it, to the cent."""
        p = self.payment
        held, fee = ledger.held(p), -ledger.balance(p, Account.FEES)
        debt, loss = ledger.balance(p, Account.DEBT), ledger.balance(p, Account.LOSS)
        assert p.amount + debt + loss == self.refunded + self.disputed + self.sent + held + fee
        gone = self.refunded + self.disputed
        assert (ledger.gone(p), loss) == (gone, max(0, gone - p.amount))
        assert fee == policy.kept(p.amount, p.platform_fee, gone, ledger.divided(p))[1]
        assert held >= 0
        assert ledger.balance(p, Account.CONNECTED) == self.sent


ACTS = ("refund", "refund_fails", "dispute", "win", "release", "land_late", "take_back", "divide")
BORNE_BY_ANOTHER = [
    *(("release", 0, 0.0), ("dispute", 0, 1.0)),  # a debt
    *(("refund", 1, 0.5), ("release", 1, 0.0)),  # half of it is paid by the other payment's share
    ("win", 0, 0.0),  # and then it was none
]
TWICE_GONE = [("refund", 0, 1.0), ("dispute", 0, 1.0), ("land_late", 0, 1.0), ("win", 0, 0.0)]
ACT = st.tuples(st.sampled_from(ACTS), st.integers(0, 1), st.floats(0, 1))


@pytest.fixture
def two_paid(built_house: House) -> House:
    built_house.begin_with(AMARA, OWEN)
    for _ in range(2):
        paid(built_house)
        built_house.settle_down()
    return built_house


@pytest.mark.story
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACT, max_size=14))
@example(BORNE_BY_ANOTHER)
@example(TWICE_GONE)
def test_nothing_is_lost_whatever_happens_to_two_payments_of_one_mentor(
    two_paid: House, acts: list[tuple[str, int, float]]
) -> None:
    with empty_books(two_paid):
        stories = [Story(1), Story(2)]
        for act, which, part in acts:
            getattr(stories[which], act)(part)
            for story in stories:
                story.check()
            assert ledger.debt_of(stories[0].payment.booking.mentor_id, "usd") >= 0


def test_the_same_posting_twice_is_one(house: House) -> None:
    paid(house)
    house.settle_down()
    with empty_books(house):
        payment = locked(Payment, 1)
        for _ in range(2):
            ledger.captured(payment, "ch")
            ledger.stripe_fee(payment, "txn", 204)
            ledger.money_left(payment, 1000, PostingKind.REFUND, "re")
            ledger.money_returned(payment, 1000, PostingKind.REFUND_UNDONE, "re")
            ledger.transferred(payment, 5400, "tr")
            ledger.reversed_(payment, 400, "trr")
            ledger.paid_out(1, 5000, "usd", "po")
            ledger.payout_undone(1, 5000, "usd", "po")
        kinds = sa.select(LedgerEntry.kind, sa.func.count()).group_by(LedgerEntry.kind)
        assert max(count for _, count in session().execute(kinds)) <= 4
        assert ledger.held(payment) == 400


# What the database refuses

LEG = (
    "INSERT INTO discuno_ledger_entry (kind, source, account, amount, currency, posted_at) "
    "VALUES ('payout', '{}', '{}', {}, 'usd', now())"
)
BALANCED = (LEG.format("po_1", "bank", 5), LEG.format("po_1", "connected", -5))
REFUSED = [
    ("UPDATE discuno_ledger_entry SET amount = 6",),
    ("UPDATE discuno_ledger_entry SET posted_at = now() WHERE false",),
    ("DELETE FROM discuno_ledger_entry",),
    ("TRUNCATE discuno_ledger_entry",),
    ("TRUNCATE discuno_ledger_entry CASCADE",),
    (LEG.format("po_2", "bank", 5),),
    (LEG.format("po_2", "bank", 5), LEG.format("po_2", "connected", -4)),
    (LEG.format("po_1", "held", 5), LEG.format("po_1", "fees", -4)),
    (LEG.format("po_1", "bank", 5),),
    BALANCED,  # once more
    (LEG.format("po_2", "bank", 0),),
    (LEG.format("po_2", "nowhere", 5), LEG.format("po_2", "bank", -5)),
    ("DELETE FROM discuno_audit_entry",),
    ("UPDATE discuno_audit_entry SET reason = 'x'",),
    ("TRUNCATE discuno_audit_entry CASCADE",),
]


def run_sql(house: House, *statements: str) -> None:
    with house.app.app_context(), transaction() as unit:
        for statement in statements:
            unit.execute(sa.text(statement))


def test_the_books_are_only_ever_added_to_in_postings_that_sum_to_zero(bare: House) -> None:
    run_sql(bare, *BALANCED)
    for statements in REFUSED:
        with pytest.raises(sa.exc.IntegrityError):
            run_sql(bare, *statements)
    with bare.app.app_context():
        found = session().execute(sa.select(LedgerEntry.account, LedgerEntry.amount)).all()
        assert sorted(tuple(row) for row in found) == [("bank", 5), ("connected", -5)]


def test_a_posting_of_ours_that_does_not_sum_to_zero_is_a_bug(bare: House) -> None:
    with bare.app.app_context(), transaction(), pytest.raises(ValueError, match="does not sum to zero"):
        ledger.post(
            PostingKind.PAYOUT, "po", {Account.BANK: 1}, currency="usd", payment_id=None, mentor_id=None
        )
