"""Bookings: an hour of a mentor's, held while somebody pays, then confirmed or given back."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE, ExcludeConstraint, Range
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


class Party(StrEnum):
    """Who did something to a booking."""

    ATTENDEE = "attendee"
    MENTOR = "mentor"
    ADMIN = "admin"
    CALENDAR = "calendar"  # the mentor's Cal.com calendar; it does not always say who
    HOUSE = "house"  # time, or a rule of ours


S = BookingStatus
LIVE = frozenset({S.HELD, S.CONFIRMED})


class Booking(HasLifecycle, HasId, Base):
    """One hour with one mentor. What was sold is copied here, so that a later price change rewrites nothing.

    `visitor` is the random id of the browser that chose the time; until the booking is paid only that
    browser may go on with it. `held_until` is when the hold may be taken back, if nobody has paid.
    `keeps` is the hour with the mentor's break after it: what nobody else may have. `sequence` and `changed_at`
    number and date the state that calendar files tell.
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
            ("keeps", "&&"),
            name="ex_discuno_booking_one_hour_once",
            using="gist",
            where=sa.text("status IN ('held', 'confirmed')"),
        ),
        sa.CheckConstraint("NOT isempty(during) AND lower_inc(during)", name="during"),
        sa.CheckConstraint("keeps @> during AND lower(keeps) = lower(during)", name="keeps"),
        sa.Index("ix_discuno_booking_event_type_id", "event_type_id"),
        sa.Index("ix_discuno_booking_mentor_during", "mentor_id", sa.text("lower(during)")),
        sa.Index("ix_discuno_booking_visitor", "visitor", postgresql_where=sa.text("status = 'held'")),
        sa.Index("ix_discuno_booking_attendee_email", "attendee_email"),
    )

    public_id: Mapped[str] = mapped_column(sa.Text)
    visitor: Mapped[str] = mapped_column(sa.Text)
    visit: Mapped[str | None] = mapped_column(
        sa.Text
    )  # the nameless visit on which it was chosen, for the funnel
    mentor_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="RESTRICT"))
    event_type_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_event_type.id", ondelete="RESTRICT"))
    status: Mapped[BookingStatus] = mapped_column(status_type(BookingStatus, "status"), default=S.HELD)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    keeps: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    held_until: Mapped[datetime] = mapped_column(UtcDateTime)
    extended_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # "more time" was asked for, which goes once
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sequence: Mapped[int] = mapped_column(sa.Integer, default=0)

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
    calendar_uid: Mapped[str | None] = mapped_column(sa.Text)  # of the other calendar's own invitation
    refused_because: Mapped[str | None] = mapped_column(sa.Text)
    near_starts: Mapped[list[datetime]] = mapped_column(
        ARRAY(UtcDateTime), default=list
    )  # free when it was lost
    manage_token_version: Mapped[int] = mapped_column(sa.Integer, default=1)
    host_token_version: Mapped[int] = mapped_column(sa.Integer, default=1)

    moves: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # how often the attendee has moved it
    move_hold_id: Mapped[int | None] = mapped_column(sa.ForeignKey("discuno_booking.id", ondelete="RESTRICT"))
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_by: Mapped[Party | None] = mapped_column(status_type(Party, "cancelled_by"))
    cancel_reason: Mapped[str | None] = mapped_column(sa.Text)
    mentor_absent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when somebody said so
    attendee_absent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    changes: Mapped[list["BookingChange"]] = relationship(
        back_populates="booking", order_by="BookingChange.id"
    )
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
    def kept_stretch(self) -> tuple[datetime, datetime]:
        """What nobody else may have: from the start to the end of the break after it, in UTC."""
        return _bound(self.keeps.lower), _bound(self.keeps.upper)

    @property
    def uid(self) -> str:
        """What calendars know the session by, through all its changes."""
        return self.calendar_uid or f"{self.public_id}@discuno"

    @property
    def has_details(self) -> bool:
        """Whether we know who it is for."""
        return self.attendee_email is not None


class ChangeKind(StrEnum):
    """What happened to a booking after it was made."""

    MOVED = "moved"
    CANCELLED = "cancelled"
    MENTOR_ABSENT = "mentor_absent"
    ATTENDEE_ABSENT = "attendee_absent"
    STARTED = "started"  # the other calendar saw the meeting begin
    ENDED = "ended"
    LINK_REPLACED = "link_replaced"


class BookingChange(HasId, Base):
    """Something that happened to a booking: by whom, when, and in whose words. Only ever added to."""

    __table_args__ = (sa.Index("ix_discuno_booking_change_booking_id", "booking_id", "id"),)

    booking_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_booking.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[Party] = mapped_column(status_type(Party, "by"))
    kind: Mapped[ChangeKind] = mapped_column(status_type(ChangeKind, "kind"))
    words: Mapped[str] = mapped_column(sa.Text, default="")
    before: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the start it had, for a move
    after: Mapped[datetime | None] = mapped_column(UtcDateTime)

    booking: Mapped[Booking] = relationship(back_populates="changes")


class LinkRequest(HasId, Base):
    """Somebody has asked for the links of an address. Answered by letter alone, alike for every address."""

    email: Mapped[str] = mapped_column(sa.Text)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)


def _bound(value: datetime | None) -> datetime:
    if value is None:
        raise ValueError("a booking has a start and an end")
    return value.astimezone(UTC)


class FunnelStep(StrEnum):
    """How far somebody came towards a booking."""

    VISIT = "visit"  # the mentor's page, or the first step
    TIME = "time"  # an hour was chosen
    DETAILS = "details"  # they said who they are
    PAYMENT = "payment"  # the payment page was ready
    PAID = "paid"  # paid, or confirmed when it is free


class FunnelEvent(HasId, Base):
    """Somebody came so far, on a visit that has a random number and no name. No personal data is in it."""

    __table_args__ = (
        sa.UniqueConstraint(
            "visit", "mentor_id", "event_type_id", "step", postgresql_nulls_not_distinct=True
        ),
        sa.Index("ix_discuno_funnel_event_at", "at", "step", "mentor_id", "event_type_id"),
        sa.Index("ix_discuno_funnel_event_mentor", "mentor_id", "at", "step"),
    )

    visit: Mapped[str] = mapped_column(sa.Text)
    mentor_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="RESTRICT"))
    event_type_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("discuno_event_type.id", ondelete="CASCADE")
    )
    step: Mapped[FunnelStep] = mapped_column(status_type(FunnelStep, "step"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
