"""What the dry run says would move is what the release then moves; what it keeps back is kept, for that reason."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discuno.admin.money import transfer_sight
from discuno.admin.money.transfer_sight import DryRun
from discuno.disputes.models import Dispute, DisputeKind, DisputeStatus
from discuno.kit import clock
from discuno.kit.db import rows, session, transaction
from discuno.payments import ledger
from discuno.payments.models import PaymentStatus, PostingKind, Refund, RefundStatus
from discuno.payouts import pauses, release
from discuno.payouts import service as payouts
from discuno.payouts.models import AccountStatus, MentorStripeAccount, Transfer, TransferStatus
from discuno.policy import Reason
from tests.crowd import Crowd
from tests.factories import advance_to, in_the_house
from tests.house import House
from tests.test_ledger import Undo

pytestmark = pytest.mark.story

UNTIL = timedelta(hours=9)
MENTORS, EACH = 5, 8


@pytest.fixture(scope="module")
def crowd(built_house: House) -> House:
    """Twenty shares of five mentors whose time has come."""
    built_house.empty()
    with built_house.app.app_context():
        desk = built_house.sandbox
        Crowd(desk.world, desk.app.extensions["sandbox_settings"]).gather(MENTORS, 4)
    return built_house


def now() -> datetime:
    return clock.now()


# What may have become of a share


def nothing(transfer: Transfer) -> None:
    """It is free to go."""


def case(kind: DisputeKind, **more: object) -> Callable[[Transfer], None]:
    def opened(transfer: Transfer) -> None:
        about = {"amount": 6000, "currency": "usd", "reason": "", "opened_at": now(), **more}
        status = about.pop("status", DisputeStatus.OPEN)
        session().add(Dispute(payment_id=transfer.payment_id, kind=kind, status=status, **about))

    return opened


def on_hold(transfer: Transfer) -> None:
    transfer.payment.dispute_requested = True


def odd(transfer: Transfer) -> None:
    transfer.payment.needs_attention = "Somebody has to look."


def going_back(transfer: Transfer) -> None:
    about = {
        "amount": 100,
        "currency": "usd",
        "reason": "admin",
        "nonce": "1",
        "status": RefundStatus.REQUESTED,
    }
    times = {"created_at": now(), "next_try_at": now() + timedelta(days=9), "epoch": 1, "unknown_count": 0}
    session().add(Refund(payment_id=transfer.payment_id, **about, **times))


def gone(transfer: Transfer) -> None:
    ledger.money_left(transfer.payment, 6000, PostingKind.REFUND, f"re_{transfer.id}")


def partly_gone(transfer: Transfer) -> None:
    ledger.money_left(transfer.payment, 1234, PostingKind.REFUND, f"re_{transfer.id}")


def owed(transfer: Transfer) -> None:
    """The share was sent long ago, and all of it went back since: the mentor owes it, and nothing is held."""
    ledger.transferred(transfer.payment, 5400, f"tr_{transfer.id}")
    ledger.money_left(transfer.payment, 6000, PostingKind.REFUND, f"re_{transfer.id}")


def elsewhere(transfer: Transfer) -> None:
    transfer.payment.settlement_currency = "eur"


def ends(after: timedelta) -> Callable[[Transfer], None]:
    def later(transfer: Transfer) -> None:
        transfer.payment.dispute_period_ends = transfer.next_try_at = now() + after

    return later


def moved_later(transfer: Transfer) -> None:
    """The session has another time; the transfer's row has not heard of it."""
    transfer.payment.dispute_period_ends = now() + timedelta(days=2)


def blocked(reason: Reason, after: timedelta) -> Callable[[Transfer], None]:
    """Something stood against it and does no more; it is looked at again after so long."""

    def was(transfer: Transfer) -> None:
        transfer.blocked_by, transfer.next_try_at = reason.value, now() + after

    return was


def refused_once(transfer: Transfer) -> None:
    transfer.retry_count, transfer.next_try_at = 1, now() + timedelta(minutes=5)


def not_paid(transfer: Transfer) -> None:
    transfer.payment.status = PaymentStatus.FAILED


def suspended(transfer: Transfer) -> None:
    transfer.payment.booking.mentor.suspended_at = now()


def no_account(transfer: Transfer) -> None:
    mentor_id = transfer.payment.booking.mentor_id
    session().execute(
        sa.update(MentorStripeAccount)
        .where(MentorStripeAccount.mentor_id == mentor_id)
        .values(status=AccountStatus.RESTRICTED)
    )


