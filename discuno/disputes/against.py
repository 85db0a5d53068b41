"""The open reports against a mentor."""

import sqlalchemy as sa

from discuno.bookings.models import Booking
from discuno.disputes.models import Dispute, DisputeKind, DisputeStatus
from discuno.kit.db import rows
from discuno.mentors.models import Mentor
from discuno.payments.models import Payment


def open_reports(mentor: Mentor) -> list[Dispute]:
    """What attendees have said went wrong and nobody has decided yet, answered or not; the first due first."""
    statement = (
        sa.select(Dispute)
        .join(Dispute.payment)
        .join(Payment.booking)
        .where(
            Booking.mentor_id == mentor.id,
            Dispute.kind == DisputeKind.REPORT,
            Dispute.status.in_([DisputeStatus.OPEN, DisputeStatus.WAITING]),
        )
        .options(sa.orm.contains_eager(Dispute.payment).contains_eager(Payment.booking))
    )
    return rows(statement.order_by(Dispute.due_at, Dispute.id))
