"""What of all that somebody was alerted to still stands, and what stands that nobody was alerted to yet.

Most alerts begin and end where their cause does. This catches the rest: what time alone makes true, and what ended in
another room. A cause is named by what it is about and its number, such as transfer:12.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta

import sqlalchemy as sa

from discuno.disputes import dues
from discuno.disputes.models import Dispute
from discuno.kit import clock, outbox
from discuno.kit.db import rows, session
from discuno.kit.money import in_words
from discuno.kit.outbox import Job
from discuno.notifications import alerts
from discuno.notifications.models import Alert, AlertKind, Email, EmailStatus
from discuno.payments.models import Account, LedgerEntry, Payment, Refund
from discuno.payouts.models import (
    AccountStatus,
    MentorStripeAccount,
    Transfer,
    TransferReversal,
    TransferStatus,
)
from discuno.policy import CLOCK_IS_SILENT, Reason
from discuno.webhooks.models import WebhookEvent

MOST = 1000  # open alerts, or cases past due, that one look takes in hand
PAST_DUE, TASK = "past_due", "task"  # what these two kinds of causes are called
Ids = sa.Select[int]


def _owes() -> sa.ColumnElement[bool]:
    """Whether the mentor of a payment owes us anything."""
    debt = sa.orm.aliased(LedgerEntry)
    of_payment = sa.select(LedgerEntry.mentor_id).where(LedgerEntry.payment_id == Payment.id).limit(1)
    owed = sa.select(sa.func.coalesce(sa.func.sum(debt.amount), 0)).where(
        debt.mentor_id == of_payment.scalar_subquery(), debt.account == Account.DEBT
    )
    return owed.scalar_subquery() > 0


_account = sa.select(MentorStripeAccount.id)
STANDING: Mapping[str, Ids] = {
    "transfer": sa.select(Transfer.id).where(
        Transfer.status == TransferStatus.SCHEDULED, Transfer.blocked_by == Reason.GIVEN_UP
    ),
    "payment": sa.select(Payment.id).where(Payment.needs_attention.is_not(None)),
    "refund": sa.select(Refund.id).join(Refund.payment).where(Payment.needs_attention.is_not(None)),
    "reversal": sa.select(TransferReversal.id)
    .join(TransferReversal.transfer)
    .join(Payment, Payment.id == Transfer.payment_id)
    .where(_owes()),
    "closed": _account.where(MentorStripeAccount.status == AccountStatus.CLOSED),
    "not_ours": _account.where(sa.not_(MentorStripeAccount.is_ours)),
    "not_manual": _account.where(MentorStripeAccount.manual_payouts_configured_at.is_(None)),
    "event": sa.select(WebhookEvent.id).where(WebhookEvent.handled_at.is_(None)),
    "letter": sa.select(Email.id).where(Email.status == EmailStatus.FAILED),
    "job": sa.select(Job.id).where(Job.dead_at.is_not(None)),
}


def end_what_is_over() -> None:
    """End the alerts whose cause is gone, whoever or whatever has ended it."""
    of_subject: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts.now_open(MOST):
        of_subject[alert.cause.partition(":")[0]].append(alert)
    for subject, found in of_subject.items():
        if subject in STANDING:
            _end(STANDING[subject], found)


def _end(standing: Ids, found: Iterable[Alert]) -> None:
    numbers = {alert: int(alert.cause.split(":")[1]) for alert in found}
    asked = standing.where(standing.selected_columns[0].in_(numbers.values()))
    still = set(session().execute(asked).scalars())
    for alert, number in numbers.items():
        if number not in still:
            alerts.over(alert.kind, alert.cause)


# What time alone makes true


def tell_of_late_cases() -> None:
    """Somebody waits for our word for longer than we have promised."""
    late = sa.and_(dues.is_ours(), dues.column() <= clock.now())
    past = rows(sa.select(Dispute).where(late).order_by(Dispute.id).limit(MOST))
    for case in past:
        amount, name = in_words(case.amount, case.currency), case.payment.customer_name
        words = f"{case.kind.label} of {name}, {amount}: our answer was due"
        alerts.stands(AlertKind.CASE, f"{PAST_DUE}:{case.id}", words, f"/admin/disputes/{case.id}")
    _end_all_but(AlertKind.CASE, PAST_DUE, {f"{PAST_DUE}:{case.id}" for case in past})


def tell_of_silence(own_lateness: timedelta) -> None:
    """What comes by the clock has not come, though this look itself came in time.

    When all of it is late the whole machine stood still, and was not there to tell anybody: that is seen on the
    pages and by whoever asks /readyz from outside.
    """
    if own_lateness >= CLOCK_IS_SILENT:
        return
    silent = outbox.silent(CLOCK_IS_SILENT)
    for job in silent:
        words = f"{job.task} should have run at {job.run_at:%d %B %Y, %H:%M} UTC"
        alerts.stands(AlertKind.CRON, f"{TASK}:{job.task}", words, f"/admin/jobs/{job.id}")
    _end_all_but(AlertKind.CRON, TASK, {f"{TASK}:{job.task}" for job in silent})


def _end_all_but(kind: AlertKind, subject: str, still: set[str]) -> None:
    begun = sa.select(Alert).where(
        Alert.kind == kind, Alert.ended_at.is_(None), Alert.cause.startswith(f"{subject}:")
    )
    gone = [alert.cause for alert in rows(begun) if alert.cause not in still]
    if gone:
        alerts.over(kind, *gone)
