"""Links into the pages Stripe hosts for mentors."""

from typing import Any

from discuno.sandbox.stripe.accounts import load
from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.events import iso
from discuno.sandbox.world import Record

LINK_LIVES = 300  # seconds


def create(desk: Desk, ask: Ask) -> Record:
    """A v1 link to onboarding: one visit, five minutes."""
    load(desk, ask.params["account"])
    link = _link(desk, ask.params["account"], ask.params)
    names = ("created", "expires_at", "url")
    return {"object": "account_link", **{name: link[name] for name in names}}


def create_v2(desk: Desk, ask: Ask) -> Record:
    """A v2 link to onboarding: one visit, five minutes."""
    load(desk, desk.load("account", ask.params["account"], "account")["id"])
    use_case = ask.params["use_case"]
    link = _link(desk, ask.params["account"], use_case[use_case["type"]])
    return {
        "object": "v2.core.account_link",
        "account": link["account"],
        "created": iso(link["created"]),
        "expires_at": iso(link["expires_at"]),
        "livemode": False,
        "url": link["url"],
        "use_case": use_case,
    }


def _link(desk: Desk, account_id: str, params: dict[str, Any]) -> Record:
    for name in ("refresh_url", "return_url"):
        if name not in params:
            raise Refusal(f"Missing required param: {name}.", "parameter_missing", name)
    token = desk.world.new_id("", 32)
    return desk.world.put(
        "stripe.link",
        {
            "id": token,
            "account": account_id,
            "created": desk.now,
            "expires_at": desk.now + LINK_LIVES,
            "refresh_url": params["refresh_url"],
            "return_url": params["return_url"],
            "url": f"{desk.settings.own_url}/stripe/hosted/onboarding/{token}",
            "used": False,
        },
    )


def create_login(desk: Desk, ask: Ask) -> Record:
    """A link into the Express dashboard stand-in; only once onboarding is done."""
    record = load(desk, ask.ids["id"])
    if not record["details_submitted"]:
        raise Refusal("Cannot create a login link for an account that has not completed onboarding.")
    token = desk.world.new_id("", 32)
    desk.world.put("stripe.login", {"id": token, "account": record["id"]})
    url = f"{desk.settings.own_url}/stripe/hosted/express/{token}"
    return {"object": "login_link", "created": desk.now, "url": url}
