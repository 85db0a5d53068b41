"""Doors that put right what is provably ours: what we were not told, we ask. Each is safe to call at any time."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from discuno.admin.books import books
from discuno.disputes import jobs as dispute_doors
from discuno.disputes.models import Dispute, DisputeKind
from discuno.edges import stripe
from discuno.edges.stripe.lists import ChargeFacts, Entry, EventFacts, Standing, TransferSeen
from discuno.kit.db import session, transaction
from discuno.kit.outbox import GiveUp, Later
from discuno.kit.outgoing import Refused
from discuno.payments import jobs as payment_doors
from discuno.payments.models import LedgerEntry, Payment, PaymentStatus, Refund
from discuno.payments.service import FATE
from discuno.payouts import bank_jobs
from discuno.payouts.learn import learn_transfer
from discuno.payouts.models import Payout, ReversalStatus, Transfer, TransferReversal
from discuno.webhooks import service as inbox

log = structlog.get_logger()
HAS_MONEY = [status for status in PaymentStatus if status.has_money]


def _try(door: Callable[[], object]) -> bool:
    """Whether it was ours to put right; what is not ours stays as it is, and is found as drift."""
    try:
        door()
    except (LookupError, GiveUp, Later):
        return False
    except Refused as refusal:
        log.warning("not_repaired", why=str(refusal))
        return False
    return True


def _each(ids: Iterable[str], door: Callable[[str], object]) -> int:
    return sum(_try(partial(door, found)) for found in ids)


def _known(statement: sa.Select[Any, Any]) -> dict[str, Any]:
    """What our rows say, by Stripe's id."""
    with transaction():
        return {str(key): value for key, value in session().execute(statement)}


def events(found: Iterable[EventFacts]) -> int:
    """Events that never came are put into the inbox, and handled as if they had."""
    with transaction():
        return sum(
            inbox.receive("stripe", e.id, e.payload, type=e.type, account=e.account, livemode=e.livemode)
            for e in found
        )


def charges(found: Iterable[ChargeFacts]) -> int:
    """Charges that were paid and that our payments do not know of."""
    paid = [charge for charge in found if charge.paid]
    ids = [charge.id for charge in paid]
    known = _known(
        sa.select(Payment.stripe_charge_id, Payment.id).where(
            Payment.stripe_charge_id.in_(ids), Payment.status.in_(HAS_MONEY)
        )
    )
    return sum(
        _charge(charge.id, charge.payment_intent_id, charge.payment_id)
        for charge in paid
        if charge.id not in known
    )


def _charge(charge_id: str, intent: str | None, hint: int | None) -> bool:
    def settle() -> None:
        payment_id = payment_doors.payment_of(charge_id, intent, hint)
        payment_doors.settle(payment_id)
        payment_doors.learn_fee(payment_id)

    return _try(settle)


def refunds(found: Iterable[Standing]) -> int:
    """Refunds that stand otherwise than our rows say, or that somebody has made by hand."""
    seen = list(found)
    known = _known(
        sa.select(Refund.stripe_refund_id, Refund.status).where(
            Refund.stripe_refund_id.in_([r.id for r in seen])
        )
    )
    return _each(
        (r.id for r in seen if known.get(r.id) != FATE.get(r.status, "pending")), payment_doors.learn_refund
    )


def transfers(found: Iterable[TransferSeen]) -> int:
    """Transfers whose answer was lost, and reversals made by hand."""
    seen = {t.id: t.amount_reversed for t in found}
    back = sa.func.coalesce(sa.func.sum(TransferReversal.amount), 0)
    is_made = sa.and_(
        TransferReversal.transfer_id == Transfer.id, TransferReversal.status == ReversalStatus.MADE
    )
    ours = _known(
        sa.select(Transfer.stripe_transfer_id, back)
        .outerjoin(TransferReversal, is_made)
        .where(Transfer.stripe_transfer_id.in_(list(seen)))
        .group_by(Transfer.id)
    )
    other = [made for made, back in seen.items() if ours.get(made) != back]
    return sum(learn_transfer(made) != "not ours" for made in other)


FOLLOW = {
    DisputeKind.CHARGEBACK: dispute_doors.follow_dispute,
    DisputeKind.FRAUD_WARNING: dispute_doors.follow_warning,
    DisputeKind.REVIEW: dispute_doors.follow_review,
}


def cases(kind: DisputeKind, found: Iterable[Standing]) -> int:
    """Cases that stand otherwise than ours say, or whose money our books do not have."""
    seen = list(found)
    known = _known(
        sa.select(Dispute.stripe_id, Dispute.stripe_status).where(Dispute.stripe_id.in_([d.id for d in seen]))
    )
    moved = [entry for d in seen for entry in d.moved]
    booked = _known(sa.select(LedgerEntry.source, LedgerEntry.kind).where(LedgerEntry.source.in_(moved)))
    other = (d.id for d in seen if known.get(d.id) != d.status or not booked.keys() >= set(d.moved))
    return _each(other, FOLLOW[kind])


def case(case_id: int) -> None:
    """A case that is still open here is asked after."""
    with transaction():
        row = session().get_one(Dispute, case_id)
        kind, stripe_id = row.kind, row.stripe_id
    if stripe_id is not None and kind in FOLLOW:
        _try(lambda: FOLLOW[kind](stripe_id))


def payouts(account: str, found: Iterable[Standing]) -> int:
    """Payouts that stand otherwise than our rows say, or that Stripe has made by itself."""
    seen = list(found)
    known = _known(
        sa.select(Payout.stripe_payout_id, Payout.status).where(
            Payout.stripe_payout_id.in_([p.id for p in seen])
        )
    )
    other = (p.id for p in seen if known.get(p.id) != p.status)
    return _each(other, lambda payout: bank_jobs.follow_payout(account, payout))


def entry(found: Entry) -> bool:
    """What has moved our balance and is not in the books as it should be."""
    source = found.source or ""
    if books.is_of_dispute(found):
        return _try(lambda: dispute_doors.follow_dispute(source))
    if found.type in ("charge", "payment"):
        return _charge(source, found.intent, found.payment_id)
    if found.type in ("refund", "refund_failure"):
        return _try(lambda: payment_doors.learn_refund(source))
    if found.type in ("transfer", "transfer_refund"):
        return learn_transfer(found.transfer or source) != "not ours"
    return False


def payment(payment_id: int) -> None:
    """Whatever of a payment is still open is asked after."""
    with transaction():
        session().expire_all()  # as the rows are, not as this session may remember them
        row = session().get_one(Payment, payment_id)
        waits, refunding, group = row.status.is_waiting, row.refund_is_open, row.transfer_group
        moving = bool(row.transfers)
    if waits:
        _try(lambda: payment_doors.settle(payment_id))
    if refunding:
        payment_doors.learn_refunds(payment_id)
    for made in stripe.transfers_of(group) if moving else ():
        learn_transfer(made.id)
