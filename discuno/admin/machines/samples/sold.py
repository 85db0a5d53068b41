"""The sessions of the samples: each a booking with its payment, and both have the same number."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import Range

from discuno import policy
from discuno.admin.machines.samples.cast import DAY, FIRST, LUCIA, MINUTES, NOOR, TITLE, TOMAS
from discuno.bookings.models import Booking, BookingChange, BookingStatus, ChangeKind, Party
from discuno.kit.db import Base
from discuno.payments.models import Account, LedgerEntry, Payment, PaymentStatus, PostingKind

COMING, TOMORROW, SOON, MOVED, CANCELLED, REFUSED, UNPAID, MISSED = (FIRST + n for n in range(1, 9))
REPORTED, ANSWERED, DECIDED, OBJECTED, WON = (FIRST + n for n in range(11, 16))  # with a case
SENT, STUCK, OWED, TAKEN_BACK, PAYING, OLD, LYING = (FIRST + n for n in range(21, 28))  # with a transfer
YEN, DELAYED, KIND, ODD = (FIRST + n for n in range(31, 35))  # with a refund, or odd
NAME = "Maximiliane-Sophie O'Shaughnessy-Whittingstall"
AT_HOME, AT_WORK = "maximiliane@example.com", "m.whittingstall@example.org"
ZONE = "Europe/Vienna"
AMOUNT = 6000
LENGTH = timedelta(minutes=MINUTES)
Legs = Mapping[Account, int]
S, P = BookingStatus, PaymentStatus
BOOKING = {  # of each
    "visitor": "nobody",
    "status": S.CONFIRMED,
    "title": TITLE,
    "duration_minutes": MINUTES,
    "price": AMOUNT,
    "requires_payment": True,
    "attendee_name": NAME,
    "attendee_email": AT_WORK,
    "attendee_zone": ZONE,
    "note": "I teach mathematics.\nHow do I begin in data science?",
    "meeting_url": "https://meet.example/sample",
}
NEVER: dict[str, Any] = {"confirmed_at": None, "meeting_url": None}  # booked
PAYMENT = {"customer_email": AT_WORK, "customer_name": NAME, "amount": AMOUNT}
PECULIAR: dict[int, dict[str, object]] = {
    ODD: {"needs_attention": "Stripe has $59.00 for it; our row says $60.00."},
    TAKEN_BACK: {"dispute_requested": True},
}


def sold(now: datetime) -> Iterator[Base]:
    """All of them, with what the books say of each."""
    noon, hour = now.replace(hour=15, minute=0), now.replace(minute=0)
    ahead, past = noon + 2 * DAY, noon - 2 * DAY
    yield from _sale(COMING, ahead, now, attendee_email=AT_HOME)
    yield from _sale(TOMORROW, hour + DAY, now)
    yield from _sale(SOON, now + timedelta(minutes=60 - now.minute % 15), now)
    yield from _sale(MOVED, ahead + 5 * DAY, now, attendee_email=AT_HOME, sequence=1)
    yield _move(now, ahead)
    off: dict[str, Any] = {
        "cancelled_by": Party.MENTOR,
        "cancelled_at": now,
        "cancel_reason": "I have fallen ill, I am sorry.",
    }
    yield from _sale(CANCELLED, ahead, now, status=S.CANCELLED, sequence=1, **off)
    near = [ahead + timedelta(hours=n) for n in (1, 2, 20)]
    yield from _sale(REFUSED, ahead, now, P.REFUNDED, status=S.REFUSED, near_starts=near, **NEVER)
    yield from _sale(UNPAID, ahead, now, P.FAILED, status=S.EXPIRED, **NEVER)
    yield from _sale(MISSED, past, now, attendee_absent_at=now)
    for number in (REPORTED, ANSWERED, OBJECTED):
        yield from _sale(number, past, now, P.DISPUTED)
    yield from _sale(DECIDED, past, now, P.REFUNDED)
    for number in (DELAYED, KIND, ODD):
        yield from _sale(number, past, now)
    yield from _sale(OWED, noon - 8 * DAY, now, P.REFUNDED)
    for number in (WON, SENT, PAYING):
        yield from _sale(number, noon - 8 * DAY, now, P.TRANSFERRED)
    yield from _sale(OLD, noon - 90 * DAY, now, P.TRANSFERRED, mentor=TOMAS)
    yield from _sale(LYING, noon - 8 * DAY, now, P.TRANSFERRED, mentor=NOOR)
    for number in (STUCK, TAKEN_BACK):
        yield from _sale(number, noon - 8 * DAY, now)
    yield from _sale(YEN, past, now, P.REFUNDED, currency="jpy")


def _sale(
    number: int,
    starts: datetime,
    now: datetime,
    standing: PaymentStatus = P.SUCCEEDED,
    *,
    mentor: int = LUCIA,
    currency: str = "usd",
    **more: object,
) -> Iterator[Base]:
    """A session, its payment and what the books say; it was sold two days ago, or before it took place."""
    during = Range(starts, starts + LENGTH)
    sold_at = min(starts - 5 * DAY, now - 2 * DAY)
    times = dict.fromkeys(("held_until", "created_at", "confirmed_at", "changed_at"), sold_at)
    about = {"mentor_id": mentor, "event_type_id": mentor, "currency": currency, "during": during}
    public_id = f"sample-{number - FIRST}"
    yield Booking(id=number, public_id=public_id, keeps=during, **{**BOOKING, **times, **about, **more})
    payment = Payment(
        id=number,
        booking_id=number,
        mentor_user_id=mentor,
        currency=currency,
        platform_fee=parts().platform_fee,
        mentor_amount=parts().mentor_amount,
        status=standing,
        stripe_payment_intent_id=f"pi_sample{number - FIRST}",
        stripe_checkout_session_id=f"cs_sample{number - FIRST}",
        created_at=sold_at,
        **{**PAYMENT, **PECULIAR.get(number, {})},
    )
    yield payment
    if standing.has_money:
        payment.paid_at = sold_at
        payment.dispute_period_ends = policy.dispute_period_ends(sold_at, starts + LENGTH, policy.terms)
        legs = {
            Account.STRIPE: AMOUNT,
            Account.HELD: -parts().mentor_amount,
            Account.FEES: -parts().platform_fee,
        }
        yield from posting(PostingKind.CAPTURE, f"ch_{number}", legs, sold_at, number, mentor, currency)


def _move(now: datetime, before: datetime) -> BookingChange:
    """Yesterday, by the attendee."""
    return BookingChange(
        id=FIRST,
        booking_id=MOVED,
        at=now - DAY,
        by=Party.ATTENDEE,
        kind=ChangeKind.MOVED,
        before=before,
        after=before + 5 * DAY,
    )


def posting(
    kind: PostingKind,
    source: str,
    legs: Legs,
    at: datetime,
    payment: int | None,
    mentor: int = LUCIA,
    currency: str = "usd",
) -> Iterator[LedgerEntry]:
    """What the books say of one thing that happened."""
    about = {"payment_id": payment, "mentor_id": mentor, "currency": currency, "posted_at": at}
    for account, amount in legs.items():
        if amount:
            yield LedgerEntry(kind=kind, source=source, account=account, amount=amount, **about)


def parts() -> policy.Split:
    """How the price of a session is divided here."""
    return policy.split(AMOUNT, policy.terms.fee_bps)
