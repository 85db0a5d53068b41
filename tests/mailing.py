"""Letters owed to many, the trouble that they meet, and what came of them: for tests of how letters leave."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from discuno import policy
from discuno.edges import queue, smtp
from discuno.kit import failpoints, outbox
from discuno.kit.db import db, transaction
from discuno.notifications import alerts
from discuno.notifications import service as notifications
from discuno.notifications.models import Alert, AlertKind, Email
from tests.chaos.points import Recorder, Stopped, Stopper, raise_stopped
from tests.factories import all_of
from tests.house import House

ADMIN = "admin@discuno.example"
SEND, BATCH, ANY = "POST /resend/emails$", "POST /resend/emails/batch", "POST /resend/emails"
MANY = policy.LETTERS_MAKE_BATCH + 2
SOON = timedelta(seconds=20)
TROUBLE: list[dict[str, Any]] = [  # that is over by itself
    {"action": "rate_limit"},
    {"action": "error", "status": 500},
    {"action": "drop_after"},
    {"action": "error_after", "status": 502},
]
REFUSALS = {
    "the key is wrong": {"status": 403, "body": {"statusCode": 403, "name": "invalid_api_key", "message": "no"}},
    "the domain is not verified": {
        "status": 403,
        "body": {"statusCode": 403, "name": "validation_error", "message": "not verified"},
    },
}  # fmt: skip


def owe(house: House, number: int = 1, event: str = "something") -> list[str]:
    """So many people are owed a letter each."""
    people = [f"reader{n}@example.com" for n in range(number)]
    with house.app.app_context(), transaction():
        alert_id = alerts.note(
            AlertKind.PAYMENT, "payment:1", "Something is to be told.", "/admin/payments/1"
        )
        for to in people:
            notifications.tell(event, to, "alert", alert_id=alert_id or all_of(house, Alert)[0].id)
    return people


def work(house: House, steps: int = 1, step: timedelta = SOON) -> None:
    for _ in range(steps):
        house.work()
        house.advance(step)
    house.settle_down()


def received(house: House) -> Counter[str]:
    """How many letters lie in whose mailbox; an admin hears of what went wrong, which is another matter."""
    return Counter(to for letter in house.letters("") for to in letter["to"] if to != ADMIN)


def theirs(house: House) -> list[Email]:
    """The letters of those readers."""
    return [email for email in all_of(house, Email) if email.recipient != notifications.ADMIN]


def states(house: House) -> Counter[str]:
    return Counter(str(email.status) for email in theirs(house))


def keys(house: House) -> list[str]:
    """Under which keys Resend has taken something."""
    return sorted(row["id"].partition("/")[0] for row in house.sandbox.world.all("resend_idempotency"))


# Stopped at a point


def places(house: House, number: int, hits: int) -> list[tuple[str, int]]:
    """Where sending so many letters passes."""
    begin(house)
    recorder = Recorder()
    owe(house, number)
    with armed(recorder):
        house.work()
    found = [(point, hit) for point, hit in recorder.places if hit <= hits and "edges.queue" not in point]
    assert len(found) >= 6
    return found


@contextmanager
def armed(watch: Callable[[str], None]) -> Iterator[None]:
    """With somebody at every point."""
    failpoints.arm(watch)
    try:
        yield
    finally:
        failpoints.arm(None)


def begin(house: House) -> None:
    """With a mail server it is the other carrier that is looked at."""
    house.empty()
    if smtp.is_there():
        house.fault(ANY, "error", times=-1, **REFUSALS["the key is wrong"])


def stop(house: House, point: str, hit: int) -> None:
    """The worker is gone at that point; its claim runs out, and another one goes on."""
    with armed(Stopper(point, hit, raise_stopped)), house.app.app_context(), suppress(Stopped):
        queue.run_due()
    with house.app.app_context():
        db.session.remove()
    work(house, 2, outbox.CLAIM + SOON)
