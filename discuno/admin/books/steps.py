"""The steps of a reconciliation run: one page of one list each, looked at, repaired, and what is left named.

Doors. Each may be taken twice, and beside whatever else is going on: money may move while it is being compared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from discuno.admin.books import books, drift, repair
from discuno.admin.books.books import Difference
from discuno.disputes.models import DisputeKind
from discuno.edges.stripe import StripeRefused, lists
from discuno.edges.stripe.lists import Cut, Entry, Page, Standing
from discuno.kit.db import rows, session, transaction
from discuno.notifications import service as letters
from discuno.payouts.models import AccountStatus, MentorStripeAccount

ACCOUNTS, OPEN = 10, 25  # a step
TRIES = 3  # of comparing a balance that moves meanwhile
JUST_NOW = timedelta(minutes=10)
Fact = TypeVar("Fact")


@dataclass(frozen=True)
class Walk:
    """Where a run is: since when it looks, which step is next, and after which object."""

    began: datetime
    since: datetime
    step: str
    after: str | None = None

    @property
    def cut(self) -> Cut:
        """The page to ask for."""
        return Cut(self.since, self.after)


@dataclass(frozen=True)
class Done:
    """What one step did, and after which object it goes on; None when there is no more of its kind."""

    looked: int
    repaired: int = 0
    after: str | None = None


Step = Callable[[Walk], Done]


def _page_of(ask: Callable[[Cut], Page[Fact]], mend: Callable[[tuple[Fact, ...]], int]) -> Step:
    """A step that looks at one page of a list and has it repaired."""

    def step(walk: Walk) -> Done:
        page = ask(walk.cut)
        return Done(len(page.items), mend(page.items), page.after)

    return step


def _whole(ask: Callable[[Cut], Page[Fact]], cut: Cut, mend: Callable[[tuple[Fact, ...]], int]) -> int:
    """A short list, all pages of it."""
    page = ask(cut)
    mended = mend(page.items)
    while page.after is not None:
        page = ask(Cut(cut.since, page.after, cut.account))
        mended += mend(page.items)
    return mended


def _open_here(ask: Callable[[int, int], sa.Select[int]], mend: Callable[[int], None]) -> Step:
    """A step that asks after rows of ours that are open, however old; those that then no longer are count."""

    def step(walk: Walk) -> Done:
        asked = ask(int(walk.after or 0), OPEN)
        with transaction():
            ids = list(session().execute(asked).scalars())
        for row_id in ids:
            mend(row_id)
        with transaction():
            left = set(session().execute(asked).scalars())
        return Done(len(ids), len(set(ids) - left), str(ids[-1]) if len(ids) == OPEN else None)

    return step


def _cases_of(kind: DisputeKind) -> Callable[[tuple[Standing, ...]], int]:
    return lambda seen: repair.cases(kind, seen)


def _entries(walk: Walk) -> Done:
    page = lists.entries(walk.cut)
    return Done(len(page.items), _take_entries(page.items, walk.began), page.after)


def _take_entries(entries: tuple[Entry, ...], began: datetime) -> int:
    """Every movement of our balance has its posting; what has none is looked at, and is drift if it is not ours."""
    with transaction():
        there = books.posted(entries)
    odd = [entry for entry in entries if books.compare(entry, there) is not None]
    for entry in reversed(odd):  # oldest first: a refund is known by its charge
        repair.entry(entry)
    with transaction():
        there = books.posted(odd)
        differ = [found for entry in odd if (found := books.compare(entry, there)) is not None]
        for difference in differ:
            books.record(difference, began)
        books.resolve(books.OF_ENTRIES, {e.id for e in entries} - {d.about for d in differ}, began)
    return len(odd) - len(differ)


def _accounts(walk: Walk) -> Done:
    """What every connected account has been doing, and what lies in it."""
    with transaction():
        found = rows(
            sa.select(MentorStripeAccount)
            .where(MentorStripeAccount.id > int(walk.after or 0))
            .order_by(MentorStripeAccount.id)
            .limit(ACCOUNTS)
        )
    mended = sum(_account(account, walk) for account in found)
    return Done(len(found), mended, str(found[-1].id) if len(found) == ACCOUNTS else None)


def _account(account: MentorStripeAccount, walk: Walk) -> int:
    there, mended = account.stripe_account_id, 0
    cut = Cut(walk.since, None, there)
    if account.status != AccountStatus.CLOSED:
        try:
            mended += _whole(lists.undelivered_events, cut, repair.events)
            mended += _whole(lists.payouts, cut, lambda seen: repair.payouts(there, seen))
        except StripeRefused:
            pass  # it has gone, and the comparison says so
    _write(account_differs(account), walk.began)
    return mended


Compared = Mapping[tuple[str, str], Difference | None]  # by kind and about; None where it is the same


def account_differs(account: MentorStripeAccount) -> Compared:
    """A connected account's balance at Stripe and in the books; nothing of it while money is on its way."""
    for _ in range(TRIES):
        with transaction():
            ours = books.in_account(account)
        theirs = _balance_of(account)
        with (
            transaction()
        ):  # what was begun before Stripe was asked is either in the books by now or on its way
            moving = books.is_in_motion(account.id) or books.in_account(account) != ours
        if theirs is None:
            return books.gone(account, ours)
        if not moving:
            return books.balances_differ(books.ACCOUNT, account.stripe_account_id, ours, theirs)
    return {}


