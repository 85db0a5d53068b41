"""The pages on which a bank is answered: evidence drafted, staged, read as the bank reads it, submitted; or not."""

import secrets
from collections.abc import Callable, Mapping

from flask import Response, redirect, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired

from discuno import journey, policy
from discuno.accounts import access
from discuno.admin import desk
from discuno.admin.cases import bank_sight
from discuno.admin.forms import ProveForm
from discuno.admin.models import ActKind
from discuno.disputes import answers, evidence, reports, routes, uploads, words
from discuno.disputes.jobs import locked_case
from discuno.disputes.models import AnswerKind, Dispute
from discuno.disputes.reports import Upload
from discuno.disputes.settling import Terms
from discuno.kit import limits, security
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.text import as_typed
from discuno.kit.web import error_page, row_number

bp = desk.private("admin_evidence", __name__, "/admin/disputes/<int:case_id>/evidence")
Typed = dict[str, str]
MAX_BODY = evidence.MOST_BYTES + 1024 * 1024  # bytes: the files, and room for the texts
TAKEN = ".pdf,.png,.jpg,.jpeg"
NOT_FOR_BANKS = (
    "“{name}” is of a kind that Stripe does not take as evidence: it has to be a PDF, PNG or JPEG."
)
TOO_MUCH = (
    "Please send files of at most 5 MB together. Nothing was sent; go back, and your words are still there."
)
SIGN_IN_AGAIN = "There is nothing here for you; if there was before, sign in again with your code."


def _may_send(case_id: int) -> None:
    """Only an admin has so much to say, and only about a chargeback. Raises NotFound."""
    if not access.may_act() or access.admin() is not None:
        raise NotFound(SIGN_IN_AGAIN)
    answers.chargeback(case_id)


security.accepts("admin_evidence.stage", MAX_BODY, may_send=_may_send)


class LastForm(ProveForm):
    """What cannot be taken back: why, a code if one is due, a tick, and what was seen on the page."""

    seen = StringField(default="")
    nonce = StringField(default="")
    sure = BooleanField(validators=[DataRequired("Please tick it: there is no way back.")])


@bp.get("")
def page(case_id: int) -> Response:
    """How it stands, and what can be told."""
    return _page(answers.chargeback(case_id))


def _page(
    case: Dispute,
    status: int = 200,
    texts: Mapping[str, str] | None = None,
    errors: Typed | None = None,
    problem: str | None = None,
) -> Response:
    return desk.page(
        "admin/_evidence.html",
        "Answer the bank",
        status,
        sight=bank_sight.of(case, texts if texts is not None else _texts(case)),
        reason=words.said_reason(case),
        errors=errors or {},
        problem=problem,
        fields=evidence.FILES,
        taken=TAKEN,
        most=evidence,
        read=bank_sight.as_read,
        here=url_for(".page", case_id=case.id),
        file_url=lambda file_id: url_for(".file", case_id=case.id, file_id=file_id),
    )


def _texts(case: Dispute) -> Mapping[str, str]:
    """What lies at Stripe, or a first draft."""
    staged = answers.staged(answers.of_case(case))
    return staged.evidence if staged is not None else journey.draft_evidence(case)


# Staged


@bp.post("")
@limits.at_most(*policy.LEVERS)
def stage(case_id: int) -> AnyResponse:
    """Lay the evidence down at Stripe. The bank does not see it."""
    case = answers.chargeback(case_id)
    texts = {field.name: _typed(field.name) for field in evidence.TEXTS}
    files, refused = _files(case)
    errors = answers.wrong_texts(texts, answers.staged(answers.of_case(case))) | refused
    if errors:
        return _page(case, 422, texts, errors)
    try:
        with transaction():
            journey.stage_evidence(locked_case(case_id), texts, files, access.actor())
    except DomainError as error:
        return _page(answers.chargeback(case_id), error.status, texts, problem=error.message)
    return _back(case)


def _typed(name: str) -> str:
    return as_typed(request.form.get(name, "")).strip()


def _files(case: Dispute) -> tuple[dict[str, Upload], Typed]:
    """The files that were chosen, by field, and one sentence for each that cannot be taken."""
    found: dict[str, Upload] = {}
    wrong: Typed = {}
    for field in evidence.FILES:
        try:
            file = _file(case, field.name)
            if file is not None:
                found[field.name] = file
        except uploads.NotAccepted as refused:
            wrong[field.name] = str(refused)
    return found, wrong


