"""What may be done to many rows at once: its words, and which rows it means. What is done to one: journey/bulk.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from discuno.bookings.models import Booking
from discuno.disputes.models import Dispute, DisputeKind, DisputeStatus
from discuno.kit.outbox import Job
from discuno.mentors.models import Mentor
from discuno.notifications.models import Email, EmailStatus
from discuno.payments.models import Payment, PaymentStatus
from discuno.payouts.models import Transfer, TransferStatus
from discuno.policy import Reason
from discuno.webhooks.models import WebhookEvent

Filters = Mapping[str, str]
KINDS = tuple(map(str, DisputeKind))
Ids = sa.Select[int]


@dataclass(frozen=True)
class BulkAct:
    """One act on many rows. `rows` says what they are, one and many; `filters` are the names an address may have."""

    label: str
    thing: str  # what one row is called, before its number
    sentence: str
    rows: tuple[str, str]
    page: str  # where one of them is seen; it ends with a slash when the row's number follows
    filters: tuple[str, ...]
    matching: Callable[[Filters], Ids]
    moves_money: bool = False

    def chosen(self, asked: Filters) -> dict[str, str]:
        """The filters that an address has, and no others."""
        return {name: asked[name] for name in self.filters if asked.get(name)}

    def path(self, row_id: int) -> str:
        """Where one of the rows is seen."""
        return f"{self.page}{row_id}" if self.page.endswith("/") else self.page

    def count(self, number: int) -> str:
        """12 transfers, in words."""
        return f"{number:,} {self.rows[number != 1]}"


def _refused_transfers(asked: Filters) -> Ids:
    statement = sa.select(Transfer.id).where(
        Transfer.status == TransferStatus.SCHEDULED, Transfer.blocked_by == Reason.GIVEN_UP.value
    )
    if "mentor" in asked:
        statement = statement.where(Transfer.payment_id.in_(_payments_of(asked["mentor"])))
    return statement


def _payments_of(username: str) -> sa.Select[Any]:
    return sa.select(Payment.id).join(Payment.booking).join(Booking.mentor).where(Mentor.username == username)


def _payments(asked: Filters) -> Ids:
    statement = sa.select(Payment.id)
    if "mentor" in asked:
        statement = statement.where(Payment.id.in_(_payments_of(asked["mentor"])))
    return statement


def _free_payments(asked: Filters) -> Ids:
    return _payments(asked).where(
        Payment.status == PaymentStatus.SUCCEEDED, sa.not_(Payment.dispute_requested)
    )


def _held_payments(asked: Filters) -> Ids:
    return _payments(asked).where(Payment.dispute_requested)


def _failed_letters(asked: Filters) -> Ids:
    statement = sa.select(Email.id).where(Email.status == EmailStatus.FAILED)
    return statement.where(Email.template == asked["template"]) if "template" in asked else statement


def _failing_events(asked: Filters) -> Ids:
    event = WebhookEvent
    statement = sa.select(event.id).where(event.handled_at.is_(None), event.error.is_not(None))
    for name, column in (("provider", event.provider), ("type", event.type)):
        if name in asked:
            statement = statement.where(column == asked[name])
    return statement


def _dead_jobs(asked: Filters) -> Ids:
    statement = sa.select(Job.id).where(Job.dead_at.is_not(None))
    return statement.where(Job.task == asked["task"]) if "task" in asked else statement


def _unclaimed_cases(asked: Filters) -> Ids:
    is_open = Dispute.status.in_([DisputeStatus.OPEN, DisputeStatus.WAITING])
    statement = sa.select(Dispute.id).where(is_open, Dispute.assignee_id.is_(None))
    return statement.where(Dispute.kind == asked["kind"]) if asked.get("kind") in KINDS else statement


ACTS = {
    "retry_transfer": BulkAct(
        "Retry refused transfers",
        "Transfer",
        "Each transfer that Stripe has refused three times is tried again; the count of refusals begins anew.",
        ("refused transfer", "refused transfers"),
        "/admin/transfers",
        ("mentor",),
        _refused_transfers,
        moves_money=True,
    ),
    "hold": BulkAct(
        "Put payments on hold",
        "Payment",
        "The mentor’s share of each payment stays here until somebody lifts the hold.",
        ("payment that is not on hold", "payments that are not on hold"),
        "/admin/payments/",
        ("mentor",),
        _free_payments,
        moves_money=True,
    ),
    "lift_hold": BulkAct(
        "Lift holds",
        "Payment",
        "Each payment’s share goes on its way, unless something else stands against it.",
        ("payment on hold", "payments on hold"),
        "/admin/payments/",
        ("mentor",),
        _held_payments,
        moves_money=True,
    ),
    "resend_letter": BulkAct(
        "Send failed letters again",
        "Letter",
        "Each letter that could not be sent is written anew from the rows as they are now, and sent.",
        ("letter that was not sent", "letters that were not sent"),
        "/admin/emails/",
        ("template",),
        _failed_letters,
    ),
    "replay_webhook": BulkAct(
        "Handle failing events again",
        "Event",
        "Each event that could not be handled is handed to its handler once more.",
        ("failing event", "failing events"),
        "/admin/webhooks/",
        ("provider", "type"),
        _failing_events,
    ),
    "retry_job": BulkAct(
        "Try work again that was given up",
        "Job",
        "Each piece of work that was given up is tried again from the beginning.",
        ("piece of work that was given up", "pieces of work that were given up"),
        "/admin/jobs/",
        ("task",),
        _dead_jobs,
    ),
    "claim_cases": BulkAct(
        "Take unassigned cases",
        "Case",
        "Each open case that is nobody’s becomes yours.",
        ("unassigned case", "unassigned cases"),
        "/admin/disputes/",
        ("kind",),
        _unclaimed_cases,
    ),
}
