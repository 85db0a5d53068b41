"""Owners with keys of their own at the Cal.com stand-in: who they are, what is theirs, and what is not."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.calcom_stage import Stage, error, seed, z
from tests.sandbox.test_calcom_levers import pull

MIA, LEO = "cal_mia", "cal_leo"
TRIGGERS = ["BOOKING_CREATED", "BOOKING_CANCELLED"]


@pytest.fixture
def owned(stage: Stage) -> Stage:
    """Mia's type, one of Leo's, and a key for each."""
    seed(
        stage,
        slug="leos",
        username="leo",
        ownerEmail="leo@example.com",
        ownerName="Leo",
        timeZone="Europe/Rome",
    )
    for key, name in ((MIA, "mia"), (LEO, "leo")):
        pull(stage, "keys", key=key, username=name)
    return stage


def test_a_key_tells_whose_it_is(owned: Stage) -> None:
    told = owned.data("GET", "/me", key=LEO)
    assert (told["username"], told["email"], told["timeZone"]) == ("leo", "leo@example.com", "Europe/Rome")
    assert error(owned.call("GET", "/me", key=False))[0] == 401
    assert error(owned.call("GET", "/me", key="cal_nobody"))[0] == 401


def test_a_revoked_key_lets_nobody_in(owned: Stage) -> None:
    pull(owned, f"keys/{LEO}/revoke")
    assert error(owned.call("GET", "/me", key=LEO))[0] == 401


def test_an_owner_without_event_types_is_known_by_the_key(owned: Stage) -> None:
    pull(owned, "keys", key="cal_new", username="new", ownerName="Nia New", timeZone="Asia/Tokyo")
    assert owned.data("GET", "/me", key="cal_new")["name"] == "Nia New"
    assert owned.data("GET", "/event-types", key="cal_new") == []
    body = {"title": "First", "slug": "first", "lengthInMinutes": 30}
    assert owned.data("POST", "/event-types", key="cal_new", json=body)["users"][0]["username"] == "new"


def test_event_types_can_be_changed_hidden_and_removed(owned: Stage) -> None:
    number = owned.event_type
    pull(owned, f"event-types/{number}", title="A walk", lengthInMinutes=90, seats=True)
    seen = owned.data("GET", "/event-types", key=MIA)[0]
    assert (seen["id"], seen["title"], seen["lengthInMinutes"]) == (number, "A walk", 90)
    assert (seen["seats"], seen["recurrence"]) == ({"seatsPerTimeSlot": 5}, {"disabled": True})
    pull(owned, f"event-types/{number}", hidden=True)
    assert [t["hidden"] for t in owned.data("GET", "/event-types?username=mia", key=MIA)] == [True]
    assert owned.data("GET", "/event-types?username=mia", key=LEO) == []
    pull(owned, f"event-types/{number}", removed=True)
    assert owned.data("GET", "/event-types", key=MIA) == []


def test_a_booking_outlives_its_event_type(owned: Stage, day: datetime) -> None:
    uid = owned.book(z(day)).json()["data"]["uid"]
    pull(owned, f"event-types/{owned.event_type}", removed=True)
    assert error(owned.book(z(day + timedelta(hours=1))))[0] == 404
    assert owned.data("GET", f"/bookings/{uid}")["status"] == "accepted"
    assert (
        owned.data("POST", f"/bookings/{uid}/cancel", json={}, key=MIA)["cancelledByEmail"]
        == "mia@example.com"
    )


def test_an_owner_sees_and_does_only_what_is_theirs(owned: Stage, day: datetime) -> None:
    uid = owned.book(z(day)).json()["data"]["uid"]
    assert [b["uid"] for b in owned.data("GET", "/bookings", key=MIA)] == [uid]
    assert owned.data("GET", "/bookings", key=LEO) == []
    wanted: dict[str, Any] = {"eventTypeId": owned.event_type, "slotStart": z(day + timedelta(hours=2))}
    long = {**wanted, "reservationDuration": 40}
    assert error(owned.call("POST", "/slots/reservations", key=LEO, json=long))[0] == 403
    assert owned.call("POST", "/slots/reservations", key=MIA, json=long).status_code == 201
    assert error(owned.call("POST", f"/bookings/{uid}/mark-absent", key=LEO, json={}))[0] == 403


def test_webhooks_are_an_owners_and_never_deduplicated(owned: Stage) -> None:
    wanted = {"subscriberUrl": "https://x.example/h", "triggers": TRIGGERS, "active": True, "secret": "s"}
    for _ in range(2):
        assert owned.call("POST", "/webhooks", key=MIA, json=wanted).status_code == 201
    assert [h["triggers"] for h in owned.data("GET", "/webhooks", key=MIA)] == [TRIGGERS] * 2
    assert owned.data("GET", "/webhooks", key=LEO) == []
    for wrong in ({"triggers": ["NEVER_HEARD"]}, {"triggers": []}, {"subscriberUrl": "x"}, {"active": None}):
        assert error(owned.call("POST", "/webhooks", key=MIA, json={**wanted, **wrong}))[0] == 400
