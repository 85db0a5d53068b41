"""The inbox: store an event once, with the work it means, in one transaction."""

import math
from typing import Any

import sqlalchemy as sa

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.kit import clock, outbox
from discuno.kit.db import session
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind
from discuno.policy import EVENT_FAILS
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
    event.error = event.ignored_by = None
    if event.attempts > 1:
        alerts.over(AlertKind.WEBHOOK, cause(event))


def failed(event: WebhookEvent, error: Exception) -> None:
    """It could not be handled. Tried so often in vain that it is no hiccup, a person is told."""
    event.error = f"{type(error).__name__}: {error}"[:2000]
    if event.attempts >= EVENT_FAILS and not isinstance(error, outbox.Later):
        words = f"{event.type} from {event.provider}, {event.attempts} attempts: {event.error}"
        alerts.begin(AlertKind.WEBHOOK, cause(event), words, f"/admin/webhooks/{event.id}")


def cause(event: WebhookEvent) -> str:
    """What its alert is called."""
    return f"event:{event.id}"


# What a person does with it


def replay(event: WebhookEvent, actor: str | Actor, reason: str) -> None:
    """Have it handled now, also if it was before: whoever handles it asks how things are, and does nothing twice."""
    audit.record(actor, "replay webhook", cause(event), reason, before={"outcome": event.outcome})
    queue, again = queue_of(event.provider, event.type), event.handled_at is not None
    outbox.add("handle_event", queue=queue, event_id=event.id, again=again, unique_key=cause(event))


def ignore(event: WebhookEvent, actor: Actor, reason: str) -> bool:
    """Nothing is to be done about it; False when it is handled, or ignored, already."""
    if event.handled_at is not None:
        return False
    audit.record(actor, "ignore webhook", cause(event), reason, before={"error": event.error})
    event.handled_at, event.ignored_by, event.outcome = clock.now(), actor.name, f"ignored: {reason}"[:500]
    outbox.drop(cause(event))
    alerts.over(AlertKind.WEBHOOK, cause(event))
    return True
