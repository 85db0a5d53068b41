"""The queue of cases: what is due first stands first, every filter is in the address, and many ask as few do."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from discuno.accounts.models import User
from discuno.admin.cases import queue
from discuno.admin.cases.queue import Place, Wanted
from discuno.disputes import dues
from discuno.disputes.dues import Whose
from discuno.disputes.models import Dispute, DisputeKind, DisputeStatus
from discuno.kit import clock
from discuno.kit.db import session, transaction
from tests.deciding import decider
from tests.house import House
from tests.plans import asked_by
from tests.reporting import sell_at_once
from tests.signing import ADMIN, SECOND_ADMIN, staff

K, S = DisputeKind, DisputeStatus
HOUR = timedelta(hours=1)


def case(
    house: House, kind: DisputeKind = K.CHARGEBACK, status: DisputeStatus = S.OPEN, **more: object
) -> int:
    """A case of the first payment, written directly; times are hours from now."""
    now = house.read(lambda: session().execute(sa.select(sa.func.discuno_now())).scalar_one())
    times = ("opened_at", "due_at", "answered_at", "closed_at", "claimed_at")
    told = {name: now + value * HOUR if name in times else value for name, value in more.items()}
    with house.app.app_context(), transaction() as unit:
        made = Dispute(
            **{"opened_at": now - HOUR, "amount": 6000, "currency": "usd", "reason": "fraudulent", **told},
            payment_id=1,
            kind=kind,
            status=status,
            is_inquiry=False,
        )
        unit.add(made)
        unit.flush()
        return made.id


def shown(house: House, wanted: Wanted | None = None, email: str = ADMIN) -> list[int]:
    """The cases of a page, in its order."""

    def ask() -> list[int]:
        user = session().execute(sa.select(User).where(User.email == email)).scalar_one()
        return [each.id for each in queue.page(wanted or Wanted(), user).cases]

    return list(house.read(ask))


@pytest.fixture
def sold(house: House) -> House:
    """A payment to have cases about, and two admins."""
    sell_at_once(house)
    for email in (ADMIN, SECOND_ADMIN):
        staff(house, email)
    return house


def test_what_somebody_owes_first_stands_first_whoever_it_is(sold: House) -> None:
    mentors = case(sold, K.REPORT, due_at=40, reason="other")
    late = case(sold, K.CHARGEBACK, due_at=-2)
    soon = case(sold, K.CHARGEBACK, due_at=30)
    warning = case(sold, K.FRAUD_WARNING, opened_at=-40)  # 32 hours left of 72
    assert shown(sold) == [late, soon, warning, mentors]
    html = decider(sold).reads("")
    for words in ("Past due by 2 hours", "hours left", "The mentor answers until"):
        assert words in html
    assert html.count("Past due") == 1


WAITS = [
    (K.REPORT, {"due_at": 5}, Whose.MENTORS, 5),
    (K.REPORT, {"due_at": -5}, Whose.OURS, 67),
    (K.REPORT, {"answered_at": -10}, Whose.OURS, 62),
    (K.CHARGEBACK, {"due_at": -5}, Whose.OURS, -5),
    (K.CHARGEBACK, {"opened_at": -5}, Whose.OURS, 67),
    (K.REVIEW, {"opened_at": -80}, Whose.OURS, -8),
    (K.CHARGEBACK, {"status": S.WAITING, "due_at": -5}, Whose.BANKS, None),
    (K.CHARGEBACK, {"status": S.LOST, "due_at": -5, "closed_at": -1}, Whose.NOBODYS, None),
]


@pytest.mark.parametrize(("kind", "more", "whose", "hours"), WAITS, ids=str)
def test_somebody_owes_the_next_word_and_only_we_are_ever_late(
    sold: House, kind: DisputeKind, more: dict[str, object], whose: Whose, hours: int | None
) -> None:
    made = case(sold, kind, **more)

    def ask() -> tuple[dues.Due, datetime | None, bool]:
        found = session().get_one(Dispute, made)
        there = sa.select(dues.column(), dues.is_ours()).where(Dispute.id == made, Dispute.status == S.OPEN)
        at, is_ours = session().execute(there).one_or_none() or (None, False)
        return dues.of(found), at, is_ours

    due, at, is_ours = sold.read(ask)
    assert (due.whose, due.at, is_ours) == (whose, at, whose == Whose.OURS)
    assert due.is_past == (whose == Whose.OURS and hours is not None and hours < 0)
    if hours is not None:
        assert abs(due.at - clock.now() - hours * HOUR) < HOUR / 2


def test_each_filter_leaves_what_it_says_and_the_address_holds_them_all(sold: House) -> None:
    report = case(sold, K.REPORT, due_at=9, reason="other")
    mine = case(sold, amount=20_000, stripe_id="du_mine", assignee_id=user_id(sold, ADMIN), claimed_at=0)
    yen = case(sold, K.REVIEW, amount=6000, currency="jpy", opened_at=-2)
    waiting = case(sold, status=S.WAITING)
    old = case(sold, status=S.LOST, closed_at=-9)
    new = case(sold, status=S.WON, closed_at=-1)
    filters = {
        "": {report, mine, yen},
        "state=waiting": {waiting},
        "state=closed": {old, new},
        "whose=mine": {mine},
        "whose=unassigned": {report, yen},
        "kind=report": {report},
        "least=61": {mine, yen},
        "least=200&kind=chargeback": {mine},
        "q=TANAKA": {report, mine, yen},
        "q=okafor": {report, mine, yen},
        "q=amara@discuno.example": {report, mine, yen},
        "q=du_mine": {mine},
        f"q=case+{yen}": {yen},
        "q=pi_1": {report, mine, yen},
        "q=100%25": set(),
        "q=nobody&state=closed": set(),
        "state=nonsense&whose=nonsense&kind=nonsense&least=nonsense": {report, mine, yen},
    }
    ada = decider(sold)
    for query, ids in filters.items():
        html = ada.reads(f"?{query}")
        assert {each for each in range(1, 7) if f'href="/admin/disputes/{each}"' in html} == ids, query
    assert shown(sold, Wanted(state="closed")) == [new, old]
    html = ada.reads("?whose=unassigned&least=5&q=jun&state=closed")
    assert "whose=unassigned&amp;least=5&amp;q=jun" in html
    assert 'aria-current="page">Closed <span class="num">2</span>' in html


def user_id(house: House, email: str) -> int:
    return int(
        house.read(lambda: session().execute(sa.select(User.id).where(User.email == email)).scalar_one())
    )


MANY = """
INSERT INTO discuno_dispute (
  payment_id, kind, status, is_inquiry, reason, amount, currency, due_at, opened_at, closed_at)
