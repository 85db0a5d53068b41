"""The Cal.com stand-in, driven over HTTP as the app drives the real one."""

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from discuno.sandbox import faults
from tests.sandbox.calcom_stage import ANA, TAKEN, Stage, error, seed, z


def test_slots_follow_the_working_hours_and_the_time_zone_asked_for(stage: Stage, day: datetime) -> None:
    assert len(stage.starts(day)) == 8
    assert stage.starts(day)[1] == z(day)
    path = f"/slots?eventTypeId={stage.event_type}&start={z(day)}&end={z(day + timedelta(hours=1))}"
    tokyo = stage.data("GET", f"{path}&timeZone=Asia/Tokyo&format=range", key=False)
    date = day.date().isoformat()
    assert tokyo == {date: [{"start": f"{date}T19:00:00.000+09:00", "end": f"{date}T20:00:00.000+09:00"}]}


def test_hours_keep_the_wall_clock_across_a_change_to_summer_time(stage: Stage) -> None:
    seed(stage, timeZone="Europe/Berlin")
    year = datetime.now(UTC).year + 1
    path = f"/slots?eventTypeId={stage.event_type}&start={year}-02-01&end={year}-07-01&timeZone=Europe/Berlin"
    days = stage.data("GET", path)
    assert {slots[0]["start"][11:] for slots in days.values()} == {"09:00:00.000+01:00", "09:00:00.000+02:00"}


def test_a_day_off_and_a_range_the_wrong_way_round_have_no_slots(stage: Stage, day: datetime) -> None:
    seed(stage, overrides={day.date().isoformat(): ["00:00", "00:00"]})
    assert stage.starts(day) == []
    bad = stage.call("GET", f"/slots?eventTypeId={stage.event_type}&start={z(day)}&end={z(day)}")
    assert error(bad)[2] == "Invalid time range given - check the 'start' and 'end' query parameters."


def test_a_reservation_hides_the_slot_until_its_time_is_over(stage: Stage, day: datetime) -> None:
    body = {"eventTypeId": stage.event_type, "slotStart": z(day), "reservationDuration": 35}
    made = stage.call("POST", "/slots/reservations", json=body)
    assert made.status_code == 201
    held = made.json()["data"]
    assert (held["slotEnd"], held["slotDuration"]) == (z(day + timedelta(hours=1)), 60)
    assert z(day) not in stage.starts(day)
    again = error(stage.call("POST", "/slots/reservations", json=body))
    assert again[:2] == (422, "UnprocessableEntityException")
    assert "already reserved by another user" in again[2]
    stage.world.advance(35 * 60)
    assert z(day) in stage.starts(day)
    assert stage.data("GET", f"/slots/reservations/{held['reservationUid']}") is None


def test_a_reservation_can_be_moved_and_released(stage: Stage, day: datetime) -> None:
    body = {"eventTypeId": stage.event_type, "slotStart": z(day)}
    held = stage.data("POST", "/slots/reservations", json=body)
    assert held["reservationDuration"] == 5
    path = f"/slots/reservations/{held['reservationUid']}"
    later = {**body, "slotStart": z(day + timedelta(hours=2)), "reservationDuration": 40}
    assert stage.data("PATCH", path, json=later)["slotStart"] == later["slotStart"]
    assert z(day) in stage.starts(day)
    assert stage.call("DELETE", path).json() == {"status": "success"}
    assert len(stage.starts(day)) == 8


def test_only_the_owner_sets_how_long_a_reservation_lasts(stage: Stage, day: datetime) -> None:
    body = {"eventTypeId": stage.event_type, "slotStart": z(day), "reservationDuration": 35}
    refused = stage.call("POST", "/slots/reservations", json=body, key=False)
    assert error(refused)[:2] == (401, "UnauthorizedException")
    assert stage.call("POST", "/slots/reservations", json={**body, "eventTypeId": 9}).status_code == 404
    assert stage.call("POST", "/slots/reservations", json={**body, "slotDuration": 30}).status_code == 400


