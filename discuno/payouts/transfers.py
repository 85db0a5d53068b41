"""The mentor's share on its way: written down, claimed, blocked and freed, frozen, sent."""

import random
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from discuno import policy
from discuno.bookings.models import Booking
from discuno.kit import clock
from discuno.kit.db import rows, session
from discuno.kit.outgoing import CLAIM
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Account, LedgerEntry, Payment, PostingKind
from discuno.payouts import service as payouts
from discuno.payouts.models import RELEASE, RETURN, Transfer, TransferStatus
from discuno.policy import Reason

# Stripe's refusals that only need time or somebody else's doing; all others are real ones.
WAITS_FOR = {
    "balance_insufficient": Reason.NO_BALANCE,
    "account_invalid": Reason.ACCOUNT,
    "transfers_not_allowed": Reason.ACCOUNT,
    "capability_not_active": Reason.ACCOUNT,
    "insufficient_capabilities_for_transfer": Reason.ACCOUNT,
}

ON_THE_WAY = (TransferStatus.SCHEDULED, TransferStatus.SENDING)


def schedule(payment: Payment) -> Transfer | None:
    """Write down that the mentor's share will go; once. None when the share is nothing."""
    found = payouts.live_transfer(payment)
    held = ledger.held(payment)
    if found is not None or held <= 0:
        return found
    earlier = [t.epoch for t in payment.transfers if t.is_release]
    due = payment.dispute_period_ends or clock.now()
    return _add(payment, RELEASE, None, held, due, epoch=max(earlier, default=0) + 1)


def schedule_return(payment: Payment, about: str) -> Transfer | None:
    """After a dispute: what is held again, and was transferred once, goes back to the mentor.

    One at a time: the books call it held until it has arrived, and what is on its way must not go twice.
    """
    going = next((t for t in payment.transfers if t.status in ON_THE_WAY), None)
    held = ledger.held(payment)
    if going is not None or held <= 0:
        return going
    known = [t for t in payment.transfers if t.kind == RETURN and (t.about or "").split("#")[0] == about]
    again = f"{about}#{len(known) + 1}" if known else about  # an appeal may be won after a loss
    return _add(payment, RETURN, again, held, clock.now(), epoch=1)


def _add(
    payment: Payment, kind: str, about: str | None, amount: int, due: datetime, *, epoch: int
) -> Transfer:
    transfer = Transfer(
        payment=payment,
        payment_id=payment.id,
        kind=kind,
        about=about,
        status=TransferStatus.SCHEDULED,
        amount=amount,
        currency=payment.currency,
        epoch=epoch,
        retry_count=0,
        unknown_count=0,
        next_try_at=due,
        created_at=clock.now(),
    )
    session().add(transfer)
    session().flush()
    return transfer


def next_due() -> datetime | None:
    """When the release run has something to do next; None when nothing waits."""
    when = sa.func.greatest(Transfer.next_try_at, Transfer.claimed_until)  # a null is passed over
    free = sa.select(sa.func.min(when)).where(
        Transfer.blocked_by.is_(None),
        Transfer.status.in_([TransferStatus.SCHEDULED, TransferStatus.SENDING]),
    )
    return session().execute(free).scalar_one_or_none()


