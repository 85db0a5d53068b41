"""Where the outside tells us things: verify the raw body, store it, answer 200. The work happens elsewhere."""

import hashlib
import json
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, request

from discuno.edges import calcom, resend, stripe
from discuno.kit import security
from discuno.kit.db import transaction
from discuno.webhooks import service as inbox

bp = security.open_to("machine", Blueprint("webhooks", __name__, url_prefix="/webhooks"))
log = structlog.get_logger()


def _answer(status: int, word: str) -> Response:
    return Response(word + "\n", status=status, content_type="text/plain")


def _refuse(provider: str, why: str, status: int = 400) -> Response:
    log.warning("webhook_refused", provider=provider, why=why)
    return _answer(status, "refused")


@bp.post("/stripe")
def from_stripe() -> Response:
    """Events of our own Stripe account."""
    return _stripe("stripe_webhook_secret", connected=False)


@bp.post("/stripe/connect")
def from_connected_accounts() -> Response:
    """Events of mentors' accounts; they always name the account."""
    return _stripe("stripe_connect_webhook_secret", connected=True)


def _stripe(secret_name: str, *, connected: bool) -> Response:
    settings = current_app.extensions["settings"]
    secret = getattr(settings, secret_name).get_secret_value()
    try:
        event = stripe.read_webhook(request.get_data(), request.headers.get("Stripe-Signature", ""), secret)
    except stripe.BadSignature as error:
        return _refuse("stripe", str(error))
    account = event.get("account")
    if (account is not None) != connected:
        return _refuse("stripe", "an event of the other scope")
    if bool(event.get("livemode")) != settings.is_live:
        return _answer(200, "ignored: other mode")
    return _store("stripe", event["id"], event, account=account)


@bp.post("/resend")
def from_resend() -> Response:
    """What became of our letters."""
    secret = current_app.extensions["settings"].resend_webhook_secret
    if secret is None:
        return _refuse("resend", "no secret is set", 404)
    try:
        event = resend.read_webhook(request.get_data(), dict(request.headers), secret.get_secret_value())
    except resend.BadSignature as error:
        return _refuse("resend", str(error))
    return _store("resend", request.headers["svix-id"], event)


@bp.post("/calcom")
def from_calcom() -> Response:
    """What happened in mentors' Cal.com calendars. It is not stamped, so the body itself is the id."""
    secret = current_app.extensions["settings"].calcom_webhook_secret
    if secret is None:
        return _refuse("calcom", "no secret is set", 404)
    body = request.get_data()
    if not calcom.is_signed(body, request.headers.get("X-Cal-Signature-256", ""), secret.get_secret_value()):
        return _refuse("calcom", "wrong signature", 401)
    return _store("calcom", hashlib.sha256(body).hexdigest(), _event(body))


def _event(body: bytes) -> dict[str, Any]:
    """What a signed body says; one that is no event is kept all the same, for a person to look at."""
    try:
        event = inbox.storable(json.loads(body))
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        return {"type": "unreadable", "body": body.decode(errors="replace")}
    return {**event, "type": str(event.get("triggerEvent", "unknown"))}


def _store(provider: str, external_id: str, event: dict[str, Any], account: str | None = None) -> Response:
    with transaction():
        new = inbox.receive(
            provider,
            external_id,
            event,
            type=str(event.get("type", "unknown")),
            account=account,
            livemode=bool(event.get("livemode")),
        )
    log.info("webhook_stored", provider=provider, type=event.get("type"), event_id=external_id, new=new)
    return _answer(200, "stored" if new else "known")
