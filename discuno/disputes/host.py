"""The mentor's page of a case: what was said about a session, the answer with files, how it ended and why."""

from flask import Response, current_app, redirect, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.accounts import access
from discuno.bookings import links
from discuno.bookings.visitor import clock as chosen_clock
from discuno.disputes import reports, routes, uploads, words
from discuno.disputes.forms import AGREES, LONGEST, AnswerForm
from discuno.disputes.models import Dispute, DisputeKind
from discuno.kit import limits, security
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.web import error_page
from discuno.mentors import desk
from discuno.mentors.access import me, private
from discuno.payouts import path, share
from discuno.payouts.money import reader
from discuno.policy import ReportReason

bp = private("cases", __name__, "/disputes")
Typed = dict[str, str]
DECIDED = "This report was decided meanwhile."


def _mine(case_id: int) -> Dispute:
    return reports.of_mentor(me(), case_id)


security.accepts("cases.answer", uploads.MAX_BODY, may_send=_mine)


@bp.get("/<int:case_id>")
def page(case_id: int) -> Response:
    """How it stands, what was said, and what the mentor can say."""
    return _page(_mine(case_id))


def _page(
    case: Dispute,
    status: int = 200,
    typed: Typed | None = None,
    errors: Typed | None = None,
    problem: str | None = None,
) -> Response:
    booking, hours = case.payment.booking, chosen_clock()
    is_report = case.kind == DisputeKind.REPORT
    return desk.page(
        "disputes/_case.html",
        "A reported problem" if is_report else "A disputed payment",
        status,
        booking=booking,
        case=case,
        is_report=is_report,
        words=words.about_case(case, hours),
        why=words.why(case) if is_report else "",
        asks_presence=asks_presence(case),
        money=share.sentence(case.payment, hours),
        found=path.of_session(case.payment, reader()),
        typed={"stand": "", "text": "", **(typed or {})},
        errors=errors or {},
        problem=problem,
        accept=uploads.ACCEPT,
        longest=LONGEST,
        write_to=current_app.config["ADMIN_EMAIL"],
        booking_url=links.host_path(booking),
        answer_url=url_for(".answer", case_id=case.id),
        file_url=lambda public_id: url_for("cases.file", case_id=case.id, public_id=public_id),
    )


def asks_presence(case: Dispute) -> bool:
    """Whether the mentor has to say whether they were there."""
    return case.reason == ReportReason.MENTOR_ABSENT and case.answered_at is None


@bp.post("/<int:case_id>/answer")
@limits.at_most(*policy.REPORTS)
def answer(case_id: int) -> AnyResponse:
    """The mentor's side of an open report."""
    case, actor = _mine(case_id), access.actor()
    if case.kind != DisputeKind.REPORT:
        raise NotFound("The bank is answered by us.")
    form = AnswerForm(asks_presence=asks_presence(case))
    if not case.is_open:
        return _decided_meanwhile(case, form)
    if not form.validate():
        return _page(case, 422, form.typed(), form.sentences())
    try:
        with transaction():
            mine = routes.open_case(case.payment_id)
            is_it = mine is not None and mine.id == case_id
            if mine is not None and is_it:
                journey.answer_report(mine, form.words, form.uploads, agrees=form.agrees, actor=actor)
    except DomainError as refused:
        return _page(_mine(case_id), refused.status, form.typed(), {"text": refused.message})
    if not is_it:
        return _decided_meanwhile(_mine(case_id), form)
    return redirect(url_for(".page", case_id=case_id), 303)


def _decided_meanwhile(case: Dispute, form: AnswerForm) -> AnyResponse:
    """Who has agreed twice is shown that it is done; who has written something else must not lose it unseen."""
    if form.stand.data == AGREES:
        return redirect(url_for(".page", case_id=case.id), 303)
    return _page(case, 409, form.typed(), problem=DECIDED)


@bp.get("/<int:case_id>/files/<public_id>")
def file(case_id: int, public_id: str) -> Response:
    """A file of this case."""
    return routes.download(reports.file_of(_mine(case_id).payment, public_id))


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    """More than we read at all."""
    return error_page(413, "These files are too large", routes.TOO_MUCH)