def due(limit: int) -> list[Transfer]:
    """Transfers to be taken in hand now, locked with their payments; what somebody else has is passed over."""
    now = clock.now()
    statement = (
        sa.select(Transfer)
        .join(Transfer.payment)
        .options(contains_eager(Transfer.payment).selectinload(Payment.refunds))
        .options(contains_eager(Transfer.payment).selectinload(Payment.disputes))
        .where(
            Transfer.blocked_by.is_(None),
            Transfer.status.in_([TransferStatus.SCHEDULED, TransferStatus.SENDING]),
            Transfer.next_try_at <= now,
            sa.or_(Transfer.claimed_until.is_(None), Transfer.claimed_until < now),
        )
        .order_by(Transfer.next_try_at, Transfer.id)
        .limit(limit)
        .with_for_update(of=[Transfer, Payment], skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    return rows(statement)


def claim(transfer: Transfer) -> bool:
    """Take a due row in hand for a while; False when the guard keeps it, which is written down instead."""
    if transfer.status == TransferStatus.SCHEDULED and payouts.reason_to_wait(transfer) is not None:
        review(transfer.payment)
        return False
    transfer.claimed_until = clock.now() + CLAIM
    return True


def give_back(transfer_ids: list[int]) -> None:
    """Claimed and not begun: whoever comes next may have them at once."""
    if transfer_ids:
        mine = sa.update(Transfer).where(Transfer.id.in_(transfer_ids))
        session().execute(mine.values(claimed_until=None))


def look_again_at_blocked() -> None:
    """Whatever has blocked a transfer for long enough is asked again; no event is needed to free it."""
    session().execute(
        sa.update(Transfer)
        .where(
            Transfer.status == TransferStatus.SCHEDULED,
            Transfer.blocked_by.is_not(None),
            Transfer.blocked_by != Reason.GIVEN_UP,
            Transfer.next_try_at <= clock.now(),
        )
        .values(blocked_by=None)
    )


def review(payment: Payment) -> None:
    """Something about the payment has changed: block its waiting transfers, or free them."""
    for transfer in payment.transfers:
        if transfer.status == TransferStatus.SCHEDULED and transfer.blocked_by != Reason.GIVEN_UP:
            _settle_block(transfer, payouts.reason_to_wait(transfer))


def _settle_block(transfer: Transfer, reason: Reason | None) -> None:
    ends = transfer.payment.dispute_period_ends or clock.now()
    if reason == Reason.NOTHING_LEFT:
        transfer.move_to(TransferStatus.CANCELLED)
        transfer.blocked_by = None
    elif reason in (None, Reason.DISPUTE_PERIOD):
        if transfer.blocked_by is not None or transfer.retry_count == 0:  # else it waits after a refusal
            transfer.next_try_at = max(ends, clock.now())
        transfer.blocked_by = None
    elif transfer.blocked_by != reason:  # told again why, it is not looked at later for it
        block(transfer, reason)


def block(transfer: Transfer, reason: Reason | None) -> None:
    """Keep the money, and say why; an hour later the question is asked again."""
    transfer.blocked_by = reason.value if reason is not None else None
    transfer.claimed_until = None
    transfer.next_try_at = clock.now() + policy.TRANSFER_WAIT


def unblock(reasons: Iterable[Reason], *, mentor_id: int | None = None) -> int:
    """What was waiting for this may be tried now; answers how many transfers that are."""
    statement = sa.update(Transfer).where(
        Transfer.status == TransferStatus.SCHEDULED, Transfer.blocked_by.in_([r.value for r in reasons])
    )
    if mentor_id is not None:
        of_mentor = sa.select(Payment.id).join(Payment.booking).where(Booking.mentor_id == mentor_id)
        statement = statement.where(Transfer.payment_id.in_(of_mentor))
    freed = session().execute(statement.values(blocked_by=None, next_try_at=clock.now()))
    return int(getattr(freed, "rowcount", 0))


def freeze(transfer: Transfer) -> bool:
    """Fix what will be sent and to whom; False when a debt has used all of it. Under the payment's lock."""
    payment = transfer.payment
    account = payouts.account_of(payment.booking.mentor)
    if account is None:
        raise ValueError("the guard lets nothing go without an account")
    amount = _net_debt(transfer, ledger.held(payment))
    if amount == 0:
        transfer.move_to(TransferStatus.NETTED)
        return False
    transfer.amount = amount
    transfer.account_id, transfer.destination = account.id, account.stripe_account_id
    transfer.move_to(TransferStatus.SENDING)
    return True


def _net_debt(transfer: Transfer, held: int) -> int:
    """What is left of the share after the mentor's debts in this currency are paid from it."""
    mentor_id = transfer.payment.booking.mentor_id
    if ledger.debt_of(mentor_id, transfer.currency) <= 0:
        return held
    ledger.lock_debts(mentor_id)
    used = min(held, max(0, ledger.debt_of(mentor_id, transfer.currency)))
    if used:
        ledger.debt_netted(transfer.payment, used, f"transfer:{transfer.id}:{transfer.epoch}")
    return held - used


def used_for_debt(transfer: Transfer) -> int:
    """What of this share has paid the mentor's debts instead of being sent, in minor units."""
    paid = sa.select(sa.func.coalesce(sa.func.sum(LedgerEntry.amount), 0)).where(
        LedgerEntry.payment_id == transfer.payment_id,
        LedgerEntry.account == Account.HELD,
        LedgerEntry.kind == PostingKind.DEBT_NETTED,
        LedgerEntry.source.startswith(f"transfer:{transfer.id}:"),
    )
    return int(session().execute(paid).scalar_one())


def record_sent(transfer: Transfer, stripe_id: str, amount: int) -> bool:
    """Stripe has made it. False when that is known. Raises ValueError when it has made another one as well."""
    if transfer.stripe_transfer_id is not None:
        if transfer.stripe_transfer_id != stripe_id:
            raise ValueError(f"{transfer!r} is {transfer.stripe_transfer_id} and {stripe_id} too")
        return False
    transfer.stripe_transfer_id, transfer.sent_at = stripe_id, clock.now()
    transfer.error = transfer.blocked_by = None
    transfer.amount = amount
    transfer.move_to(TransferStatus.SENT)
    ledger.transferred(transfer.payment, amount, stripe_id)
    payments.restate(transfer.payment)
    return True


def record_refused(transfer: Transfer, waits_for: Reason | None) -> None:
    """Stripe said a definite no. Waiting causes burn no attempt; after three real ones a person has to look."""
    if transfer.status == TransferStatus.SENDING:
        transfer.move_to(TransferStatus.SCHEDULED)
    if waits_for is not None:
        block(transfer, waits_for)
        return
    transfer.retry_count += 1
    if transfer.retry_count >= policy.TRANSFER_ATTEMPTS:
        block(transfer, Reason.GIVEN_UP)
    else:
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        transfer.next_try_at = clock.now() + policy.transfer_backoff(transfer.retry_count, jitter)


def retry(transfer: Transfer) -> None:
    """A person wants it tried again now: the count begins anew."""
    if transfer.status == TransferStatus.SCHEDULED:
        transfer.retry_count = 0
        transfer.blocked_by = None
        transfer.next_try_at = clock.now()
