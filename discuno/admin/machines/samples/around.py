"""What else letters of the samples tell of: alerts, work, drift, links that were asked for, and acts of the staff."""

from collections.abc import Iterator
from datetime import UTC, datetime

from discuno import policy
from discuno.accounts.models import AuditEntry, LinkPurpose, SignInLink
from discuno.admin.machines.samples.cast import FIRST, LUCIA, NEWCOMER, SUPPORT
from discuno.admin.machines.samples.sold import AT_HOME, STUCK
from discuno.admin.models import Drift
from discuno.bookings.models import LinkRequest
from discuno.kit.db import Base
from discuno.kit.outbox import Job
from discuno.notifications.models import Alert, AlertKind

ALERT = GIVEN_UP = ASKED = SIGN_IN = CHANGED = FIRST + 1
INVITED, AT_CALCOM = FIRST + 2, FIRST + 3
RUN = 1  # of a reconciliation: its time, in Unix seconds
ADA = "ada@discuno.example"


def around(now: datetime) -> Iterator[Base]:
    """All of it."""
    for number in range(3):
        yield Alert(
            id=ALERT + number,
            kind=AlertKind.TRANSFER,
            cause=f"transfer:{STUCK}",
            words=f"Stripe has refused transfer {STUCK} 3 times: account_invalid.",
            path=f"/admin/payments/{STUCK}",
            began_at=now,
            seen_at=now,
        )
    yield Job(
        id=GIVEN_UP,
        task="learn_payment",
        args={"payment_id": STUCK},
        queue="money",
        run_at=now,
        created_at=now,
        attempts=20,
        error="ConnectionError: Stripe did not answer.",
        dead_at=now,
    )
    yield Drift(
        id=FIRST,
        kind="unknown_transfer",
        about="tr_sample_of_nobody",
        ours="-",
        theirs="$54.00",
        first_seen_at=datetime.fromtimestamp(RUN, UTC),
        last_seen_at=now,
    )
    yield LinkRequest(id=ASKED, email=AT_HOME, asked_at=now + policy.FIND_BACK)
    yield SignInLink(id=SIGN_IN, purpose=LinkPurpose.SIGN_IN, email="x", user_id=LUCIA, asked_at=now)
    yield SignInLink(id=INVITED, purpose=LinkPurpose.INVITATION, email="x", user_id=NEWCOMER, asked_at=now)
    yield from _acts(now)


def _acts(now: datetime) -> Iterator[Base]:
    about = {"at": now, "actor": ADA}
    yield AuditEntry(
        id=CHANGED,
        action="change role",
        about=f"user:{SUPPORT}",
        reason="Sam decides disputes from now on.",
        address="192.0.2.7",
        after={"role": "admin"},
        **about,
    )
    yield AuditEntry(id=INVITED, action="invite_mentor", about=f"user:{NEWCOMER}", reason="", **about)
    yield AuditEntry(
        id=AT_CALCOM,
        action="foreign booking",
        about="calcom:sample",
        reason="Booked at Cal.com for Lucía Ferreira Dahl, and paid nowhere here.",
        **about,
    )
