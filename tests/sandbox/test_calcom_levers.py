"""What somebody does at Cal.com itself, by the levers of the stand-in."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from tests.sandbox.calcom_stage import Stage, z


def pull(stage: Stage, path: str, **body: Any) -> dict[str, Any]:
    """A lever of the control desk."""
    return dict(requests.post(f"{stage.url}/control/calcom/{path}", json=body, timeout=5).json())


@pytest.mark.parametrize(
    ("by", "known"), [("host", "mia@example.com"), ("attendee", "ana@example.com"), ("nobody", None)]
)
def test_whoever_cancels_or_moves_at_cal_com_is_named_if_it_is_known(
    stage: Stage, day: datetime, by: str, known: str | None
) -> None:
    old = stage.book(z(day)).json()["data"]
    new = pull(stage, f"bookings/{old['uid']}/move", by=by, start=z(day + timedelta(hours=2)))
    assert (new["rescheduledFromUid"], new.get("rescheduledByEmail")) == (old["uid"], known)
    assert new["icsUid"] == old["icsUid"] != ""
    gone = pull(stage, f"bookings/{new['uid']}/cancel", by=by, reason="ill")
    assert (gone["status"], gone.get("cancelledByEmail")) == ("cancelled", known)
    assert [hook["triggerEvent"] for hook in stage.told()][1:] == ["BOOKING_RESCHEDULED", "BOOKING_CANCELLED"]
    assert stage.told()[-1]["payload"]["cancelledBy"] == known


def test_a_cancellation_by_key_is_the_key_owners_and_one_without_nobodys(stage: Stage, day: datetime) -> None:
    for hour, key, known in ((0, True, "mia@example.com"), (1, False, None)):
        uid = stage.book(z(day + timedelta(hours=hour))).json()["data"]["uid"]
        gone = stage.data("POST", f"/bookings/{uid}/cancel", json={}, key=key)
        assert gone.get("cancelledByEmail") == known


def test_a_booking_of_a_type_itself_differs_from_an_hour_that_is_busy_elsewhere(
    stage: Stage, day: datetime
) -> None:
    copied = {"discunoBooking": "x"}
    foreign = pull(stage, "foreign", eventTypeId=stage.event_type, start=z(day), metadata=copied)
    assert (foreign["eventTypeId"], foreign["metadata"]) == (stage.event_type, copied)
    busy = pull(stage, "busy", eventTypeId=stage.event_type, start=z(day + timedelta(hours=1)))
    assert busy["eventTypeId"] != stage.event_type
    assert not {z(day), z(day + timedelta(hours=1))} & set(stage.starts(day))


def test_meetings_are_told_flat_and_absences_wrapped(stage: Stage, day: datetime) -> None:
    uid = stage.book(z(day)).json()["data"]["uid"]
    pull(stage, f"bookings/{uid}/meeting/started")
    for by in ("host", "attendee"):
        pull(stage, f"bookings/{uid}/no-show", by=by)
    _, started, host, guest = stage.told()
    assert (started["triggerEvent"], started["uid"], "payload" in started) == ("MEETING_STARTED", uid, False)
    assert (host["triggerEvent"], host["payload"]["bookingUid"]) == ("AFTER_HOSTS_CAL_VIDEO_NO_SHOW", uid)
    assert host["payload"]["noShowHost"] is True
    assert [a["noShow"] for a in guest["payload"]["attendees"]] == [True]


def test_a_button_of_the_control_page_does_the_same_and_goes_back_to_it(stage: Stage, day: datetime) -> None:
    uid = stage.book(z(day)).json()["data"]["uid"]
    path = f"{stage.url}/control/calcom/bookings/{uid}/cancel"
    answer = requests.post(path, data={"by": "host"}, timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert stage.data("GET", f"/bookings/{uid}")["cancelledByEmail"] == "mia@example.com"
