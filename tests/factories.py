"""Short words for what many tests begin with: a browser, a payment made, a row read, a row changed."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

from discuno.bookings.models import Booking
from discuno.kit import failpoints
from discuno.kit.db import Base, db, rows, session, transaction
from discuno.payments.models import Payment
from tests.attendee import Attendee
from tests.house import House

Row = TypeVar("Row", bound=Base)
JUN, ADMIN = "jun@example.com", "admin@discuno.example"


def someone(house: House, zone: str = "Europe/Paris") -> Attendee:
    """A person with a browser of their own."""
    return Attendee(house, house.app.test_client(), zone)


def paid(house: House, mentor: str = "amara", **card: str) -> tuple[Attendee, str]:
    """Somebody who has just paid; nothing of ours has heard of it yet."""
    jun = someone(house)
    session_id = jun.reach_payment(mentor)
    jun.pay(session_id, **card)
    return jun, session_id


def all_of(house: House, model: type[Row]) -> list[Row]:
    """Every row of a model, oldest first."""
    return list(house.read(lambda: rows(sa.select(model).order_by(model.id))))


def the(house: House, model: type[Row]) -> Row:
    """The one row of a model."""
    [found] = house.read(lambda: rows(sa.select(model)))
    return found


def standing(house: House) -> tuple[str, str]:
    """Where the one booking and its payment stand."""
    return str(the(house, Booking).status), str(the(house, Payment).status)


def change(house: House, sql: str, **values: Any) -> None:
    """Change rows behind the app's back."""
    with house.app.app_context(), transaction() as unit:
        unit.execute(sa.text(sql), values)


def dump(house: House, *names: str) -> dict[str, list[str]]:
    """Every row of these tables, or of all, to be compared."""
    with house.app.app_context():
        tables = [
            t for t in db.metadata.sorted_tables if (t.name in names if names else t.name != "discuno_clock")
        ]
        found = {t.name: sorted(map(repr, session().execute(sa.select(t)).all())) for t in tables}
        session().rollback()
        return found


def tamper(house: House, kind: str, **change: Any) -> None:
    """Change the newest object of a kind in the stand-in's book, as only a fault of Stripe's could."""
    world = house.sandbox.world
    world.put(f"stripe.{kind}", {**world.all(f"stripe.{kind}")[-1], **change})


def subjects(house: House, to: str) -> list[str]:
    """The subjects in somebody's mailbox, oldest first."""
    return [letter["subject"] for letter in house.letters(to)]


def in_the_house(house: House) -> datetime:
    """The house's time."""
    with house.app.app_context(), transaction() as unit:
        now: datetime = unit.execute(sa.text("SELECT discuno_now()")).scalar_one()
    return now.astimezone(UTC)


def advance_to(house: House, moment: datetime) -> None:
    """Move everybody's clock to a moment to come."""
    house.advance(moment - in_the_house(house))


def to_midday(house: House) -> None:
    """Move everybody's clock to the next noon of UTC, for what differs around somebody's midnight."""
    advance_to(
        house, in_the_house(house).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    )


def work_until_done(house: House, steps: int, step: timedelta) -> None:
    """Let time pass in steps and do what falls due in each."""
    for _ in range(steps):
        house.advance(step)
        house.settle_down()


def signature(body: bytes, secret: str, at: float | None = None) -> str:
    """A Stripe-Signature header, by the documented scheme."""
    stamp = int(time.time() if at is None else at)
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={signed}"


def event(kind: str = "checkout.session.completed", **about: Any) -> dict[str, Any]:
    """A Stripe event about an object."""
    thing = {"id": "cs_test_nobody", "object": "checkout.session", "metadata": {}, **about}
    return {"id": "evt_1", "object": "event", "type": kind, "livemode": False, "data": {"object": thing}}


def tell_us(house: House, body: bytes | dict[str, Any], path: str = "stripe", **header: str) -> Any:
    """Post a webhook, well signed unless a header is given."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    secret = house.sandbox.app.extensions["sandbox_settings"].stripe_webhook_secret
    headers = {"Stripe-Signature": signature(raw, secret), **header}
    return house.app.test_client().post(
        f"/webhooks/{path}", data=raw, headers=headers, content_type="application/json"
    )


def when_reached(point: str, act: Callable[[], None]) -> threading.Event:
    """Do something the first time that a failpoint is passed; the event says that it was."""
    reached = threading.Event()

    def watch(name: str) -> None:
        if name == point and not reached.is_set():
            reached.set()
            act()

    failpoints.arm(watch)
    return reached
