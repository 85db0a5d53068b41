"""The inbox: store an event once, with the work it means, in one transaction."""

import math
from typing import Any

import sqlalchemy as sa

from discuno.kit import clock, outbox
from discuno.kit.db import session
from discuno.webhooks.models import WebhookEvent

# Somebody waits on a page for these, or money must be stopped; the rest are told of work that we have done ourselves,
# twenty a second in a release run, and must not stand before them.
URGENT = ("checkout.", "payment_intent.", "charge.", "refund.", "radar.", "review.")


def queue_of(provider: str, event_type: str) -> str:
    """In which line an event waits."""
    if provider == "resend":
        return "mail"
    return "money" if provider == "calcom" or event_type.startswith(URGENT) else "default"


def receive(provider: str, external_id: str, event: dict[str, Any], **facts: Any) -> bool:
    """Store an event and ask for its handling; False when it is here already."""
    insert = (
        sa.dialects.postgresql.insert(WebhookEvent)
        .values(
            provider=provider,
            external_id=external_id,
            payload=storable(event),
            received_at=clock.now(),
            attempts=0,
            **storable(facts),
        )
        .on_conflict_do_nothing(index_elements=["provider", "external_id"])
        .returning(WebhookEvent.id)
    )
    event_id = session().execute(insert).scalar_one_or_none()
    if event_id is None:
        return False
    queue = queue_of(provider, str(facts.get("type", "")))
    outbox.add("handle_event", queue=queue, event_id=event_id, unique_key=f"event:{event_id}")
    return True


def storable(value: Any) -> Any:
    """JSON as Postgres can keep it: without NUL, half characters, and numbers that are none."""
    if isinstance(value, dict):
        return {storable(name): storable(held) for name, held in value.items()}
    if isinstance(value, list):
        return [storable(held) for held in value]
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def handled(event: WebhookEvent, outcome: str) -> None:
    """Done with it."""
    event.handled_at = clock.now()
    event.outcome = outcome
    event.error = None
