"""Bookings: an hour of a mentor's, held while somebody pays, then confirmed or given back."""

from datetime import UTC, datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import HasLifecycle, Moves, Status, status_type
from discuno.mentors.models import EventType, Mentor


class BookingStatus(Status):
    """Where a booking stands, in words for the attendee."""

    HELD = ("held", "Held", "wait", "This time is kept for you while you finish.")
    CONFIRMED = ("confirmed", "Confirmed", "ok", "The session will take place.")
    EXPIRED = ("expired", "Hold ended", "plain", "The time was not paid for in time and is free again.")
    RELEASED = ("released", "Given back", "plain", "You chose another time, so this one is free again.")
    REFUSED = (
        "refused",
        "Could not be booked",
        "bad",
        "The time could not be booked. Nothing is kept of a payment.",
    )
    CANCELLED = ("cancelled", "Cancelled", "plain", "The session will not take place.")

    @property
    def is_live(self) -> bool:
        """Whether the hour is taken."""
        return self in LIVE


S = BookingStatus
LIVE = frozenset({S.HELD, S.CONFIRMED})


class Booking(HasLifecycle, HasId, Base):
    """One hour with one mentor. What was sold is copied here, so that a later price change rewrites nothing.

    `visitor` is the random id of the browser that chose the time; until the booking is paid only that
    browser may go on with it. `held_until` is when the hold may be taken back, if nobody has paid.
    """

    MOVES: ClassVar[Moves] = {
        S.HELD: frozenset({S.CONFIRMED, S.EXPIRED, S.RELEASED, S.REFUSED}),
        S.EXPIRED: frozenset({S.CONFIRMED, S.REFUSED}),  # money that came late
        S.RELEASED: frozenset({S.CONFIRMED, S.REFUSED}),
        S.CONFIRMED: frozenset({S.CANCELLED}),
        S.REFUSED: frozenset(),
        S.CANCELLED: frozenset(),
    }

    __table_args__ = (
        sa.UniqueConstraint("public_id"),
        sa.UniqueConstraint("calcom_booking_uid"),
        ExcludeConstraint(
            (sa.text("int8range(mentor_id, mentor_id, '[]')"), "&&"),
            ("during", "&&"),
            name="ex_discuno_booking_one_hour_once",
            using="gist",
            where=sa.text("status IN ('held', 'confirmed')"),
        ),
        sa.CheckConstraint("NOT isempty(during) AND lower_inc(during)", name="during"),
        sa.Index("ix_discuno_booking_event_type_id", "event_type_id"),
        sa.Index("ix_discuno_booking_mentor_during", "mentor_id", sa.text("lower(during)")),
        sa.Index("ix_discuno_booking_visitor", "visitor", postgresql_where=sa.text("status = 'held'")),
    )

    public_id: Mapped[str] = mapped_column(sa.Text)
    visitor: Mapped[str] = mapped_column(sa.Text)
    mentor_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="RESTRICT"))
    event_type_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_event_type.id", ondelete="RESTRICT"))
    status: Mapped[BookingStatus] = mapped_column(status_type(BookingStatus, "status"), default=S.HELD)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    held_until: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    title: Mapped[str] = mapped_column(sa.Text)
    duration_minutes: Mapped[int] = mapped_column(sa.Integer)
    price: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    requires_payment: Mapped[bool] = mapped_column(sa.Boolean)

    attendee_name: Mapped[str | None] = mapped_column(sa.Text)
    attendee_email: Mapped[str | None] = mapped_column(sa.Text)
    attendee_phone: Mapped[str | None] = mapped_column(sa.Text)
    attendee_zone: Mapped[str] = mapped_column(sa.Text)
    note: Mapped[str] = mapped_column(sa.Text, default="")

    calcom_event_type_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    calcom_reservation_uid: Mapped[str | None] = mapped_column(sa.Text)
    calcom_attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    calcom_booking_uid: Mapped[str | None] = mapped_column(sa.Text)
    meeting_url: Mapped[str | None] = mapped_column(sa.Text)
    refused_because: Mapped[str | None] = mapped_column(sa.Text)
    manage_token_version: Mapped[int] = mapped_column(sa.Integer, default=1)

    mentor: Mapped[Mentor] = relationship(lazy="joined", innerjoin=True)
    event_type: Mapped[EventType] = relationship(lazy="joined", innerjoin=True)

    @property
    def starts_at(self) -> datetime:
        """When the session starts, in UTC."""
        return _bound(self.during.lower)

    @property
    def ends_at(self) -> datetime:
        """When it ends, in UTC."""
        return _bound(self.during.upper)

    @property
    def has_details(self) -> bool:
        """Whether we know who it is for."""
        return self.attendee_email is not None


def _bound(value: datetime | None) -> datetime:
    if value is None:
        raise ValueError("a booking has a start and an end")
    return value.astimezone(UTC)
