"""Deciding a case: chosen, seen what will move, agreed to; above the limit by two."""

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField

from discuno import journey, policy
from discuno.accounts import access
from discuno.admin import desk, proposals
from discuno.admin.cases import case_sight, cases
from discuno.admin.cases.case_sight import Choice
from discuno.admin.forms import ProveForm
from discuno.admin.models import ActKind
from discuno.disputes import words as case_words
from discuno.disputes.jobs import locked_case
from discuno.disputes.models import Dispute, DisputeKind
from discuno.kit import limits
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.kit.web import moment

bp = desk.private("admin_decisions", __name__, "/admin/disputes")


class DecideForm(ProveForm):
    """What was chosen, why, and what was seen to move."""

    decision = StringField()
    refund = StringField()
    mentor = StringField()
    moves = StringField()
    nonce = StringField()


@bp.get("/<int:case_id>/decide")
def ask(case_id: int) -> Response:
    """What would move."""
    case = cases.find(case_id)
    asked = {name: request.args.get(name, "") for name in ("decision", "refund", "mentor")}
    if not case.is_open:
        return cases.show(case, 409, problem=_decided_words(case))
    choice, wrong = case_sight.choose(case, asked)
    if choice is None:
        return cases.show(case, 422, asked, wrong)
    return _preview(case, choice, asked)


def _preview(
    case: Dispute,
    choice: Choice,
    typed: cases.Typed,
    status: int = 200,
    errors: cases.Typed | None = None,
    problem: str | None = None,
) -> Response:
    try:
        seen = case_sight.sight_of(case, choice)
    except DomainError as refused:
        return cases.show(case, refused.status, typed, problem=refused.message)
    return desk.page(
        "admin/_decide.html",
        f"Decide case {case.id}",
        status,
        case=case,
        booking=case.payment.booking,
        label=case_sight.options(case)[choice.decision],
        lines=list(case_sight.preview(case, seen)),
        moves=seen.moves,
        needs_two=case_sight.needs_two(seen),
        is_report=case.kind == DisputeKind.REPORT,
        proposal=proposals.of_payment(case.payment),
        typed={"reason": "", **typed, "nonce": typed.get("nonce") or cases.nonce()},
        errors=errors or {},
        problem=problem,
    )


@bp.post("/<int:case_id>/decide")
@limits.at_most(*policy.LEVERS)
def decide(case_id: int) -> AnyResponse:
    """Do what was seen, or propose it to a second admin."""
    case, form = cases.find(case_id), DecideForm()
    if not case.is_open:
        return _was_decided(case, form)
    choice, wrong = case_sight.choose(case, form.typed())
    if choice is None:
        return cases.show(case, 422, form.typed(), wrong)
    if _is_proposed(case, form.nonce.data):
        return _to_the_case(case_id)
    if not form.agreed():
        return _preview(case, choice, form.typed(), 422, form.sentences())
    try:
        _do(case, choice, form)
    except DomainError as refused:
        return _refused(cases.find(case_id), choice, form, refused)
    return _to_the_case(case_id)


def _do(case: Dispute, choice: Choice, form: DecideForm) -> None:
    with transaction():
        mine, user = locked_case(case.id), access.user()
        if user is None:
            raise DomainError("Please sign in again.", status=403)
        act = journey.Act(
            ActKind.DECIDE,
            mine.payment,
            choice.terms,
            form.reason.data,
            form.nonce.data,
            mine,
            choice.decision,
        )
        journey.do(act, user, access.actor(), agreed=form.moves.data)


def _refused(case: Dispute, choice: Choice, form: DecideForm, refused: DomainError) -> AnyResponse:
    """Something else has happened meanwhile: what is true now is shown, and nothing that was typed is lost."""
    if not case.is_open:
        return _was_decided(case, form)
    return _preview(case, choice, form.typed(), refused.status, problem=refused.message)


def _was_decided(case: Dispute, form: DecideForm) -> AnyResponse:
    """Who has pressed twice is shown that it is done; who comes second is told who decided what, and when."""
    if case_sight.is_as_decided(case, form.typed(), access.actor().name):
        return _to_the_case(case.id)
    return cases.show(case, 409, problem=_decided_words(case))


def _decided_words(case: Dispute) -> str:
    by, what = case_sight.decided_by(case), case_words.decision_for_us(case)
    if by is None or not what:
        return f"This case is closed: {case.status.sentence}"
    return f"Nothing was done: {by.actor} decided this case on {moment(by.at, 'UTC')}. {what}"


def _is_proposed(case: Dispute, nonce: str | None) -> bool:
    """Whether this page's wish waits for a second admin already: a button was pressed twice."""
    waiting = proposals.of_payment(case.payment)
    return waiting is not None and bool(nonce) and waiting.terms.get("nonce") == nonce


def _to_the_case(case_id: int) -> AnyResponse:
    return redirect(url_for("admin_cases.case_page", case_id=case_id), 303)
