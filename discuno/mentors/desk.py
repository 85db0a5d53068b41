"""The frame of a mentor's own pages: where they are, and what needs them now, on every page alike."""

from dataclasses import dataclass
from typing import Any

from flask import Response, request

from discuno.bookings.visitor import clock as chosen_clock
from discuno.kit.web import show, wants_part
from discuno.mentors.access import me
from discuno.mentors.models import Mentor

PAGES = (
    ("Overview", "/dashboard"),
    ("Bookings", "/dashboard/bookings"),
    ("Money", "/dashboard/money"),
    ("Payouts", "/dashboard/payouts"),
    ("Session types", "/dashboard/event-types"),
    ("Availability", "/dashboard/availability"),
    ("Stripe", "/dashboard/stripe"),
    ("Profile", "/dashboard/profile"),
)


@dataclass(frozen=True)
class Notice:
    """Something that needs the mentor: one or two sentences, and the one button that leads to the fix."""

    tone: str
    sentence: str
    label: str
    url: str


def page(part: str, title: str, status: int = 200, **context: Any) -> Response:
    """A part of the mentor's pages, and for a browser the frame around it. Times are shown in `zone` and `clock`."""
    mentor = me()
    frame = {"notices": [], "pages": PAGES} if wants_part() else _frame(mentor)
    given = {"mentor": mentor, "zone": mentor.zone, "clock": chosen_clock(), **frame, **context}
    return show("dashboard.html", part, status, title=title, **given)


def _frame(mentor: Mentor) -> dict[str, Any]:
    return {"notices": notices(mentor), "pages": PAGES, "here": _here()}


def _here() -> str:
    """The page of the navigation under which this one lies."""
    inner = [path for _, path in PAGES[1:] if request.path == path or request.path.startswith(f"{path}/")]
    return inner[0] if inner else PAGES[0][1]


def notices(mentor: Mentor) -> list[Notice]:
    """What needs the mentor now, the most pressing first."""
    if mentor.suspended_at is not None:
        reason = mentor.suspended_reason or "Please write to us."
        return [
            Notice(
                "bad",
                f"Your account is suspended: your money is kept, and nobody can book. {reason}",
                "See your bookings",
                "/dashboard/bookings",
            )
        ]
    return []
