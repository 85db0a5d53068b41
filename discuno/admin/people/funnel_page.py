"""The checkout funnel: how many visits come how far, together, by mentor and by session type."""

from typing import Any

from flask import Response, request, url_for

from discuno.admin import desk, spans
from discuno.admin.people import funnel_sums
from discuno.kit.db import transaction
from discuno.kit.errors import NotFound

bp = desk.private("admin_funnel", __name__, "/admin/funnel")


@bp.get("")
def show() -> Response:
    """Figures, a chart, and the mentors or session types behind them; period and mentor are in the address."""
    span, wrong = spans.read(request.args)
    username = request.args.get("mentor", "")
    with transaction():
        mentor = funnel_sums.mentor_of(username) if username else None
        if username and mentor is None:
            raise NotFound("There is no such mentor.")
        found = funnel_sums.counts(span, mentor)
        context: dict[str, Any] = {
            "funnel": funnel_sums.of(found),
            "drawn": funnel_sums.drawn(span, mentor),
            "lines": funnel_sums.by_type(found, mentor) if mentor else funnel_sums.by_mentor(found),
        }
    return desk.page(
        "admin/_funnel.html",
        "Checkout funnel",
        422 if wrong else 200,
        span=span,
        wrong=wrong,
        mentor=mentor,
        most=funnel_sums.MOST,
        mentor_url=lambda who: f"{url_for('.show')}?{span.as_query(mentor=who)}",
        **context,
    )