def test_a_booking_uses_up_its_reservation_and_takes_the_slot(stage: Stage, day: datetime) -> None:
    body = {"eventTypeId": stage.event_type, "slotStart": z(day), "reservationDuration": 35}
    uid = stage.data("POST", "/slots/reservations", json=body)["reservationUid"]
    made = stage.book(z(day), reservedSlotUid=uid, metadata={"orderId": "42"})
    assert made.status_code == 201
    booking = made.json()["data"]
    assert (booking["status"], booking["metadata"]) == ("accepted", {"orderId": "42"})
    assert stage.data("GET", f"/slots/reservations/{uid}") is None
    assert z(day) not in stage.starts(day)
    assert error(stage.book(z(day))) == (400, "BadRequestException", TAKEN)
    refused = error(stage.call("POST", "/slots/reservations", json=body))
    assert refused[2] == "Can't reserve a slot if the event is already booked."
    assert "This would be the call" in requests.get(booking["meetingUrl"], timeout=5).text


def test_a_reservation_stops_named_rivals_but_not_plain_bookings(stage: Stage, day: datetime) -> None:
    body = {"eventTypeId": stage.event_type, "slotStart": z(day), "reservationDuration": 10}
    stage.data("POST", "/slots/reservations", json=body)
    status, _, message = error(stage.book(z(day), reservedSlotUid="lapsed"))
    assert status == 400
    assert message.startswith("Someone else reserved this booking time slot before you.")
    assert stage.book(z(day)).status_code == 201


def test_one_host_is_never_in_two_sessions_of_different_types(stage: Stage, day: datetime) -> None:
    stage.book(z(day))
    stage.event_type = seed(stage, slug="short", lengthInMinutes=30)
    assert error(stage.book(z(day + timedelta(minutes=30))))[2] == TAKEN
    assert stage.book(z(day + timedelta(minutes=60))).status_code == 201


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"attendee": {**ANA, "timeZone": "Mars/Base"}}, "timeZone"),
        ({"attendee": {"name": "Ana", "timeZone": "UTC"}}, "either email or phoneNumber"),
        ({"attendee": {**ANA, "phoneNumber": "0305550"}}, "phoneNumber"),
        ({"metadata": {f"k{n}": "" for n in range(51)}}, "at most 50 keys"),
        ({"metadata": {"k" * 41: ""}}, "longer than 40"),
        ({"metadata": {"k": "v" * 501}}, "longer than 500"),
        ({"lengthInMinutes": 30}, "lengthInMinutes"),
        ({"start": "2020-01-01T10:00:00Z"}, "Attempting to book a meeting in the past."),
        ({"start": "tomorrow"}, "start"),
    ],
)
def test_a_booking_that_is_not_right_is_refused_in_words(
    stage: Stage, day: datetime, change: dict[str, Any], words: str
) -> None:
    answer = stage.book(**{"start": z(day), **change})
    status, code, message = error(answer)
    assert (status, code) == (400, "BadRequestException")
    assert words in message


def test_of_many_bookings_at_once_one_gets_the_slot(stage: Stage, day: datetime) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: stage.book(z(day)), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[400] * 5]


def test_outside_the_working_hours_nothing_can_be_booked(stage: Stage, day: datetime) -> None:
    assert error(stage.book(z(day.replace(hour=20))))[2] == TAKEN
    assert stage.call("POST", "/bookings", json={}).json()["error"]["details"]["message"]


def test_a_booking_whose_answer_was_lost_is_found_by_its_attendee_and_time(
    stage: Stage, day: datetime
) -> None:
    faults.add(stage.world, path="POST /calcom/v2/bookings", action="drop_after")
    with pytest.raises(requests.ConnectionError):
        stage.book(z(day), metadata={"token": "t1"})
    query = f"attendeeEmail=ANA@example.com&eventTypeId={stage.event_type}&afterStart={z(day)}"
    found = stage.call(
        "GET", f"/bookings?{query}&beforeEnd={z(day + timedelta(hours=1))}&status=upcoming"
    ).json()
    assert [b["metadata"] for b in found["data"]] == [{"token": "t1"}]
    assert found["pagination"]["totalItems"] == 1
    for miss in (
        "attendeeEmail=bob@example.com",
        f"afterStart={z(day + timedelta(minutes=1))}",
        "status=past",
    ):
        assert stage.data("GET", f"/bookings?{miss}") == []


