"""The inbox as rows: events from outside by how they stand, where they came from, and what they are about."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import defer

from discuno.admin import bars, lists
from discuno.admin.bars import Chart, Series
from discuno.admin.lists import Page
from discuno.admin.spans import Span
from discuno.kit.db import session
from discuno.kit.lifecycle import Status
from discuno.webhooks.models import WebhookEvent

FILTERS = ("state", "provider", "type", "q")
PROVIDERS = ("stripe", "calcom", "resend")
HIDDEN = "(not shown)"
SECRET = re.compile(r"secret|token|passw|authoriz|cookie|signature", re.IGNORECASE)
LONGEST = 100_000  # characters of a payload


class EventState(Status):
    """How an event stands; the row says so by three columns."""

    WAITING = ("waiting", "Waiting", "wait", "It waits to be handled.")
    FAILING = ("failing", "Failing", "bad", "It could not be handled yet, and is tried again.")
    HANDLED = ("handled", "Handled", "ok", "It was handled.")
    IGNORED = ("ignored", "Ignored", "plain", "A person has decided that nothing is to be done about it.")


E = EventState
_is_open = WebhookEvent.handled_at.is_(None)
IS: Mapping[str, sa.ColumnElement[bool]] = {
    E.WAITING: sa.and_(_is_open, WebhookEvent.error.is_(None)),
    E.FAILING: sa.and_(_is_open, WebhookEvent.error.is_not(None)),
    E.HANDLED: sa.and_(WebhookEvent.handled_at.is_not(None), WebhookEvent.ignored_by.is_(None)),
    E.IGNORED: WebhookEvent.ignored_by.is_not(None),
}


def state_of(event: WebhookEvent) -> EventState:
    """The same of one row."""
    if event.handled_at is None:
        return E.WAITING if event.error is None else E.FAILING
    return E.HANDLED if event.ignored_by is None else E.IGNORED


def page(wanted: Mapping[str, str], before: int | None) -> Page[WebhookEvent]:
    """Those that the filters mean, the newest first, without their payloads."""
    statement = sa.select(WebhookEvent).options(defer(WebhookEvent.payload))
    if wanted.get("state") in IS:
        statement = statement.where(IS[wanted["state"]])
    if "provider" in wanted:
        statement = statement.where(WebhookEvent.provider == wanted["provider"])
    if "type" in wanted:
        statement = statement.where(WebhookEvent.type == wanted["type"])
    if "q" in wanted:  # a whole id: of an event, or of a mentor's account
        named = [WebhookEvent.external_id == wanted["q"], WebhookEvent.account == wanted["q"]]
        by_provider = WebhookEvent.provider.in_(PROVIDERS)  # the index begins with it
        statement = statement.where(sa.or_(sa.and_(by_provider, named[0]), named[1]))
    return lists.newest(statement, WebhookEvent.id, before)


def open_counts() -> dict[EventState, str]:
    """How many wait, and how many fail."""
    return {
        state: lists.count(sa.select(WebhookEvent.id).where(IS[state])) for state in (E.WAITING, E.FAILING)
    }


@dataclass(frozen=True)
class Figures:
    """Events that were received in a span of time, by who told us of them; and what became of them, drawn."""

    by_provider: Counter[str]
    chart: Chart


def figures(span: Span) -> Figures:
    """One question, told two ways."""
    at, is_left = WebhookEvent.received_at, WebhookEvent.ignored_by.is_not(None)
    piece, is_open = span.piece_of(at).label("piece"), _is_open.label("is_open")
    asked = sa.select(piece, WebhookEvent.provider, is_open, is_left, sa.func.count())
    by_provider, sums = Counter[str](), {what: Counter[int]() for what in ("done", "left", "open")}
    for n, provider, waits, left, number in session().execute(
        asked.where(span.is_within(at)).group_by(piece, WebhookEvent.provider, is_open, is_left)
    ):
        by_provider[provider] += number
        sums["open" if waits else "left" if left else "done"][n] += number
    series = [
        Series("Handled", "earned", bars.values(span, sums["done"])),
        Series("Ignored", "paid", bars.values(span, sums["left"])),
        Series("Not handled", "back", bars.values(span, sums["open"]), sign=-1),
    ]
    return Figures(by_provider, Chart("Events", span, series))


def oldest_open() -> Any:
    """Since when the oldest has been waiting; None when none is."""
    return session().execute(sa.select(sa.func.min(WebhookEvent.received_at)).where(_is_open)).scalar_one()


def in_words(payload: dict[str, Any]) -> str:
    """A payload as it may be shown: indented, and without what lets somebody in."""
    return json.dumps(redacted(payload), indent=2, ensure_ascii=False)[:LONGEST]


def redacted(value: Any, name: str = "") -> Any:
    """The same JSON, with every value whose name tells of a secret left out."""
    if isinstance(value, dict):
        return {key: redacted(held, key) for key, held in value.items()}
    if isinstance(value, list):
        return [redacted(held, name) for held in value]
    return HIDDEN if isinstance(value, str) and value and SECRET.search(name) else value
