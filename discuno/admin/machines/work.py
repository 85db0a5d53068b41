"""/admin/jobs: the work that waits, runs, fails or was given up, and having it done now."""

from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access
from discuno.admin import desk, lists
from discuno.admin.forms import ReasonForm
from discuno.admin.machines import work_list
from discuno.admin.machines.work_list import JobState
from discuno.edges import queue
from discuno.kit import limits
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import NotFound
from discuno.kit.outbox import TASKS, Job
from discuno.kit.web import row_number

bp = desk.private("admin_jobs", __name__, "/admin/jobs")
BUSY = "A worker is at it just now. Please look again in a minute."


@bp.get("")
def index() -> Response:
    """Work by task, what comes by the clock, and the rows that the filters mean."""
    wanted = lists.chosen(request.args, work_list.FILTERS)
    found = work_list.page(wanted, row_number(request.args.get("before")))
    return desk.page(
        "admin/_jobs.html",
        "Jobs",
        jobs=[(job, work_list.state_of(job)) for job in found.lines],
        older=found.older("/admin/jobs", wanted),
        wanted=wanted,
        by_task=work_list.by_task(),
        by_day=work_list.by_day() if not wanted else None,
        periodic=[
            (each, work_list.state_of(each.job) if each.job else None) for each in work_list.periodic()
        ],
        states=list(JobState),
        tasks=[("", "Every task"), *((name, name) for name in sorted(TASKS))],
        redis_is_there=queue.is_there(),
    )


@bp.get("/<int:job_id>")
def show(job_id: int) -> Response:
    """One piece of work."""
    return _show(job_id)


@bp.post("/<int:job_id>/retry")
@limits.at_most(*policy.LEVERS)
def retry(job_id: int) -> AnyResponse:
    """Have it done now. Said twice it is done once: the row goes when it is."""
    form = ReasonForm()
    if not form.validate():
        return _show(job_id, 422, form)
    with transaction():
        taken = work_list.retry(locked(Job, job_id), access.actor(), form.reason.data)
    if not taken:
        return _show(job_id, 409, form, BUSY)
    return redirect(url_for(".show", job_id=job_id), 303)


def _show(job_id: int, status: int = 200, form: ReasonForm | None = None, problem: str = "") -> Response:
    job = session().get(Job, job_id)
    if job is None:
        raise NotFound("This work is done, or there never was such a row: it goes when its work is done.")
    errors = form.sentences() if form is not None else {}
    context: dict[str, Any] = {
        "job": job,
        "state": work_list.state_of(job),
        "typed": form.typed() if form is not None else {},
        "errors": {**errors, **({"reason": problem} if problem else {})},
    }
    return desk.page("admin/_job.html", job.task, status, **context)
