"""What an admin can do to one payment: each lever with its words, why it cannot be pulled now, and what it does."""

from dataclasses import dataclass

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.accounts.models import User
from discuno.admin import proposals
from discuno.admin.models import ActKind, Proposal
from discuno.disputes import settling
from discuno.disputes.settling import Sight
from discuno.journey import acts, money, objections
from discuno.journey.acts import Act
from discuno.kit.errors import DomainError
from discuno.kit.lifecycle import Status
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import reversals
from discuno.payouts.models import WISH, Transfer, TransferStatus
from discuno.policy import REFUND_REFUSED, Reason, RefundAnswer

# 19. An admin pulls a lever at one payment.


class Lever(Status):
    """What can be done to a payment: its name in addresses, its label, its tone, and what it does."""

    HOLD = (
        "hold",
        "Put on hold",
        "plain",
        "The mentor’s share stays here until somebody lifts the hold. A transfer that is being made just now lands, "
        "and is then taken back.",
    )
    LIFT = (
        "lift",
        "Lift the hold",
        "plain",
        "The mentor’s share goes on its way when its time has come, unless something else stands against it.",
    )
    REFUND = (
        "refund",
        "Refund",
        "plain",
        "Money goes back to the attendee. What the mentor has of it already is taken back first.",
    )
    TAKE_BACK = (
        "take-back",
        "Take the transfer back",
        "plain",
        "Money comes back from the mentor’s account at Stripe and is held here. The payment is put on hold, so that "
        "it stays here. What has left for the mentor’s bank cannot come back, and stays theirs.",
    )
    RETRY = (
        "retry",
        "Try the transfer again",
        "plain",
        "The transfer is tried again within the minute, and the count of refusals begins anew.",
    )
    CLEAR = (
        "clear",
        "It is dealt with",
        "plain",
        "Nothing needs attention here any more: what is held for the mentor goes on its way again.",
    )

    @property
    def act(self) -> ActKind | None:
        """What it is as an act that is agreed to by sight of what will move."""
        return {Lever.REFUND: ActKind.REFUND, Lever.TAKE_BACK: ActKind.TAKE_BACK}.get(self)

    @property
    def frees_money(self) -> bool:
        """Whether money may move because of it, so that whoever pulls it must prove that it is them."""
        return self is not Lever.HOLD


NO_MONEY = "Nothing was paid, so there is nothing to do it to."
HELD_ALREADY, NOT_HELD = "It is on hold already.", "It is not on hold."
NOTHING_LEFT = "Nothing is left of the payment: all of it was returned, or is on its way back."
NOTHING_THERE = "Nothing of this payment lies in the mentor’s account."
NOT_REFUSED = "Stripe has not refused its transfer."
NOT_SENT = "No share of it waits to be transferred."
NOTHING_ODD = "Nothing needs attention here."
CHANGED = "Something else needs attention by now. Please look again before you say that it is dealt with."
TRIED_AGAIN = (Reason.GIVEN_UP, Reason.NO_BALANCE, Reason.ACCOUNT)  # what only another try can tell


def why_not(lever: Lever, payment: Payment) -> str | None:
    """Why a lever cannot be pulled now, in a sentence for an admin; None when it can be."""
    if lever is Lever.CLEAR:
        return None if payment.needs_attention is not None else NOTHING_ODD
    if not payment.status.has_money:
        return NO_MONEY
    if lever is Lever.HOLD:
        return HELD_ALREADY if payment.dispute_requested else None
    if lever is Lever.LIFT:
        return None if payment.dispute_requested else NOT_HELD
    if lever is Lever.RETRY:
        return _why_not_tried(payment)
    return _why_not_moved(lever, payment)


def _why_not_tried(payment: Payment) -> str | None:
    waiting = [t for t in payment.transfers if t.status == TransferStatus.SCHEDULED]
    if not waiting:
        return NOT_SENT
    return None if _to_try(payment) is not None else NOT_REFUSED


def _to_try(payment: Payment) -> Transfer | None:
    waiting = (t for t in payment.transfers if t.status == TransferStatus.SCHEDULED)
    return next((t for t in waiting if t.blocked_by in TRIED_AGAIN or t.retry_count), None)


def _why_not_moved(lever: Lever, payment: Payment) -> str | None:
    if proposals.of_payment(payment) is not None:
        return proposals.WAITS
    if lever is Lever.TAKE_BACK:
        return None if most(lever, payment) else NOTHING_THERE
    left = payments.refundable(payment)
    answer = reversals.refund_answer(payment, max(left, 1))
    if answer.goes:
        return None
    return NOTHING_LEFT if answer is RefundAnswer.TOO_MUCH else REFUND_REFUSED[answer]


def most(lever: Lever, payment: Payment) -> int:
    """The most that a lever can move, in minor units."""
    if lever is Lever.TAKE_BACK:
        return sum(transfer.reversible for transfer in payment.transfers)
    return payments.refundable(payment)


