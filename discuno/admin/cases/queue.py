"""Which cases wait for somebody: reports, chargebacks, warnings and reviews in one list, the first due in front."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from discuno.accounts.models import User
from discuno.admin.models import Proposal, ProposalStatus
from discuno.disputes import dues
from discuno.disputes.models import Dispute, DisputeKind, DisputeStatus
from discuno.kit.db import rows, session
from discuno.kit.money import NO_DIGITS, THREE_DIGITS
from discuno.kit.web import LARGEST_ID
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment

A_PAGE = 50
MOST = 1000  # counted up to here
LONGEST = 200  # characters of what is searched for
OPEN, WAITING, CLOSED = "open", "waiting", "closed"
STATES = {
    OPEN: ("Open", (DisputeStatus.OPEN,)),
    WAITING: ("Waiting for the bank", (DisputeStatus.WAITING,)),
    CLOSED: ("Closed", (DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.CLOSED)),
}
WHOSE = {"": "Everybody’s", "mine": "Mine", "unassigned": "Nobody’s"}
KINDS = {"": "Every kind", **{kind.value: kind.label for kind in DisputeKind}}
LARGEST = 10**9  # of an amount somebody filters by, in whole units of the currency


@dataclass(frozen=True)
class Wanted:
    """The filters, as the address has them. `least` is an amount in whole units of whatever currency."""

    state: str = OPEN
    whose: str = ""
    kind: str = ""
    least: int = 0
    q: str = ""

    @property
    def is_all(self) -> bool:
        """Whether nothing but the state is filtered by."""
        return self == Wanted(state=self.state)

    def as_query(self, **more: object) -> str:
        """As the address has them, with more behind, or changed by it."""
        told = {"state": self.state, "whose": self.whose, "kind": self.kind, "least": self.least, "q": self.q}
        usual = {"state": OPEN}
        given = {**told, **more}
        return urlencode({name: str(v) for name, v in given.items() if v and usual.get(name) != v})


def read(asked: Mapping[str, str]) -> Wanted:
    """The filters of an address; what is none is left out."""
    least = asked.get("least", "").strip()
    return Wanted(
        state=_one_of(STATES, asked.get("state", ""), OPEN),
        whose=_one_of(WHOSE, asked.get("whose", ""), ""),
        kind=_one_of(KINDS, asked.get("kind", ""), ""),
        least=min(int(least), LARGEST) if least.isascii() and least.isdecimal() and len(least) < 20 else 0,
        q=asked.get("q", "").replace("\0", "").strip()[:LONGEST],
    )


def _one_of(known: Mapping[str, object], word: str, otherwise: str) -> str:
    return word if word in known else otherwise


@dataclass(frozen=True)
class Place:
    """After which case the next page begins: when that one was due, or closed, and its number."""

    at: datetime
    case_id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.case_id}"

    @classmethod
    def read(cls, text: str | None) -> "Place | None":
        """The place of an address, or None for what is none."""
        at, _, case_id = (text or "").partition("~")
        try:
            found = cls(datetime.fromisoformat(at.replace(" ", "+")), int(case_id))
        except ValueError:
            return None
        return found if found.at.tzinfo is not None and 0 < found.case_id <= LARGEST_ID else None


@dataclass(frozen=True)
class Page:
    """Some cases, and where the next page begins, if there is one. `proposed` are those that wait for two admins."""

    cases: list[Dispute]
    after: Place | None
    proposed: set[int]


def page(wanted: Wanted, user: User, after: Place | None = None) -> Page:
    """The next cases: the open ones in the order in which they are due, the others the newest first."""
    order, is_open = _order(wanted)
    found = sa.select(Dispute.id, order.label("at")).where(*_fits(wanted, user))
    if after is not None:
        here, there = sa.tuple_(order, Dispute.id), sa.tuple_(sa.literal(after.at, order.type), after.case_id)
        found = found.where(here > there if is_open else here < there)
    ends = (order, Dispute.id) if is_open else (order.desc(), Dispute.id.desc())
    places = [
        Place(at, case_id) for case_id, at in session().execute(found.order_by(*ends).limit(A_PAGE + 1))
    ]
    ids = [place.case_id for place in places[:A_PAGE]]
    return Page(_whole(ids), places[A_PAGE - 1] if len(places) > A_PAGE else None, _proposed(ids))


def _order(wanted: Wanted) -> tuple[sa.ColumnElement[datetime], bool]:
    if wanted.state == OPEN:
        return dues.column(), True
    if wanted.state == WAITING:
        return sa.type_coerce(Dispute.opened_at, Dispute.opened_at.type), True
    return sa.type_coerce(Dispute.closed_at, Dispute.opened_at.type), False


def _whole(ids: list[int]) -> list[Dispute]:
    """The cases with everything a line shows, in this order."""
    statement = sa.select(Dispute).where(Dispute.id.in_(ids)).options(joinedload(Dispute.assignee))
    known = {case.id: case for case in rows(statement)}
    return [known[case_id] for case_id in ids]


def _proposed(ids: list[int]) -> set[int]:
    waiting = sa.select(Proposal.dispute_id).where(
        Proposal.dispute_id.in_(ids), Proposal.status == ProposalStatus.OPEN
    )
    return {int(found) for found in session().execute(waiting).scalars() if found is not None}


def counts(wanted: Wanted, user: User) -> dict[str, int]:
    """How many cases each state has under the same filters, counted up to a thousand."""
    of_state = [
        sa.select(sa.func.count())
        .select_from(
            sa.select(Dispute.id).where(*_fits(replace(wanted, state=state), user)).limit(MOST).subquery()
        )
        .scalar_subquery()
        for state in STATES
    ]
    return dict(zip(STATES, session().execute(sa.select(*of_state)).one(), strict=True))


# What fits


def _fits(wanted: Wanted, user: User) -> list[sa.ColumnElement[bool]]:
    fits: list[sa.ColumnElement[bool]] = [Dispute.status.in_(STATES[wanted.state][1])]
    if wanted.state == CLOSED:
        fits.append(Dispute.closed_at.is_not(None))
    if wanted.whose == "mine":
        fits.append(Dispute.assignee_id == user.id)
    if wanted.whose == "unassigned":
        fits.append(Dispute.assignee_id.is_(None))
    if wanted.kind:
        fits.append(Dispute.kind.in_([wanted.kind]))
    if wanted.least:
        fits.append(Dispute.amount >= wanted.least * _unit())
    if wanted.q:
        fits.append(_named(wanted.q))
    return fits


def _unit() -> sa.ColumnElement[int]:
    """How many minor units are one whole of a case's currency."""
    return sa.case(
        (Dispute.currency.in_(NO_DIGITS), 1), (Dispute.currency.in_(THREE_DIGITS), 1000), else_=100
    )


def _named(q: str) -> sa.ColumnElement[bool]:
    """Whose attendee, mentor, number or Stripe id this is."""
    number = q.lower().removeprefix("case").strip(" #")
    is_number = number.isascii() and number.isdecimal() and len(number) < len(str(LARGEST_ID))
    by_number = [Dispute.id == int(number)] if is_number else []
    ids = (Payment.stripe_payment_intent_id, Payment.stripe_charge_id, Payment.stripe_checkout_session_id)
    named = sa.or_(
        Payment.customer_name.icontains(q, autoescape=True),
        Payment.customer_email.icontains(q, autoescape=True),
        Payment.mentor_user_id.in_(_mentors(q)),
        *(each == q for each in ids),
    )
    of_payment = sa.exists().where(Payment.id == Dispute.payment_id, named)
    return sa.or_(*by_number, Dispute.stripe_id == q, of_payment)


def _mentors(q: str) -> sa.Select[int]:
    """The users whom a search names as mentors."""
    named = sa.or_(
        User.name.icontains(q, autoescape=True),
        User.email == q.lower(),
        Mentor.username.icontains(q, autoescape=True),
    )
    return sa.select(Mentor.user_id).join(Mentor.user).where(named)
