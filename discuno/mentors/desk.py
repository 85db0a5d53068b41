"""The frame of a mentor's own pages: where they are, and what needs them now, on every page alike."""

from typing import Any

from flask import Response, request

from discuno.bookings.visitor import clock as chosen_clock
from discuno.disputes import notices as disputes_notices
from discuno.kit.web import show, wants_part
from discuno.mentors import calendars
from discuno.mentors import notices as mentors_notices
from discuno.mentors.access import me
from discuno.mentors.models import Mentor
from discuno.mentors.notices import Notice
from discuno.payouts import account_words

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


UNDER = {
    "/dashboard/disputes": "/dashboard/bookings",
    "/dashboard/calendar": "/dashboard/availability",
    "/dashboard/statements": "/dashboard/payouts",
}  # pages that lie under another of the navigation


def page(part: str, title: str, status: int = 200, **context: Any) -> Response:
    """A part of the mentor's pages, and for a browser the frame around it. Times are shown in `zone` and `clock`."""
    mentor = me()
    frame = {"notices": [], "pages": PAGES} if wants_part() else _frame(mentor)
    given = {"mentor": mentor, "zone": mentor.zone, "clock": chosen_clock(), **frame, **context}
    return show("dashboard.html", part, status, title=title, **given)


def _frame(mentor: Mentor) -> dict[str, Any]:
    elsewhere = [notice for notice in notices(mentor) if notice.url != request.path]
    return {"notices": elsewhere, "pages": PAGES, "here": _here()}


def _here() -> str:
    """The page of the navigation under which this one lies."""
    path = next((page for below, page in UNDER.items() if request.path.startswith(below)), request.path)
    inner = [page for _, page in PAGES[1:] if path == page or path.startswith(f"{page}/")]
    return inner[0] if inner else PAGES[0][1]


def notices(mentor: Mentor) -> list[Notice]:
    """What needs the mentor now, the most pressing first; a handful of questions to the database, on every page."""
    hours = chosen_clock()
    return [
        *mentors_notices.of_mentor(mentor),
        *disputes_notices.of_mentor(mentor, hours),
        *account_words.notices(mentor, hours),
        *calendars.notices(mentor),
    ]
