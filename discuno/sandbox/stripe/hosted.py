"""The pages Stripe would host: onboarding of a mentor, and their Express dashboard."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from discuno.sandbox.stripe import balance
from discuno.sandbox.stripe.desk import Desk
from discuno.sandbox.stripe.onboarding import onboard
from discuno.sandbox.world import Record


def add(blueprint: Blueprint, desk: Desk) -> None:
    """Put the hosted pages under `/hosted`."""

    @blueprint.get("/hosted/onboarding/<token>")
    def onboarding(token: str) -> str | Response:
        link = _link(desk, token)
        if _is_over(desk, link):
            return redirect(link["refresh_url"])
        account = desk.load("account", link["account"])
        return render_template("stripe_onboarding.html", link=link, account=account)

    @blueprint.post("/hosted/onboarding/<token>")
    def leave_onboarding(token: str) -> Response:
        with desk.world.lock:
            link = _link(desk, token)
            if _is_over(desk, link):
                return redirect(link["refresh_url"])
            desk.world.put("stripe.link", {**link, "used": True})
            if request.form.get("answer") == "finish":
                onboard(desk, link["account"])
        return redirect(link["return_url"])

    @blueprint.get("/hosted/express/<token>")
    def express(token: str) -> str:
        login = desk.world.get("stripe.login", token)
        if login is None:
            raise NotFound
        account = desk.load("account", login["account"])
        return render_template(
            "stripe_express.html",
            account=account,
            balance=balance.view(desk, account["id"]),
            payouts=list(desk.find("payout", _account=account["id"])),
        )


def _link(desk: Desk, token: str) -> Record:
    link = desk.world.get("stripe.link", token)
    if link is None:
        raise NotFound
    return link


def _is_over(desk: Desk, link: Record) -> bool:
    return bool(link["used"] or link["expires_at"] < desk.now)
