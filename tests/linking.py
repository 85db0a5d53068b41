"""Amara with a calendar of her own at Cal.com, which she links by her own key."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient

from discuno import journey
from discuno.accounts.models import AuditEntry
from discuno.kit.db import session, transaction
from discuno.mentors import service as mentors
from discuno.mentors.models import EventType, Mentor
from tests.factories import all_of
from tests.house import House
from tests.signing import AMARA, signed_in

KEY, PAGE = "cal_sandbox_amara_k3f9", "/dashboard/calendar"
ALWAYS = {day: ["00:00", "23:30"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@dataclass
class Desk:
    """Amara, signed in, with a calendar of her own at Cal.com in which there is one type."""

    house: House
    client: FlaskClient
    at_calcom: int = 0

    def there(self, slug: str, minutes: int = 45, **more: Any) -> int:
        """A type of Amara's at Cal.com; its id there."""
        kind = {"slug": slug, "title": slug.title(), "lengthInMinutes": minutes, "username": "amara-cal",
                "ownerName": "Amara", "ownerEmail": "amara@discuno.example", "hours": ALWAYS, **more}  # fmt: skip
        return int(self.house.control("POST", "calcom/event-types", kind)["id"])

    def changes(self, **what: Any) -> None:
        """Amara changes the type at Cal.com."""
        self.house.control("POST", f"calcom/event-types/{self.at_calcom}", what)

    def post(self, path: str, **form: str) -> int:
        """Send one of the page's forms; how it was answered."""
        return self.client.post(f"{PAGE}/{path}", data={**form, **self._token()}).status_code

    def _token(self) -> dict[str, str]:
        page = self.client.get(PAGE).get_data(as_text=True)
        return {"csrf_token": page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]}

    def link(self, key: str = KEY) -> int:
        """Paste a key."""
        return self.post("link", key=key)

    @property
    def page(self) -> str:
        """What Amara reads, in one line."""
        return " ".join(self.client.get(PAGE).get_data(as_text=True).split())

    @property
    def mentor(self) -> Mentor:
        """Her row."""
        return next(m for m in all_of(self.house, Mentor) if m.username == "amara")

    @property
    def type(self) -> EventType:
        """Our row of her type at Cal.com."""
        return next(t for t in all_of(self.house, EventType) if t.calcom_event_type_id == self.at_calcom)

    @property
    def offered(self) -> list[str]:
        """What an attendee may book with her."""
        return list(self.house.read(lambda: [t.title for t in mentors.offered(mentors.by_username("amara"))]))

    def sell(self, price: int = 5000) -> None:
        """Amara sets a price, and switches the type on."""
        with self.house.app.app_context(), transaction():
            event_type = session().get_one(EventType, self.type.id)
            event_type.price = price
            journey.switch_offer(event_type, on=True)

    def audit(self) -> list[str]:
        """What was written down of her."""
        return [a.action for a in all_of(self.house, AuditEntry) if a.actor == AMARA]


def with_calendar(house: House) -> Desk:
    """Amara, signed in; there is one type in her calendar, which is not linked yet."""
    made = Desk(house, signed_in(house, AMARA))
    made.at_calcom = made.there("portfolio")
    house.control("POST", "calcom/keys", {"key": KEY, "username": "amara-cal"})
    return made


def rounds(house: House, task: Callable[[], None]) -> None:
    """A periodic task, and what it asks for."""
    with house.app.app_context():
        task()
    house.work()
