"""/admin/disputes/metrics: how many disputes there are, how long they take and how they end."""

from datetime import timedelta

from flask import Response, request

from discuno.admin import desk, spans
from discuno.admin.cases import case_sums
from discuno.kit.web import row_number

bp = desk.private("admin_metrics", __name__, "/admin/disputes/metrics")


@bp.get("")
def page() -> Response:
    """Figures, a chart, tables, and the cases behind them."""
    span, wrong = spans.read(request.args, usual=spans.YEAR)
    found = case_sums.page(span, row_number(request.args.get("before")))
    shown = found[: case_sums.PAGE]
    older = span.as_query(before=shown[-1].id) if len(found) > len(shown) else None
    return desk.page(
        "admin/_metrics.html",
        "Dispute metrics",
        span=span,
        wrong=wrong,
        opened=case_sums.opened(span),
        ended=case_sums.ended(span),
        mentors=case_sums.mentors(span),
        deciders=case_sums.deciders(span),
        rate=case_sums.rate,
        reason_in_words=case_sums.reason_in_words,
        how_long=how_long,
        cases=shown,
        older=f"/admin/disputes/metrics?{older}" if older else None,
    )


def how_long(time: timedelta | None) -> str:
    """About how long something took: 40 min, 5 h, 3.2 days."""
    if time is None:
        return "–"
    if time < timedelta(hours=2):
        return f"{max(1, round(time / timedelta(minutes=1)))} min"
    if time < timedelta(days=2):
        return f"{round(time / timedelta(hours=1))} h"
    return f"{time / timedelta(days=1):.1f} days"
