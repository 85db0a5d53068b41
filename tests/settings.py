"""Short words for tests about what mentors set up: a form sent, and what stands in a form that nobody has changed."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.catalogue import AMARA

NOBODY_YET: dict[str, Any] = {
    **AMARA,
    **{"username": "nia", "name": "Nia Cole", "email": "nia@discuno.example"},
    **{"onboarded": False, "types": [], "hours": {}},
}
PROFILE = {
    **{"name": "Amara Okafor", "username": "amara", "headline": "MIT", "bio": "Bring a draft."},
    **{"topics": "Essays", "zone": "America/New_York", "booking_window_days": "60", "daily_maximum": ""},
}
TYPE = {
    **{"title": "Career chat", "description": "", "duration_minutes": "30", "price": "40", "currency": "usd"},
    **{"buffer_minutes": "0", "notice_minutes": "240"},
}


def post(client: FlaskClient, path: str, **form: Any) -> TestResponse:
    """Send a form, with the token that any page of theirs has."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/dashboard/profile").text)
    assert found is not None
    return client.post(path, data={**form, "csrf_token": found[1]})


def send(client: FlaskClient, path: str, **form: Any) -> int:
    """The same, when only the answer's code matters."""
    return post(client, path, **form).status_code
