"""The admins' pages of cases: the queue, one case with everything that is known of it, claims, notes and files."""

import secrets
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from discuno import policy
from discuno.accounts import access
from discuno.accounts.audit import Actor
from discuno.accounts.models import User
from discuno.admin import desk
from discuno.admin.cases import case_sight, queue, timeline
from discuno.admin.cases.queue import Place
from discuno.admin.money.stripe_pages import StripePages
from discuno.bookings.visitor import clock as chosen_clock
from discuno.bookings.visitor import zone as chosen_zone
from discuno.disputes import claims, dues, notes, reports, routes
from discuno.disputes import words as case_words
from discuno.disputes.jobs import locked_case
from discuno.disputes.models import Dispute
from discuno.journey import levers
from discuno.kit import clock, limits
from discuno.kit.db import session, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.forms import Form
from discuno.kit.text import as_typed
from discuno.kit.web import row_number

bp = desk.private("admin_cases", __name__, "/admin/disputes")
Typed = dict[str, str]


class NoteForm(Form):
    """What an admin wants the others to know."""

    words = TextAreaField(
        filters=[lambda value: as_typed(value or "").strip()],
        validators=[
            Length(min=1, message="Please write something."),
            Length(max=notes.LONGEST, message=f"Please use at most {notes.LONGEST:,} characters."),
        ],
    )


class ClaimForm(Form):
    """With whom the case was when the button was drawn."""

    seen = StringField()


@bp.get("")
def listing() -> Response:
    """The cases that fit the filters, and how many there are of each state."""
    wanted, me = queue.read(request.args), _me()
    found = queue.page(wanted, me, Place.read(request.args.get("after")))
    return desk.page(
        "admin/_queue.html",
        "Disputes",
        wanted=wanted,
        found=found,
        counts=queue.counts(wanted, me),
        most=queue.MOST,
        states=queue.STATES,
        whose=queue.WHOSE.items(),
        kinds=queue.KINDS.items(),
        is_later="after" in request.args,
        me=me,
        now=clock.now(),
        dues=dues,
        words=case_words,
    )


def _me() -> User:
    user = access.user()
    if user is None:
        raise NotFound
    return user


def find(case_id: int) -> Dispute:
    """The case, with its payment. Raises NotFound."""
    case = session().get(Dispute, case_id)
    if case is None:
        raise NotFound("There is no such case.")
    return case


@bp.get("/<int:case_id>")
def case_page(case_id: int) -> Response:
    """Everything about one case."""
    return show(find(case_id))


def show(
    case: Dispute,
    status: int = 200,
    typed: Typed | None = None,
    errors: Typed | None = None,
    problem: str | None = None,
) -> Response:
    """The page of a case, perhaps with what was typed and what is wrong with it."""
    zone, hours, payment, me = chosen_zone("UTC")[0], chosen_clock(), case.payment, _me()
    return desk.page(
        "admin/_case.html",
        f"Case {case.id}",
        status,
        case=case,
        payment=payment,
        booking=payment.booking,
        due=dues.of(case),
        now=clock.now(),
        me=me,
        options=case_sight.options(case),
        panel=list(case_sight.panel(case)) if case.is_open else [],
        answers=case_sight.answers(case),
        by=case_sight.decided_by(case),
        waiting=levers.waiting(payment, me),
        events=timeline.of(payment, zone, hours),
        typed={"decision": "", "refund": "", "mentor": "", "words": "", **(typed or {})},
        errors=errors or {},
        problem=problem,
        **_about(),
    )


def _about() -> dict[str, Any]:
    pages = StripePages(current_app.extensions["settings"].is_live)
    return {"dues": dues, "words": case_words, "at_stripe": pages.of}


@bp.get("/<int:case_id>/files/<public_id>")
def file(case_id: int, public_id: str) -> Response:
    """A file that came with the case, to be kept and not to be opened here."""
    return routes.download(reports.file_of(find(case_id).payment, public_id))


# Whose it is, and what is noted


@bp.post("/<int:case_id>/claim")
@limits.at_most(*policy.LEVERS)
def claim(case_id: int) -> AnyResponse:
    """See to it from now on, also when it was somebody else's when the page was drawn."""
    seen = row_number(ClaimForm().seen.data)
    return _change(case_id, lambda case, user, actor: claims.claim(case, user, actor, seen=seen))


@bp.post("/<int:case_id>/release")
@limits.at_most(*policy.LEVERS)
def release(case_id: int) -> AnyResponse:
    """Leave it to everybody again."""
    return _change(case_id, claims.release)


@bp.post("/<int:case_id>/notes")
@limits.at_most(*policy.LEVERS)
def note(case_id: int) -> AnyResponse:
    """Something that the others should know."""
    form = NoteForm()
    if not form.validate():
        return show(find(case_id), 422, form.typed(), form.sentences())
    words = form.words.data
    return _change(case_id, lambda case, user, actor: notes.add(case.payment, user, actor, words, case))


def _change(case_id: int, change: Callable[[Dispute, User, Actor], object]) -> AnyResponse:
    """Under the case's lock; back to its page, which says why if it cannot be."""
    find(case_id)
    try:
        with transaction():
            change(locked_case(case_id), _me(), access.actor())
    except DomainError as refused:
        return show(find(case_id), refused.status, problem=refused.message)
    return redirect(url_for("admin_cases.case_page", case_id=case_id), 303)


def nonce() -> str:
    """Of one page: what is agreed to on it is done once."""
    return secrets.token_urlsafe(12)
