"""The attendee's page of reports: something went wrong, here is what, and this is how it stands."""

from collections.abc import Sequence
from io import BytesIO

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, redirect, send_file, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.bookings import links
from discuno.bookings.manage import managed
from discuno.bookings.models import Booking, Party
from discuno.bookings.visitor import clock as chosen_clock
from discuno.disputes import reports, uploads, words
from discuno.disputes.forms import LONGEST, ReportForm, SayForm
from discuno.disputes.jobs import locked_case
from discuno.disputes.models import Dispute, DisputeFile, EvidenceFile
from discuno.disputes.reports import Upload
from discuno.kit import clock, limits, security
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.kit.web import error_page, show
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.policy import ReportReason

bp = security.open_to("anybody", Blueprint("reports", __name__, url_prefix="/booking/<token>"))
Typed = dict[str, str]
FILE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
TOO_MUCH = (
    f"Please send at most {policy.MAX_FILES} files of at most {uploads.MEGABYTES} MB each. "
    "Nothing was sent; go back, and your words are still there."
)


security.accepts("reports.report", uploads.MAX_BODY, may_send=managed)


def _paid(booking: Booking) -> Payment:
    """Its payment. Raises DomainError for a session without one."""
    payment = payments.of_booking(booking)
    if payment is None:
        raise DomainError(
            "Nothing was paid for this session.", status=409, heading="There is nothing to report"
        )
    return payment


@bp.get("/report")
def page(token: str) -> Response:
    """What can be reported, or how the report stands."""
    return _page(token, managed(token))


def _page(
    token: str, booking: Booking, status: int = 200, typed: Typed | None = None, errors: Typed | None = None
) -> Response:
    payment = payments.of_booking(booking)
    case = reports.latest(payment) if payment is not None else None
    hours = chosen_clock()
    return show(
        "disputes/report.html",
        "disputes/_report.html",
        status,
        booking=booking,
        payment=payment,
        case=case,
        words=words.for_attendee(booking, payment, case, hours),
        why=words.why(case) if case is not None else "",
        reasons=_reasons(booking),
        typed={"reason": "", "text": "", **(typed or {})},
        errors=errors or {},
        accept=uploads.ACCEPT,
        longest=LONGEST,
        report_url=url_for("reports.page", token=token),
        withdraw_url=url_for("reports.withdraw", token=token),
        booking_url=links.manage_path(booking),
        file_url=lambda public_id: url_for("reports.file", token=token, public_id=public_id),
        write_to=current_app.config["ADMIN_EMAIL"],
        zone=booking.attendee_zone,
        clock=hours,
    )


def _reasons(booking: Booking) -> list[ReportReason]:
    return policy.reasons_to_report(now=clock.now(), starts_at=booking.starts_at)


@bp.post("/report")
@limits.at_most(*policy.REPORTS)
def report(token: str) -> AnyResponse:
    """Open a report, or add to the one that is open."""
    booking = managed(token)
    payment = _paid(booking)
    case = reports.latest(payment)
    is_open = case is not None and case.is_open
    form = SayForm() if is_open else ReportForm(_reasons(booking))
    if not form.validate():
        return _page(token, booking, 422, form.typed(), form.sentences())
    reason = ReportReason(case.reason if case is not None and is_open else form.reason.data)
    try:
        _report(payment.id, reason, form.text.data, form.uploads)
    except DomainError as refused:
        return _page(token, booking, refused.status, form.typed(), {"text": refused.message})
    return redirect(url_for(".page", token=token), 303)


def _report(payment_id: int, reason: ReportReason, said: str, files: Sequence[Upload]) -> None:
    """The database knows one open report a payment; whoever comes second adds to it."""
    try:
        with transaction():
            journey.report(payments.locked_payment(payment_id), reason, said, files, Party.ATTENDEE)
    except sa.exc.IntegrityError as error:
        if not reports.is_open_already(error):
            raise
        with transaction():
            journey.report(payments.locked_payment(payment_id), reason, said, files, Party.ATTENDEE)


@bp.post("/report/withdraw")
@limits.at_most(*policy.CHANGES)
def withdraw(token: str) -> AnyResponse:
    """The attendee is content after all. What is decided already stays so."""
    payment = _paid(managed(token))
    with transaction():
        case = open_case(payment.id)
        if case is not None:
            journey.withdraw_report(case)
    return redirect(url_for(".page", token=token), 303)


def open_case(payment_id: int) -> Dispute | None:
    """The open report of a payment, locked after it. Inside a unit of work."""
    case = reports.latest(payments.locked_payment(payment_id))
    return locked_case(case.id) if case is not None and case.is_open else None


@bp.get("/report/files/<public_id>")
def file(token: str, public_id: str) -> Response:
    """A file of this booking's reports, to be kept and not to be opened here."""
    return download(reports.file_of(_paid(managed(token)), public_id))


def download(found: DisputeFile | EvidenceFile) -> Response:
    """A stranger's file: never drawn, never run, never kept by a cache."""
    content = BytesIO(found.content)
    response = send_file(content, found.media_type, as_attachment=True, download_name=found.name, etag=False)
    response.headers.update(FILE_HEADERS)
    return response


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    """More than we read at all."""
    return error_page(413, "These files are too large", TOO_MUCH)


@bp.after_request
def keep_out(response: Response) -> Response:
    """No search engine has any business here."""
    response.headers["X-Robots-Tag"] = "noindex"
    return response
