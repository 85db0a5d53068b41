"""A session that was sold in a mentor's Cal.com calendar, and what anybody may do to it there."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from discuno import journey
from discuno.bookings.models import Booking
from discuno.kit import failpoints
from discuno.kit.db import db, transaction
from discuno.payments import service as payments
from discuno.webhooks.models import WebhookEvent
from tests.catalogue import AMARA, OWEN
from tests.chaos.snapshot import Snapshot, snapshot
from tests.factories import all_of, paid
from tests.house import House

DAY = timedelta(days=1)
OWEN_AT, JUN_AT = "owen@discuno.example", "jun@example.com"


@dataclass(frozen=True)
class Sold:
    """A house in which Jun has paid for the first booking, and all is settled: to be had again and again."""

    house: House
    beginning: Snapshot

    def anew(self) -> "Sold":
        """As it was."""
        failpoints.arm(None)
        self.beginning.put_back()
        return self

    @property
    def booking(self) -> Booking:
        """Jun's booking."""
        return all_of(self.house, Booking)[0]

    @property
    def there(self) -> list[dict[str, Any]]:
        """Every booking at Cal.com."""
        return list(self.house.control("GET", "calcom/bookings")["bookings"])

    @property
    def live(self) -> list[str]:
        """The uids of those that stand."""
        return [b["uid"] for b in self.there if b["status"] == "accepted"]

    def act(self, what: str, uid: str | None = None, **how: Any) -> dict[str, Any]:
        """Somebody does something to a booking at Cal.com itself."""
        uid = uid or self.booking.calcom_booking_uid
        return dict(self.house.control("POST", f"calcom/bookings/{uid}/{what}", how))

    def foreign(self, start: datetime, **more: Any) -> str:
        """Somebody books Owen's paid type at Cal.com itself; the uid."""
        told = {"eventTypeId": self.booking.calcom_event_type_id, "start": start.isoformat(), **more}
        return str(self.house.control("POST", "calcom/foreign", told)["uid"])

    def ask_to_move(self, start: datetime) -> None:
        """Jun wants another time; nobody has been asked yet."""
        with self.house.app.app_context(), transaction():
            journey.ask_to_move(payments.locked_booking(self.booking.id), start)

    def no_webhooks(self) -> None:
        """Cal.com's messages are lost."""
        self.house.control("POST", "weather/calcom", {"lose": -1})

    def to_session(self, after: timedelta = timedelta(0)) -> None:
        """Let time pass until so long after its start."""
        now = datetime.fromtimestamp(self.house.sandbox.world.now(), self.booking.starts_at.tzinfo)
        self.house.advance(self.booking.starts_at + after - now)

    def told(self, to: str) -> list[str]:
        """Subjects in somebody's mailbox, but of what all this began with, and of what can be declined."""
        due = [each for each in self.house.letters(to) if "List-Unsubscribe" not in each["headers"]]
        return [e["subject"] for e in due if not e["subject"].startswith(("Confirmed:", "Booked:"))]

    def hears(self, *events: dict[str, Any]) -> list[WebhookEvent]:
        """Messages come from Cal.com and are worked on once; as they are stored then. Others may come meanwhile."""
        known = len(self._heard())
        for event in events:
            assert post(self.house, json.dumps(event).encode()).status_code == 200
        self.house.work()
        return self._heard()[known:]

    def _heard(self) -> list[WebhookEvent]:
        return [event for event in all_of(self.house, WebhookEvent) if event.provider == "calcom"]


@contextmanager
def one_sold(house: House) -> Iterator[Sold]:
    """Built once a module, by the pages."""
    house.begin_with(AMARA, OWEN)
    house.control("POST", "calcom/rate-limit", {"limit": 100_000})
    house.control("POST", "weather/resend", {"lose": -1})
    paid(house, "owen")
    house.settle_down()
    with snapshot(house) as beginning:
        yield Sold(house, beginning)
        with house.app.app_context():
            db.session.remove()


def post(house: House, body: bytes, **header: str) -> Any:
    """A message as Cal.com sends it, well signed unless a header is given."""
    secret = house.sandbox.app.extensions["sandbox_settings"].calcom_webhook_secret
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Cal-Signature-256": signature, **header}
    return house.app.test_client().post(
        "/webhooks/calcom", data=body, headers=headers, content_type="application/json"
    )
