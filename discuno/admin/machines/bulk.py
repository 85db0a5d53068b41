"""The pages of bulk runs: asking for one, watching it, stopping it, and its result as a file."""

from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField

from discuno import policy
from discuno.accounts import access
from discuno.admin import desk
from discuno.admin.forms import ProveForm, ReasonForm
from discuno.admin.machines import bulk_runs
from discuno.admin.machines.bulk_acts import ACTS, BulkAct
from discuno.admin.models import BulkRun
from discuno.kit import limits, sheets
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.web import row_number

bp = desk.private("admin_bulk", __name__, "/admin/bulk")
OUTCOMES = {"": "All", "done": "Done", "skipped": "Nothing to do", "failed": "Failed", "waiting": "Waiting"}


class Agreed:
    """What the page has shown: how many rows, and the newest run there was then."""

    count = HiddenField()
    after = HiddenField()


class StartForm(Agreed, ReasonForm):
    """Why it is done to all of them."""


class MoneyForm(Agreed, ProveForm):
    """The same with proof, where the act moves money."""


@bp.get("")
def listing() -> Response:
    """All runs, the newest first, and what can be begun."""
    found = bulk_runs.latest(row_number(request.args.get("before")))
    more = found[bulk_runs.LISTED :]
    return desk.page(
        "admin/_bulk.html",
        "Bulk runs",
        runs=found[: bulk_runs.LISTED],
        before=found[bulk_runs.LISTED - 1].id if more else None,
        acts=ACTS,
        label=bulk_runs.label,
    )


@bp.get("/new")
def ask() -> Response:
    """How many rows match, and what would be done to each."""
    name = request.args.get("act", "")
    return _ask(name, _act(name))


def _act(name: str) -> BulkAct:
    found = ACTS.get(name)
    if found is None:
        raise NotFound("There is no such act on many rows.")
    return found


def _ask(
    name: str, act: BulkAct, form: ReasonForm | None = None, problem: DomainError | None = None
) -> Response:
    chosen = act.chosen(request.args)
    with transaction():
        count = bulk_runs.matching(act.matching(chosen))
        after = bulk_runs.newest_id()
    errors = form.sentences() if form is not None else {}
    context: dict[str, Any] = {
        "name": name,
        "act": act,
        "chosen": chosen,
        "count": count,
        "most": policy.BULK_MOST,
        "after": after,
        "typed": form.typed() if form is not None else {},
        "errors": errors,
        "problem": problem.message if problem is not None else None,
        "form_url": f"{url_for('.begin')}?{urlencode({'act': name, **chosen})}",
    }
    status = problem.status if problem is not None else 422 if errors else 200
    return desk.page("admin/_bulk_new.html", act.label, status, **context)


@bp.post("/new")
@limits.at_most(*policy.LEVERS)
def begin() -> AnyResponse:
    """Freeze the rows and begin; then to the run's page. Sent twice, it is one run."""
    name = request.args.get("act", "")
    act = _act(name)
    form = MoneyForm() if act.moves_money else StartForm()
    if not (form.agreed() if isinstance(form, ProveForm) else form.validate()):
        return _ask(name, act, form)
    seen, after = (row_number(field.data) for field in (form.count, form.after))
    try:
        with transaction():
            run = bulk_runs.start(
                name,
                act.matching(act.chosen(request.args)),
                form.reason.data,
                access.actor(),
                at_most=seen or 0,
                after=after,
            )
    except DomainError as error:
        return _ask(name, act, form, error)
    return redirect(url_for(".show", run_id=run.id), 303)


@bp.get("/<int:run_id>")
def show(run_id: int) -> Response:
    """How far a run has come, and what became of each row. Looks again by itself while it is under way."""
    run = _run(run_id)
    outcome = request.args.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else ""
    found = bulk_runs.items(run, outcome, row_number(request.args.get("after")))
    more = found[bulk_runs.SHOWN :]
    return desk.page(
        "admin/_bulk_run.html",
        bulk_runs.label(run.act),
        run=run,
        act=ACTS.get(run.act),
        label=bulk_runs.label,
        progress=bulk_runs.progress(run),
        items=found[: bulk_runs.SHOWN],
        after=found[bulk_runs.SHOWN - 1].id if more else None,
        outcome=outcome,
        outcomes=OUTCOMES,
        page_url=request.full_path.rstrip("?"),
    )


def _run(run_id: int) -> BulkRun:
    found = session().get(BulkRun, run_id)
    if found is None:
        raise NotFound("There is no such run.")
    return found


@bp.get("/<int:run_id>.csv")
def csv(run_id: int) -> Response:
    """What became of every row, as a file."""
    run = _run(run_id)
    thing = ACTS[run.act].thing.lower() if run.act in ACTS else "row"
    rows = [
        (item.about_id, OUTCOMES[item.outcome or "waiting"], item.words) for item in bulk_runs.every_item(run)
    ]
    return sheets.download(f"discuno-bulk-{run.id}", (thing, "outcome", "words"), rows)


@bp.post("/<int:run_id>/stop")
@limits.at_most(*policy.LEVERS)
def stop(run_id: int) -> AnyResponse:
    """Nothing more is begun; what was done stays done."""
    with transaction():
        bulk_runs.stop(locked(BulkRun, run_id), access.actor())
    return redirect(url_for(".show", run_id=run_id), 303)
