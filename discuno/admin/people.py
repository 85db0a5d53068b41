"""The admin's page of mentors: who they are, how far each has come, and inviting another one."""

from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from discuno import journey, policy
from discuno.accounts import access, links
from discuno.admin import desk, roster
from discuno.kit import limits
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.kit.forms import Form, email_field
from discuno.kit.text import one_line
from discuno.kit.web import row_number

bp = desk.private("admin_people", __name__, "/admin/mentors")
MAX_QUERY = 100  # characters


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
    found = roster.page(query, row_number(request.args.get("before")))
    invited = row_number(request.args.get("invited"))
    context: dict[str, Any] = {
        "lines": found.lines,
        "before": found.before,
        "query": query,
        "typed": typed or {"name": "", "email": ""},
        "errors": errors or {},
        "told": links.newest_invitation(invited) if invited is not None else None,
        "ends_at": links.ends_at,
    }
    return desk.page("admin/_mentors.html", "Mentors", status, **context)
