"""The mentor's page about being paid: how the account at Stripe stands, and the way there and back."""

from contextlib import suppress

from flask import Blueprint, Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access, audit
from discuno.bookings.visitor import clock as chosen_clock
from discuno.edges.stripe import StripeDown, StripeRefused
from discuno.edges.stripe import accounts as stripe_accounts
from discuno.kit import limits, security
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.mentors import desk
from discuno.mentors.access import me, private
from discuno.payouts import account_words, accounts, countries, onboarding
from discuno.payouts import service as payouts
from discuno.payouts.models import AccountStatus

bp = private("onboarding", __name__, "/stripe")
old = security.open_to("anybody", Blueprint("onboarding_link", __name__))

NO_STRIPE = "We cannot reach Stripe right now. Nothing was lost; please try again in a moment."
REFUSED = "Stripe could not open its page for you. We have been told; please try again later."
WHERE = "Please choose the country you live in and have your bank account in."
AT_STRIPE = "https://connect.stripe.com https://*.stripe.com"


@old.get("/onboarding/<path:_token>")
def moved(_token: str) -> AnyResponse:
    """The address of older letters, and of Stripe pages opened from them: the page asks who it is by itself now."""
    return redirect(account_words.PAGE, 303)


@bp.get("")
def page() -> Response:
    """How the mentor's account stands, in words, and the one thing to do next."""
    return _page()


@bp.post("")
@limits.at_most(*policy.CHANGES)
def start() -> AnyResponse:
    """To Stripe's own pages; the account is made first if there is none, in the country that was chosen."""
    mentor, actor = me(), access.actor()
    country = request.form.get("country", "")
    try:
        if payouts.account_of(mentor) is None:
            if country not in countries.ALLOWED:
                return _page(422, country=country, errors={"country": WHERE})
            onboarding.open_account(mentor.id, country, actor)
        return _to_stripe()
    except StripeDown:
        return _page(503, problem=NO_STRIPE, country=country)
    except StripeRefused:
        return _page(503, problem=REFUSED, country=country)


@bp.get("/again")
@limits.at_most(*policy.CHANGES)
def again() -> AnyResponse:
    """Stripe sends people here whose link was used or too old: another one."""
    if payouts.account_of(me()) is None:
        return redirect(url_for(".page"), 303)
    try:
        return _to_stripe()
    except (StripeDown, StripeRefused):
        return _page(503, problem=NO_STRIPE)


@bp.get("/back")
@limits.at_most(*policy.CHANGES)
def back() -> AnyResponse:
    """Stripe sends people here when they leave its pages, finished or not: Stripe itself is asked."""
    account = payouts.account_of(me())
    if account is not None:
        with suppress(StripeDown, StripeRefused):  # the page then shows what we know, and events follow
            onboarding.refresh(account.stripe_account_id)
    return redirect(url_for(".page"), 303)


@bp.post("/dashboard")
@limits.at_most(*policy.CHANGES)
def dashboard() -> AnyResponse:
    """To the mentor's own view of the account at Stripe."""
    account, actor = payouts.account_of(me()), access.actor()
    if account is None or account.status != AccountStatus.ACTIVE:
        raise DomainError("Your account at Stripe is not ready yet.", status=409)
    with transaction():
        audit.note(actor, "open_stripe_dashboard", f"account:{account.id}")
    try:
        return _away(stripe_accounts.dashboard_link(account.stripe_account_id))
    except (StripeDown, StripeRefused):
        return _page(503, problem=NO_STRIPE)


def _to_stripe() -> AnyResponse:
    return _away(onboarding.link_to_stripe(me()))


def _away(url: str) -> AnyResponse:
    """To a page of Stripe's; the link is good for one visit, and no cache keeps it."""
    return redirect(url, 303)


def _page(
    status: int = 200,
    *,
    problem: str | None = None,
    country: str | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    mentor = me()
    account = account_words.latest(mentor)
    response = desk.page(
        "payouts/_stripe.html",
        "Getting paid",
        status,
        account=account,
        is_open=account is not None and account.status != AccountStatus.CLOSED,
        said=account_words.told(mentor, account, chosen_clock()),
        asked=accounts.asked_in_words(account) if account is not None else [],
        problem=problem,
        errors=errors or {},
        countries=countries.named(),
        country=countries.of_zone(mentor.zone) if country is None else country,
        write_to=current_app.config["ADMIN_EMAIL"],
    )
    response.headers["Content-Security-Policy"] = _policy()
    return response


def _policy() -> str:
    """The house's policy, whose forms may also lead to Stripe: a browser holds a form's redirects to it as well."""
    settings = current_app.extensions["settings"]
    api = security.origin_of(settings.stripe_api_base)
    house = security.Origins(stripe_js=security.origin_of(settings.stripe_js_url), stripe_api=api)
    return house.policy.replace("form-action 'self'", f"form-action 'self' {AT_STRIPE} {api}")
