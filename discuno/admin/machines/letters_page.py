"""/admin/emails: what became of our letters, one of them as it would read now, and sending it again."""

import re
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField

from discuno import policy
from discuno.accounts import access
from discuno.admin import desk, lists, spans
from discuno.admin.forms import ReasonForm
from discuno.admin.machines import addresses_page, letter_log, sealed
from discuno.kit import limits
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.web import row_number
from discuno.notifications import addresses, again, letters
from discuno.notifications.letters import Drawn
from discuno.notifications.models import Email, EmailStatus

bp = desk.private("admin_emails", __name__, "/admin/emails")
# Whoever has such an address is let in by it: they are their readers' alone.
KEY = re.compile(r"/(sign-in|booking|letters)/[^\s\"'<>]+")
HOLDS_A_KEY = ("sign_in", "invitation")  # so these are not shown at all


class AgainForm(ReasonForm):
    """Why it is sent again, and that the address was looked at, where that is needed."""

    checked = BooleanField()


@bp.get("")
def index() -> Response:
    """Figures, a chart, and the letters that the filters mean."""
    span, wrong = spans.read(request.args, "7d")
    wanted = lists.chosen(request.args, letter_log.FILTERS)
    found = letter_log.page(wanted, row_number(request.args.get("before")))
    more = {**wanted, "before": found.before}
    templates = [("", "Every letter"), *((name, name) for name in letter_log.templates())]
    return desk.page(
        "admin/_emails.html",
        "Letters",
        422 if wrong else 200,
        span=span,
        wrong=wrong,
        figures=letter_log.figures(span) if "before" not in request.args else None,
        stopped=addresses_page.how_many(),
        letters=found.lines,
        older=f"{url_for('.index')}?{span.as_query(**more)}" if found.before else None,
        wanted=wanted,
        templates=templates,
        statuses=[("", "Any"), *((status.value, status.label) for status in EmailStatus)],
    )


@bp.get("/<int:email_id>")
def show(email_id: int) -> Response:
    """One letter: how it fared, and how it would read now."""
    return _show(email_id)


@bp.get("/<int:email_id>/html")
def as_html(email_id: int) -> Response:
    """The same as its reader's mail program would draw it; nothing in it can run, or fetch anything."""
    drawn = _drawn(_email(email_id))
    if drawn is None:
        raise NotFound
    return sealed.letter(KEY.sub(r"/\1/…", drawn.html))


@bp.post("/<int:email_id>/again")
@limits.at_most(*policy.LEVERS)
def send_again(email_id: int) -> AnyResponse:
    """Send it again. One that waits to be sent already is not doubled."""
    form = AgainForm()
    if not form.validate():
        return _show(email_id, 422, form)
    try:
        with transaction():
            email = locked(Email, email_id)
            sent = again.send_again(email, access.actor(), form.reason.data, checked=form.checked.data)
    except DomainError as error:
        field = "checked" if error.message == again.NOT_TAKEN else "reason"
        return _show(email_id, error.status, form, {field: error.message})
    return redirect(url_for(".show", email_id=sent.id, sent="again"), 303)


def _email(email_id: int) -> Email:
    email = session().get(Email, email_id)
    if email is None:
        raise NotFound
    return email


def _show(
    email_id: int, status: int = 200, form: AgainForm | None = None, problem: dict[str, str] | None = None
) -> Response:
    email = _email(email_id)
    drawn = _drawn(email)
    errors = {**(form.sentences() if form is not None else {}), **(problem or {})}
    context: dict[str, Any] = {
        "email": email,
        "text": KEY.sub(r"/\1/…", drawn.text) if drawn else None,
        "stopped": addresses.stopped_among([email.recipient]),
        "typed": form.typed() if form is not None else {},
        "errors": errors,
        "is_told": "sent" in request.args,
        "never_left": again.never_left(email),
    }
    return sealed.page(desk.page("admin/_email.html", f"Letter {email.id}", status, **context))


def _drawn(email: Email) -> Drawn | None:
    """The letter, written from the rows as they are now; None when it holds a key, or cannot be written any more."""
    if email.template in HOLDS_A_KEY or email.template not in letters.LETTERS:
        return None
    try:
        words = letters.write(email.template, email.about)
    except (sa.exc.NoResultFound, LookupError):
        return None
    return letters.render(words, current_app.config["BASE_URL"])