def no_answer(transfer: Transfer) -> None:
    """Stripe was asked, and the line was cut."""
    account = payouts.account_of(transfer.payment.booking.mentor)
    assert account is not None
    transfer.status, transfer.attempted_at = TransferStatus.SENDING, now()
    transfer.account_id, transfer.destination = account.id, account.stripe_account_id


FATES: tuple[Callable[[Transfer], None], ...] = (
    *(nothing, on_hold, odd, going_back, gone, partly_gone, owed, elsewhere, moved_later, refused_once),
    *(no_answer, not_paid, ends(timedelta(hours=8)), ends(UNTIL), ends(timedelta(hours=10))),
    *(case(kind) for kind in DisputeKind),
    case(DisputeKind.REPORT, status=DisputeStatus.CLOSED),
    blocked(Reason.ACCOUNT, timedelta(hours=1)),
    blocked(Reason.ACCOUNT, timedelta(hours=10)),
    blocked(Reason.GIVEN_UP, timedelta(hours=-5)),
)
OF_MENTORS = (suspended, no_account)


def all_shares() -> list[Transfer]:
    return rows(sa.select(Transfer).order_by(Transfer.id))


@contextmanager
def only_tried(house: House) -> Iterator[None]:
    """All of it is undone, and the clock of this process with it."""
    was = clock.now()
    with house.app.app_context(), suppress(Undo), transaction():
        try:
            yield
        finally:
            clock.follow(was)
            session().expunge_all()
        raise Undo


def asked_one_by_one(until: datetime) -> Counter[str | None]:
    """What the release's own guard says about each share at that moment, as it comes to look at it."""
    clock.follow(until)
    found: Counter[str | None] = Counter()
    for transfer in all_shares():
        in_time = transfer.next_try_at <= until
        is_over = (transfer.payment.dispute_period_ends or until) <= until
        if transfer.blocked_by is not None and (transfer.blocked_by == Reason.GIVEN_UP or not in_time):
            found.update([transfer.blocked_by] if is_over else [])
        elif in_time and (is_over or transfer.blocked_by is None):
            found[payouts.reason_to_wait(transfer)] += 1
    return found


def as_counted(told: DryRun) -> Counter[str | None]:
    counted: Counter[str | None] = Counter({reason: pile.number for reason, pile in told.kept.items()})
    counted[None] = sum(each.shares for each in told.goes)
    return +counted


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(FATES), min_size=10, max_size=10),
    st.lists(st.sampled_from(OF_MENTORS), max_size=2),
    st.booleans(),
)
def test_the_guard_says_the_same_about_all_at_once_as_about_one_after_the_other(
    crowd: House,
    fates: list[Callable[[Transfer], None]],
    of_mentors: list[Callable[[Transfer], None]],
    is_paused: bool,
) -> None:
    with only_tried(crowd):
        shares = all_shares()
        for share, fate in zip(shares[::2], fates, strict=True):
            fate(share)
        for share, fate in zip(shares[::8], of_mentors, strict=False):
            fate(share)
        if is_paused:
            pauses.begin("A test.", "admin@discuno.example")
        session().flush()
        until = now() + UNTIL
        told = transfer_sight.dry_run(until)
        assert as_counted(told) == +asked_one_by_one(until)
        assert not is_paused or told.goes == []


def moved(house: House) -> Counter[str]:
    """What lies at Stripe by now, by connected account."""
    found: Counter[str] = Counter()
    for transfer in house.stripe("transfer"):
        found[transfer["destination"]] += transfer["amount"]
    return found


def foreseen(told: DryRun) -> Counter[str]:
    accounts = {a.mentor_id: a.stripe_account_id for a in rows(sa.select(MentorStripeAccount))}
    return +Counter({accounts[each.mentor_id]: each.amount for each in told.goes})


def test_what_is_foreseen_is_what_the_release_then_moves(bare: House) -> None:
    with bare.app.app_context():
        Crowd(bare.sandbox.world, bare.sandbox.app.extensions["sandbox_settings"]).gather(MENTORS, EACH)
        with transaction():
            shares = all_shares()
            for share, fate in zip(shares, FATES, strict=False):
                fate(share)
            for share in shares[len(FATES) : len(FATES) + 2]:
                owed(share)  # their mentors' other shares pay it
            suspended(shares[-1])
        until = in_the_house(bare) + UNTIL
        with transaction():
            told = transfer_sight.dry_run(until)
            wanted = foreseen(told)
        assert [each.currency for each in told.goes] == ["usd"] * len(told.goes)
        assert sum(each.debt for each in told.goes) >= 5400
        assert len(told.kept) >= 10
        assert moved(bare) == Counter()  # nothing moves by looking
        advance_to(bare, until)
        release.release(60)
        assert moved(bare) == wanted
        assert sum(wanted.values()) > 50_000
