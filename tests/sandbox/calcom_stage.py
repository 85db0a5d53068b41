"""The Cal.com stand-in on a stage of its own: called as the app calls the real one, its webhooks caught."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests

from discuno.sandbox import calcom
from tests.sandbox.stand import Stand, standing

VERSIONS = {"slots": "2024-09-04", "bookings": "2026-02-25"}
VERSIONS |= {"event-types": "2024-06-14", "schedules": "2024-06-11"}
TAKEN = "User either already has booking at this time or is not available"
ANA = {"name": "Ana Diaz", "email": "ana@example.com", "timeZone": "America/New_York"}


@dataclass
class Stage(Stand):
    """Cal.com's stand-in with one event type."""

    event_type: int = 0

    def call(self, method: str, path: str, *, key: bool | str = True, **more: Any) -> requests.Response:
        """One request to the API with the version its resource wants, by the platform's key, another, or none."""
        headers = {"cal-api-version": VERSIONS.get(path.split("?")[0].split("/")[1], "")}
        if key:
            headers["Authorization"] = f"Bearer {self.settings.calcom_api_key if key is True else key}"
        headers.update(more.pop("headers", {}))
        return requests.request(method, f"{self.url}/calcom/v2{path}", headers=headers, timeout=5, **more)

    def data(self, method: str, path: str, **more: Any) -> Any:
        """The same, which must succeed."""
        answer = self.call(method, path, **more)
        assert answer.json()["status"] == "success", answer.text
        return answer.json()["data"]

    def book(self, start: str, **more: Any) -> requests.Response:
        """Book the event type for Ana."""
        body = {"eventTypeId": self.event_type, "start": start, "attendee": ANA, **more}
        return self.call("POST", "/bookings", json=body)

    def starts(self, day: datetime) -> list[str]:
        """The free starts of a day in UTC."""
        date = day.date().isoformat()
        days = self.data("GET", f"/slots?eventTypeId={self.event_type}&start={date}&end={date}")
        return [slot["start"] for slots in days.values() for slot in slots]


@contextmanager
def running_stage() -> Iterator[Stage]:
    """The stand-in on a free port, with one mentor who works 9 to 17 UTC, every day."""
    with standing(Stage, "calcom", calcom.signer, calcom.blueprint) as stage:
        stage.event_type = seed(stage)
        yield stage


def seed(stage: Stage, **change: Any) -> int:
    """An event type of an hour, given through the control endpoint."""
    body = {
        "slug": "talk",
        "title": "A talk",
        "lengthInMinutes": 60,
        "username": "mia",
        "ownerEmail": "mia@example.com",
        "ownerName": "Mia Berg",
        "timeZone": "UTC",
        "hours": {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
    }
    answer = requests.post(f"{stage.url}/control/calcom/event-types", json={**body, **change}, timeout=5)
    return int(answer.json()["id"])


def z(moment: datetime) -> str:
    """A time as Cal.com writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def error(answer: requests.Response) -> tuple[int, str, str]:
    """Status, code and message of a refusal in the documented envelope."""
    body = answer.json()
    assert body["status"] == "error"
    assert body["path"].startswith("/v2/")
    assert body["error"]["details"]["statusCode"] == answer.status_code
    return answer.status_code, body["error"]["code"], body["error"]["message"]
