"""The admin's page of mentors: who they are, how far each has come, inviting another one, and suspending one."""

from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField
from wtforms.validators import AnyOf, DataRequired, Length

from discuno import journey, policy
from discuno.accounts import access, links
from discuno.admin import desk
from discuno.admin.forms import ProveForm
from discuno.admin.people import roster
from discuno.kit import limits
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.forms import Form, email_field
from discuno.kit.text import one_line
from discuno.kit.web import row_number
from discuno.mentors.models import Mentor

bp = desk.private("admin_people", __name__, "/admin/mentors")
MAX_QUERY = 100  # characters
SUSPENDED = "suspended"


class InviteForm(Form):
    """Who is asked to be a mentor."""

    name = StringField(
        filters=[one_line],
        validators=[
            DataRequired("Please give their name, as attendees will read it."),
            Length(max=200, message="Please use a name of at most 200 characters."),
        ],
    )
    email = email_field()


@bp.get("")
def listing() -> Response:
    """Everybody, the newest first, or those a search finds."""
    return _page()


@bp.post("")
@limits.at_most(*policy.SETTINGS)
def invite() -> AnyResponse:
    """Invite somebody, or again who has not come."""
    form = InviteForm()
    if not form.validate():
        return _page(422, form.typed(), form.sentences())
    try:
        with transaction():
            link = journey.invite(form.name.data, form.email.data, access.actor())
    except DomainError as error:
        return _page(error.status, form.typed(), {"email": error.message})
    return redirect(url_for(".listing", invited=link.user_id), 303)


def _page(
    status: int = 200, typed: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Response:
    query = one_line(request.args.get("q"))[:MAX_QUERY]
    only = request.args.get("only") == SUSPENDED
    found = roster.page(query, row_number(request.args.get("before")), suspended=only)
    invited = row_number(request.args.get("invited"))
    context: dict[str, Any] = {
        "lines": found.lines,
        "before": found.before,
        "query": query,
        "only": SUSPENDED if only else "",
        "typed": typed or {"name": "", "email": ""},
        "errors": errors or {},
        "told": links.newest_invitation(invited) if invited is not None else None,
        "ends_at": links.ends_at,
    }
    return desk.page("admin/_mentors.html", "Mentors", status, **context)


# Suspending one


class SuspendForm(ProveForm):
    """Whether a mentor is to be suspended from now on, or no longer."""

    act = StringField(validators=[AnyOf(["suspend", "end"])])


@bp.get("/<int:mentor_id>/suspension")
def suspension(mentor_id: int) -> Response:
    """What suspending means, or who did it and why; and the lever."""
    return _suspension(mentor_id)


@bp.post("/<int:mentor_id>/suspension")
@limits.at_most(*policy.LEVERS)
def suspend(mentor_id: int) -> AnyResponse:
    """Suspend them, or end it; done already, nothing more is done."""
    form = SuspendForm()
    if not form.agreed():
        return _suspension(mentor_id, 422, form.typed(), form.sentences())
    with transaction():
        mentor = locked(Mentor, mentor_id)
        act = journey.suspend if form.act.data == "suspend" else journey.unsuspend
        act(mentor, form.reason.data, access.actor())
    return redirect(url_for(".suspension", mentor_id=mentor_id), 303)


def _suspension(
    mentor_id: int,
    status: int = 200,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    mentor = session().get(Mentor, mentor_id)
    if mentor is None:
        raise NotFound
    context = {"line": roster.line(mentor), "typed": typed or {}, "errors": errors or {}}
    return desk.page("admin/_suspension.html", f"{mentor.name}: suspension", status, **context)