SELECT 1, CASE n % 3 WHEN 0 THEN 'chargeback' WHEN 1 THEN 'fraud_warning' ELSE 'review' END,
  CASE n % 4 WHEN 0 THEN 'lost' WHEN 1 THEN 'waiting' ELSE 'open' END, false, 'fraudulent', 5000 + n, 'usd',
  discuno_now() + n % 97 * interval '1 hour', discuno_now() - n % 61 * interval '1 hour',
  CASE n % 4 WHEN 0 THEN discuno_now() - n % 53 * interval '1 minute' END
FROM generate_series(1, :many) n
"""


@pytest.mark.parametrize("state", list(queue.STATES))
def test_page_after_page_shows_each_case_once_and_asks_as_much_for_fifty_as_for_one(
    sold: House, state: str
) -> None:
    case(sold, status=queue.STATES[state][1][0], **({"closed_at": -1} if state == "closed" else {}))
    ada = decider(sold)
    for_one = asked_by(sold, ada.client, f"/admin/disputes?state={state}")
    with sold.app.app_context(), transaction() as unit:
        unit.execute(sa.text(MANY), {"many": 450})
    for_fifty = asked_by(sold, ada.client, f"/admin/disputes?state={state}")
    assert len(for_fifty) <= len(for_one)

    def walk() -> list[int]:
        user, after, seen = session().get_one(User, user_id_here()), None, []
        while True:
            found = queue.page(Wanted(state=state), user, after)
            seen += [each.id for each in found.cases]
            if found.after is None:
                return seen
            after = Place.read(str(found.after))

    def user_id_here() -> int:
        return int(session().execute(sa.select(User.id).where(User.email == ADMIN)).scalar_one())

    seen = sold.read(walk)
    fits = sa.select(Dispute.id).where(Dispute.status.in_(queue.STATES[state][1]))
    assert sorted(seen) == sorted(sold.read(lambda: list(session().execute(fits).scalars())))
    assert len(seen) > queue.A_PAGE
