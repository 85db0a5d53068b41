"""Whoever has the link to a booking's page: what they open, read and press there, without JavaScript."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from discuno.bookings import links
from discuno.bookings.models import Booking
from discuno.kit.db import session
from tests.attendee import Attendee
from tests.factories import paid
from tests.house import House
from tests.reporting import Holder


def link_of(house: House, booking_id: int = 1, make: Callable[[Booking], str] = links.manage_path) -> str:
    """The present address of a booking's page."""
    return str(house.read(lambda: make(session().get_one(Booking, booking_id))))


def owner(house: House, booking_id: int = 1, client: FlaskClient | None = None) -> Holder:
    """Somebody with the link: in a browser of their own, or in this one."""
    return Holder(client or house.app.test_client(), link_of(house, booking_id))


def confirmed(house: House, mentor: str = "amara") -> tuple[Attendee, Holder]:
    """A session paid and confirmed; the browser it was booked in, and somebody else's who has the link."""
    jun, _ = paid(house, mentor)
    house.settle_down()
    return jun, owner(house)


def starts_offered(html: str) -> list[datetime]:
    """The times that a page offers as buttons."""
    return [datetime.fromisoformat(found) for found in re.findall(r'name="start" value="([^"]+)"', html)]


def hidden(html: str, name: str) -> str:
    """What a form carries along."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no {name} in {html}"
    return found[1]


def cancel(who: Holder, reason: str = "", page: str | None = None) -> TestResponse:
    """Read the page, or have read it before, and press the button."""
    shown = page or who.reads("/cancel")
    agreed, sequence = hidden(shown, "agreed"), hidden(shown, "sequence")
    return who.sends("/cancel", reason=reason, agreed=agreed, sequence=sequence)


def move(who: Holder, start: datetime) -> TestResponse:
    """Choose a time and say yes; the next address is theirs, when there is one."""
    question = who.sends("/reschedule", start=start.isoformat(), zone="Europe/Paris")
    assert question.status_code == 303, question.text
    shown = who.client.get(question.location).text
    answer = who.sends("/reschedule", start=hidden(shown, "start"), sequence=hidden(shown, "sequence"))
    if answer.status_code == 303:
        who.path = answer.location
    return answer


def other_time(who: Holder, days_later: int = 1) -> datetime:
    """The first time offered so many days after the earliest day that is shown."""
    first = starts_offered(who.reads("/reschedule?zone=Europe/Paris"))[0]
    day = first + timedelta(days=days_later)
    query = f"/reschedule?zone=Europe/Paris&day={day:%Y-%m-%d}&month={day:%Y-%m}"
    return starts_offered(who.reads(query))[-1]


def opens(house: House, text: str) -> bool:
    """Whether a text holds a link that opens a booking's page for anybody."""
    found = set(re.findall(r"/booking/[\w.-]{40,}", text))
    return any(house.app.test_client().get(path).status_code == 200 for path in found)