# Pulled. Each under the payment's lock; False when it is so already, so that a second click does nothing.


def put_on_hold(payment: Payment, reason: str, actor: Actor) -> bool:
    """Nothing of it is transferred until the hold is lifted."""
    if payment.dispute_requested:
        return False
    _require(Lever.HOLD, payment)
    audit.record(actor, "hold", f"payment:{payment.id}", reason)
    objections.hold(payment)
    return True


def lift(payment: Payment, reason: str, actor: Actor) -> bool:
    """The hold is over, and the money goes on its way if nothing else stands against it."""
    if not payment.dispute_requested:
        return False
    audit.record(actor, "lift_hold", f"payment:{payment.id}", reason)
    objections.lift_hold(payment)
    return True


def try_again(payment: Payment, reason: str, actor: Actor) -> bool:
    """A transfer that Stripe has refused, or that waits for what only Stripe knows, is tried again now."""
    transfer = _to_try(payment)
    if transfer is None:
        if not any(t.is_live for t in payment.transfers):
            raise DomainError(NOT_SENT, status=409)
        return False
    retry(transfer, reason, actor)
    return True


def retry(transfer: Transfer, reason: str, actor: str | Actor) -> None:
    """Have one transfer tried again, and write down how it stood."""
    before = {"refused": transfer.retry_count, "error": transfer.error, "blocked_by": transfer.blocked_by}
    audit.record(actor, "retry_transfer", f"transfer:{transfer.id}", reason, before=before)
    money.retry_transfer(transfer)


def clear(payment: Payment, seen: str, reason: str, actor: Actor) -> bool:
    """What needed attention is dealt with, as it was seen; what is held for the mentor goes on its way."""
    odd = payment.needs_attention
    if odd is None:
        return False
    if odd != seen:
        raise DomainError(CHANGED, status=409)
    audit.record(actor, "clear_attention", f"payment:{payment.id}", reason, before={"needs_attention": odd})
    payment.needs_attention = None
    alerts.over(AlertKind.PAYMENT, f"payment:{payment.id}:{odd}"[:500])
    for refund in payment.refunds:
        alerts.over(AlertKind.REFUND, f"refund:{refund.id}")
    money.money_is_free(payment, f"attention:{payment.id}")
    return True


def _require(lever: Lever, payment: Payment) -> None:
    reason = why_not(lever, payment)
    if reason is not None:
        raise DomainError(reason, status=409)


def was_done(act: Act) -> bool:
    """Whether this very wish was granted, or waits for a second admin: its button was pressed twice."""
    payment = act.payment
    waiting = proposals.of_payment(payment)
    if waiting is not None and waiting.terms.get("nonce") == act.nonce:
        return True
    if act.kind == ActKind.REFUND:
        return any(refund.nonce == act.nonce for refund in payment.refunds)
    taken = (reversal.about for transfer in payment.transfers for reversal in transfer.reversals)
    return f"{WISH}{act.nonce}" in taken


# What waits for a second admin


@dataclass(frozen=True)
class Waiting:
    """An act that waits for a second admin, as somebody sees it: what moves, and whether that is what was meant."""

    proposal: Proposal
    seen: Sight | None  # what would move now; None when it cannot be done any more
    why_not: str  # in that case
    is_own: bool
    not_yet: str  # why whoever looks cannot be the second yet

    @property
    def is_same(self) -> bool:
        """Whether what would move now is what the first admin has agreed to."""
        return self.seen is not None and self.seen.moves == self.proposal.moves


def waiting(payment: Payment, user: User | None) -> Waiting | None:
    """What waits for a second admin at this payment, for whoever looks."""
    proposal = proposals.of_payment(payment)
    return as_waiting(proposal, user) if proposal is not None else None


def as_waiting(proposal: Proposal, user: User | None) -> Waiting:
    """One proposal, for whoever looks."""
    is_own = user is not None and user.id == proposal.proposed_by_id
    not_yet = proposals.NEW_HERE if user is not None and proposals.is_new(user) else ""
    act = acts.of_proposal(proposal)
    try:
        return Waiting(proposal, acts.sight(act), "", is_own, not_yet)
    except DomainError as error:
        return Waiting(proposal, None, error.message, is_own, not_yet)


def preview(lever: Lever, payment: Payment, amount: int) -> Sight:
    """What will move if so much is refunded, or taken back. Raises DomainError when it cannot be."""
    return settling.sight(payment, terms(lever, amount))


def terms(lever: Lever, amount: int) -> settling.Terms:
    """The terms of a lever that moves money. Raises DomainError for no amount at all."""
    if amount <= 0:
        raise DomainError(REFUND_REFUSED[RefundAnswer.NOT_AN_AMOUNT], status=422)
    return settling.Terms(back=amount) if lever is Lever.TAKE_BACK else settling.Terms(refund=amount)