def test_a_long_list_comes_in_pages(stage: Stage, day: datetime) -> None:
    for hour in range(3):
        stage.book(z(day + timedelta(hours=hour)))
    page = stage.call("GET", "/bookings?take=2&skip=2").json()
    assert [b["start"] for b in page["data"]] == [z(day + timedelta(hours=2))]
    assert page["pagination"]["totalItems"] == 3
    assert stage.call("GET", "/bookings", key=False).status_code == 401


def test_cancelling_frees_the_slot_and_tells_without_metadata(stage: Stage, day: datetime) -> None:
    uid = stage.book(z(day), metadata={"orderId": "42"}).json()["data"]["uid"]
    cancelled = stage.data("POST", f"/bookings/{uid}/cancel", json={"cancellationReason": "ill"}, key=False)
    assert (cancelled["status"], cancelled["cancellationReason"]) == ("cancelled", "ill")
    assert z(day) in stage.starts(day)
    assert stage.call("POST", f"/bookings/{uid}/cancel", json={}).status_code == 400
    assert stage.call("POST", "/bookings/unknown/cancel", json={}).status_code == 404
    created, gone = stage.told()
    assert created["payload"]["metadata"]["orderId"] == "42"
    assert gone["triggerEvent"] == "BOOKING_CANCELLED"
    assert (gone["payload"]["uid"], gone["payload"]["cancellationReason"]) == (uid, "ill")
    assert "metadata" not in gone["payload"]


def test_rescheduling_makes_a_new_booking_and_cancels_the_old_one(stage: Stage, day: datetime) -> None:
    old = stage.book(z(day), metadata={"orderId": "42"}).json()["data"]["uid"]
    later = z(day + timedelta(minutes=30))  # overlaps its own old time
    answer = stage.call("POST", f"/bookings/{old}/reschedule", json={"start": later})
    assert answer.status_code == 201
    new = answer.json()["data"]
    assert new["uid"] != old
    assert (new["rescheduledFromUid"], new["start"], new["metadata"]) == (old, later, {"orderId": "42"})
    before = stage.data("GET", f"/bookings/{old}")
    assert (before["status"], before["rescheduledToUid"]) == ("cancelled", new["uid"])
    refused = stage.call("POST", f"/bookings/{old}/reschedule", json={"start": later})
    assert f"rescheduled already to booking with uid={new['uid']}" in error(refused)[2]
    moved = stage.told()[-1]
    assert moved["triggerEvent"] == "BOOKING_RESCHEDULED"
    assert (moved["payload"]["uid"], moved["payload"]["rescheduleUid"]) == (new["uid"], old)


def test_a_pending_booking_waits_for_its_host(stage: Stage, day: datetime) -> None:
    seed(stage, requiresConfirmation=True)
    first, second = (stage.book(z(day + timedelta(hours=h))).json()["data"] for h in (0, 1))
    assert first["status"] == "pending"
    assert stage.call("POST", f"/bookings/{first['uid']}/confirm", key=False).status_code == 401
    assert stage.data("POST", f"/bookings/{first['uid']}/confirm")["status"] == "accepted"
    declined = stage.data("POST", f"/bookings/{second['uid']}/decline", json={"reason": "away"})
    assert declined["status"] == "rejected"
    assert stage.call("POST", f"/bookings/{second['uid']}/confirm").status_code == 400
    triggers = [hook["triggerEvent"] for hook in stage.told()]
    assert triggers == ["BOOKING_REQUESTED", "BOOKING_REQUESTED", "BOOKING_CREATED", "BOOKING_REJECTED"]


def test_absence_can_be_told_only_once_the_session_began(stage: Stage, day: datetime) -> None:
    uid = stage.book(z(day)).json()["data"]["uid"]
    body = {"attendees": [{"email": "ana@example.com", "absent": True}]}
    assert stage.call("POST", f"/bookings/{uid}/mark-absent", json=body).status_code == 400
    stage.world.advance(8 * 24 * 3600)
    booking = stage.data("POST", f"/bookings/{uid}/mark-absent", json=body)
    assert (booking["absentHost"], booking["attendees"][0]["absent"]) == (False, True)


