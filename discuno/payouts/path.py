"""Where the mentor's share of one session is: Paid → Held until → Transferred → In the bank; never just "pending".

Read off the books: the payment's ledger entries, its transfers, and the lots that say with which payouts it went.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from discuno.payments.models import Payment
from discuno.payouts import sight
from discuno.payouts.path_money import Money
from discuno.payouts.path_steps import Ref, Step, steps, unpaid
from discuno.payouts.sight import Reader, Sight
from discuno.payouts.stuck import Stuck

FREE = "This session is free, so there is no money in it."


@dataclass(frozen=True)
class Line:
    """A line of the sum, in minor units; what was taken off is below zero."""

    label: str
    amount: int
    is_sum: bool = False


@dataclass(frozen=True)
class Path:
    """A session's money: the steps, the sum, where it is (`places`), and what to do when it is stuck."""

    steps: list[Step]
    lines: list[Line]
    yours: int  # the mentor's share of what stays of the payment
    places: frozenset[str]
    stuck: Stuck | None
    note: str = ""


def of_session(payment: Payment | None, reader: Reader) -> Path:
    """The path of one session, for a page about it alone."""
    if payment is None:
        return Path([], [], 0, frozenset(), None, FREE)
    seen = sight.gather(payment.booking.mentor, reader)
    sight.look_at(seen, [payment.id])
    return of(payment, seen)


def of(payment: Payment, seen: Sight) -> Path:
    """The path of a payment that was looked at; asks nothing more of the database."""
    money = Money(payment, seen)
    places = frozenset(_places(money))
    return Path(
        steps=list(steps(money)) if payment.status.has_money else [unpaid(payment)],
        lines=list(_lines(money)),
        yours=money.yours,
        places=places | ({"stuck"} if money.stuck else set()),
        stuck=money.stuck,
        note=_note(money),
    )


def _places(money: Money) -> Iterator[str]:
    """Where the money is; a share can be in several places at once."""
    found = {
        "held": money.held > 0,
        "account": money.there > 0,
        "way": bool(money.on_the_way),
        "bank": bool(money.in_the_bank),
        "returned": money.returned > 0 or money.disputed > 0,
    }
    yield from (place for place, is_there in found.items() if is_there)


def _lines(money: Money) -> Iterator[Line]:
    payment = money.payment
    yield Line("The attendee paid", payment.amount)
    yield Line("Discuno’s fee", -payment.platform_fee)
    yield Line("Your share", payment.mentor_amount, True)
    changed = (
        ("By a decision of ours", money.given),
        ("Returned to the attendee", -money.returned),
        ("Taken by the attendee’s bank", -money.disputed),
        ("Paid what an earlier session owed", -money.netted),
    )
    yield from (Line(label, amount) for label, amount in changed if amount)
    if any(amount for _, amount in changed):
        yield Line("Left for you", money.yours - money.netted, True)


def _note(money: Money) -> str:
    if money.owed > 0:
        return (
            f"Of what was returned, {money.words(money.owed)} had left already. You owed it to Discuno; your next "
            "shares pay it."
        )
    return ""


__all__ = ["FREE", "Line", "Path", "Reader", "Ref", "Step", "of", "of_session"]
