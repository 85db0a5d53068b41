"""Letters that are owed, read before anybody sends them: in a unit of work of which nothing is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from discuno import journey
from discuno.edges.stripe import RefundFacts
from discuno.kit import clock
from discuno.kit.db import rows, transaction
from discuno.mentors.models import Mentor
from discuno.notifications import letters
from discuno.notifications.models import Email
from discuno.payments.models import Payment, Refund
from discuno.payouts import service as payouts
from discuno.payouts.models import MentorStripeAccount, Transfer
from tests.catalogue import AMARA, OWEN
from tests.house import House
from tests.reporting import sell_at_once


def sold_rows(house: House) -> House:
    """A paid, confirmed session in our rows alone; Stripe knows nothing of it."""
    house.begin_with(AMARA, OWEN)
    return sell_at_once(house)


@contextmanager
def nothing_is_kept(house: House) -> Iterator[Session]:
    """A unit of work in which anything may happen."""
    with house.app.test_request_context(), transaction() as unit:
        yield unit
        unit.rollback()


@dataclass
class Told:
    """A letter that is owed, and what it would say now."""

    email: Email

    @property
    def is_dropped(self) -> bool:
        """Whether it would not be sent any more."""
        return letters.is_outdated(self.email.template, self.email.about, self.email.created_at)

    @property
    def words(self) -> letters.Letter:
        """The letter."""
        return letters.write(self.email.template, self.email.about)

    @property
    def text(self) -> str:
        """All of it on one line."""
        return " ".join(letters.render(self.words, "").text.split())


def told(template: str, to: str) -> Told:
    """The one letter that somebody is owed of a kind; nobody else is."""
    [email] = owed(template)
    assert email.recipient == to
    return Told(email)


def owed(template: str) -> list[Email]:
    return rows(sa.select(Email).where(Email.template == template))


def the(unit: Session, model: Any) -> Any:
    """The first row of a model."""
    return unit.get_one(model, unit.execute(sa.select(sa.func.min(model.id))).scalar_one())


def account(unit: Session) -> MentorStripeAccount:
    """The mentor's account at Stripe."""
    found = payouts.account_of(the(unit, Mentor))
    assert found is not None
    return found


# What Stripe says, each time twice


def refund(unit: Session, amount: int, reason: str = "admin") -> Refund:
    """Asked for, twice, as a double click does."""
    for _ in range(2):
        journey.refund(the(unit, Payment), amount=amount, reason=reason, nonce="once")
    made: Refund = unit.execute(sa.select(Refund)).scalar_one()
    return made


def is_made(asked: Refund, status: str = "succeeded") -> None:
    """Stripe says so, twice."""
    entry, now = f"txn_{asked.id}", clock.now()
    facts = RefundFacts("re_1", status, asked.amount, "usd", "ch_1", asked.id, entry, None, None, now)
    for _ in range(2):
        journey.refund_answered(asked, facts)


def sent(unit: Session) -> Transfer:
    """The share has reached the mentor's account; Stripe says so twice."""
    transfer: Transfer = the(unit, Transfer)
    transfer.account = account(unit)
    for _ in range(2):
        journey.transfer_made(transfer, "tr_1", 5400)
    return transfer
