"""What somebody types to find a payment: a name, an address, any id of Stripe's, a number. Each way has its index."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from discuno.bookings.models import Booking
from discuno.disputes.models import Dispute
from discuno.kit.db import one_or_none, session
from discuno.mentors.models import Mentor
from discuno.payments.models import SEARCHED, LedgerEntry, Payment, PostingKind, Refund
from discuno.payouts import lots
from discuno.payouts.models import MentorStripeAccount, Payout, Transfer, TransferReversal
from discuno.webhooks.models import WebhookEvent

Condition = sa.ColumnElement[bool]
Ids = sa.Select[Any]
NUMBERED = re.compile(r"(?P<what>payment|booking|case|transfer)?\s*#?(?P<number>[0-9]{1,18})", re.IGNORECASE)
AT_STRIPE = re.compile(r"(?P<prefix>[a-z]{2,6})_[A-Za-z0-9_]{3,}")
SIGNS = re.compile(r"[\W_]+")
IN_AN_EVENT = ("id", "payment_intent", "charge", "transfer")  # fields of Stripe's that name another thing
SIMPLE: sa.ColumnElement[str] = sa.literal_column("'simple'::regconfig")


def named(q: str) -> Condition:
    """What a payment has to be, to be meant by these words."""
    numbered = NUMBERED.fullmatch(q)
    if numbered is not None:
        return _numbered((numbered["what"] or "").lower(), int(numbered["number"]))
    if " " not in q:
        ids = _of_booking(q) or _of_stripe(q)
        if ids:
            return Payment.id.in_(ids)
    if q.startswith("acct_"):
        return _of_account(q)
    return _address(q) if "@" in q else _words(q)


def _numbered(what: str, number: int) -> Condition:
    """By our own number of something; a bare one is a payment's or a booking's."""
    ways: dict[str, Condition] = {
        "payment": Payment.id == number,
        "booking": Payment.booking_id == number,
        "case": Payment.id.in_(sa.select(Dispute.payment_id).where(Dispute.id == number)),
        "transfer": Payment.id.in_(sa.select(Transfer.payment_id).where(Transfer.id == number)),
    }
    return ways[what] if what else sa.or_(ways["payment"], ways["booking"])


def _found(asked: Ids) -> list[int]:
    return [found for found in session().execute(asked).scalars() if found is not None]


def _of_booking(name: str) -> list[int]:
    return _found(sa.select(Payment.id).join(Payment.booking).where(Booking.public_id == name))


# Stripe's ids


def _of_stripe(name: str) -> list[int]:
    """The payments behind an id of Stripe's; none when it is no such id."""
    shape = AT_STRIPE.fullmatch(name)
    ask = ASK.get(shape["prefix"]) if shape is not None else None
    return ask(name) if ask is not None else []


def _by(column: sa.orm.InstrumentedAttribute[str | None], asked: Ids) -> Callable[[str], list[int]]:
    return lambda name: _found(asked.where(column == name))


def _of_reversal(name: str) -> list[int]:
    joined = sa.select(Transfer.payment_id).join(
        TransferReversal, TransferReversal.transfer_id == Transfer.id
    )
    return _found(joined.where(TransferReversal.stripe_reversal_id == name))


def _of_entry(name: str) -> list[int]:
    """By a balance transaction, or whatever else a posting was made for."""
    kinds = LedgerEntry.kind.in_(list(PostingKind))  # the index begins with the kind
    return _found(sa.select(LedgerEntry.payment_id).distinct().where(kinds, LedgerEntry.source == name))


def _of_payout(name: str) -> list[int]:
    """The payments whose money went to a bank with a payout."""
    payout = one_or_none(sa.select(Payout).where(Payout.stripe_payout_id == name))
    if payout is None:
        return []
    books = lots.of_mentor(payout.account.mentor_id).values()
    parts = (part for each in books for part in (each.payouts | each.undone).get(name, []))
    return sorted({part.payment_id for part in parts if part.payment_id is not None})


def _of_event(name: str) -> list[int]:
    """The payments that an event of Stripe's is about."""
    by_name = (WebhookEvent.provider == "stripe", WebhookEvent.external_id == name)
    event = one_or_none(sa.select(WebhookEvent).where(*by_name))
    if event is None:
        return []
    about = event.payload.get("data", {}).get("object", {})
    ids = (about.get(field) for field in IN_AN_EVENT)
    return sorted({found for each in ids if isinstance(each, str) for found in _of_stripe(each)})


_payment, _case = sa.select(Payment.id), _by(Dispute.stripe_id, sa.select(Dispute.payment_id))
_charge = _by(Payment.stripe_charge_id, _payment)
_refund = _by(Refund.stripe_refund_id, sa.select(Refund.payment_id))
ASK: dict[str, Callable[[str], list[int]]] = {
    "pi": _by(Payment.stripe_payment_intent_id, _payment),
    "cs": _by(Payment.stripe_checkout_session_id, _payment),
    **dict.fromkeys(("ch", "py"), _charge),
    "tr": _by(Transfer.stripe_transfer_id, sa.select(Transfer.payment_id)),
    "trr": _of_reversal,
    **dict.fromkeys(("re", "pyr"), _refund),
    **dict.fromkeys(("dp", "du", "issfr", "prv"), _case),
    "txn": _of_entry,
    "po": _of_payout,
    "evt": _of_event,
}


def _of_account(name: str) -> Condition:
    """Every payment of the mentor whose account at Stripe this is."""
    owner = sa.select(Mentor.user_id).join(MentorStripeAccount, MentorStripeAccount.mentor_id == Mentor.id)
    return Payment.mentor_user_id.in_(owner.where(MentorStripeAccount.stripe_account_id == name))


# Names and addresses


def _address(q: str) -> Condition:
    """An address, or how one begins. Its words find it in the index, whatever the order of letters there is."""
    whole = sa.select(Payment.id).where(Payment.customer_email == q.lower()).limit(1)
    if _found(whole):
        return Payment.customer_email == q.lower()
    before, _, behind = q.partition("@")
    begins = Payment.customer_email.istartswith(q, autoescape=True) if before else sa.true()
    return sa.and_(_words(SIGNS.sub(" ", before or behind)), begins)


def _words(q: str) -> Condition:
    """Every word begins one of the words of their name or address."""
    words = list(_lexemes(q))
    if not words:
        return sa.false()
    searched = sa.literal_column(SEARCHED, TSVECTOR)
    return searched.bool_op("@@")(sa.func.to_tsquery(SIMPLE, " & ".join(words)))


def _lexemes(q: str) -> Iterator[str]:
    """Each word as it may begin: as it was typed (O’Brien is one word to Postgres), or by its parts."""
    for word in q.split():
        parts = [part for part in SIGNS.split(word) if part]
        if parts == [word]:
            yield f"'{word}':*"
        elif parts:
            typed, apart = (
                word.replace("\\", "").replace("'", "''"),
                " & ".join(f"'{part}':*" for part in parts),
            )
            yield f"('{typed}':* | ({apart}))"
