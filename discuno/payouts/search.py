"""Which payouts a mentor wants to see: how they stand, from when, and for whom; and what each is made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from discuno.bookings.models import Booking
from discuno.kit.db import one_or_none, rows, session
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment
from discuno.payouts import lots
from discuno.payouts.lots import Part
from discuno.payouts.models import MentorStripeAccount, Payout, PayoutStatus, Transfer

W = PayoutStatus
A_PAGE = 20
LONGEST = 200  # characters of what is searched for
STANDS: dict[str, tuple[str, tuple[PayoutStatus, ...]]] = {
    "made": ("Being made", (W.REQUESTED,)),
    "way": ("On its way", (W.PENDING, W.IN_TRANSIT)),
    "bank": ("In the bank", (W.PAID,)),
    "back": ("Sent back", (W.FAILED,)),
    "cancelled": ("Cancelled", (W.CANCELED,)),
}


@dataclass(frozen=True)
class Wanted:
    """The filters, as the address has them. Days are the mentor's own, both included."""

    q: str = ""
    stands: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is filtered."""
        return self == Wanted()

    def as_query(self, **more: object) -> str:
        """As the address has them, with more behind."""
        days = {"from": self.since, "to": self.until}
        told = {"q": self.q, "status": self.stands, **days, **more}
        return urlencode({name: str(value) for name, value in told.items() if value})


def read(asked: Mapping[str, str]) -> tuple[Wanted, dict[str, str]]:
    """The filters of an address, and a sentence for each that could not be read; that one is left out."""
    wrong: dict[str, str] = {}
    days: dict[str, date | None] = {}
    for name in ("from", "to"):
        try:
            days[name] = date.fromisoformat(asked[name]) if asked.get(name) else None
        except ValueError:
            days[name], wrong[name] = None, "Please give a day such as 2026-11-25."
    since, until = days["from"], days["to"]
    if since and until and until < since:
        until, wrong["to"] = None, "The last day lies before the first one."
    stands = asked.get("status", "")
    q = asked.get("q", "").strip()[:LONGEST]
    return Wanted(q, stands if stands in STANDS else "", since, until), wrong


# Found


@dataclass(frozen=True)
class Page:
    """Some payouts, newest first, and whether there are older ones."""

    payouts: list[Payout]
    has_older: bool


def page(mentor: Mentor, wanted: Wanted, before: int | None = None) -> Page:
    """The next payouts that are older than one."""
    statement = _found(mentor, wanted).limit(A_PAGE + 1)
    if before is not None:
        statement = statement.where(Payout.id < before)
    found = rows(statement)
    return Page(found[:A_PAGE], len(found) > A_PAGE)


def every(mentor: Mentor, wanted: Wanted) -> list[Payout]:
    """All that are wanted, newest first."""
    return rows(_found(mentor, wanted))


def one(mentor: Mentor, payout_id: int) -> Payout | None:
    """A payout of this mentor's, or None."""
    return one_or_none(_mine(mentor).where(Payout.id == payout_id))


def _mine(mentor: Mentor) -> sa.Select[Payout]:
    return (
        sa.select(Payout)
        .join(Payout.account)
        .where(MentorStripeAccount.mentor_id == mentor.id)
        .order_by(Payout.id.desc())
    )


def _found(mentor: Mentor, wanted: Wanted) -> sa.Select[Payout]:
    statement = _mine(mentor)
    if wanted.stands:
        statement = statement.where(Payout.status.in_(STANDS[wanted.stands][1]))
    if wanted.since:
        statement = statement.where(Payout.created_at >= _midnight(wanted.since, mentor.zone))
    if wanted.until and wanted.until < date.max:
        end = _midnight(wanted.until + timedelta(days=1), mentor.zone)
        statement = statement.where(Payout.created_at < end)
    if wanted.q:
        names = [wanted.q, *_with_sessions_of(mentor, wanted.q)]
        statement = statement.where(Payout.stripe_payout_id.in_(names))
    return statement


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _with_sessions_of(mentor: Mentor, q: str) -> set[str]:
    """Stripe ids of the payouts that hold money of the sessions this word names."""
    whom = (Booking.attendee_name, Booking.attendee_email)
    what = (Payment.stripe_payment_intent_id, Payment.stripe_charge_id)
    its_transfer = sa.exists().where(Transfer.payment_id == Payment.id, Transfer.stripe_transfer_id == q)
    named = sa.or_(
        *(name.icontains(q, autoescape=True) for name in whom), *(each == q for each in what), its_transfer
    )
    statement = sa.select(Payment.id).join(Payment.booking).where(Booking.mentor_id == mentor.id, named)
    payments = set(session().execute(statement).scalars())
    if not payments:
        return set()
    return {
        payout for payout, parts in contents(mentor).items() if any(p.payment_id in payments for p in parts)
    }


# Made of


def contents(mentor: Mentor) -> dict[str, list[Part]]:
    """By Stripe id of a payout what it took of which transfers; of one that came back, what it had taken."""
    found: dict[str, list[Part]] = {}
    for books in lots.of_mentor(mentor.id).values():
        found |= books.undone | books.payouts
    return found


@dataclass(frozen=True)
class Piece:
    """So much of a payout is of one session's share; without a payment, of money that came another way."""

    amount: int
    transfer: str | None
    payment: Payment | None


def pieces(payout: Payout, parts: Iterable[Part], payments: Mapping[int, Payment]) -> list[Piece]:
    """What a payout is made of, to the cent: what the books do not explain is a piece of its own."""
    found = [Piece(p.amount, p.transfer, payments.get(p.payment_id or 0)) for p in parts]
    rest = payout.amount - sum(piece.amount for piece in found)
    return [*found, Piece(rest, None, None)] if rest else found
