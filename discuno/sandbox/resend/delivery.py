"""What becomes of an accepted letter, and the signed webhooks that tell of it."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from discuno.sandbox.resend.answers import iso
from discuno.sandbox.resend.gate import Desk
from discuno.sandbox.resend.letters import bare
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.world import Record

# Resend's documented test addresses, with or without a +label, by what befalls letters to them.
TEST_ADDRESS = re.compile(r"^(delivered|bounced|complained|suppressed)(\+[^@]*)?@resend\.dev$")
FATES: dict[str, tuple[str, ...]] = {
    "delivered": ("sent", "delivered"),
    "bounced": ("sent", "bounced"),
    "complained": ("sent", "delivered", "complained"),
    "suppressed": ("suppressed",),
}
DETAILS: dict[str, dict[str, Any]] = {
    "bounced": {
        "bounce": {
            "type": "Permanent",
            "subType": "General",
            "message": "The recipient's mail server permanently rejected the email.",
            "diagnosticCode": ["smtp; 550 5.1.1 Unknown User"],
        }
    },
    "suppressed": {
        "suppressed": {
            "type": "OnAccountSuppressionList",
            "message": "The address is on the account's suppression list, so nothing was sent.",
        }
    },
}
ARRIVED = ("delivered", "complained", "opened")


def signer(settings: SandboxSettings) -> Callable[[bytes], Mapping[str, str]]:
    """Svix headers for a body. The id comes from the body, so that a retry carries the same one."""
    secret = base64.b64decode(settings.resend_webhook_secret.removeprefix("whsec_"))

    def sign(body: bytes) -> Mapping[str, str]:
        message_id = f"msg_{hashlib.sha256(body).hexdigest()[:27]}"
        stamp = str(int(time.time()))
        signed = f"{message_id}.{stamp}.".encode() + body
        digest = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        return {"svix-id": message_id, "svix-timestamp": stamp, "svix-signature": f"v1,{digest}"}

    return sign


def deliver(desk: Desk, letter: Record) -> Record:
    """Let a letter meet its fate, recipient by recipient; returns it with its history."""
    fates = {bare(address): _fate(bare(address)) for address in letter["to"]}
    for fate in FATES:
        touched = [address for address, theirs in fates.items() if theirs == fate]
        for event in FATES[fate] if touched else ():
            letter = happen(desk, letter, event, touched)
    return letter


def happen(desk: Desk, letter: Record, event: str, recipients: list[str]) -> Record:
    """Record one event of a letter and owe the app its webhook."""
    now = desk.world.now()
    history = [*letter["events"], {"event": event, "at": now, "to": recipients}]
    letter = desk.world.put("resend_email", {**letter, "events": history, "last_event": event})
    body = {
        "type": f"email.{event}",
        "created_at": iso(now),
        "data": {
            "created_at": iso(letter["created"]),
            "email_id": letter["id"],
            "from": letter["from"],
            "to": recipients,
            "subject": letter["subject"],
            "tags": {tag["name"]: tag["value"] for tag in letter["tags"]},
            **DETAILS.get(event, {}),
        },
    }
    url = f"{desk.settings.app_url}/webhooks/resend"
    desk.courier.send("resend", url, json.dumps(body), f"email.{event}")
    return letter


def opened(desk: Desk, letter: Record) -> Record:
    """A letter is looked at: the first time, if it arrived at all, that is an event."""
    seen = any(past["event"] == "opened" for past in letter["events"])
    if seen or letter["last_event"] not in ARRIVED:
        return letter
    return happen(desk, letter, "opened", [bare(address) for address in letter["to"]])


def _fate(address: str) -> str:
    special = TEST_ADDRESS.match(address)
    return special.group(1) if special else "delivered"
