"""Pay out now: the mentor says how much of what is available goes to the bank. One wish is one payout."""

import secrets
from typing import Any

from flask import Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, StringField
from wtforms.validators import Regexp

from discuno import policy
from discuno.accounts.access import actor
from discuno.edges.stripe import StripeDown, StripeRefused
from discuno.kit import limits, money
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.kit.forms import Form
from discuno.mentors import access, desk
from discuno.mentors.access import me
from discuno.payouts import bank_jobs, banking, search
from discuno.payouts import service as payouts
from discuno.payouts.models import MentorStripeAccount, Payout

bp = access.private("pay_out_now", __name__, "/payouts/request")
NO_STRIPE = (
    "We cannot reach Stripe right now. Nothing was lost, and nothing was done; please try again in a moment."
)
BY_ITSELF = "Payouts are made by themselves, so there is nothing to ask for."
TOO_OLD = "This page was too old or was changed on its way. Nothing was done; please press the button again."


class WishForm(Form):
    """How much, in which currency. `nonce` was made when the page was drawn: it makes one wish one payout."""

    nonce = HiddenField(validators=[Regexp(r"^[A-Za-z0-9_-]{16,64}$")])
    currency = HiddenField(validators=[Regexp(r"^[a-z]{3}$")])
    amount = StringField()


@bp.get("")
@limits.at_most(*policy.SETTINGS)  # each visit asks Stripe
def ask() -> Response:
    """What is available, asked from Stripe, and a form for each currency."""
    return _page()


@bp.post("")
@limits.at_most(*policy.SETTINGS)
def order() -> AnyResponse:
    """Have it paid out; then the payout's own page."""
    form = WishForm()
    if bank_jobs.is_automatic():
        return _page(409, problem=BY_ITSELF)
    if not form.validate():
        return _page(422, problem=TOO_OLD)
    try:
        amount = money.parse(form.amount.data or "", form.currency.data)
        wish = bank_jobs.request_payout(
            me().id, form.nonce.data, amount=amount, currency=form.currency.data, actor=actor()
        )
    except ValueError as unread:
        return _page(422, form, wrong=str(unread))
    except DomainError as refused:
        return _page(refused.status, form, wrong=refused.message)
    except (StripeDown, StripeRefused):
        return _page(503, form, problem=NO_STRIPE)
    return redirect(url_for("payouts.show", payout_id=wish[0]), 303)


def _page(status: int = 200, form: WishForm | None = None, **said: Any) -> Response:
    """The page; refused, with what was typed, under the same nonce: nothing was made under it yet."""
    with transaction():
        account = payouts.account_of(me())
        reason = banking.reason_to_wait(account) if account is not None else None
    there: dict[str, int] = {}
    is_free = account is not None and reason is None and not bank_jobs.is_automatic()
    if account is not None and is_free and status != 503:
        try:
            there = bank_jobs.what_can_go(account)
        except (StripeDown, StripeRefused):
            status, said = 503, {**said, "problem": NO_STRIPE}
    wishes = [_wish(currency, there[currency], form) for currency in sorted(there)]
    return desk.page(
        "payouts/_request.html",
        "Pay out now",
        status,
        account=account,
        waits=banking.in_words(reason) if reason is not None else None,
        is_automatic=bank_jobs.is_automatic(),
        wishes=wishes,
        being_made=_being_made(account),
        **_said(wishes, **said),
    )


def _said(
    wishes: list[dict[str, Any]], problem: str | None = None, wrong: str | None = None
) -> dict[str, Any]:
    """What went wrong: at the form it is about if that can be shown, above the page if not."""
    errors = {f"amount-{w['currency']}": wrong for w in wishes if w["is_typed"] and wrong is not None}
    return {"problem": problem or (wrong if not errors else None), "errors": errors}


def _being_made(account: MentorStripeAccount | None) -> list[Payout]:
    """Payouts that Stripe has not answered yet: until then nothing more of that currency goes."""
    if account is None:
        return []
    with transaction():
        return search.page(account.mentor, search.Wanted(stands="made")).payouts


def _wish(currency: str, most: int, form: WishForm | None) -> dict[str, Any]:
    """One form, filled with all there is, or with what was typed into it."""
    is_typed = form is not None and form.currency.data == currency
    return {
        "currency": currency,
        "most": most,
        "typed": form.amount.data if form is not None and is_typed else money.typed(most, currency),
        "nonce": form.nonce.data if form is not None and is_typed else secrets.token_urlsafe(18),
        "is_typed": is_typed,
    }
