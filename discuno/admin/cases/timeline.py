"""Everything that is known to have happened around one payment, in one order: it builds itself from the rows.

A fixed number of questions, however much has happened.
"""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from discuno.accounts.models import AuditEntry
from discuno.admin.cases.told import Event, Hours
from discuno.admin.cases.told_booking import of_booking
from discuno.admin.cases.told_case import cases_of, of_cases, of_notes, of_proposals
from discuno.admin.cases.told_money import of_money, transfers_of
from discuno.disputes.models import Dispute
from discuno.kit.db import rows
from discuno.notifications.models import Email
from discuno.payments.models import Payment
from discuno.payouts.models import Transfer

STRIPES_WORD = (
    "case_admin"  # the letter that tells us a new word of Stripe's about a case: its event ends with it
)


def of(payment: Payment, zone: str = "UTC", clock: str = "24") -> list[Event]:
    """Everything, the earliest first; what is to come stands where it will be. Times within words are in `zone`."""
    hours = Hours(zone, clock)
    transfers, cases = transfers_of(payment), cases_of(payment)
    found = [
        *of_booking(payment, hours),
        *of_money(payment, transfers, hours),
        *of_cases(payment, cases),
        *of_notes(payment),
        *of_proposals(payment),
        *_letters(payment, transfers, cases, hours),
        *_audited(payment, transfers, cases),
    ]
    return sorted(found, key=lambda event: event.at)


def _letters(
    payment: Payment, transfers: list[Transfer], cases: list[Dispute], hours: Hours
) -> Iterator[Event]:
    abouts = [{name: row_id} for name, ids in _ids(payment, transfers, cases).items() for row_id in ids]
    about_it = sa.or_(*(Email.about.contains(about) for about in abouts))
    for email in rows(sa.select(Email).where(about_it).order_by(Email.id)):
        told = [(word, at) for word, at in _told(email) if at is not None]
        said = "; ".join(f"{word} {hours.at(at)}" for word, at in told) or email.status.label.lower()
        words = f"To {email.recipient}: {said}. {email.error or ''}".strip()
        label = f"Letter: {email.subject or email.template.replace('_', ' ')}"
        path = f"/admin/emails/{email.id}"
        yield Event(email.created_at, label, words, email.status.tone, path, kind="letter")
        word = email.event.rsplit(":", 1)[-1]
        if email.template == STRIPES_WORD and not email.event.startswith("report:"):
            yield Event(email.created_at, f"Stripe says: {word.replace('_', ' ')}", tone="note", kind="case")


def _told(email: Email) -> list[tuple[str, datetime | None]]:
    became = email.status.label.lower()
    return [("sent", email.sent_at), (became, email.settled_at), ("opened", email.opened_at)]


def _ids(payment: Payment, transfers: list[Transfer], cases: list[Dispute]) -> dict[str, list[int]]:
    """The rows that letters and audit entries may be about, by what they call them."""
    return {
        "payment_id": [payment.id],
        "booking_id": [payment.booking_id],
        "dispute_id": [case.id for case in cases],
        "refund_id": [refund.id for refund in payment.refunds],
        "transfer_id": [transfer.id for transfer in transfers],
        "reversal_id": [reversal.id for transfer in transfers for reversal in transfer.reversals],
    }


def _audited(payment: Payment, transfers: list[Transfer], cases: list[Dispute]) -> Iterator[Event]:
    ids = _ids(payment, transfers, cases)
    abouts = [f"{name.removesuffix('_id')}:{row_id}" for name, found in ids.items() for row_id in found]
    for entry in rows(sa.select(AuditEntry).where(AuditEntry.about.in_(abouts)).order_by(AuditEntry.id)):
        where = f" (from {entry.address})" if entry.address else ""
        label = f"Audit: {entry.action.replace('_', ' ')}, {entry.about.replace(':', ' ')}"
        yield Event(entry.at, label, entry.reason, who=f"{entry.actor}{where}", kind="audit")
