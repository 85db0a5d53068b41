"""Open differences between our books and Stripe's: the one alert about them, and their settling by a person."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.accounts.models import AuditEntry
from discuno.admin import bars, lists
from discuno.admin.bars import Chart, Series
from discuno.admin.lists import Page
from discuno.admin.models import Drift
from discuno.admin.spans import Span
from discuno.bookings.models import Party
from discuno.kit import clock, outbox
from discuno.kit.db import one_or_none, rows, session
from discuno.kit.errors import DomainError
from discuno.kit.outbox import Job
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind

PATH = "/admin/reconciliation"
CAUSE = "books"
LAST_RUNS = 7
GOES_ON = "A comparison is going on. Please wait for its end."
COMPARED = "compare with Stripe"
STEP = "reconcile_page"  # the task of one step of a run


@dataclass(frozen=True)
class Runs:
    """When a run begins next, where the one is that goes on, what it fails on, and the last ones as they ended."""

    next_at: datetime | None
    step: str | None
    began: datetime | None
    error: str | None
    ended: list[AuditEntry]


def settle_alert() -> None:
    """One alert for all of them, as long as there are any. The letter about new ones is one a run."""
    number = _open()
    if number == 0:
        alerts.over(AlertKind.DRIFT, CAUSE)
    elif not alerts.rests(AlertKind.DRIFT, CAUSE):
        words = "One difference is open." if number == 1 else f"{number} differences are open."
        alerts.note(AlertKind.DRIFT, CAUSE, words, PATH)


def chart(span: Span) -> Chart:
    """Differences that were found, and those that were settled, by day."""
    settled = Series("Settled", "earned", _days(span, Drift.resolved_at))
    return Chart(
        "Differences", span, [settled, Series("Found", "back", _days(span, Drift.first_seen_at), -1)]
    )


def _days(span: Span, at: InstrumentedAttribute[Any]) -> list[int]:
    piece = span.piece_of(at).label("piece")
    counted = sa.select(piece, sa.func.count()).where(span.is_within(at)).group_by(piece)
    return bars.values(span, Counter({n: number for n, number in session().execute(counted)}))


def _open() -> int:
    session().flush()
    counted = sa.select(sa.func.count()).where(Drift.resolved_at.is_(None))
    return int(session().execute(counted).scalar_one())


def note_run(began: datetime, new: int) -> None:
    """A run has come to its end."""
    audit.note(
        Party.HOUSE.value, COMPARED, CAUSE, after={"began": began.isoformat(), "new": new, "open": _open()}
    )


def accept(drift: Drift, actor: str | Actor, reason: str) -> bool:
    """A person has looked at it and it is as it should be, such as a payout to our own bank; False if known."""
    if drift.resolved_at is not None:
        return False
    audit.record(actor, "accept drift", f"drift:{drift.id}", reason)
    drift.resolved_at = clock.now()
    settle_alert()
    return True


def run_now(actor: Actor, reason: str) -> None:
    """Compare now and not only tonight. Raises DomainError while a comparison is going on."""
    if _step() is not None:
        raise DomainError(GOES_ON, status=409)
    audit.record(actor, "compare now", CAUSE, reason)
    outbox.add("reconcile", unique_key=outbox.periodic_key("reconcile"))


def page(*, is_open: bool, before: int | None = None) -> Page[Drift]:
    """Those that are open, or those that are settled, the newest first."""
    stands = Drift.resolved_at.is_(None) if is_open else Drift.resolved_at.is_not(None)
    return lists.newest(sa.select(Drift).where(stands), Drift.id, before)


def acts(drift: Drift) -> list[AuditEntry]:
    """What people have done about one."""
    return rows(sa.select(AuditEntry).where(AuditEntry.about == f"drift:{drift.id}").order_by(AuditEntry.id))


def _step() -> Job | None:
    """The step that the run which goes on is at."""
    latest = sa.select(Job).where(Job.task == STEP, Job.dead_at.is_(None)).order_by(Job.id.desc()).limit(1)
    return one_or_none(latest)


def runs() -> Runs:
    """How the nightly comparison stands, as the rows of its work say."""
    nightly, step = outbox.of_key(outbox.periodic_key("reconcile")), _step()
    began = datetime.fromisoformat(step.args["began"]) if step is not None else None
    failed = step.error if step is not None and step.attempts else None
    done = sa.select(AuditEntry).where(AuditEntry.about == CAUSE, AuditEntry.action == COMPARED)
    return Runs(
        nightly.run_at if nightly is not None else None,
        step.args["step"] if step is not None else None,
        began,
        failed,
        rows(done.order_by(AuditEntry.id.desc()).limit(LAST_RUNS)),
    )
