"""What needs a mentor now: a sentence or two, and the one button that leads to the fix. Each room adds its own."""

from dataclasses import dataclass

from discuno.mentors.models import Mentor


@dataclass(frozen=True)
class Notice:
    """Something that needs the mentor. `tone` is bad, wait or note; `url` a page of theirs."""

    tone: str
    sentence: str
    label: str
    url: str


def of_mentor(mentor: Mentor) -> list[Notice]:
    """Whether they are suspended: whatever else is so, they should know that first."""
    if mentor.suspended_at is None:
        return []
    reason = mentor.suspended_reason or "Please write to us."
    words = f"Your account is suspended: your money is kept, and nobody can book. {reason}"
    return [Notice("bad", words, "See your bookings", "/dashboard/bookings")]
