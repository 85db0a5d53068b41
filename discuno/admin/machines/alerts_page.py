"""/admin/alerts: what needs a person, what is to be done about it, and saying that it was done."""

from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access
from discuno.admin import desk, lists
from discuno.admin.forms import ReasonForm
from discuno.admin.machines import alert_list, runbooks
from discuno.kit import limits
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import NotFound
from discuno.kit.web import row_number
from discuno.notifications.models import Alert, AlertKind

bp = desk.private("admin_alerts", __name__, "/admin/alerts")


@bp.get("")
def index() -> Response:
    """Those that are open, or over; the filters are in the address."""
    wanted = lists.chosen(request.args, alert_list.FILTERS)
    found = alert_list.page(wanted, row_number(request.args.get("before")))
    return desk.page(
        "admin/_alerts.html",
        "Alerts",
        alerts=found.lines,
        older=found.older("/admin/alerts", wanted),
        wanted=wanted,
        by_kind=alert_list.open_by_kind(),
        states=list(alert_list.STATES.items()),
        kinds=[("", "Every kind"), *((kind.value, kind.label) for kind in AlertKind)],
    )


@bp.get("/<int:alert_id>")
def show(alert_id: int) -> Response:
    """One of them, with its runbook."""
    return _show(alert_id)


@bp.post("/<int:alert_id>")
@limits.at_most(*policy.LEVERS)
def deal_with(alert_id: int) -> AnyResponse:
    """Somebody has seen to it. Said twice it is done once."""
    form = ReasonForm()
    if not form.validate():
        return _show(alert_id, 422, form.typed(), form.sentences())
    with transaction():
        alert_list.deal_with(locked(Alert, alert_id), access.actor(), form.reason.data)
    return redirect(url_for(".show", alert_id=alert_id), 303)


def _show(
    alert_id: int,
    status: int = 200,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    alert = session().get(Alert, alert_id)
    if alert is None:
        raise NotFound
    context: dict[str, Any] = {"alert": alert, "typed": typed or {}, "errors": errors or {}}
    return desk.page(
        "admin/_alert.html", alert.kind.label, status, **context, blocks=runbooks.read(alert.kind)
    )
