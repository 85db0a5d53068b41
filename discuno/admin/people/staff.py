"""The page of those who look after payments: adding one, changing what they may do, and locking somebody out."""

from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField
from wtforms.validators import AnyOf, DataRequired, Length

from discuno import journey, policy
from discuno.accounts import access
from discuno.accounts.models import STAFF, Role, User
from discuno.admin import desk
from discuno.admin.forms import ProveForm
from discuno.admin.people import crew
from discuno.kit import limits
from discuno.kit.db import session, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.forms import email_field
from discuno.kit.text import one_line
from discuno.kit.web import row_number

bp = desk.private("admin_staff", __name__, "/admin/people")
CHOOSE = "Please choose one."
ROLES = {
    Role.SUPPORT: ("support", "Support: sees everything, changes nothing"),
    Role.ADMIN: ("admin", "Admin: decides, and moves money"),
}
ACTS = {
    "admin": "Make them an admin, who decides and moves money",
    "support": "Make them support, who sees everything and changes nothing",
    "end": "Sign them out everywhere",
    "reset": "Take away their authenticator app and recovery codes, so that they set up another one",
    "remove": "Remove them from the staff",
}


class AddForm(ProveForm):
    """Who is to look after payments."""

    name = StringField(
        filters=[one_line],
        validators=[
            DataRequired("Please give their name."),
            Length(max=200, message="Please use a name of at most 200 characters."),
        ],
    )
    email = email_field()
    role = StringField(validators=[AnyOf([role.value for role in STAFF], CHOOSE)])


class ActForm(ProveForm):
    """What is done about one of them."""

    act = StringField(validators=[AnyOf(ACTS, CHOOSE)])


@bp.get("")
def listing() -> Response:
    """Everybody who looks after payments."""
    return _list()


@bp.post("")
@limits.at_most(*policy.LEVERS)
def add() -> AnyResponse:
    """Somebody new, who is told so by letter."""
    form = AddForm()
    if not form.agreed():
        return _list(422, form.typed(), form.sentences())
    try:
        with transaction():
            name, email, role = form.name.data, form.email.data, Role(form.role.data)
            journey.add_staff(email, name, role, form.reason.data, access.actor())
    except DomainError as error:
        return _list(error.status, form.typed(), {"email": error.message})
    return redirect(url_for(".listing"), 303)


def _list(
    status: int = 200, typed: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Response:
    found = crew.page(row_number(request.args.get("before")))
    context: dict[str, Any] = {
        "lines": found.lines,
        "before": found.before,
        "me": access.user(),
        "roles": [{"value": value, "words": words} for value, words in ROLES.values()],
        "typed": typed or {},
        "errors": errors or {},
    }
    return desk.page("admin/_staff.html", "Staff", status, **context)


@bp.get("/<int:user_id>")
def one(user_id: int) -> Response:
    """One of them, and what can be done about them."""
    return _one(user_id)


@bp.post("/<int:user_id>")
@limits.at_most(*policy.LEVERS)
def change(user_id: int) -> AnyResponse:
    """Do it; done already, nothing more is done."""
    form = ActForm()
    if not form.agreed():
        return _one(user_id, 422, form.typed(), form.sentences())
    try:
        with transaction():
            user = journey.person(user_id)
            _do(form.act.data, user, form.reason.data)
            is_here = user.role in STAFF
    except DomainError as error:
        return _one(user_id, error.status, form.typed(), {"act": error.message})
    return redirect(url_for(".one", user_id=user_id) if is_here else url_for(".listing"), 303)


def _do(act: str, user: User, reason: str) -> None:
    roles = {"admin": Role.ADMIN, "support": Role.SUPPORT, "remove": Role.ATTENDEE}
    if act in roles:
        journey.change_role(user, roles[act], reason, access.actor())
    elif act == "end":
        journey.end_sign_ins(user, reason, access.actor())
    else:
        journey.reset_second_factor(user, reason, access.actor())


def _one(
    user_id: int, status: int = 200, typed: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Response:
    user = session().get(User, user_id)
    if user is None or user.role not in STAFF:
        raise NotFound
    acts = [{"value": act, "words": words} for act, words in ACTS.items() if act != user.role.value]
    context = {
        "line": crew.line(user),
        "lately": crew.lately(user),
        "is_me": user == access.user(),
        "acts": acts,
        "typed": typed or {},
        "errors": errors or {},
    }
    return desk.page("admin/_staff_one.html", user.name, status, **context)
