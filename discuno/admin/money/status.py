"""/admin/status: how payments stand, those begun in a span of time and all that are still open."""

from flask import Response, request

from discuno.admin import desk, spans
from discuno.admin.money import status_sums
from discuno.kit.web import row_number
from discuno.payments.models import PaymentStatus

bp = desk.private("admin_status", __name__, "/admin/status")


@bp.get("")
def page() -> Response:
    """Figures, a chart, and the payments behind them."""
    span, wrong = spans.read(request.args)
    only = next((each for each in PaymentStatus if each == request.args.get("status")), None)
    found = status_sums.page(span, only, row_number(request.args.get("before")))
    shown = found[: status_sums.PAGE]
    older = span.as_query(status=only or "", before=shown[-1].id) if len(found) > len(shown) else None
    return desk.page(
        "admin/_status.html",
        "Payment status",
        span=span,
        wrong=wrong,
        only=only,
        found=status_sums.in_span(span),
        now=status_sums.now(),
        payments=shown,
        older=f"/admin/status?{older}" if older else None,
    )
