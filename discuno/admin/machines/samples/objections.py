"""The cases of the samples: reports by the attendee, and what a bank says. A case has its payment's number."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from discuno import policy
from discuno.admin.machines.samples.cast import DAY
from discuno.admin.machines.samples.sold import AMOUNT, ANSWERED, DECIDED, OBJECTED, REPORTED, WON
from discuno.bookings.models import Party
from discuno.disputes.models import (
    Decision,
    Dispute,
    DisputeFile,
    DisputeKind,
    DisputeMessage,
    DisputeStatus,
)
from discuno.kit.db import Base
from discuno.policy import ReportReason

WAITED = "I waited for twenty minutes.\nNobody came, and nobody wrote."
THERE = (
    "I was there from five past the hour, in the room of the link. I am sorry that we have missed each other."
)


def objections(now: datetime) -> Iterator[Base]:
    """All of them."""
    yield _report(REPORTED, now, due_at=now + policy.ANSWER_WITHIN)
    yield from _said(REPORTED, now, (Party.ATTENDEE, WAITED))
    yield DisputeFile(
        id=REPORTED,
        public_id="sample",
        message_id=REPORTED,
        name="the empty room.png",
        media_type="image/png",
        content=b"x",
    )
    yield _report(ANSWERED, now - DAY, due_at=now + policy.ANSWER_WITHIN - DAY, answered_at=now)
    yield from _said(ANSWERED, now, (Party.ATTENDEE, WAITED), (Party.MENTOR, THERE))
    yield _report(
        DECIDED,
        now - DAY,
        status=DisputeStatus.CLOSED,
        closed_at=now,
        decision=Decision.REFUNDED,
        decision_reason="The room was never opened.",
    )
    yield _chargeback(OBJECTED, now, stripe_status="needs_response", due_at=now + 7 * DAY)
    over = {"status": DisputeStatus.WON, "closed_at": now, "stripe_status": "won"}
    yield _chargeback(WON, now - timedelta(days=30), **over)


def _case(number: int, opened: datetime, **more: object) -> Dispute:
    about = {"payment_id": number, "amount": AMOUNT, "currency": "usd", "opened_at": opened}
    return Dispute(id=number, **about, **more)


def _report(number: int, opened: datetime, **more: object) -> Dispute:
    return _case(number, opened, kind=DisputeKind.REPORT, reason=ReportReason.MENTOR_ABSENT.value, **more)


def _chargeback(number: int, opened: datetime, **more: object) -> Dispute:
    at_stripe = f"du_sample{number}"
    return _case(
        number,
        opened,
        kind=DisputeKind.CHARGEBACK,
        reason="product_not_received",
        stripe_id=at_stripe,
        **more,
    )


def _said(number: int, at: datetime, *words: tuple[Party, str]) -> Iterator[DisputeMessage]:
    for place, (by, said) in enumerate(words):
        yield DisputeMessage(id=number + 1000 * place, dispute_id=number, at=at, by=by, words=said)
