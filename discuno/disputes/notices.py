"""What somebody says about a mentor and the mentor has not answered yet."""

import sqlalchemy as sa

from discuno.bookings.models import Booking
from discuno.disputes.models import Dispute, DisputeKind, DisputeStatus
from discuno.disputes.words import case_path
from discuno.kit import clock
from discuno.kit.db import rows
from discuno.kit.web import moment
from discuno.mentors.models import Mentor
from discuno.mentors.notices import Notice
from discuno.payments.models import Payment


def of_mentor(mentor: Mentor, hours: str) -> list[Notice]:
    """A notice for every open report that waits for their answer, the first due first. `hours` is "12" or "24"."""
    statement = (
        sa.select(Dispute)
        .join(Dispute.payment)
        .join(Payment.booking)
        .where(
            Booking.mentor_id == mentor.id,
            Dispute.kind == DisputeKind.REPORT,
            Dispute.status.in_([DisputeStatus.OPEN, DisputeStatus.WAITING]),
            Dispute.answered_at.is_(None),
        )
        .options(sa.orm.contains_eager(Dispute.payment).contains_eager(Payment.booking))
        .order_by(Dispute.due_at, Dispute.id)
    )
    return [_notice(case, mentor.zone, hours) for case in rows(statement)]


def _notice(case: Dispute, zone: str, hours: str) -> Notice:
    about = f"{case.payment.booking.attendee_name} has reported a problem."
    if case.due_at is not None and case.due_at > clock.now():
        answer = f"Answer by {moment(case.due_at, zone, hours)}."
    else:
        answer = "The time to answer is over; until it is decided you can still say what happened."
    return Notice("bad", f"{about} {answer}", "Answer the report", case_path(case))
