"""The mentor's onboarding pages. Until mentors sign in, a signed link says whose they are."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, current_app, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.edges.stripe import StripeDown, StripeRefused
from discuno.edges.stripe import accounts as stripe_accounts
from discuno.kit import limits, security
from discuno.kit.errors import DomainError
from discuno.kit.web import show
from discuno.payouts import accounts, onboarding
from discuno.payouts import service as payouts
from discuno.payouts.models import AccountStatus, MentorStripeAccount

bp = security.open_to("anybody", Blueprint("onboarding", __name__, url_prefix="/onboarding/<token>"))

NO_STRIPE = "We cannot reach Stripe right now. Nothing was lost; please try again in a moment."
REFUSED = "Stripe could not open its page for you. We have been told; please try again later."
AT_STRIPE = "https://connect.stripe.com https://*.stripe.com"


@bp.get("")
def page(token: str) -> Response:
    """How the mentor's account stands, in words, and the one thing to do next."""
    return _page(token)


@bp.post("")
@limits.at_most(*policy.CHANGES)
def start(token: str) -> AnyResponse:
    """To Stripe's own pages; the account is made first if there is none."""
    mentor = onboarding.mentor_of(token)
    try:
        onboarding.open_account(mentor.id)
        return _away(onboarding.link_to_stripe(mentor, token))
    except StripeDown:
        return _page(token, NO_STRIPE, 503)
    except StripeRefused:
        return _page(token, REFUSED, 503)


@bp.get("/again")
def again(token: str) -> AnyResponse:
    """Stripe sends people here whose link was used or too old: another one."""
    mentor = onboarding.mentor_of(token)
    if payouts.account_of(mentor) is None:
        return redirect(url_for(".page", token=token), 303)
    try:
        return _away(onboarding.link_to_stripe(mentor, token))
    except (StripeDown, StripeRefused):
        return _page(token, NO_STRIPE, 503)


@bp.get("/back")
def back(token: str) -> AnyResponse:
    """Stripe sends people here when they leave its pages, finished or not: Stripe itself is asked."""
    account = payouts.account_of(onboarding.mentor_of(token))
    if account is not None:
        with suppress(StripeDown, StripeRefused):  # the page then shows what we know, and events follow
            onboarding.refresh(account.stripe_account_id)
    return redirect(url_for(".page", token=token), 303)


@bp.post("/dashboard")
@limits.at_most(*policy.CHANGES)
def dashboard(token: str) -> AnyResponse:
    """To the mentor's own view of the account at Stripe."""
    account = payouts.account_of(onboarding.mentor_of(token))
    if account is None or account.status != AccountStatus.ACTIVE:
        raise DomainError("Your account at Stripe is not ready yet.", status=409)
    try:
        return _away(stripe_accounts.dashboard_link(account.stripe_account_id))
    except (StripeDown, StripeRefused):
        return _page(token, NO_STRIPE, 503)


def _away(url: str) -> AnyResponse:
    """To a page of Stripe's; the link is good for one visit, so no cache may keep it."""
    response = redirect(url, 303)
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(token: str, problem: str | None = None, status: int = 200) -> Response:
    mentor = onboarding.mentor_of(token)
    account = payouts.account_of(mentor)
    response = show(
        "payouts/onboarding.html",
        "payouts/_onboarding.html",
        status,
        mentor=mentor,
        token=token,
        problem=problem,
        **_standing(account),
    )
    response.headers["Content-Security-Policy"] = _policy()
    return response


def _standing(account: MentorStripeAccount | None) -> dict[str, Any]:
    ready = account is not None and account.can_receive
    return {
        "account": account,
        "ready": ready,
        "asked": accounts.asked_in_words(account) if account is not None else [],
        "waits": onboarding.waits(account) if account is not None and ready else None,
    }


def _policy() -> str:
    """The house's policy, whose forms may also lead to Stripe: a browser holds a form's redirects to it as well."""
    settings = current_app.extensions["settings"]
    api = security.origin_of(settings.stripe_api_base)
    house = security.Origins(stripe_js=security.origin_of(settings.stripe_js_url), stripe_api=api)
    return house.policy.replace("form-action 'self'", f"form-action 'self' {AT_STRIPE} {api}")