def _balance_of(account: MentorStripeAccount) -> dict[str, int] | None:
    """What Stripe has in an account; None when it does not let us look."""
    if account.status == AccountStatus.CLOSED:
        return None
    try:
        return lists.balance(account.stripe_account_id)
    except StripeRefused:
        return None


def platform_differs(catch_up: Callable[[], object]) -> Compared:
    """Our own balance at Stripe and in the books; `catch_up` is called before what has moved just now counts."""
    differ: Compared = {}
    for _ in range(TRIES):
        with transaction():
            ours = books.in_platform()
        differ = books.balances_differ(books.PLATFORM, "platform", ours, lists.balance())
        if not any(differ.values()):
            break
        catch_up()
    return differ


def _platform(walk: Walk) -> Done:
    cut = Cut(walk.began - JUST_NOW)
    differ = platform_differs(
        lambda: _whole(lists.entries, cut, lambda entries: _take_entries(entries, walk.began))
    )
    _write(differ, walk.began)
    return Done(len(differ))


def _write(compared: Compared, began: datetime) -> None:
    with transaction():
        for (kind, about), difference in compared.items():
            if difference is not None:
                books.record(difference, began)
            else:
                books.resolve([kind], [about], began)


def _tell(walk: Walk) -> Done:
    """What is new is told to the admin, in one letter."""
    run = int(walk.began.timestamp())
    with transaction():
        new = books.new_drift(walk.began)
        if new:
            letters.tell(f"drift:{run}", letters.ADMIN, "drift_admin", run=run)
        drift.settle_alert()
        drift.note_run(walk.began, len(new))
    return Done(len(new))


STEPS: Mapping[str, Step] = {
    "undelivered events": _page_of(lists.undelivered_events, repair.events),
    "charges": _page_of(lists.charges, repair.charges),
    "refunds": _page_of(lists.refunds, repair.refunds),
    "transfers": _page_of(lists.transfers, repair.transfers),
    "disputes": _page_of(lists.disputes, _cases_of(DisputeKind.CHARGEBACK)),
    "fraud warnings": _page_of(lists.fraud_warnings, _cases_of(DisputeKind.FRAUD_WARNING)),
    "reviews": _page_of(lists.reviews, _cases_of(DisputeKind.REVIEW)),
    "open payments": _open_here(books.open_payments, repair.payment),
    "open cases": _open_here(books.open_cases, repair.case),
    "movements of our balance": _entries,
    "connected accounts": _accounts,
    "our balance": _platform,
    "new drift": _tell,
}
