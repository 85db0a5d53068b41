"""Mentors, their session types, and their own availability."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from discuno.accounts.models import User
from discuno.kit.db import Base, HasId, UtcDateTime
from discuno.kit.lifecycle import status_type


class Calendar(StrEnum):
    """Where a mentor's free times come from."""

    BUILTIN = "builtin"
    CALCOM = "calcom"


class Mentor(HasId, Base):
    """Somebody who can be booked. `zone` is the IANA zone their weekly hours are meant in.

    They can be booked so many days ahead, and so often on one day of their zone; without a maximum as often as fits.
    """

    __table_args__ = (
        sa.UniqueConstraint("user_id"),
        sa.UniqueConstraint("username"),
        sa.CheckConstraint("booking_window_days BETWEEN 1 AND 365", name="booking_window"),
        sa.CheckConstraint("daily_maximum > 0", name="daily_maximum"),
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_user.id", ondelete="RESTRICT"))
    username: Mapped[str] = mapped_column(sa.Text)
    headline: Mapped[str] = mapped_column(sa.Text, default="")
    bio: Mapped[str] = mapped_column(sa.Text, default="")
    topics: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)
    zone: Mapped[str] = mapped_column(sa.Text)
    calendar: Mapped[Calendar] = mapped_column(status_type(Calendar, "calendar"), default=Calendar.BUILTIN)
    booking_window_days: Mapped[int] = mapped_column(sa.SmallInteger, default=60)
    daily_maximum: Mapped[int | None] = mapped_column(sa.SmallInteger)
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    suspended_reason: Mapped[str | None] = mapped_column(sa.Text)
    profile_saved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # none: not been here yet
    feed_version: Mapped[int] = mapped_column(sa.Integer, default=1)  # of the private calendar's address

    calcom_key: Mapped[str | None] = mapped_column(sa.Text)  # the mentor's API key, sealed: see kit/vault.py
    calcom_username: Mapped[str | None] = mapped_column(sa.Text)
    calcom_linked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    calcom_checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of Cal.com's last answer
    calcom_problem: Mapped[str | None] = mapped_column(sa.Text)  # why it could not tell them, in words

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    event_types: Mapped[list["EventType"]] = relationship(
        back_populates="mentor", order_by="EventType.position"
    )

    @property
    def name(self) -> str:
        """The name people know."""
        return self.user.name

    @property
    def first_name(self) -> str:
        """For sentences: "8:30 for Amara"."""
        return self.name.split()[0] if self.name.split() else self.name

    @property
    def avatar_url(self) -> str:
        """A drawing made from the name; nothing is fetched from elsewhere."""
        return f"/mentor/{self.username}/avatar.svg"


class EventType(HasId, Base):
    """A session type: what is sold. `price` is in minor units of `currency`; 0 is free.

    `buffer_minutes` stay free after each session; it starts at least `notice_minutes` after it was booked.
    """

    __table_args__ = (
        sa.Index("ix_discuno_event_type_mentor_id", "mentor_id"),
        sa.CheckConstraint("price >= 0", name="price"),
        sa.CheckConstraint("duration_minutes BETWEEN 5 AND 480", name="duration"),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency"),
        sa.CheckConstraint("buffer_minutes BETWEEN 0 AND 480", name="buffer"),
        sa.CheckConstraint("notice_minutes BETWEEN 0 AND 43200", name="notice"),
    )

    mentor_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="RESTRICT"))
    title: Mapped[str] = mapped_column(sa.Text)
    description: Mapped[str] = mapped_column(sa.Text, default="")
    duration_minutes: Mapped[int] = mapped_column(sa.Integer)
    price: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3), default="usd")
    enabled: Mapped[bool] = mapped_column(sa.Boolean, default=True)
    position: Mapped[int] = mapped_column(sa.Integer, default=0)
    buffer_minutes: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    notice_minutes: Mapped[int] = mapped_column(sa.Integer, default=240)
    calcom_event_type_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    calcom_linked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # earlier bookings are not ours
    calcom_gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when it was first not found there
    calcom_seen: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # as Cal.com last told it

    mentor: Mapped[Mentor] = relationship(back_populates="event_types", lazy="joined", innerjoin=True)

    @property
    def is_free(self) -> bool:
        """Whether it is booked without paying. Decided by our row alone."""
        return self.price == 0

    @property
    def is_in_calendar(self) -> bool:
        """Whether the calendar that its mentor's free times come from knows it, and lets it be booked."""
        at_calcom = self.calcom_event_type_id is not None
        return at_calcom == (self.mentor.calendar == Calendar.CALCOM) and self.calcom_gone_at is None


class WeeklyHours(HasId, Base):
    """One stretch of a weekday (Monday is 0) in which a mentor may be booked, in the mentor's zone."""

    __table_args__ = (
        sa.Index("ix_discuno_weekly_hours_mentor_id", "mentor_id"),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        sa.CheckConstraint("starts < ends", name="order"),
    )

    mentor_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="CASCADE"))
    weekday: Mapped[int] = mapped_column(sa.SmallInteger)
    starts: Mapped[time] = mapped_column(sa.Time)
    ends: Mapped[time] = mapped_column(sa.Time)


class DateOverride(HasId, Base):
    """What holds on one date instead of the weekly hours; without times the day is off."""

    __table_args__ = (
        sa.Index("ix_discuno_date_override_mentor_id", "mentor_id", "day"),
        sa.CheckConstraint(
            "(starts IS NULL) = (ends IS NULL) AND (starts IS NULL OR starts < ends)", name="order"
        ),
    )

    mentor_id: Mapped[int] = mapped_column(sa.ForeignKey("discuno_mentor.id", ondelete="CASCADE"))
    day: Mapped[date] = mapped_column(sa.Date)
    starts: Mapped[time | None] = mapped_column(sa.Time)
    ends: Mapped[time | None] = mapped_column(sa.Time)