def test_webhooks_are_signed_over_their_bytes(stage: Stage, day: datetime) -> None:
    stage.book(z(day))
    created = stage.told()[0]
    headers, body = stage.hooks[0]
    secret = stage.settings.calcom_webhook_secret.encode()
    assert headers["X-Cal-Signature-256"] == hmac.new(secret, body, hashlib.sha256).hexdigest()
    assert headers["X-Cal-Webhook-Version"] == "2021-10-20"
    assert created["payload"]["organizer"]["username"] == "mia"
    assert created["payload"]["attendees"][0]["email"] == "ana@example.com"


def test_a_slot_can_be_taken_directly_on_cal_com_over_a_reservation(stage: Stage, day: datetime) -> None:
    held = {"eventTypeId": stage.event_type, "slotStart": z(day), "reservationDuration": 35}
    uid = stage.data("POST", "/slots/reservations", json=held)["reservationUid"]
    busy = {"eventTypeId": stage.event_type, "start": z(day)}
    assert requests.post(f"{stage.url}/control/calcom/busy", json=busy, timeout=5).status_code == 200
    assert error(stage.book(z(day), reservedSlotUid=uid))[2] == TAKEN
    known = requests.get(f"{stage.url}/control/calcom/bookings", timeout=5).json()["bookings"]
    assert [b["metadata"] for b in known] == [{}]


@pytest.mark.parametrize("version", [None, "2024-04-15", "2024-08-13"])
def test_a_request_without_the_right_version_is_refused_by_name(stage: Stage, version: str | None) -> None:
    answer = stage.call("GET", "/event-types?username=mia", headers={"cal-api-version": version})
    status, _, message = error(answer)
    assert status == 400
    assert "cal-api-version" in message


def test_a_wrong_key_and_an_unknown_path_are_refused(stage: Stage) -> None:
    wrong = stage.call("GET", "/event-types?username=mia", headers={"Authorization": "Bearer cal_other"})
    assert error(wrong)[:2] == (401, "UnauthorizedException")
    assert error(stage.call("POST", "/slots/nowhere"))[2] == "Cannot POST /v2/slots/nowhere"


def test_too_many_requests_are_refused_with_the_documented_headers(stage: Stage) -> None:
    requests.post(f"{stage.url}/control/calcom/rate-limit", json={"limit": 2}, timeout=5)
    answers = [stage.call("GET", "/event-types?username=mia") for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert [a.headers["X-RateLimit-Remaining-Default"] for a in answers] == ["1", "0", "0"]
    assert answers[2].headers["X-RateLimit-Limit-Default"] == "2"
    assert 0 < int(answers[2].headers["X-RateLimit-Reset-Default"]) <= 61
    assert "Too many requests" in error(answers[2])[2]
    assert stage.call("GET", "/event-types?username=mia", key=False).status_code == 200


def test_event_types_are_listed_created_and_replaced(stage: Stage) -> None:
    assert seed(stage, title="A longer talk") == stage.event_type
    new = {"title": "Chat", "slug": "chat", "lengthInMinutes": 15}
    assert stage.call("POST", "/event-types", json=new, key=False).status_code == 401
    assert stage.call("POST", "/event-types", json=new).status_code == 201
    assert stage.call("POST", "/event-types", json=new).status_code == 400
    listed = stage.data("GET", "/event-types?username=mia", key=False)
    assert [(kind["slug"], kind["title"]) for kind in listed] == [("talk", "A longer talk"), ("chat", "Chat")]


def test_a_new_schedule_changes_the_slots(stage: Stage, day: datetime) -> None:
    schedule = stage.data("GET", "/schedules/default")
    change = {"availability": [{"days": [day.strftime("%A")], "startTime": "10:00", "endTime": "12:00"}]}
    changed = stage.data("PATCH", f"/schedules/{schedule['id']}", json=change)
    assert changed["availability"] == change["availability"]
    assert stage.starts(day) == [z(day), z(day + timedelta(hours=1))]
    assert stage.starts(day + timedelta(days=1)) == []
