"""The four figures of a mentor's money add up to the books, whatever happened, and say what else is to be known."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discuno import journey
from discuno.kit import clock
from discuno.kit.db import rows, session, transaction
from discuno.mentors.models import Mentor
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Account, LedgerEntry, Payment
from discuno.payouts import banking, figures, sight, sold
from discuno.payouts.figures import Figures
from discuno.payouts.models import MentorStripeAccount, Payout, PayoutStatus
from tests.factories import all_of, change, paid, the
from tests.house import House
from tests.mentors import end_payout, has, look, share_arrives
from tests.test_ledger import ACT, Story, empty_books, two_paid

__all__ = ["two_paid"]
pytestmark = pytest.mark.story

W = PayoutStatus
OF_PAYOUTS = ("requested", "sent", "paid", "failed", "failed after it was paid")


def of_amara(house: House) -> Figures:
    found: list[Figures] = house.read(lambda: figures.of_mentor(amara()))
    assert len(found) == 1
    return found[0]


def amara() -> Mentor:
    return session().execute(sa.select(Mentor).where(Mentor.username == "amara")).scalar_one()


def test_before_anything_was_earned_there_are_zeros_in_the_usual_currency(house: House) -> None:
    assert of_amara(house) == Figures("usd")
    owen = house.read(lambda: figures.of_mentor(session().get_one(Mentor, 2)))
    assert [each.currency for each in owen] == ["gbp"]


def test_a_share_goes_through_all_four(house: House) -> None:
    share_arrives(house)
    ready = of_amara(house)
    assert (ready.held, ready.ready, ready.sessions_ready) == (0, 5400, 1)
    look(house)
    moving = of_amara(house)
    payout = the(house, Payout)
    assert (moving.ready, moving.on_the_way, moving.expected) == (0, 5400, payout.arrives_on)
    assert moving.sessions_on_the_way == 1
    end_payout(house, "paid")
    assert (of_amara(house).on_the_way, of_amara(house).paid_ever) == (0, 5400)
    change(
        house, "UPDATE discuno_payout SET arrives_on = date_trunc('day', discuno_now() AT TIME ZONE 'UTC')"
    )
    arrived = of_amara(house)
    end_payout(house, "failed")
    back = of_amara(house)
    assert (back.ready, back.on_the_way, back.paid_ever, back.paid_this_month) == (5400, 0, 0, 0)
    assert arrived.position == back.position == 5400


@pytest.mark.parametrize(
    ("arrives", "counts"),
    [
        ("2026-11-01", True),
        ("2026-10-31", False),
        ("2026-11-30", True),
        ("2026-12-01", False),
        ("2025-11-30", False),
    ],
)
def test_the_day_of_arrival_is_the_banks_and_counts_in_its_month(arrives: str, counts: bool) -> None:
    midnight = datetime.fromisoformat(
        f"{arrives}T00:00+00:00"
    )  # as Stripe tells it: the evening before in New York
    arrived = Payout(amount=5400, currency="usd", status=W.PAID, arrives_on=midnight)
    on_its_way = Payout(amount=700, currency="usd", status=W.IN_TRANSIT, arrives_on=midnight)
    assert figures.paid_in_month([arrived, on_its_way], date(2026, 11, 23)) == (5400 if counts else 0)


# Whatever happens


@contextmanager
def payouts_too(made: list[tuple[str, float]]) -> Iterator[None]:
    """What lies in the account goes to the bank in these ways, as far as there is anything."""
    account = (
        session()
        .execute(sa.select(MentorStripeAccount).where(MentorStripeAccount.mentor_id == 1))
        .scalar_one()
    )
    for n, (how, part) in enumerate(made):
        amount = int(sums().get(Account.CONNECTED, 0) * part)
        if amount > 0:
            pay(account, amount, how, f"po_{n}")
            if how == "requested":
                break  # there is one at a time
    yield


def pay(account: MentorStripeAccount, amount: int, how: str, name: str) -> None:
    payout = banking.add(account, amount, "usd", banking.AUTOMATIC)
    if how == "requested":
        return
    payout.stripe_payout_id = name
    payout.arrives_on = clock.now() + timedelta(days=2)
    payout.move_to(W.PENDING)
    ledger.paid_out(1, amount, "usd", name)
    for status in {
        "paid": [W.PAID],
        "failed": [W.FAILED],
        "failed after it was paid": [W.PAID, W.FAILED],
    }.get(how, []):
        payout.move_to(status)
    if payout.status == W.FAILED:
        ledger.payout_undone(1, amount, "usd", name)
    session().flush()


def sums() -> dict[str, int]:
    """What the books say about the mentor, by account."""
    found = session().execute(
        sa.select(LedgerEntry.account, sa.func.sum(LedgerEntry.amount))
        .where(LedgerEntry.mentor_id == 1)
        .group_by(LedgerEntry.account)
    )
    return {account: int(amount) for account, amount in found}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ACT, max_size=10),
    st.lists(st.tuples(st.sampled_from(OF_PAYOUTS), st.floats(0.1, 1)), max_size=5),
)
def test_the_figures_are_the_books_whatever_happens(
    two_paid: House, acts: list[tuple[str, int, float]], made: list[tuple[str, float]]
) -> None:
    with empty_books(two_paid):
        stories = [Story(1), Story(2)]
        for act, which, part in acts:
            getattr(stories[which], act)(part)
        with payouts_too(made):
            [found] = figures.of_mentor(amara())
            books = sums()
            assert found.held == -books.get(Account.HELD, 0)
            in_custody = books.get(Account.CONNECTED, 0) + books.get(Account.BANK, 0)
            assert found.ready + found.on_the_way + found.paid_ever == in_custody
            assert found.debt == books.get(Account.DEBT, 0)
            by_status = {p.id: (p.amount, p.status) for p in rows(sa.select(Payout))}
            assert found.on_the_way == sum(a for a, status in by_status.values() if status.is_open)
            assert found.paid_ever == sum(a for a, status in by_status.values() if status == W.PAID)
            assert 0 <= found.kept <= max(0, found.ready)
            seen = sight.gather(amara(), sight.Reader())
            shown = sold.page(seen, sold.Wanted()).sessions
            assert found.held == sum(-ledger.balance(each.payment, Account.HELD) for each in shown)


def test_what_of_the_ready_money_cannot_go_yet_is_said(house: House) -> None:
    share_arrives(house)
    assert (of_amara(house).kept, of_amara(house).unsettled, of_amara(house).can_go) == (0, 0, 5400)
    change(house, "UPDATE discuno_payment SET available_on = discuno_now() + interval '2 days'")
    assert (of_amara(house).unsettled, of_amara(house).can_go) == (5400, 0)
    change(house, "UPDATE discuno_payment SET available_on = NULL, dispute_requested = true")
    assert (of_amara(house).ready, of_amara(house).kept, of_amara(house).can_go) == (5400, 5400, 0)


def test_the_next_release_is_the_earliest_that_nothing_stands_against(house: House) -> None:
    for _ in range(2):
        paid(house)
        house.settle_down()
    first, second = sorted(all_of(house, Payment), key=lambda p: str(p.dispute_period_ends))
    found = of_amara(house)
    assert (found.next_release, found.held, found.sessions_held) == (first.dispute_period_ends, 10800, 2)
    with house.app.app_context(), transaction():
        journey.hold(payments.locked_payment(first.id))
    found = of_amara(house)
    assert (found.next_release, found.held, found.sessions_held) == (second.dispute_period_ends, 10800, 2)


def test_what_is_not_in_the_books_is_in_no_figure(house: House) -> None:
    has(house, 700)
    assert of_amara(house) == Figures("usd")
