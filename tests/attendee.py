"""An attendee at the pages: what a person does with links and forms, without JavaScript."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.house import House

FORM = {"name": "Jun Tanaka", "email": "jun@example.com", "phone": "", "note": "My essay."}


@dataclass
class Attendee:
    """Somebody with one browser."""

    house: House
    client: FlaskClient
    zone: str = "Europe/Paris"
    seen_token: str = ""  # one a session: any page's will do

    def offers(self, mentor: str) -> list[int]:
        """The ids of the session types on the mentor's page, in its order."""
        html = self.client.get(f"/mentor/{mentor}").text
        return [int(found) for found in re.findall(rf"/mentor/{mentor}/book/(\d+)", html)]

    def times(self, mentor: str, type_id: int, day: str | None = None) -> list[datetime]:
        """The starting times shown for a day, by default the first day that has any."""
        url = f"/mentor/{mentor}/book/{type_id}?zone={self.zone}"
        html = self.client.get(f"{url}&day={day}&month={day[:7]}" if day else url).text
        self._keep_token(html)
        return [datetime.fromisoformat(v) for v in re.findall(r'name="start" value="([^"]+)"', html)]

    def day(self) -> str:
        """A day that is wholly free, whatever the house's hour is now: the one after tomorrow.

        It stays so over a midnight that comes while a test lets minutes pass.
        """
        seconds = self.house.control("GET", "state?kinds=review")["now"]  # of which there are few
        now = datetime.fromtimestamp(seconds, ZoneInfo(self.zone))
        day = self.house.days.get(self.zone)
        if day is None or day - now < timedelta(hours=23):
            day = datetime.combine(now + timedelta(days=2), time(), now.tzinfo)
            self.house.days[self.zone] = day
        return f"{day:%Y-%m-%d}"

    def choose(self, mentor: str, type_id: int, start: datetime) -> TestResponse:
        """Press the button of a time."""
        page = f"/mentor/{mentor}/book/{type_id}"
        token = self.seen_token or self.token(f"{page}?zone={self.zone}&month={start:%Y-%m}")
        form = {"start": start.astimezone(UTC).isoformat(), "zone": self.zone, "csrf_token": token}
        return self.client.post(page, data=form)

    def token(self, page: str) -> str:
        """The CSRF token of a page's form."""
        return self._keep_token(self.client.get(page).text)

    def _keep_token(self, html: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', html)
        self.seen_token = found[1] if found else self.seen_token
        return self.seen_token

    def fill_in(self, details_url: str, **change: str) -> TestResponse:
        """Fill in the details and send them."""
        form = {**FORM, **change, "csrf_token": self.seen_token or self.token(details_url)}
        return self.client.post(details_url, data=form)

    def hold(self, mentor: str = "amara", offer: int = 0, at: int = 0) -> str:
        """Choose a time; the address of the details step."""
        type_id = self.offers(mentor)[offer]
        answer = self.choose(mentor, type_id, self.times(mentor, type_id, self.day())[at])
        assert answer.status_code == 303, answer.text
        return answer.location

    def reach_payment(self, mentor: str = "amara", at: int = 0, **change: str) -> str:
        """Choose a time and give details; the Checkout Session's id from the payment page."""
        answer = self.fill_in(self.hold(mentor, at=at), **change)
        assert answer.status_code == 303, answer.text
        html = self.client.get(answer.location).text
        found = re.search(r"session_id=(cs_\w+)", html)
        assert found, html
        return found[1]

    def pay(self, session_id: str, card: str = "4242424242424242") -> None:
        """Pay as the browser would."""
        result = self.house.control("POST", f"stripe/sessions/{session_id}/pay", {"card": card})
        assert result["type"] == "success", result

    def complete_page(self, mentor: str, session_id: str) -> str:
        """What the last page says."""
        return self.client.get(f"/mentor/{mentor}/book/complete?session_id={session_id}").text
