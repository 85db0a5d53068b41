"""The door to the levers at one payment: a small form each, which shows first what will move or change."""

import secrets
from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField
from wtforms.validators import Regexp

from discuno import journey, policy
from discuno.accounts import access
from discuno.admin import desk
from discuno.admin.forms import ProveForm, ReasonForm
from discuno.admin.money import payment_pages
from discuno.disputes.settling import Sight
from discuno.journey import levers
from discuno.journey.acts import Act
from discuno.journey.levers import Lever
from discuno.kit import limits, money
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.payments import service as payments
from discuno.payments.models import Payment

bp = desk.private("admin_levers", __name__, "/admin/payments/<int:payment_id>")
NONCE = Regexp(r"^[A-Za-z0-9_-]{16,64}$")


class HoldForm(ReasonForm):
    """Why; nothing moves because of it."""


class FreeForm(ProveForm):
    """Why, and who. `seen` is what the page has said needs attention."""

    seen = HiddenField()


class MoveForm(ProveForm):
    """So much, as it was agreed to. `nonce` was made when the page was drawn: it makes one wish one act."""

    amount = HiddenField(validators=[Regexp(r"^[0-9]{1,18}$")])
    agreed_to = HiddenField()
    nonce = HiddenField(validators=[NONCE])


def pull(payment_id: int, lever: Lever) -> AnyResponse:
    """Do it; pressed twice it is done once."""
    form = FreeForm() if lever.frees_money else HoldForm()
    payment_pages.find(payment_id)
    if not (form.agreed() if isinstance(form, FreeForm) else form.validate()):
        return _page(payment_id, lever, 422, typed=form.typed(), errors=form.sentences())
    try:
        with transaction():
            _pull(lever, payments.locked_payment(payment_id), form)
    except DomainError as refused:
        return _page(payment_id, lever, refused.status, typed=form.typed(), problem=refused.message)
    return redirect(url_for("admin_payments.show", payment_id=payment_id), 303)


def _pull(lever: Lever, payment: Payment, form: ReasonForm) -> None:
    reason, actor = form.reason.data, access.actor()
    if lever is Lever.HOLD:
        levers.put_on_hold(payment, reason, actor)
    elif lever is Lever.LIFT:
        levers.lift(payment, reason, actor)
    elif lever is Lever.RETRY:
        levers.try_again(payment, reason, actor)
    elif isinstance(form, FreeForm):
        levers.clear(payment, form.seen.data or "", reason, actor)


def move(payment_id: int, lever: Lever) -> AnyResponse:
    """Do it, or above the limit propose it to a second admin; one page is one act."""
    form = MoveForm()
    payment_pages.find(payment_id)
    if not form.agreed():
        said = {"typed": form.typed(), "errors": form.sentences(), "nonce": form.nonce.data}
        return _page(payment_id, lever, 422, amount=_minor(form), **said)
    user = access.user()
    if user is None:
        raise NotFound
    try:
        with transaction():
            act = _act(lever, payments.locked_payment(payment_id), form)
            if not levers.was_done(act):
                journey.do(act, user, access.actor(), agreed=form.agreed_to.data or "")
    except DomainError as refused:
        said = {"typed": form.typed(), "problem": refused.message}
        return _page(payment_id, lever, refused.status, amount=_minor(form), **said)
    return redirect(url_for("admin_payments.show", payment_id=payment_id), 303)


def _act(lever: Lever, payment: Payment, form: MoveForm) -> Act:
    if lever.act is None:
        raise NotFound
    terms = levers.terms(lever, int(form.amount.data))
    return Act(lever.act, payment, terms, form.reason.data, form.nonce.data)


def _minor(form: MoveForm) -> int | None:
    text = form.amount.data or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(10**18)) else None


# The page


def _page(payment_id: int, lever: Lever, status: int = 200, **said: Any) -> Response:
    """The form as it stands now; refused, with what was typed."""
    with transaction():
        payment = payment_pages.find(payment_id)
        context: dict[str, Any] = {
            "payment": payment,
            "booking": payment.booking,
            "lever": lever,
            "why_not": levers.why_not(lever, payment),
            "sight": None,
            "amount": None,
            "typed_amount": "",
            "nonce": said.get("nonce") or secrets.token_urlsafe(18),
            "needs_second": False,
        }
        if lever.act is not None and context["why_not"] is None:
            context |= _preview(lever, payment, said)
    errors = {**context.pop("wrong", {}), **said.get("errors", {})}
    refused = {"problem": said.get("problem"), "typed": said.get("typed", {}), "errors": errors}
    title = f"{lever.label}: payment {payment_id}"
    return desk.page("admin/_lever.html", title, 422 if errors else status, **context, **refused)


def _preview(lever: Lever, payment: Payment, said: dict[str, Any]) -> dict[str, Any]:
    """What will move for the amount that was asked for, all there is at first."""
    code, amount, wrong = payment.currency, said.get("amount"), None
    typed = said.get("typed_amount")
    if typed is not None:
        try:
            amount = money.parse(typed, code)
        except ValueError as unread:
            wrong = str(unread)
    elif amount is None:
        amount = levers.most(lever, payment)
    sight: Sight | None = None
    if wrong is None and amount is not None:
        try:
            sight = levers.preview(lever, payment, amount)
        except DomainError as refused:
            wrong = refused.message
    shown = typed if typed is not None else money.typed(amount or 0, code)
    return {
        "sight": sight,
        "amount": amount,
        "typed_amount": shown,
        "wrong": {"amount": wrong} if wrong is not None else {},
        "most": levers.most(lever, payment),
        "needs_second": sight is not None and policy.needs_second_admin(max(sight.left, sight.back), code),
    }


def _routes_of(lever: Lever) -> None:
    """Its form, and pulling it, at addresses of its own."""

    def ask(payment_id: int) -> Response:
        return _page(payment_id, lever, typed_amount=request.args.get("amount"))

    @limits.at_most(*policy.LEVERS)
    def act(payment_id: int) -> AnyResponse:
        return pull(payment_id, lever) if lever.act is None else move(payment_id, lever)

    bp.add_url_rule(f"/{lever.value}", f"ask_{lever.name.lower()}", ask, methods=["GET"])
    bp.add_url_rule(f"/{lever.value}", lever.name.lower(), act, methods=["POST"])


for each in Lever:
    _routes_of(each)
