"""/admin/reconciliation: where our books and Stripe's differ, when they were compared, and settling a difference."""

from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access
from discuno.admin import desk, lists, spans
from discuno.admin.books import drift
from discuno.admin.books.steps import STEPS
from discuno.admin.forms import ReasonForm
from discuno.admin.models import Drift
from discuno.kit import limits
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.web import row_number

bp = desk.private("admin_reconciliation", __name__, "/admin/reconciliation")
SETTLED = "settled"


@bp.get("")
def index() -> Response:
    """What differs, or what was settled."""
    return _index()


@bp.post("/run")
@limits.at_most(*policy.LEVERS)
def run() -> AnyResponse:
    """Compare now, in the background. While a comparison is going on, none is begun."""
    form = ReasonForm()
    if not form.validate():
        return _index(422, form)
    try:
        with transaction():
            drift.run_now(access.actor(), form.reason.data)
    except DomainError as error:
        return _index(error.status, form, error.message)
    return redirect(url_for(".index"), 303)


@bp.get("/<int:drift_id>")
def show(drift_id: int) -> Response:
    """One difference."""
    return _show(drift_id)


@bp.post("/<int:drift_id>/accept")
@limits.at_most(*policy.LEVERS)
def accept(drift_id: int) -> AnyResponse:
    """It is as it should be. Said twice it is done once."""
    form = ReasonForm()
    if not form.validate():
        return _show(drift_id, 422, form)
    with transaction():
        drift.accept(locked(Drift, drift_id), access.actor(), form.reason.data)
    return redirect(url_for(".show", drift_id=drift_id), 303)


def _index(status: int = 200, form: ReasonForm | None = None, problem: str = "") -> Response:
    span, wrong = spans.read(request.args, "90d")
    wanted = lists.chosen(request.args, ("state",))
    is_open = wanted.get("state") != SETTLED
    found = drift.page(is_open=is_open, before=row_number(request.args.get("before")))
    return desk.page(
        "admin/_reconciliation.html",
        "Reconciliation",
        422 if wrong else status,
        span=span,
        wrong=wrong,
        chart=drift.chart(span),
        drifts=found.lines,
        is_open=is_open,
        older=found.older("/admin/reconciliation", wanted),
        runs=drift.runs(),
        steps=[name for name in STEPS if name != "new drift"],
        **_form(form, problem),
    )


def _show(drift_id: int, status: int = 200, form: ReasonForm | None = None) -> Response:
    found = session().get(Drift, drift_id)
    if found is None:
        raise NotFound
    context = {"drift": found, "acts": drift.acts(found), **_form(form)}
    return desk.page("admin/_drift.html", f"Difference {found.id}", status, **context)


def _form(form: ReasonForm | None, problem: str = "") -> dict[str, Any]:
    errors = form.sentences() if form is not None else {}
    typed = form.typed() if form is not None else {}
    return {"typed": typed, "errors": {**errors, **({"reason": problem} if problem else {})}}
