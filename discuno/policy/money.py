"""Pure rules about money and time: the split, who bears what goes back, when a share may go, what is refunded."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

from discuno.policy.numbers import HOLDING_LIMIT, HOLDING_LIMIT_ELSEWHERE, SECOND_ADMIN_ABOVE, Terms


@dataclass(frozen=True)
class Split:
    """A price divided once and frozen: the parts always add up to it."""

    amount: int
    platform_fee: int
    mentor_amount: int


def split(amount: int, fee_bps: int) -> Split:
    """Divide a price in minor units; the fee is rounded half up, the mentor has the rest."""
    if amount < 0 or not 0 <= fee_bps <= 10_000:
        raise ValueError("a price is not negative and a fee is between 0 and 100 %")
    fee = (amount * fee_bps + 5_000) // 10_000
    return Split(amount=amount, platform_fee=fee, mentor_amount=amount - fee)


# The least that Stripe charges, in minor units, as docs.stripe.com/currencies had it ("Minimum and maximum charge
# amounts"; written down from memory, not checked against the page). What is not here is not sold in: forints, for
# one, are charged in hundredths and paid out in whole ones only.
MINIMUM_CHARGE = {
    **dict.fromkeys(("usd", "eur", "cad", "chf", "aud", "nzd", "sgd"), 50),
    **{"gbp": 30, "dkk": 250, "nok": 300, "sek": 300, "pln": 200, "ron": 200, "czk": 1500},
    **{"jpy": 50, "hkd": 400, "mxn": 1000},
}
ABSURD = 20_000  # times the least: more than $10,000.00 for a session is a slip of the finger


def largest_price(currency: str) -> int:
    """The most a session may cost, in minor units: beyond it somebody has mistyped."""
    return ABSURD * MINIMUM_CHARGE.get(currency, 50)


@dataclass(frozen=True)
class Bearing:
    """Who bears money that leaves; negative when it comes back. The parts add up to it."""

    mentor: int
    platform_fee: int
    loss: int


class Divided(NamedTuple):
    """A decision to divide what stays otherwise than the frozen split. In minor units.

    When `gone` has left, `mentor` of the rest is the mentor's.
    """

    gone: int
    mentor: int


def kept(amount: int, platform_fee: int, gone: int, divided: Divided | None = None) -> tuple[int, int]:
    """The mentor's and our part of what is left of a payment when so much has gone back, in minor units.

    What is kept of a payment is split as the whole was, our fee rounded half up. A decision to divide it otherwise
    moves both parts by the same amount; what goes beyond that decision is borne pro rata of what it gave to each.
    """
    left = min(max(0, amount - gone), amount)
    fee = _half_up(platform_fee * left, amount)
    if divided is None:
        return left - fee, fee
    then = amount - divided.gone
    if gone > divided.gone and then > 0:
        fee = _half_up((then - divided.mentor) * left, then)
    else:
        fee += then - divided.mentor - _half_up(platform_fee * then, amount)
    return left - fee, fee


def _half_up(part: int, whole: int) -> int:
    return (2 * part + whole) // (2 * whole)


def bearing(
    amount: int, platform_fee: int, gone_before: int, gone_after: int, divided: Divided | None = None
) -> Bearing:
    """Share out a change of what has gone back, in minor units.

    Parts of a refund add up to the whole, to the cent, in whatever pieces it is made. What a bank takes beyond the
    payment is the platform's loss.
    """
    mentor_before, fee_before = kept(amount, platform_fee, gone_before, divided)
    mentor_after, fee_after = kept(amount, platform_fee, gone_after, divided)
    mentor, fee = mentor_before - mentor_after, fee_before - fee_after
    return Bearing(mentor, fee, gone_after - gone_before - mentor - fee)


def dispute_period_ends(paid_at: datetime, session_end: datetime, of: Terms) -> datetime:
    """When the mentor's share may go. Counted from the session, so that no one is paid for an hour to come."""
    start = paid_at if of.hold_starts_at == "payment" else max(paid_at, session_end)
    return start + of.dispute_period


def transfer_backoff(refusals: int, jitter: float) -> timedelta:
    """How long to wait after so many definite refusals: 5 min, 25 min; up to a fifth longer by `jitter` (0 to 1).

    The jitter keeps a hundred transfers that were refused in the same minute from coming back in the same minute.
    """
    steps: int = 5 ** min(max(0, refusals - 1), 4)
    return timedelta(minutes=5) * steps * (1 + jitter / 5)


def holding_alert(country: str | None) -> timedelta:
    """How long money may lie in a connected account before a person is told: two thirds of Stripe's limit."""
    return HOLDING_LIMIT.get(country or "", HOLDING_LIMIT_ELSEWHERE) * 2 / 3


class Reason(StrEnum):
    """Why the mentor's share has to wait. The value is what `blocked_by` holds; `words` are for people."""

    NOT_PAID = "not_paid"
    DISPUTE_PERIOD = "dispute_period"
    ON_HOLD = "dispute"
    CHARGEBACK = "chargeback"
    FRAUD_WARNING = "fraud_warning"
    REVIEW = "review"
    REPORT = "report"
    ATTENTION = "attention"
    REFUND = "refund"
    NOTHING_LEFT = "nothing_left"
    SUSPENDED = "mentor_suspended"
    ACCOUNT = "account"
    OTHER_CURRENCY = "settlement_currency"
    NO_BALANCE = "balance_insufficient"
    GIVEN_UP = "refused"
    PAUSED = "paused"

    @property
    def words(self) -> str:
        """One sentence for whoever sees the money wait."""
        return WAITS[self]