def _file(case: Dispute, field: str) -> Upload | None:
    """A file of the admin's own, or one that somebody sent with a report. Raises NotAccepted, NotFound."""
    chosen = uploads.checked(request.files.getlist(field))
    known = request.form.get(f"use_{field}", "")
    if not chosen and known:
        file = reports.file_of(case.payment, known)
        chosen = [Upload(file.name, file.media_type, file.content)]
    for each in chosen:
        if each.media_type not in answers.TAKEN:
            raise uploads.NotAccepted(NOT_FOR_BANKS.format(name=each.name))
    return chosen[0] if chosen else None


# Told for good


@bp.get("/submit")
def read(case_id: int) -> AnyResponse:
    """What the bank would read, and the button that hands it over."""
    return _last(answers.chargeback(case_id), AnswerKind.SUBMIT)


@bp.get("/accept")
def let_go(case_id: int) -> AnyResponse:
    """What it means not to contest it, and the button that does so."""
    return _last(answers.chargeback(case_id), AnswerKind.ACCEPT)


def _last(
    case: Dispute,
    kind: AnswerKind,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    errors: Typed | None = None,
    problem: str | None = None,
) -> AnyResponse:
    sight = bank_sight.of(case, {})
    refused = bank_sight.why_not_yet(sight, kind)
    if refused is not None:
        return _page(case, status, problem=problem or refused) if status >= 400 else _back(case)
    submits = kind == AnswerKind.SUBMIT
    return desk.page(
        "admin/_evidence_last.html",
        "Submit the evidence" if submits else "Accept the chargeback",
        status,
        sight=sight,
        submits=submits,
        read=bank_sight.as_read(sight.staged, sight.files),
        lines=[] if submits else list(bank_sight.what_is_over(case)),
        needs_two=not submits and bank_sight.needs_two(case),
        seen=sight.staged.id if submits and sight.staged is not None else bank_sight.moves(case),
        tick=bank_sight.READ if submits else bank_sight.LET_GO,
        typed={"nonce": secrets.token_urlsafe(12), **(typed or {})},
        errors=errors or {},
        problem=problem,
        here=url_for(".page", case_id=case.id),
        file_url=lambda file_id: url_for(".file", case_id=case.id, file_id=file_id),
    )


def _back(case: Dispute) -> AnyResponse:
    return redirect(url_for(".page", case_id=case.id), 303)


@bp.post("/submit")
@limits.at_most(*policy.LEVERS)
def submit(case_id: int) -> AnyResponse:
    """Hand what is staged to the bank."""

    def act(form: LastForm) -> None:
        seen = row_number(form.seen.data) or 0
        journey.submit_evidence(locked_case(case_id), seen, form.reason.data, access.actor())

    return _for_good(case_id, AnswerKind.SUBMIT, act)


@bp.post("/accept")
@limits.at_most(*policy.LEVERS)
def accept(case_id: int) -> AnyResponse:
    """Let the cardholder keep the money; above the limit that is proposed to a second admin."""

    def act(form: LastForm) -> None:
        case, user = locked_case(case_id), access.user()
        if user is None:
            raise NotFound
        wish = journey.Act(ActKind.ACCEPT, case.payment, Terms(), form.reason.data, form.nonce.data, case)
        journey.do(wish, user, access.actor(), agreed=form.seen.data)

    return _for_good(case_id, AnswerKind.ACCEPT, act)


def _for_good(case_id: int, kind: AnswerKind, act: Callable[[LastForm], None]) -> AnyResponse:
    """Do it once. Pressed again, it is done; another answer, given meanwhile, is shown."""
    case, form = answers.chargeback(case_id), LastForm()
    if bank_sight.was_told(case, kind, form.nonce.data):
        return _back(case)
    if not form.agreed():
        return _last(case, kind, 422, form.typed(), form.sentences())
    try:
        with transaction():
            act(form)
    except DomainError as refused:
        case = answers.chargeback(case_id)
        if bank_sight.was_told(case, kind, form.nonce.data):
            return _back(case)
        return _last(case, kind, refused.status, form.typed(), problem=refused.message)
    return _back(case)


# Files


@bp.get("/files/<int:file_id>")
def file(case_id: int, file_id: int) -> Response:
    """A file for the bank, to be kept and not to be opened here."""
    return routes.download(answers.file_of(answers.chargeback(case_id), file_id))


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    """More than we read at all."""
    return error_page(413, "These files are too large", TOO_MUCH)
