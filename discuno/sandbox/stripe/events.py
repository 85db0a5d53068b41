"""Tells the app what happened: every change of state is an event, kept and delivered."""

import json
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import stripe

from discuno.sandbox.courier import Signer
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.stripe.desk import API_VERSION, Ask, Desk, shown
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

KEPT = 30 * 86_400  # seconds an event is listed
MOST_TYPES = 20
PLATFORM, CONNECT = "stripe", "stripe_connect"  # courier channels, one endpoint each


def emit(
    desk: Desk,
    event_type: str,
    about: Record,
    *,
    account: str | None = None,
    previous: dict[str, Any] | None = None,
) -> Record:
    """Record an event with a snapshot of the object, and owe its webhook; `account` makes it a Connect one."""
    data: dict[str, Any] = {"object": shown(about)}
    if previous:
        data["previous_attributes"] = previous
    event = desk.new(
        "evt_",
        "event",
        api_version=API_VERSION,
        data=data,
        pending_webhooks=1,
        request={"id": None, "idempotency_key": None},
        type=event_type,
        _account=account,
    )
    if account:
        event["account"] = account
    desk.save(event)
    channel, path = (CONNECT, "/webhooks/stripe/connect") if account else (PLATFORM, "/webhooks/stripe")
    body = json.dumps(shown(event))
    desk.courier.send(channel, desk.settings.app_url + path, body, event_type, reference=event["id"])
    return event


def notify(desk: Desk, event_type: str, account_id: str) -> None:
    """Owe a thin event of the v2 API: it names the account and says nothing more."""
    event_id = desk.world.new_id("evt_")
    notification = {
        "id": event_id,
        "object": "v2.core.event",
        "type": event_type,
        "created": iso(desk.now),
        "livemode": False,
        "context": None,
        "related_object": {
            "id": account_id,
            "type": "v2.core.account",
            "url": f"/v2/core/accounts/{account_id}",
        },
    }
    url = desk.settings.app_url + "/webhooks/stripe"
    desk.courier.send(PLATFORM, url, json.dumps(notification), event_type, reference=event_id)


def iso(seconds: int) -> str:
    """Unix seconds as the v2 API writes them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def signers(settings: SandboxSettings) -> dict[str, Signer]:
    """How webhooks are signed, by courier channel; `t` is the real time, as verifiers expect."""

    def signer(secret: str) -> Signer:
        return lambda body: {
            "Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body.decode(), secret),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }

    return {
        PLATFORM: signer(settings.stripe_webhook_secret),
        CONNECT: signer(settings.stripe_connect_webhook_secret),
    }


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One event."""
    return desk.load("event", ask.ids["id"])


def listed(desk: Desk, ask: Ask) -> Record:
    """Events of the asking account, newest first; `delivery_success` as Stripe defines it."""
    types = ask.params.get("types") or [ask.params.get("type", "*")]
    if len(types) > MOST_TYPES or {"type", "types"} <= ask.params.keys():
        raise Refusal(f"Give either `type` or at most {MOST_TYPES} `types`.", param="types")
    since = desk.now - KEPT
    rows = [
        event
        for event in desk.find("event", _account=ask.account)
        if event["created"] >= since and any(fnmatchcase(event["type"], wanted) for wanted in types)
    ]
    if "delivery_success" in ask.params:
        failing = undelivered(desk)
        rows = [e for e in rows if (e["id"] not in failing) is ask.params["delivery_success"]]
    return page(rows, ask.params, "/v1/events")


def undelivered(desk: Desk) -> set[str]:
    """Ids of events with a delivery that is still owed or was given up (a lost one counts as made)."""
    failing = [d for state in ("due", "given_up") for d in desk.world.find("delivery", state=state)]
    return {d["reference"] for d in failing if d.get("reference")}