WAITS = {
    Reason.NOT_PAID: "The payment has not arrived.",
    Reason.DISPUTE_PERIOD: "It is held until the dispute period ends.",
    Reason.ON_HOLD: "An admin has put the payment on hold.",
    Reason.CHARGEBACK: "The cardholder's bank has disputed the payment.",
    Reason.FRAUD_WARNING: "The card network suspects fraud; we are looking into it.",
    Reason.REVIEW: "Stripe has asked us to review the payment.",
    Reason.REPORT: "The attendee has reported a problem.",
    Reason.ATTENTION: "A person has to look at the payment first.",
    Reason.REFUND: "Money is on its way back to the attendee.",
    Reason.NOTHING_LEFT: "All of it was returned, so nothing is left to transfer.",
    Reason.SUSPENDED: "The mentor's account with us is suspended.",
    Reason.ACCOUNT: "The mentor's Stripe account cannot receive money yet.",
    Reason.OTHER_CURRENCY: "Stripe settled the payment in another currency.",
    Reason.NO_BALANCE: "The money has not settled at Stripe yet.",
    Reason.GIVEN_UP: "Stripe has refused the transfer; a person will look at it.",
    Reason.PAUSED: "Discuno has paused all transfers for the moment.",
}


@dataclass(frozen=True)
class Standing:
    """Everything that may stand against a transfer, read from our rows under the payment's lock."""

    dispute_period_over: bool
    paid: bool
    objection: Reason | None  # one of OBJECTIONS
    refund_open: bool
    held: int  # minor units
    mentor_suspended: bool
    account_can_receive: bool
    same_currency: bool
    paused: bool = False  # all transfers are

    def reason_to_wait(self) -> Reason | None:
        """The first reason why the money must not go, or None when it may. The one guard (promise 4)."""
        checks = (
            (Reason.NOT_PAID, not self.paid),
            *((reason, reason == self.objection) for reason in OBJECTIONS),
            (Reason.REFUND, self.refund_open),
            (Reason.NOTHING_LEFT, self.held <= 0),
            (Reason.DISPUTE_PERIOD, not self.dispute_period_over),
            (Reason.SUSPENDED, self.mentor_suspended),
            (Reason.PAUSED, self.paused),
            (Reason.OTHER_CURRENCY, not self.same_currency),
            (Reason.ACCOUNT, not self.account_can_receive),
        )
        return next((reason for reason, stands in checks if stands), None)


# Somebody says that the money should not go at all; had it been known in time, it would have been kept.
OBJECTIONS = (
    Reason.CHARGEBACK,
    Reason.FRAUD_WARNING,
    Reason.REVIEW,
    Reason.REPORT,
    Reason.ON_HOLD,
    Reason.ATTENTION,
)


def objection(open_cases: Collection[str], *, on_hold: bool, needs_attention: bool) -> Reason | None:
    """The first objection to a payment: an open case by its kind, a hold, or something that a person must see."""
    stands = {
        *open_cases,
        *([Reason.ON_HOLD] if on_hold else []),
        *([Reason.ATTENTION] if needs_attention else []),
    }
    return next((reason for reason in OBJECTIONS if reason in stands), None)


class RefundAnswer(StrEnum):
    """What is done with the wish to give money back. `goes` when it is."""

    NOW = "now"
    AFTER_REVERSAL = "after_reversal"  # the share was transferred: it is asked back first
    AFTER_TRANSFER = "after_transfer"  # the share is just being transferred: first learn whether it was
    NOTHING_PAID = "nothing_paid"
    NOT_AN_AMOUNT = "not_an_amount"
    TOO_MUCH = "too_much"
    DISPUTED = "disputed"

    @property
    def goes(self) -> bool:
        """Whether the money goes back."""
        return self in (RefundAnswer.NOW, RefundAnswer.AFTER_REVERSAL, RefundAnswer.AFTER_TRANSFER)


REFUND_REFUSED = {
    RefundAnswer.NOTHING_PAID: "Nothing was paid, so nothing can be returned.",
    RefundAnswer.NOT_AN_AMOUNT: "The amount to return must be more than nothing.",
    RefundAnswer.TOO_MUCH: "That is more than is left of the payment.",
    RefundAnswer.DISPUTED: "The bank has taken the payment back for a chargeback; a refund would pay it twice. "
    "Accept the chargeback instead.",
}


def refund_answer(
    *, paid: bool, amount: int, left: int, real_dispute: bool, transfer: Literal["none", "sending", "sent"]
) -> RefundAnswer:
    """The decision table of refunds. `left` is what was neither returned nor taken nor promised, in minor units.

    A real dispute (not an inquiry, which a refund may end) is accepted or answered, never refunded: Stripe refuses
    with `charge_disputed`, and a refund beside a chargeback would give the money back twice.
    """
    if not paid:
        return RefundAnswer.NOTHING_PAID
    if amount <= 0:
        return RefundAnswer.NOT_AN_AMOUNT
    if real_dispute:
        return RefundAnswer.DISPUTED
    if amount > left:
        return RefundAnswer.TOO_MUCH
    return {
        "none": RefundAnswer.NOW,
        "sending": RefundAnswer.AFTER_TRANSFER,
        "sent": RefundAnswer.AFTER_REVERSAL,
    }[transfer]


def needs_second_admin(moved: int, currency: str) -> bool:
    """Whether an act that disposes of so much, in minor units, is done only when a second admin agrees."""
    return moved > SECOND_ADMIN_ABOVE * MINIMUM_CHARGE.get(currency, 50)
