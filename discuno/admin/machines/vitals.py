"""Whether the machine works, in figures for a monitor: what is late, stuck or unknown. Nothing about business.

Read from the database when they are asked for, so that it does not matter which process answers. All of it goes by
indexes of what is due or open, so it costs the same however many payments there are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from discuno.admin.machines.events import PROVIDERS
from discuno.admin.money.transfer_sums import IS_BLOCKED, IS_FREE
from discuno.kit import clock, outbox
from discuno.kit.db import session
from discuno.kit.outbox import Job
from discuno.kit.outgoing import KEY_IS_OLD, Outgoing
from discuno.notifications.models import Alert, AlertKind, Email, EmailStatus
from discuno.payments.models import Refund, RefundStatus
from discuno.payouts.models import (
    Payout,
    PayoutStatus,
    ReversalStatus,
    Transfer,
    TransferReversal,
)
from discuno.policy import Reason
from discuno.webhooks.models import WebhookEvent

LIMITS = "SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '2s'"
READY = "ready"  # the reason of a transfer that nothing keeps


@dataclass(frozen=True)
class Figure:
    """One gauge: its name, what it says, and a value for each value of its label, or one alone."""

    name: str
    says: str
    values: Mapping[str, float]
    label: str = ""


def look() -> list[Figure]:
    """All figures. Begins by closing the caller's transaction to writing and to long questions."""
    session().connection().exec_driver_sql(LIMITS)
    return [*_jobs(), *_clock(), *_events(), *_letters(), *_transfers(), _unknown(), _alerts(), _schema()]


def _alone(name: str, says: str, value: float) -> Figure:
    return Figure(name, says, {"": value})


def _age(since: datetime | None) -> float:
    return max(0.0, (clock.now() - since).total_seconds()) if since is not None else 0.0


def _number(of: sa.Select[int]) -> int:
    return session().execute(of).scalar_one()


Pair = tuple[dict[str, float], dict[str, float]]


def _piles(labels: Iterable[str], found: Iterable[Any]) -> Pair:
    """How many there are, and how old the oldest is, by label; a label of which there is none says 0."""
    numbers = dict.fromkeys(labels, 0.0)
    ages = dict(numbers)
    for label, number, oldest in found:
        numbers[label], ages[label] = number, _age(oldest)
    return numbers, ages


def _is_free() -> sa.ColumnElement[bool]:
    return sa.or_(Job.claimed_until.is_(None), Job.claimed_until < clock.now())


def _jobs() -> list[Figure]:
    due = sa.select(Job.queue, sa.func.count(), sa.func.min(Job.run_at)).group_by(Job.queue)
    due = due.where(Job.dead_at.is_(None), Job.run_at <= clock.now(), _is_free())
    numbers, ages = _piles(outbox.QUEUES, session().execute(due))
    dead = _number(sa.select(sa.func.count()).where(Job.dead_at.is_not(None)))
    return [
        Figure("jobs_due", "Jobs that are due and that no worker has begun.", numbers, "queue"),
        Figure(
            "jobs_due_oldest_seconds",
            "How long the oldest job that is due has not been begun.",
            ages,
            "queue",
        ),
        _alone("jobs_given_up", "Jobs that were given up and wait for a person.", dead),
    ]


def _clock() -> list[Figure]:
    keys = [outbox.periodic_key(name) for name in outbox.PERIODIC]
    first = sa.func.min(Job.run_at).filter(_is_free())
    there, oldest = session().execute(sa.select(sa.func.count(), first).where(Job.unique_key.in_(keys))).one()
    return [
        _alone(
            "periodic_late_seconds",
            "By how much the most silent periodic task is late; 0 when none is.",
            _age(oldest),
        ),
        _alone(
            "periodic_missing",
            "Periodic tasks that are not planned at all: no scheduler has ever ticked.",
            len(keys) - there,
        ),
    ]


