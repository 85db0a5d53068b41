"""An attendee reports a problem: the money waits, the mentor answers, it is decided."""

from collections.abc import Sequence

from discuno import policy
from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.admin import proposals
from discuno.bookings import changes
from discuno.bookings.models import BookingStatus, Party
from discuno.disputes import reports
from discuno.disputes.models import Decision, Dispute
from discuno.disputes.reports import Upload
from discuno.disputes.settling import Terms
from discuno.journey import money
from discuno.kit import clock, outbox
from discuno.kit.errors import DomainError
from discuno.notifications import alerts
from discuno.notifications import service as letters
from discuno.notifications.models import AlertKind
from discuno.notifications.service import ADMIN
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import transfers
from discuno.policy import ReportReason

NOT_MADE = "This session is not going to take place, so there is no problem with it to report."
TOO_LATE = "The time to report a problem is over."
DECIDED = "This report is decided already."
NOT_NOW = "That cannot be said of a session that has not been yet."
NO_ANSWER = "The mentor did not answer in time."
AGREED = "The mentor agrees that the session did not take place."

# 13. Something went wrong, says the attendee, or the mentor's calendar.


def report(payment: Payment, reason: ReportReason, words: str, files: Sequence[Upload], by: Party) -> Dispute:
    """Open a report, and have the money wait for it; while one is open, more is added to it. Raises DomainError."""
    booking = payment.booking
    case = reports.latest(payment)
    if case is not None and case.is_open:
        reports.say(case, by, words, files)
        return case
    if case is not None and case.decision != Decision.WITHDRAWN:
        raise DomainError(DECIDED, status=409)
    if booking.status != BookingStatus.CONFIRMED:
        raise DomainError(NOT_MADE, status=409)
    if not policy.may_report(now=clock.now(), dispute_period_ends=payment.dispute_period_ends):
        raise DomainError(TOO_LATE, status=409)
    if reason not in policy.reasons_to_report(now=clock.now(), starts_at=booking.starts_at):
        raise DomainError(NOT_NOW, status=409)
    case = reports.file(payment, reason)
    reports.say(case, by, words, files)
    if reason == ReportReason.MENTOR_ABSENT:
        changes.mentor_absent(booking, by)
    payments.restate(payment)
    transfers.review(payment)
    outbox.add("close_unanswered", dispute_id=case.id, run_at=case.due_at, unique_key=f"answer:{case.id}")
    event = f"report:{case.id}:filed"
    letters.tell(event, payment.customer_email, "report_filed", dispute_id=case.id)
    letters.tell(event, booking.mentor.user.email, "report_filed_mentor", dispute_id=case.id)
    letters.tell(event, ADMIN, "case_admin", dispute_id=case.id)
    return case


def withdraw_report(case: Dispute) -> None:
    """The attendee is content after all: the money goes on its way."""
    decide_report(case, Decision.WITHDRAWN, "The attendee has withdrawn it.", Party.ATTENDEE.value)


# 14. The mentor answers, or does not.


def answer_report(
    case: Dispute, words: str, files: Sequence[Upload], *, agrees: bool, actor: Actor | None = None
) -> None:
    """The mentor's side. Who agrees that they were not there has decided it. Raises DomainError when it is over."""
    if not case.is_open:
        raise DomainError(DECIDED, status=409)
    if reports.say(case, Party.MENTOR, words, files):
        audit.note(
            actor or Party.MENTOR.value,
            "report answered",
            f"dispute:{case.id}",
            after={"agrees": agrees, "files": len(files)},
        )
    reports.answered(case)
    if agrees:
        decide_report(case, Decision.REFUNDED, AGREED, actor or Party.MENTOR.value)
        return
    event = f"report:{case.id}:answered"
    letters.tell(event, case.payment.customer_email, "report_answered", dispute_id=case.id)
    mentor = case.payment.booking.mentor.user
    letters.tell(event, mentor.email, "report_answered_mentor", dispute_id=case.id)
    letters.tell(event, ADMIN, "report_answered_admin", dispute_id=case.id)


def answer_is_due(case: Dispute) -> None:
    """The mentor's time is over. A session that nobody says took place is refunded; all else a person decides."""
    if not reports.is_unanswered(case):
        return
    if case.reason == ReportReason.MENTOR_ABSENT:
        decide_report(case, Decision.REFUNDED, NO_ANSWER, Party.HOUSE.value)
        return
    letters.tell(f"report:{case.id}:unanswered", ADMIN, "report_unanswered_admin", dispute_id=case.id)


# 15. It is decided.


def decide_report(
    case: Dispute, decision: Decision, reason: str, actor: str | Actor, terms: Terms | None = None
) -> None:
    """End a report: the money back, on its way to the mentor, or in parts. Both are told. Twice does it once.

    `terms` say how much, for a decision in parts. Raises ValueError when there is less.
    """
    amounts = {"refund": terms.refund, "mentor": terms.mentor} if terms is not None else {}
    if not reports.close(case, decision, reason, **amounts):
        return
    audit.record(actor, f"report {decision}", f"dispute:{case.id}", reason, after=amounts or None)
    payment = case.payment
    if terms is not None and terms.mentor is not None:
        going = payments.unposted_refunds(payment) + terms.refund  # what is on its way back already, too
        ledger.divide(payment, going, terms.mentor, f"dispute:{case.id}")
        money.take_back_excess(payment, f"report:{case.id}")
    overtake(payment)
    refund_decided(payment)
    payments.restate(payment)
    money.money_is_free(payment, f"report:{case.id}")
    event = f"report:{case.id}:decided"
    letters.tell(event, payment.customer_email, "report_decided", dispute_id=case.id)
    letters.tell(event, payment.booking.mentor.user.email, "report_decided_mentor", dispute_id=case.id)


def overtake(payment: Payment) -> None:
    """Something is decided: what waited for a second admin is not done any more."""
    overtaken = proposals.overtake(payment)
    if overtaken is not None:
        alerts.over(AlertKind.APPROVAL, overtaken.cause)


def refund_decided(payment: Payment) -> None:
    """What a report has decided to return is returned, as soon as no bank has it: once, whenever this is called."""
    case = reports.latest(payment)
    if case is None:
        return
    reason = f"report:{case.id}"
    if case.decision == Decision.REFUNDED:
        money.refund_what_can_be(payment, reason=reason)
    elif case.decision in (Decision.PARTLY, Decision.SPLIT) and case.refund_amount:
        money.refund_what_can_be(payment, reason=reason, most=case.refund_amount)
