"""/admin/webhooks: what the outside has told us, what became of it, handling it again, or leaving it."""

from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access
from discuno.admin import desk, lists, spans
from discuno.admin.forms import ReasonForm
from discuno.admin.machines import events
from discuno.admin.machines.events import EventState
from discuno.kit import limits, outbox
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import NotFound
from discuno.kit.web import row_number
from discuno.webhooks import service
from discuno.webhooks.models import WebhookEvent

bp = desk.private("admin_webhooks", __name__, "/admin/webhooks")


@bp.get("")
def index() -> Response:
    """Figures, a chart, and the events that the filters mean."""
    span, wrong = spans.read(request.args, "7d")
    wanted = lists.chosen(request.args, events.FILTERS)
    found = events.page(wanted, row_number(request.args.get("before")))
    more = {**wanted, "before": found.before}
    return desk.page(
        "admin/_webhooks.html",
        "Webhooks",
        422 if wrong else 200,
        events=[(event, events.state_of(event)) for event in found.lines],
        older=f"{url_for('.index')}?{span.as_query(**more)}" if found.before else None,
        wanted=wanted,
        span=span,
        wrong=wrong,
        figures=events.figures(span) if "before" not in request.args else None,
        counts=events.open_counts(),
        oldest=events.oldest_open(),
        states=[("", "Any"), *((state.value, state.label) for state in EventState)],
        providers=[("", "Everybody"), ("stripe", "Stripe"), ("calcom", "Cal.com"), ("resend", "Resend")],
    )


@bp.get("/<int:event_id>")
def show(event_id: int) -> Response:
    """One event, with what it said."""
    return _show(event_id)


@bp.post("/<int:event_id>/replay")
@limits.at_most(*policy.LEVERS)
def replay(event_id: int) -> AnyResponse:
    """Have it handled now, also if it was before."""
    form = ReasonForm()
    if not form.validate():
        return _show(event_id, 422, form)
    with transaction():
        service.replay(locked(WebhookEvent, event_id), access.actor(), form.reason.data)
    return redirect(url_for(".show", event_id=event_id), 303)


@bp.post("/<int:event_id>/ignore")
@limits.at_most(*policy.LEVERS)
def ignore(event_id: int) -> AnyResponse:
    """Nothing is to be done about it. Said twice it is done once."""
    form = ReasonForm()
    if not form.validate():
        return _show(event_id, 422, form)
    with transaction():
        service.ignore(locked(WebhookEvent, event_id), access.actor(), form.reason.data)
    return redirect(url_for(".show", event_id=event_id), 303)


def _show(event_id: int, status: int = 200, form: ReasonForm | None = None) -> Response:
    event = session().get(WebhookEvent, event_id)
    if event is None:
        raise NotFound
    context: dict[str, Any] = {
        "event": event,
        "state": events.state_of(event),
        "job": outbox.of_key(service.cause(event)),
        "payload": events.in_words(event.payload),
        "typed": form.typed() if form is not None else {},
        "errors": form.sentences() if form is not None else {},
    }
    return desk.page("admin/_webhook.html", event.type, status, **context)
