"""What may still be done with a session that was booked: cancel it, move it, report a problem."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from discuno.policy.numbers import ABSENT_AFTER, FREE_CANCELLATION, MAX_MOVES, MOVE_UNTIL, Reminder, Terms


class CancelRefund(StrEnum):
    """What becomes of the money of a cancelled session."""

    ALL = "all"
    NOTHING = "nothing"
    A_PERSON_DECIDES = "a_person_decides"


@dataclass(frozen=True)
class CancelAnswer:
    """Whether a session may be cancelled, what goes back, and the rule in one sentence for whoever asks."""

    allowed: bool
    refund: CancelRefund
    rule: str


HOURS_FREE = int(FREE_CANCELLATION.total_seconds() // 3600)
MOVE_HOURS = int(MOVE_UNTIL.total_seconds() // 3600)
Canceller = Literal["attendee", "mentor", "admin", "calendar", "house"]
CANCEL_BEGUN = (
    "The session has begun, so it can no longer be cancelled. If something went wrong, report a problem."
)
CANCEL_EARLY = f"Until {HOURS_FREE} hours before the session you get all of it back."
CANCEL_LATE = (
    f"Less than {HOURS_FREE} hours before the session nothing is returned, for the mentor has kept it."
)
CANCEL_MENTOR = "When the mentor cancels, the attendee gets all of it back."
CANCEL_UNKNOWN = "The calendar does not say who cancelled, so a person decides about the money."


def policy_sentences(of: Terms, *, free: bool = False, ahead: timedelta | None = None) -> list[str]:
    """What an attendee is told before paying; `ahead` is how far away the session is, once it is chosen."""
    if free:
        return ["This session is free, and you can cancel it until it starts."]
    hours = int(of.dispute_period.total_seconds() // 3600)
    after = "the session" if of.hold_starts_at == "session" else "you pay"
    early = ahead is None or ahead >= FREE_CANCELLATION
    return [
        f"Free cancellation until {HOURS_FREE} hours before; after that nothing is returned."
        if early
        else f"The session is less than {HOURS_FREE} hours away: if you cancel it, nothing is returned.",
        f"Your payment is held until {hours} hours after {after}; until then you can report a problem.",
    ]


def cancellation(by: Canceller, *, now: datetime, starts_at: datetime) -> CancelAnswer:
    """The cancellation table. `calendar` is the mentor's own calendar when it does not say who has cancelled.

    Somebody who cancels late through a calendar that names nobody must not get what the rule for attendees denies.
    """
    early = starts_at - now >= FREE_CANCELLATION
    if by in ("admin", "house"):
        return CancelAnswer(True, CancelRefund.ALL, CANCEL_MENTOR)
    if now >= starts_at and by != "calendar":
        return CancelAnswer(False, CancelRefund.NOTHING, CANCEL_BEGUN)
    if by == "mentor":
        return CancelAnswer(True, CancelRefund.ALL, CANCEL_MENTOR)
    if early:
        return CancelAnswer(True, CancelRefund.ALL, CANCEL_EARLY)
    if by == "calendar":
        return CancelAnswer(True, CancelRefund.A_PERSON_DECIDES, CANCEL_UNKNOWN)
    return CancelAnswer(True, CancelRefund.NOTHING, CANCEL_LATE)


def why_not_moved(*, now: datetime, starts_at: datetime, moves: int) -> str | None:
    """Why an attendee may not move a session any more, in a sentence for them, or None when they may."""
    if starts_at - now < MOVE_UNTIL:
        return f"A session can be moved until {MOVE_HOURS} hours before it starts."
    if moves >= MAX_MOVES:
        return f"This session was moved {moves} times already, which is as often as it goes."
    return None


class ReportReason(StrEnum):
    """What an attendee says went wrong. `words` are for people."""

    MENTOR_ABSENT = "mentor_absent"
    CUT_SHORT = "cut_short"
    NOT_AS_DESCRIBED = "not_as_described"
    TECHNICAL = "technical"
    OTHER = "other"

    @property
    def words(self) -> str:
        """The reason as a person would choose it from a list."""
        return REPORT_REASONS[self]


REPORT_REASONS = {
    ReportReason.MENTOR_ABSENT: "The mentor did not come",
    ReportReason.CUT_SHORT: "The session was much shorter than booked",
    ReportReason.NOT_AS_DESCRIBED: "The session was not what was described",
    ReportReason.TECHNICAL: "We could not hear or see each other",
    ReportReason.OTHER: "Something else",
}


def may_report(*, now: datetime, dispute_period_ends: datetime | None) -> bool:
    """Whether a problem may still be reported: until the very end of the dispute period, and not at it."""
    return dispute_period_ends is not None and now < dispute_period_ends


def reasons_to_report(*, now: datetime, starts_at: datetime) -> list[ReportReason]:
    """What can be said now: of a session that has not been, nobody knows yet how it went."""
    if now >= starts_at + ABSENT_AFTER:
        return list(ReportReason)
    return [ReportReason.TECHNICAL, ReportReason.OTHER]


def may_say_absent(*, now: datetime, starts_at: datetime) -> bool:
    """Whether it is late enough to say that the other side has not come."""
    return now >= starts_at + ABSENT_AFTER


def may_remind(of: Reminder, *, now: datetime, starts_at: datetime) -> bool:
    """Whether a reminder that is due is still of use."""
    return starts_at - now > of.until
