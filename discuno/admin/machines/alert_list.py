"""Alerts as a list: those that need somebody, and those that are over or were dealt with."""

from collections.abc import Mapping

import sqlalchemy as sa

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.admin import lists
from discuno.admin.lists import Page
from discuno.kit.db import session
from discuno.notifications import alerts
from discuno.notifications.models import Alert, AlertKind

FILTERS = ("state", "kind", "q")
OPEN, ENDED = "open", "ended"
STATES = {OPEN: "Open", ENDED: "Over or dealt with"}


def page(wanted: Mapping[str, str], before: int | None) -> Page[Alert]:
    """Those that the filters mean, the newest first."""
    stands = Alert.ended_at.is_not(None) if wanted.get("state") == ENDED else Alert.ended_at.is_(None)
    statement = sa.select(Alert).where(stands)
    if "kind" in wanted:
        statement = statement.where(Alert.kind.in_([kind for kind in AlertKind if kind == wanted["kind"]]))
    if "q" in wanted:
        said = Alert.words + " " + Alert.cause
        statement = statement.where(said.icontains(wanted["q"], autoescape=True))
    return lists.newest(statement, Alert.id, before)


def open_by_kind() -> dict[AlertKind, int]:
    """How many of each kind need somebody."""
    counted = sa.select(Alert.kind, sa.func.count()).where(Alert.ended_at.is_(None)).group_by(Alert.kind)
    found = {kind: int(number) for kind, number in session().execute(counted)}
    return {kind: found[kind] for kind in AlertKind if kind in found}


def deal_with(alert: Alert, actor: Actor, reason: str) -> bool:
    """A person has seen to it; False when it was over already."""
    if not alerts.deal_with(alert, actor.name, reason):
        return False
    audit.record(actor, "deal with alert", f"alert:{alert.id}", reason, before={"cause": alert.cause})
    return True
