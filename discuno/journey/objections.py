"""Somebody says wait: the cardholder's bank, the card network, Stripe, an admin; and when they no longer do."""

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.disputes import reports
from discuno.disputes import service as disputes
from discuno.disputes.models import Decision, Dispute, DisputeKind, DisputeStatus
from discuno.disputes.service import CaseSeen, ChargebackSeen
from discuno.journey import money
from discuno.journey.changes import refund_cancelled
from discuno.journey.reports import overtake, refund_decided
from discuno.notifications import service as letters
from discuno.notifications.service import ADMIN
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import transfers

# 8. Somebody objects: the cardholder's bank, the card network, Stripe, an admin.


def chargeback_seen(payment: Payment, seen: ChargebackSeen) -> Dispute:
    """Take what Stripe says about a dispute: freeze or take back, write the money down, resume on a win."""
    gone = ledger.gone(payment)
    case, news = disputes.take_chargeback(payment, seen)
    payments.restate(payment)
    if ledger.gone(payment) > gone:
        money.take_back_excess(payment, f"{money.DISPUTED}{case.id}")
    _case_changed(case, news)
    return case


def case_seen(payment: Payment, kind: DisputeKind, seen: CaseSeen) -> Dispute:
    """Take what Stripe says about a fraud warning or a review: while it is open the money waits."""
    case, news = disputes.take_case(payment, kind, seen)
    payments.restate(payment)
    _case_changed(case, news)
    return case


def _case_changed(case: Dispute, news: bool) -> None:
    if case.is_open:
        transfers.review(case.payment)
    else:  # won, closed, or lost: what is still held, if anything, waits for nobody any more
        refund_decided(case.payment)
        refund_cancelled(case.payment)
        money.money_is_free(case.payment, f"{money.DISPUTED}{case.id}")
    if news:
        _tell(case)


def _tell(case: Dispute) -> None:
    """The admin hears every word of Stripe's, the mentor what concerns them; attendees have a bank of theirs."""
    event = f"dispute:{case.id}:{case.stripe_status}"
    letters.tell(event, ADMIN, "case_admin", dispute_id=case.id)
    if case.kind == DisputeKind.CHARGEBACK and case.payment.booking.confirmed_at is not None:
        _tell_mentor(case, event)


def _tell_mentor(case: Dispute, event: str) -> None:
    """What a bank asks, takes and decides. The mentor of a session that was never made has not heard of it."""
    mentor = case.payment.booking.mentor.user
    if case.is_open:
        event = f"dispute:{case.id}:{'asked' if case.is_inquiry else 'taken'}"
        letters.tell(event, mentor.email, "chargeback_opened_mentor", dispute_id=case.id)
    elif case.status in (DisputeStatus.WON, DisputeStatus.LOST):
        letters.tell(event, mentor.email, "chargeback_closed_mentor", dispute_id=case.id)


def close_case(case: Dispute, decision: Decision, reason: str, actor: Actor) -> None:
    """An admin has looked at a fraud warning: its money may go, or goes back, until Stripe has another word for it.

    Twice does it once. Under the payment's lock.
    """
    if not reports.close(case, decision, reason):
        return
    payment = case.payment
    audit.record(actor, f"case {decision}", f"dispute:{case.id}", reason)
    overtake(payment)
    if decision == Decision.REFUNDED:
        money.refund_what_can_be(payment, reason=f"case:{case.id}")
    payments.restate(payment)
    money.money_is_free(payment, f"{money.DISPUTED}{case.id}")


def hold(payment: Payment) -> None:
    """An admin says wait."""
    payment.dispute_requested = True
    transfers.review(payment)


def lift_hold(payment: Payment) -> None:
    """The admin's reason to wait is gone."""
    if payment.dispute_requested:
        payment.dispute_requested = False
        money.money_is_free(payment, f"hold:{payment.id}")
