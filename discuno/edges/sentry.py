"""Sentry: where errors of ours are gathered, if the owner wishes. It is told what went wrong, and of nobody.

Its SDK gathers much by itself. What it knows of a request is cut down to the method, what it knows of a person goes,
and whatever text is left passes the rule of the logs, and one for e-mail addresses.
"""

import re
from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.integrations.argv import ArgvIntegration
from sentry_sdk.integrations.redis import RedisIntegration
from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint

from discuno.config import Settings
from discuno.kit import logs

# Commands name people and limits count by address: neither arguments nor Redis keys are looked at.
BLIND = (ArgvIntegration, RedisIntegration)
ADDRESS = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")  # of e-mail


def configure(settings: Settings, **more: Any) -> None:
    """Begin to tell Sentry of errors; without SENTRY_DSN nothing is begun, and nothing is ever sent."""
    if settings.sentry_dsn is None:
        return
    sentry_sdk.init(  # send_default_pii is off by itself, and to name it is deprecated
        dsn=settings.sentry_dsn.get_secret_value(),
        environment="live" if settings.is_live else "test",
        include_local_variables=False,
        max_request_body_size="never",
        traces_sample_rate=None,
        trace_propagation_targets=[],  # no header of ours goes to Stripe or Cal.com
        auto_session_tracking=False,
        send_client_reports=False,
        disabled_integrations=[each() for each in BLIND],
        before_send=_without_people,
        before_breadcrumb=_crumb_without_people,
        **more,
    )


def capture(error: BaseException, **tags: str | int) -> None:
    """Tell of an error that was caught; without a Sentry this does nothing."""
    with sentry_sdk.new_scope() as scope:
        scope.set_tags(tags)
        scope.capture_exception(error)


def _without_people(event: Event, _hint: Hint) -> Event:
    """What is sent: the number that the error page shows, and of the request its method alone."""
    event.pop("user", None)
    asked = event.pop("request", None)
    if asked is not None:
        event["request"] = {"method": asked.get("method")}
    tags = {**structlog.contextvars.get_contextvars(), **event.get("tags", {})}
    cut: Event = logs.in_every_text({**event, "tags": tags}, _cut)
    return cut


def _crumb_without_people(crumb: Breadcrumb, _hint: BreadcrumbHint) -> Breadcrumb:
    """What led to an error; queries of addresses are left out, whatever they say."""
    data = {name: value for name, value in crumb.get("data", {}).items() if name != "http.query"}
    cut: Breadcrumb = logs.in_every_text({**crumb, "data": data}, _cut)
    return cut


def _cut(text: str) -> str:
    return ADDRESS.sub("…", logs.without_secrets(text))
