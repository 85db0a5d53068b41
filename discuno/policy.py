"""Every business number and every pure rule about money and time. No I/O, no rows, no framework."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

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
BOOKING_WINDOW = timedelta(days=60)  # how far ahead a time may be booked
MINIMUM_NOTICE = timedelta(hours=4)  # how soon a session may start
FREE_CANCELLATION = timedelta(hours=24)  # full refund until then
TRANSFER_ATTEMPTS = 3  # definite refusals before a person is told
TRANSFER_WAIT = timedelta(hours=1)  # how long a waiting cause (no balance, restricted account) rests
LOOK_UP_AFTER = timedelta(hours=12)  # Stripe keeps keys 24 h; an older unknown outcome is looked up first


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


def transfer_backoff(refusals: int) -> timedelta:
    """How long to wait after so many definite refusals: 5 min, 25 min, about 2 h, then twice a day."""
    steps: int = 5 ** min(max(0, refusals - 1), 4)
    return min(timedelta(minutes=5) * steps, timedelta(hours=12))


@dataclass(frozen=True)
class ReasonsToWait:
    """Whatever may stand against a transfer. The guard of the promise 'nothing moves while…'."""

    dispute_period_over: bool
    payment_succeeded: bool
    dispute_requested: bool
    refund_open_or_made: bool
    mentor_suspended: bool
    account_can_receive: bool

    def first(self) -> str | None:
        """The first reason to wait, as a short word for `blocked_by`; None when the money may go."""
        checks = (
            ("dispute_period", not self.dispute_period_over),
            ("not_paid", not self.payment_succeeded),
            ("dispute", self.dispute_requested),
            ("refund", self.refund_open_or_made),
            ("mentor_suspended", self.mentor_suspended),
            ("account", not self.account_can_receive),
        )
        return next((word for word, stands in checks if stands), None)
