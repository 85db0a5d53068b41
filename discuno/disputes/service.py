"""Cases as Stripe tells of them, and what banks take and bring back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from discuno.disputes.models import Dispute, DisputeKind, DisputeStatus
from discuno.kit import clock
from discuno.kit.db import one_or_none, session
from discuno.payments import ledger
from discuno.payments.models import Payment, PostingKind

D = DisputeStatus
STANDS = {
    "needs_response": D.OPEN,
    "warning_needs_response": D.OPEN,
    "appeal_needs_response": D.OPEN,
    "under_review": D.WAITING,
    "warning_under_review": D.WAITING,
    "appeal_under_review": D.WAITING,
    "won": D.WON,
    "lost": D.LOST,
    "warning_closed": D.CLOSED,
    "prevented": D.CLOSED,
}


class Movement(Protocol):
    """A balance transaction of a dispute: negative when the bank took the money, positive when it came back."""

    @property
    def id(self) -> str: ...

    @property
    def amount(self) -> int: ...

    @property
    def fee(self) -> int: ...

    @property
    def currency(self) -> str: ...


@dataclass(frozen=True)
class CaseSeen:
    """A fraud warning or a review as Stripe has it."""

    stripe_id: str
    is_open: bool
    word: str  # Stripe's word for how it stands
    reason: str
    opened_at: datetime


@dataclass(frozen=True)
class ChargebackSeen:
    """A dispute as Stripe has it. Amounts in minor units; `due_at` is when evidence is due."""

    stripe_id: str
    status: str
    reason: str
    amount: int
    currency: str
    due_at: datetime | None
    opened_at: datetime
    movements: Sequence[Movement]


def by_stripe_id(stripe_id: str) -> Dispute | None:
    """The case of a Stripe object."""
    return one_or_none(sa.select(Dispute).where(Dispute.stripe_id == stripe_id))


def take_chargeback(payment: Payment, seen: ChargebackSeen) -> tuple[Dispute, bool]:
    """Write down how a dispute stands, and what money it has moved; whether that is news.

    A status we do not know is kept as it is, and the money waits.
    """
    case, new = _case(payment, DisputeKind.CHARGEBACK, seen.stripe_id, seen.opened_at)
    stands = STANDS.get(seen.status, D.OPEN)
    case.is_inquiry = seen.status.startswith("warning_") and not seen.movements
    case.reason, case.amount, case.currency, case.due_at = (
        seen.reason,
        seen.amount,
        seen.currency,
        seen.due_at,
    )
    news = _follow(case, stands, seen.status) or new
    for movement in seen.movements:
        _post(payment, movement, seen.amount)
    return case, news


def _post(payment: Payment, movement: Movement, disputed: int) -> None:
    """What the bank moved. In another currency it counts as the disputed amount, and its fee is not in our books."""
    same_currency = movement.currency == payment.currency
    amount = abs(movement.amount) if same_currency else disputed
    if movement.amount < 0:
        ledger.money_left(payment, amount, PostingKind.DISPUTE_WITHDRAWN, movement.id)
    elif movement.amount > 0:
        ledger.money_returned(payment, amount, PostingKind.DISPUTE_REINSTATED, movement.id)
    if movement.fee and same_currency:
        ledger.stripe_fee(payment, movement.id, movement.fee, kind=PostingKind.DISPUTE_FEE)


def take_case(payment: Payment, kind: DisputeKind, seen: CaseSeen) -> tuple[Dispute, bool]:
    """Write down how a fraud warning or a review stands, when Stripe's word for it is new; whether that is news."""
    case, new = _case(payment, kind, seen.stripe_id, seen.opened_at)
    case.reason = seen.reason
    if case.stripe_status == seen.word:
        return case, new  # told again: what an admin has decided meanwhile stays
    return case, _follow(case, D.OPEN if seen.is_open else D.CLOSED, seen.word) or new


def _case(payment: Payment, kind: DisputeKind, stripe_id: str, opened_at: datetime) -> tuple[Dispute, bool]:
    case = by_stripe_id(stripe_id)
    if case is not None:
        return case, False
    case = Dispute(
        payment=payment,
        payment_id=payment.id,
        kind=kind,
        status=D.OPEN,
        stripe_id=stripe_id,
        is_inquiry=False,
        amount=payment.amount,
        currency=payment.currency,
        opened_at=opened_at,
    )
    session().add(case)
    session().flush()
    return case, True


def _follow(case: Dispute, stands: DisputeStatus, word: str) -> bool:
    news = case.stripe_status != word
    case.stripe_status = word
    if case.status != stands:
        case.move_to(stands)
        case.closed_at = None if stands.is_open else clock.now()
        if stands.is_open:  # what was decided about it is in the audit log; now it is to be decided again
            case.decision = case.decision_reason = None
    return news
