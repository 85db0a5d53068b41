"""Every business number and every pure rule about money and time. No I/O, no rows, no framework."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

HOLD_TO_CHOOSE = timedelta(minutes=10)  # a chosen time is kept this long while the details are typed
CHECKOUT_LIFE = timedelta(minutes=31)  # Stripe's shortest is 30 minutes; one more for clocks that differ
HOLD_BEYOND_CHECKOUT = timedelta(
    minutes=4
)  # the hold outlives the session, so that no one pays for a freed hour
CALENDAR_RESERVATION = timedelta(minutes=36)  # Cal.com's reservation outlives both
MAX_LIVE_HOLDS = 3  # a visitor may keep so many hours at once
ASK_STRIPE_AGAIN = timedelta(seconds=4)  # a waiting page asks Stripe itself, no more often than this
WATCH_PAYMENT_EVERY = timedelta(minutes=2)  # how often an unpaid session is looked at without any webhook
CONFIRM_DEADLINE = timedelta(minutes=30)  # a paid booking the calendar will not take by then is refunded
MORE_TIME = timedelta(minutes=10)  # what asking for more time adds to a hold, once (WCAG 2.2.1)
NEAR_TIMES = 3  # so many other times are offered when one was lost
FREE_CANCELLATION = timedelta(hours=24)  # full refund until then
MOVE_UNTIL = timedelta(hours=24)  # an attendee may move a session until then
MAX_MOVES = 3  # and so often
ABSENT_AFTER = timedelta(minutes=10)  # so late after the start somebody may say that the other has not come
ANSWER_WITHIN = timedelta(hours=48)  # a mentor's time to answer a report
MAX_FILES = 5  # with one message of a report
MAX_FILE_SIZE = 5 * 1024 * 1024  # bytes; the database refuses more
MANAGE_LINK_LIFE = timedelta(
    days=400
)  # after it was written, so that a receipt can be had for the year's taxes
TRANSFER_ATTEMPTS = 3  # definite refusals before a person is told
TRANSFER_WAIT = timedelta(
    hours=1
)  # whatever blocks a transfer is looked at again after this, without any event
LEARN_FEE_EVERY = timedelta(minutes=1)  # how often a charge without its fee is looked at
PAYOUT_RESTS = timedelta(days=1)  # after a payout that failed, unless the account changes before
PAYOUT_STALE = timedelta(minutes=5)  # an intention not sent by then is dropped, and the balance asked again
HOLDING_LIMIT = {
    "US": timedelta(days=730),
    "TH": timedelta(days=10),
}  # Stripe's, for manual payouts, by country
HOLDING_LIMIT_ELSEWHERE = timedelta(days=90)
REFUND_WAITS = timedelta(minutes=2)  # for a transfer in flight, so that its share is asked back first


class Rate(NamedTuple):
    """How often something may be asked for by one address, and by one browser."""

    name: str
    per_address: str
    per_visitor: str


SLOTS = Rate("slots", "300 per minute", "120 per minute")
HOLDS = Rate("holds", "120 per 10 minutes", "30 per 10 minutes")
CHECKOUTS = Rate("checkouts", "120 per hour", "40 per hour")
CHANGES = Rate("changes", "120 per hour", "40 per hour")  # of a booking, by whoever holds its link
REPORTS = Rate("reports", "30 per hour", "15 per hour")
MAIL = Rate("mail", "20 per hour", "6 per hour")  # forms that send a letter to somebody


@dataclass(frozen=True)
class Terms:
    """What the owner may set; everything else above is the house's."""

    fee_bps: int = 1000
    dispute_period: timedelta = timedelta(hours=72)
    hold_starts_at: Literal["session", "payment"] = "session"


terms = Terms()


def adopt(new: Terms) -> None:
    """Make these the terms of this process; called once at start."""
    global terms
    terms = new


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


@dataclass(frozen=True)
class Bearing:
    """Who bears money that leaves; negative when it comes back. The parts add up to it."""

    mentor: int
    platform_fee: int
    loss: int


def bearing(amount: int, platform_fee: int, gone_before: int, gone_after: int) -> Bearing:
    """Share out a change of what has gone back, pro rata of the frozen split, in minor units.

    What is kept of a payment is split as the whole was, our fee rounded half up; so parts of a refund add up to the
    whole, to the cent, in whatever pieces it is made. What a bank takes beyond the payment is the platform's loss.
    """

    def kept(gone: int) -> tuple[int, int]:
        left = min(max(0, amount - gone), amount)
        fee = (2 * platform_fee * left + amount) // (2 * amount)
        return left - fee, fee

    (mentor_before, fee_before), (mentor_after, fee_after) = kept(gone_before), kept(gone_after)
    mentor, fee = mentor_before - mentor_after, fee_before - fee_after
    return Bearing(mentor, fee, gone_after - gone_before - mentor - fee)


def dispute_period_ends(paid_at: datetime, session_end: datetime, of: Terms) -> datetime:
    """When the mentor's share may go. Counted from the session, so that no one is paid for an hour to come."""
    start = paid_at if of.hold_starts_at == "payment" else max(paid_at, session_end)
    return start + of.dispute_period