def _events() -> list[Figure]:
    event = WebhookEvent
    open_ = sa.select(event.provider, sa.func.count(), sa.func.min(event.received_at))
    open_ = open_.where(event.handled_at.is_(None)).group_by(event.provider)
    numbers, ages = _piles(PROVIDERS, session().execute(open_))
    return [
        Figure("webhook_events_open", "Webhook events that are not handled yet.", numbers, "provider"),
        Figure(
            "webhook_events_oldest_seconds",
            "How old the oldest event is that is not handled yet.",
            ages,
            "provider",
        ),
    ]


def _letters() -> list[Figure]:
    told = {EmailStatus.QUEUED: "waiting", EmailStatus.FAILED: "failed"}
    found = sa.select(Email.status, sa.func.count(), sa.func.min(Email.created_at))
    piles = session().execute(found.where(Email.status.in_(list(told))).group_by(Email.status)).all()
    numbers, ages = _piles(told.values(), ((told[status], *rest) for status, *rest in piles))
    return [
        Figure("letters", "Letters that wait to be sent, and that could not be sent.", numbers, "state"),
        _alone("letters_waiting_oldest_seconds", "How old the oldest waiting letter is.", ages["waiting"]),
    ]


def _transfers() -> list[Figure]:
    """What is blocked was due when it was asked about: before its time nothing is blocked."""
    due, first = Transfer.next_try_at <= clock.now(), sa.func.min(Transfer.next_try_at)
    ready, since = session().execute(sa.select(sa.func.count(), first).where(IS_FREE, due)).one()
    kept = sa.select(Transfer.blocked_by, sa.func.count(), first).where(IS_BLOCKED)
    numbers, _ = _piles((READY, *Reason), session().execute(kept.group_by(Transfer.blocked_by)))
    return [
        Figure(
            "transfers_due",
            "Transfers whose time has come and that are not sent, by what keeps them (ready: nothing does).",
            {**numbers, READY: ready},
            "reason",
        ),
        _alone(
            "transfers_ready_oldest_seconds",
            "How long the oldest transfer that nothing keeps has been due.",
            _age(since),
        ),
    ]


def _unknown() -> Figure:
    """Of intentions that are open; each condition begins with that of an index."""
    soon = Transfer.next_try_at <= clock.now() + KEY_IS_OLD  # what was asked is tried again before
    wants: dict[str, tuple[type[Outgoing], tuple[sa.ColumnElement[bool], ...]]] = {
        "transfer": (Transfer, (IS_FREE, soon)),
        "reversal": (TransferReversal, (TransferReversal.status == ReversalStatus.REQUESTED,)),
        "refund": (Refund, (Refund.status == RefundStatus.REQUESTED,)),
        "payout": (Payout, (Payout.status == PayoutStatus.REQUESTED,)),
    }
    counts = [_asked(model, *conditions).label(kind) for kind, (model, conditions) in wants.items()]
    found = session().execute(sa.select(*counts)).one()
    return Figure(
        "outcomes_unknown",
        "Requests to Stripe that were sent and whose outcome nobody knows yet.",
        dict(zip(wants, found, strict=True)),
        "kind",
    )


def _asked(model: type[Outgoing], *conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """How many were sent and not answered, and are not being asked about just now."""
    at_rest = sa.or_(model.claimed_until.is_(None), model.claimed_until < clock.now())
    asked = sa.select(sa.func.count()).where(*conditions, model.attempted_at.is_not(None), at_rest)
    return asked.scalar_subquery()


def _alerts() -> Figure:
    found = sa.select(Alert.kind, sa.func.count()).where(Alert.ended_at.is_(None)).group_by(Alert.kind)
    numbers = dict.fromkeys((kind.value for kind in AlertKind), 0.0)
    numbers |= {kind.value: number for kind, number in session().execute(found)}
    return Figure("alerts_open", "Alerts that nobody has dealt with and that are not over.", numbers, "kind")


def _schema() -> Figure:
    revision = session().execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    return Figure("schema_info", "The migration that the database stands at.", {revision: 1}, "revision")
