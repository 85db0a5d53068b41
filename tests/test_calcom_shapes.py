"""Cal.com's messages and bookings in every documented shape, and in some that are not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from discuno.edges import calcom
from discuno.edges.calcom import Place, Told, Unreadable
from discuno.webhooks import handlers, service
from discuno.webhooks.handlers import CALCOM, News

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
BOOKING: dict[str, Any] = {
    "uid": "bFJeAbc", "bookingId": 987, "eventTypeId": 123, "title": "x", "startTime": "2026-11-03T12:00:00Z",
    "endTime": "2026-11-03T13:00:00Z", "length": 60, "status": "ACCEPTED", "organizer": {"id": 1, "email": "o@x.y"},
    "attendees": [{"email": "Ana@example.com", "name": "Ana", "timeZone": "UTC", "phoneNumber": None}],
    "metadata": {"videoCallUrl": "https://x.y"}, "destinationCalendar": None, "iCalUID": "a@Cal.com",
}  # fmt: skip
NO_SHOW = {"bookingUid": "bFJeAbc", "bookingId": 987, "eventType": {"id": "123"}, "webhook": {"id": "w"}}


def wrapped(**change: Any) -> dict[str, Any]:
    return {"triggerEvent": "X", "createdAt": NOON.isoformat(), "payload": {**BOOKING, **change}}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (wrapped(), {"event_type_id": 123, "at": NOON, "attendees": 1}),
        (wrapped(destinationCalendar=[], metadata=None, price=0), {"event_type_id": 123}),
        (wrapped(eventTypeId="123", uid=987), {"uid": "987", "event_type_id": 123}),
        (wrapped(rescheduleUid="oldUid", rescheduleId=5), {"former_uid": "oldUid"}),
        (wrapped(attendees=None), {"attendees": 0, "absent": ()}),
        (wrapped(attendees=["x", 5, None]), {"attendees": 0}),
        (wrapped(somethingNew={"a": [1]}), {"uid": "bFJeAbc"}),
        ({**wrapped(), "createdAt": "yesterday"}, {"at": None}),
        ({**wrapped(), "createdAt": None}, {"at": None}),
        ({"payload": {**NO_SHOW, "noShowHost": True}}, {"host_absent": True, "event_type_id": 123}),
        ({"payload": {**NO_SHOW, "noShowHost": "true"}}, {"host_absent": False}),
        (
            {"payload": {**NO_SHOW, "attendees": [{"email": "Ana@example.com", "noShow": True}]}},
            {"absent": ("ana@example.com",), "attendees": 1},
        ),
        ({"payload": {**NO_SHOW, "attendees": [{"email": "a@x.y", "noShow": False}]}}, {"absent": ()}),
        # flat: `createdAt` is the booking's own
        ({**BOOKING, "id": 5, "createdAt": "2026-01-01T00:00:00Z", "idempotencyKey": "k"}, {"at": NOON}),
        ({**BOOKING, "startTime": "2026-11-03T12:00:00"}, {"at": NOON}),
    ],
)
def test_a_message_is_read_in_any_shape(event: dict[str, Any], expected: dict[str, Any]) -> None:
    told = calcom.read_news(event)
    assert {name: getattr(told, name) for name in expected} == expected
    assert told.uid in ("bFJeAbc", "987")


@pytest.mark.parametrize(
    "event",
    [
        {}, {"payload": None}, {"payload": []}, {"payload": {}}, wrapped(uid=None), wrapped(uid=["a"]),
        wrapped(uid=""), wrapped(uid="../x"), wrapped(uid="a/../b"), wrapped(uid="a?b"), wrapped(uid=True),
        wrapped(uid="a" * 201), wrapped(uid="a\n"),
    ],
)  # fmt: skip
def test_a_message_that_names_no_booking_is_not_explained(event: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        calcom.read_news(event)


@pytest.mark.parametrize(
    ("absent", "attendees", "expected"),
    [((), 1, False), (("jun@example.com",), 2, True), (("other@x.y",), 2, False), (("jun+id@x.y",), 1, True)],
)
def test_an_attendee_is_known_by_address_or_by_being_the_only_one(
    absent: tuple[str, ...], attendees: int, expected: bool
) -> None:
    told = Told("u", None, None, None, False, absent, attendees)
    assert told.says_absent("Jun@example.com") is expected


def test_every_trigger_of_the_fact_sheet_has_its_door_and_others_mean_nothing() -> None:
    assert set(CALCOM) == {
        "BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_PAID", "BOOKING_PAYMENT_INITIATED",
        "BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REJECTED", "AFTER_HOSTS_CAL_VIDEO_NO_SHOW",
        "AFTER_GUESTS_CAL_VIDEO_NO_SHOW", "BOOKING_NO_SHOW_UPDATED", "MEETING_STARTED", "MEETING_ENDED",
        "unreadable",
    }  # fmt: skip
    for trigger in ("RECORDING_READY", "OOO_CREATED", "FORM_SUBMITTED", "INSTANT_MEETING", "unknown"):
        assert handlers.handler_of("calcom", News(trigger, {}, None)) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"is_live": True, "link": None, "metadata": {}}),
        ({"metadata": None, "attendees": None, "hosts": None, "location": None}, {"attendees": []}),
        ({"uid": 5, "eventTypeId": "7"}, {"uid": "5", "event_type_id": 7}),
        ({"status": "rejected"}, {"is_live": False, "is_pending": False}),
        ({"status": "pending"}, {"is_live": True, "is_pending": True}),
        ({"location": "integrations:daily", "meetingUrl": None}, {"link": None}),
        ({"location": "https://x.y", "icsUid": "a@Cal.com"}, {"link": "https://x.y", "ics_uid": "a@Cal.com"}),
        ({"rescheduledToUid": "b", "absentHost": True}, {"rescheduled_to_uid": "b", "absent_host": True}),
    ],
)
def test_a_booking_is_read_in_any_shape(given: dict[str, Any], expected: dict[str, Any]) -> None:
    place = Place.model_validate({"uid": "a", "start": "2026-11-03T12:00:00.000Z", "new": 1, **given})
    assert {name: getattr(place, name) for name in expected} == expected
    assert place.start == NOON


def test_what_postgres_cannot_keep_is_left_out() -> None:
    wild = {"a\0": ["x\0y", "\ud800", float("nan"), 1.5, {"b": None}], "c": 10**30}
    assert service.storable(wild) == {"a": ["xy", "?", None, 1.5, {"b": None}], "c": 10**30}