def policy_sentences(of: Terms) -> list[str]:
    """What an attendee is told before paying."""
    hours = int(of.dispute_period.total_seconds() // 3600)
    after = "the session" if of.hold_starts_at == "session" else "you pay"
    return [
        f"Free cancellation until {int(FREE_CANCELLATION.total_seconds() // 3600)} hours before.",
        f"Your payment is held for {hours} hours after {after}, so that a problem can be put right.",
    ]


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

    def reason_to_wait(self) -> Reason | None:
        """The first reason why the money must not go, or None when it may. The one guard (promise 4)."""
        checks = (
            (Reason.NOT_PAID, not self.paid),
            *((reason, reason == self.objection) for reason in OBJECTIONS),
            (Reason.REFUND, self.refund_open),
            (Reason.NOTHING_LEFT, self.held <= 0),
            (Reason.DISPUTE_PERIOD, not self.dispute_period_over),
            (Reason.SUSPENDED, self.mentor_suspended),
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


# What may still be done with a booking


class CancelRefund(StrEnum):
    """What becomes of the money of a cancelled session."""

    ALL = "all"
    NOTHING = "nothing"
    A_PERSON_DECIDES = "a_person_decides"


@dataclass(frozen=True)
class CancelAnswer:
    """Whether a session may be cancelled, what goes back, and the rule in one sentence for whoever asks."""

    allowed: bool
    refund: CancelRefund
    rule: str


HOURS_FREE = int(FREE_CANCELLATION.total_seconds() // 3600)
CANCEL_BEGUN = (
    "The session has begun, so it can no longer be cancelled. If something went wrong, report a problem."
)
CANCEL_EARLY = f"Until {HOURS_FREE} hours before the session you get all of it back."
CANCEL_LATE = (
    f"Less than {HOURS_FREE} hours before the session nothing is returned, for the mentor has kept it."
)
CANCEL_MENTOR = "When the mentor cancels, the attendee gets all of it back."
CANCEL_UNKNOWN = "The calendar does not say who cancelled, so a person decides about the money."


def cancellation(
    by: Literal["attendee", "mentor", "admin", "calendar", "house"], *, now: datetime, starts_at: datetime
) -> CancelAnswer:
    """The cancellation table. `calendar` is the mentor's own calendar when it does not say who has cancelled.

    Somebody who cancels late through a calendar that names nobody must not get what the rule for attendees denies.
    """
    early = starts_at - now >= FREE_CANCELLATION
    if by in ("admin", "house"):
        return CancelAnswer(True, CancelRefund.ALL, CANCEL_MENTOR)
    if now >= starts_at and by != "calendar":
        return CancelAnswer(False, CancelRefund.NOTHING, CANCEL_BEGUN)
    if by == "mentor":
        return CancelAnswer(True, CancelRefund.ALL, CANCEL_MENTOR)
    if early:
        return CancelAnswer(True, CancelRefund.ALL, CANCEL_EARLY)
    if by == "calendar":
        return CancelAnswer(True, CancelRefund.A_PERSON_DECIDES, CANCEL_UNKNOWN)
    return CancelAnswer(True, CancelRefund.NOTHING, CANCEL_LATE)


def why_not_moved(*, now: datetime, starts_at: datetime, moves: int) -> str | None:
    """Why an attendee may not move a session any more, in a sentence for them, or None when they may."""
    if starts_at - now < MOVE_UNTIL:
        hours = int(MOVE_UNTIL.total_seconds() // 3600)
        return f"A session can be moved until {hours} hours before it starts."
    if moves >= MAX_MOVES:
        return f"This session was moved {moves} times already, which is as often as it goes."
    return None


class ReportReason(StrEnum):
    """What an attendee says went wrong. `words` are for people."""

    MENTOR_ABSENT = "mentor_absent"
    CUT_SHORT = "cut_short"
    NOT_AS_DESCRIBED = "not_as_described"
    TECHNICAL = "technical"
    OTHER = "other"

    @property
    def words(self) -> str:
        """The reason as a person would choose it from a list."""
        return REPORT_REASONS[self]


REPORT_REASONS = {
    ReportReason.MENTOR_ABSENT: "The mentor did not come",
    ReportReason.CUT_SHORT: "The session was much shorter than booked",
    ReportReason.NOT_AS_DESCRIBED: "The session was not what was described",
    ReportReason.TECHNICAL: "We could not hear or see each other",
    ReportReason.OTHER: "Something else",
}


def may_report(*, now: datetime, dispute_period_ends: datetime | None) -> bool:
    """Whether a problem may still be reported: until the very end of the dispute period, and not at it."""
    return dispute_period_ends is not None and now < dispute_period_ends


def reasons_to_report(*, now: datetime, starts_at: datetime) -> list[ReportReason]:
    """What can be said now: of a session that has not been, nobody knows yet how it went."""
    if now >= starts_at + ABSENT_AFTER:
        return list(ReportReason)
    return [ReportReason.TECHNICAL, ReportReason.OTHER]


def may_say_absent(*, now: datetime, starts_at: datetime) -> bool:
    """Whether it is late enough to say that the other side has not come."""
    return now >= starts_at + ABSENT_AFTER
