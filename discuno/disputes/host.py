"""The mentor's page of one session, by the link in their letters, until mentors can sign in."""

from typing import Any

from flask import Blueprint, Response, redirect, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.bookings import changes, links
from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.bookings.visitor import clock as chosen_clock
from discuno.disputes import reports, routes, uploads, words
from discuno.disputes.forms import AGREES, LONGEST, AnswerForm, CancelForm
from discuno.disputes.models import Dispute
from discuno.kit import clock, limits, security
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.web import error_page, show
from discuno.payments import service as payments
from discuno.payouts import share
from discuno.policy import ReportReason

bp = security.open_to("anybody", Blueprint("host", __name__, url_prefix="/session/<token>"))
Typed = dict[str, str]
DECIDED = "This report was decided meanwhile."


def _hosted(token: str) -> Booking:
    return changes.hosted(links.read(links.MENTOR, token))


security.accepts("host.answer", uploads.MAX_BODY, may_send=_hosted)


@bp.get("")
def page(token: str) -> Response:
    """The session, its money, and what the mentor can do about it."""
    return _page(token, _hosted(token))


def _page(
    token: str,
    booking: Booking,
    status: int = 200,
    typed: Typed | None = None,
    errors: Typed | None = None,
    problem: str | None = None,
) -> Response:
    payment = payments.of_booking(booking)
    case = reports.latest(payment) if payment is not None else None
    hours = chosen_clock()
    return show(
        "disputes/session.html",
        "disputes/_session.html",
        status,
        booking=booking,
        case=case,
        words=words.for_mentor(case, hours) if case is not None else None,
        why=words.why(case) if case is not None else "",
        asks_presence=case is not None and asks_presence(case),
        money=share.sentence(payment, hours),
        can=what_can_be_done(booking, case),
        typed={"stand": "", "text": "", **(typed or {})},
        errors=errors or {},
        problem=problem,
        accept=uploads.ACCEPT,
        longest=LONGEST,
        absent_after=int(policy.ABSENT_AFTER.total_seconds() // 60),
        zone=booking.mentor.zone,
        clock=hours,
        file_url=lambda public_id: url_for("host.file", token=token, public_id=public_id),
        **_urls(token),
    )


def _urls(token: str) -> dict[str, str]:
    names = ("page", "cancel_page", "attendee_absent", "answer")
    return {f"{name}_url": url_for(f"host.{name}", token=token) for name in names}


def what_can_be_done(booking: Booking, case: Dispute | None) -> set[str]:
    """What the mentor's page offers now: cancel, absent (say so), absent_later (it is too early to say so)."""
    if booking.status != BookingStatus.CONFIRMED or changes.is_moving(booking):
        return set()
    can = {"cancel"} if journey.cancel_answer(booking, Party.MENTOR).allowed else set()
    if booking.attendee_absent_at is None and (case is None or not case.is_open):
        said = policy.may_say_absent(now=clock.now(), starts_at=booking.starts_at)
        can.add("absent" if said else "absent_later")
    return can


def asks_presence(case: Dispute) -> bool:
    """Whether the mentor has to say whether they were there."""
    return case.reason == ReportReason.MENTOR_ABSENT and case.answered_at is None


# Cancel


@bp.get("/cancel")
def cancel_page(token: str) -> Response:
    """What happens then, before anybody presses the button."""
    return _cancel_page(token, _hosted(token))


def _cancel_page(token: str, booking: Booking, status: int = 200, **more: Any) -> Response:
    if "cancel" not in what_can_be_done(booking, None):
        return _page(token, booking, status)
    return show(
        "disputes/session.html",
        "disputes/_cancel.html",
        status,
        booking=booking,
        payment=payments.of_booking(booking),
        zone=booking.mentor.zone,
        clock=chosen_clock(),
        page_url=url_for("host.page", token=token),
        cancel_url=url_for("host.cancel", token=token),
        **{"typed": {"reason": ""}, "errors": {}, **more},
    )


@bp.post("/cancel")
@limits.at_most(*policy.CHANGES)
def cancel(token: str) -> AnyResponse:
    """Cancel it; the attendee gets everything back. The other calendar is told by a job."""
    booking = _hosted(token)
    form = CancelForm()
    if not form.validate():
        return _cancel_page(token, booking, 422, typed=form.typed(), errors=form.sentences())
    try:
        with transaction():
            journey.cancel(payments.locked_booking(booking.id), Party.MENTOR, form.reason.data)
    except DomainError as refused:
        return _page(token, booking, refused.status, problem=refused.message)
    return redirect(url_for(".page", token=token), 303)


# The attendee did not come


@bp.post("/absent")
@limits.at_most(*policy.CHANGES)
def attendee_absent(token: str) -> AnyResponse:
    """Write down that the attendee did not come; they are told, and can object."""
    booking = _hosted(token)
    try:
        with transaction():
            journey.attendee_absent(payments.locked_booking(booking.id), Party.MENTOR)
    except DomainError as refused:
        return _page(token, booking, refused.status, problem=refused.message)
    return redirect(url_for(".page", token=token), 303)


# A report


@bp.post("/answer")
@limits.at_most(*policy.REPORTS)
def answer(token: str) -> AnyResponse:
    """The mentor's side of the open report."""
    booking = _hosted(token)
    payment = payments.of_booking(booking)
    case = reports.latest(payment) if payment is not None else None
    if payment is None or case is None:
        raise NotFound("Nobody has reported a problem with this session.")
    form = AnswerForm(asks_presence=asks_presence(case))
    if not case.is_open:
        return _decided_meanwhile(token, booking, form)
    if not form.validate():
        return _page(token, booking, 422, form.typed(), form.sentences())
    try:
        with transaction():
            mine = routes.open_case(payment.id)
            if mine is not None:
                journey.answer_report(mine, form.words, form.uploads, agrees=form.agrees)
    except DomainError as refused:
        return _page(token, booking, refused.status, form.typed(), {"text": refused.message})
    if mine is None:
        return _decided_meanwhile(token, booking, form)
    return redirect(url_for(".page", token=token), 303)


def _decided_meanwhile(token: str, booking: Booking, form: AnswerForm) -> AnyResponse:
    """Who has agreed twice is shown that it is done; who has written something else must not lose it unseen."""
    if form.stand.data == AGREES:
        return redirect(url_for(".page", token=token), 303)
    return _page(token, booking, 409, form.typed(), problem=DECIDED)


@bp.get("/files/<public_id>")
def file(token: str, public_id: str) -> Response:
    """A file of this session's reports."""
    payment = payments.of_booking(_hosted(token))
    if payment is None:
        raise NotFound("There is no such file.")
    return routes.download(reports.file_of(payment, public_id))


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    """More than we read at all."""
    return error_page(413, "These files are too large", routes.TOO_MUCH)


bp.after_request(routes.keep_out)
