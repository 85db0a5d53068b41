"""The frame of the admin's pages: where they are, what is stopped and what waits for somebody, on every page."""

from typing import Any

from flask import Blueprint, Response, request

from discuno.accounts import access
from discuno.admin import flags
from discuno.bookings.visitor import clock as chosen_clock
from discuno.bookings.visitor import zone
from discuno.kit import security
from discuno.kit.web import show, wants_part

GROUPS = (
    ("Overview", (("Overview", "/admin"), ("Alerts", "/admin/alerts"), ("Pauses", "/admin/pauses"))),
    ("Disputes", (("Queue", "/admin/disputes"), ("Metrics", "/admin/disputes/metrics"))),
    (
        "Money",
        (
            ("Payments", "/admin/payments"),
            ("Payment status", "/admin/status"),
            ("Transfers", "/admin/transfers"),
            ("Revenue", "/admin/revenue"),
            ("Reconciliation", "/admin/reconciliation"),
        ),
    ),
    (
        "Machines",
        (
            ("Letters", "/admin/emails"),
            ("Webhooks", "/admin/webhooks"),
            ("Jobs", "/admin/jobs"),
            ("Bulk runs", "/admin/bulk"),
        ),
    ),
    (
        "People",
        (
            ("Mentors", "/admin/mentors"),
            ("Staff", "/admin/people"),
            ("Funnel", "/admin/funnel"),
            ("Audit", "/admin/audit"),
        ),
    ),
)


def private(name: str, import_name: str, prefix: str) -> Blueprint:
    """A blueprint of admin pages: support may look, admins may act, everybody else finds nothing."""
    return security.private("admin", name, import_name, prefix)


def page(part: str, title: str, status: int = 200, **context: Any) -> Response:
    """A part of the admin's pages, and for a browser the frame around it. Times are shown in `zone` and `clock`.

    Every page is told whether who looks at it `may_act`, and whether they `must_prove` it before money moves.
    """
    given = {
        "zone": zone("UTC")[0],
        "clock": chosen_clock(),
        "may_act": access.may_act(),
        "must_prove": access.must_prove(),
        **({} if wants_part() else _frame()),
        **context,
    }
    return show("admin.html", part, status, title=title, **given)


def _frame() -> dict[str, Any]:
    group, here = _here(request.path)
    elsewhere = [flag for flag in flags.up() if flag.path.split("?")[0] != request.path]
    return {"groups": GROUPS, "group": group, "here": here, "flags": elsewhere}


def _here(path: str) -> tuple[str, str]:
    """Under which heading, and which page of the navigation, an address lies: the longest that begins it."""
    pages = [(group, page) for group, inner in GROUPS for _, page in inner]
    around = [
        (len(page), group, page) for group, page in pages if path == page or path.startswith(f"{page}/")
    ]
    _, group, page = max(around, default=(0, "", ""))
    return group, page
