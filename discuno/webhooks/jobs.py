"""Working through the inbox: every stored event is acted upon once, or kept until it can be."""

from discuno.kit import outbox
from discuno.kit.db import locked, transaction
from discuno.webhooks import handlers
from discuno.webhooks import service as inbox
from discuno.webhooks.handlers import NOTHING_TO_DO, News
from discuno.webhooks.models import WebhookEvent


@outbox.task("handle_event", queue="money")
def handle_event(event_id: int, *, again: bool = False) -> None:
    """Act on a stored event, once; an unknown object keeps it open, and at last tells a person.

    `again`, because a person wants it, also when it was acted upon before.
    """
    with transaction():
        event = locked(WebhookEvent, event_id)
        if event.handled_at is not None and not again:
            return
        event.attempts += 1
        news, provider = News(event.type, event.payload, event.account), event.provider
    handler = handlers.handler_of(provider, news)
    try:
        outcome = handler(news) if handler is not None else NOTHING_TO_DO
    except Exception as error:
        with transaction():
            inbox.failed(locked(WebhookEvent, event_id), error)
        raise
    with transaction():
        inbox.handled(locked(WebhookEvent, event_id), outcome)
