"""What happens in a mentor's Cal.com without us: heard of, or found, and never believed without a look."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from discuno.bookings.calendar_sync import compare_calendars, is_believable
from discuno.bookings.models import Booking, BookingChange, Party
from discuno.disputes.models import Dispute, DisputeMessage
from discuno.payments.models import Payment
from discuno.webhooks.models import WebhookEvent
from tests.calendars import DAY, JUN_AT, OWEN_AT, Sold, one_sold, post
from tests.factories import ADMIN, all_of, change, someone, the, work_until_done
from tests.house import House

pytestmark = pytest.mark.story

FOREIGN = ["A paid session was booked at Cal.com without us"]


@pytest.fixture(scope="module")
def first_sold(built_house: House) -> Iterator[Sold]:
    with one_sold(built_house) as sold:
        yield sold


@pytest.fixture
def sold(first_sold: Sold) -> Sold:
    return first_sold.anew()


def event(trigger: str, uid: str | None, **about: Any) -> dict[str, Any]:
    return {"triggerEvent": trigger, "payload": {"uid": uid, **about}}


def refunds(sold: Sold) -> list[int]:
    return [r["amount"] for r in sold.house.stripe("refund")]


# Whether it is told, or only found by the hourly look


@pytest.fixture(params=["told", "found"])
def heard(sold: Sold, request: pytest.FixtureRequest) -> Any:
    """Let what has happened at Cal.com come to us, by its webhooks or without one of them."""
    if request.param == "found":
        sold.no_webhooks()

    def settle() -> None:
        if request.param == "found":
            with sold.house.app.app_context():
                compare_calendars()
        work_until_done(sold.house, 1, timedelta(seconds=20))

    return settle


def test_a_session_moved_at_calcom_is_moved_here_with_its_dispute_period(sold: Sold, heard: Any) -> None:
    start, uid, link = sold.booking.starts_at, sold.booking.uid, sold.booking.manage_token_version
    sold.act("move", by="host", days=1)
    sold.act("move", uid=sold.live[0], by="attendee", days=2)
    heard()
    booking = sold.booking
    assert booking.starts_at == start + 3 * DAY
    assert ([booking.calcom_booking_uid], booking.uid, booking.moves) == (sold.live, uid, 0)
    assert booking.meeting_url == sold.there[-1]["meetingUrl"]
    assert the(sold.house, Payment).dispute_period_ends == booking.ends_at + timedelta(hours=72)
    assert booking.manage_token_version > link
    assert {c.by for c in all_of(sold.house, BookingChange)} == {Party.CALENDAR}
    assert sold.told(JUN_AT)
    assert sold.told(OWEN_AT)


def test_a_session_moved_twice_is_followed_though_only_the_second_move_was_told(sold: Sold) -> None:
    sold.no_webhooks()
    between = sold.act("move", days=1)["uid"]
    last = sold.act("move", uid=between, days=1)
    sold.hears(event("BOOKING_RESCHEDULED", last["uid"], rescheduleUid=between))
    assert sold.booking.calcom_booking_uid == last["uid"]


@pytest.mark.parametrize(
    ("by", "late", "recorded", "returned"),
    [
        ("host", False, Party.MENTOR, [7000]),
        ("host", True, Party.CALENDAR, []),  # anybody can say at Cal.com that they are the host
        ("attendee", False, Party.ATTENDEE, [7000]),
        ("attendee", True, Party.CALENDAR, []),
        ("nobody", False, Party.CALENDAR, [7000]),
        ("nobody", True, Party.CALENDAR, []),
    ],
)
def test_a_session_cancelled_at_calcom_is_cancelled_here_by_whoever_did_it(
    sold: Sold, by: str, late: bool, recorded: Party, returned: list[int]
) -> None:
    if late:
        sold.to_session(after=timedelta(hours=-2))
    sold.act("cancel", by=by, reason="<b>ill</b>")
    sold.house.settle_down()
    booking = sold.booking
    assert (str(booking.status), booking.cancelled_by, booking.cancel_reason) == (
        "cancelled", recorded, "<b>ill</b>",
    )  # fmt: skip
    assert refunds(sold) == returned
    asks_person = the(sold.house, Payment).needs_attention is not None
    assert asks_person is late


def test_what_was_cancelled_there_is_found_without_any_message(sold: Sold, heard: Any) -> None:
    sold.act("cancel", by="host")
    heard()
    assert sold.booking.cancelled_by == Party.MENTOR
    assert refunds(sold) == [7000]


@pytest.mark.parametrize("by", ["host", "attendee"])
def test_a_cancellation_after_the_start_is_recorded_and_a_person_decides(sold: Sold, by: str) -> None:
    sold.to_session(after=timedelta(minutes=5))
    sold.act("cancel", by=by)
    sold.house.settle_down()
    assert sold.booking.cancelled_by == Party.CALENDAR
    assert refunds(sold) == []
    assert the(sold.house, Payment).needs_attention is not None


def test_a_booking_that_is_gone_from_calcom_is_told_to_a_person_and_keeps_its_money(sold: Sold) -> None:
    sold.house.sandbox.world.delete("calcom_booking", str(sold.booking.calcom_booking_uid))
    with sold.house.app.app_context():
        compare_calendars()
    sold.house.work()
    assert (str(sold.booking.status), refunds(sold)) == ("confirmed", [])
    assert "does not know the booking" in str(the(sold.house, Payment).needs_attention)


def test_a_list_that_knows_next_to_none_of_our_bookings_is_not_believed() -> None:
    few = [is_believable(missing, 4) for missing in (0, 1, 4)]
    many = [is_believable(missing, 20) for missing in (5, 10, 11, 20)]
    assert (few, many) == ([True] * 3, [True, True, False, False])


# Bookings that we have not sold


def test_a_booking_of_a_paid_type_made_at_calcom_is_cancelled_and_told_once(sold: Sold, heard: Any) -> None:
    uid = sold.foreign(sold.booking.starts_at + DAY)
    heard()
    heard()
    assert uid not in sold.live
    assert len(sold.live) == 1
    assert sold.told(ADMIN) == FOREIGN
    [letter] = [m for m in sold.house.letters(ADMIN) if m["subject"] == FOREIGN[0]]
    assert uid in letter["text"]
    assert "somebody.else@example.com" in letter["text"]


@pytest.mark.parametrize("copied", ["an unpaid hold", "a payment that was not made", "Jun's own"])
def test_metadata_copied_from_a_booking_of_ours_does_not_help(sold: Sold, copied: str) -> None:
    ada = someone(sold.house)
    start = sold.booking.starts_at + DAY
    ours = sold.booking
    if copied != "Jun's own":
        details = ada.choose("owen", ada.offers("owen")[0], start).location
        if copied == "a payment that was not made":
            ada.fill_in(details, email="ada@example.com")
        ours = all_of(sold.house, Booking)[-1]
    for reservation in sold.house.sandbox.world.all("calcom_reservation"):
        sold.house.sandbox.world.delete("calcom_reservation", reservation["id"])
    uid = sold.foreign(start, metadata={"discunoBooking": ours.public_id}, email="ada@example.com")
    sold.house.settle_down()
    assert uid not in sold.live
    assert sold.told(ADMIN) == FOREIGN
    assert [b.calcom_booking_uid for b in all_of(sold.house, Booking)[1:]] in ([], [None])


@pytest.mark.parametrize("kind", ["free", "unknown to us", "ours"])
def test_other_bookings_at_calcom_are_left_alone(sold: Sold, kind: str, heard: Any) -> None:
    if kind == "free":
        change(sold.house, "UPDATE discuno_event_type SET price = 0 WHERE calcom_event_type_id IS NOT NULL")
    elif kind == "unknown to us":
        change(sold.house, "UPDATE discuno_event_type SET calcom_event_type_id = NULL WHERE price = 7000")
    if kind == "ours":
        told = event("BOOKING_CREATED", sold.booking.calcom_booking_uid)
        assert [e.outcome for e in sold.hears(told)] == [f"booking {sold.booking.id}"]
    else:
        sold.foreign(sold.booking.starts_at + DAY)
    heard()
    assert len(sold.live) == (1 if kind == "ours" else 2)
    assert sold.told(ADMIN) == []
    assert str(sold.booking.status) == "confirmed"


def test_our_own_booking_is_not_taken_for_a_strangers_while_we_are_making_it(sold: Sold) -> None:
    """The answer is lost, and its message is here first."""
    uid = sold.booking.calcom_booking_uid
    change(
        sold.house,
        "UPDATE discuno_booking SET status = 'held', calcom_booking_uid = NULL, confirmed_at = NULL WHERE id = 1",
    )
    [stored] = sold.hears(event("BOOKING_CREATED", uid))
    assert stored.outcome == "booking 1: being confirmed"
    change(sold.house, "UPDATE discuno_booking SET status = 'refused' WHERE id = 1")
    [stored] = sold.hears(event("BOOKING_REQUESTED", uid))
    assert "is being taken back" in str(stored.error)
    assert sold.live == [uid]


def test_a_strangers_booking_that_calcom_does_not_let_go_is_an_admins_to_cancel(sold: Sold) -> None:
    sold.foreign(sold.booking.starts_at + DAY)
    refused = {"error": {"message": "Minimum cancellation notice"}}
    sold.house.fault("POST /calcom/v2/bookings/[^/]+/cancel$", "error", status=400, body=refused, times=-1)
    sold.house.settle_down()
    assert sold.told(ADMIN) == [*FOREIGN, "Given up after 1 attempts: handle_event"]


def test_a_strangers_booking_from_before_is_left_to_a_person(sold: Sold) -> None:
    sold.no_webhooks()
    uid = sold.foreign(sold.booking.starts_at + 20 * DAY)
    sold.house.advance(8 * DAY)
    with sold.house.app.app_context():
        compare_calendars()
    work_until_done(sold.house, 1, timedelta(seconds=20))
    assert uid in sold.live
    assert sold.told(ADMIN)[:1] == FOREIGN


# An hour that is somebody else's here, a move of our own under way


def test_a_move_into_an_hour_that_another_has_here_is_tried_again_and_told_in_the_end(sold: Sold) -> None:
    ada = someone(sold.house)
    wanted = sold.booking.starts_at + DAY
    ada.choose("owen", ada.offers("owen")[0], wanted)
    sold.act("move", start=wanted.isoformat())
    sold.house.settle_down()
    assert sold.booking.starts_at == wanted - DAY
    assert "somebody else has here" in str(all_of(sold.house, WebhookEvent)[-1].error)
    work_until_done(sold.house, 3, timedelta(minutes=6))  # the hold has run out
    assert sold.booking.starts_at == wanted


def test_news_of_our_own_move_is_left_to_the_job(sold: Sold) -> None:
    sold.no_webhooks()
    sold.ask_to_move(sold.booking.starts_at + DAY)
    change(sold.house, "UPDATE discuno_job SET run_at = run_at + interval '1 hour'")
    moved = sold.act("move")
    told = event("BOOKING_RESCHEDULED", moved["uid"], rescheduleUid=sold.booking.calcom_booking_uid)
    [stored] = sold.hears(told)
    assert "being moved by us" in str(stored.error)
    assert sold.booking.move_hold_id is not None


# Who came


def test_a_host_who_did_not_come_is_reported_once_but_not_before_ten_minutes(sold: Sold) -> None:
    sold.to_session(after=timedelta(minutes=5))
    sold.act("no-show", by="host")
    sold.house.settle_down()
    assert all_of(sold.house, Dispute) == []
    sold.house.advance(timedelta(minutes=6))
    sold.act("no-show", by="host")
    sold.house.settle_down()
    case = the(sold.house, Dispute)
    assert (case.reason, case.is_open) == ("mentor_absent", True)
    assert [m.by for m in all_of(sold.house, DisputeMessage)] == [Party.CALENDAR]


@pytest.mark.parametrize("how", ["seen by the call", "said by the host"])
def test_an_attendee_who_did_not_come_is_told_so_once(sold: Sold, how: str) -> None:
    sold.to_session(after=timedelta(minutes=11))
    for _ in range(2):
        if how == "seen by the call":
            sold.act("no-show", by="attendee")
        else:
            world = sold.house.sandbox.world
            there = world.get("calcom_booking", str(sold.booking.calcom_booking_uid)) or {}
            world.put("calcom_booking", {**there, "absent_attendee": True})
            told = event("BOOKING_NO_SHOW_UPDATED", None, bookingUid=sold.booking.calcom_booking_uid)
            sold.hears(told)
    sold.house.settle_down()
    assert [c.kind for c in all_of(sold.house, BookingChange)] == ["attendee_absent"]
    assert len(sold.told(JUN_AT)) == 1
    assert all_of(sold.house, Dispute) == []


def test_an_absence_that_cal_com_itself_does_not_show_is_not_believed(sold: Sold) -> None:
    sold.to_session(after=timedelta(minutes=11))
    lie = {"attendees": [{"email": JUN_AT, "noShow": True}]}
    [stored] = sold.hears(event("BOOKING_NO_SHOW_UPDATED", sold.booking.calcom_booking_uid, **lie))
    assert stored.outcome == "nothing to do"
    assert sold.booking.attendee_absent_at is None


def test_a_report_that_is_no_longer_possible_is_not_made(sold: Sold) -> None:
    sold.to_session(after=timedelta(hours=75))
    sold.act("no-show", by="host")
    sold.house.settle_down()
    assert all_of(sold.house, Dispute) == []
    assert all_of(sold.house, WebhookEvent)[-1].handled_at is not None


def test_a_meeting_is_seen_to_start_and_end_once_by_flat_messages(sold: Sold) -> None:
    sold.to_session()
    sold.act("meeting/started")
    sold.house.settle_down()
    sold.hears({"triggerEvent": "MEETING_STARTED", "uid": sold.booking.calcom_booking_uid, "id": 5})
    sold.act("meeting/ended")
    sold.house.settle_down()
    assert [c.kind for c in all_of(sold.house, BookingChange)] == ["started", "ended"]


# The door


@pytest.mark.parametrize("claim", ["BOOKING_CANCELLED", "BOOKING_REJECTED", "BOOKING_RESCHEDULED"])
def test_a_message_that_cal_com_does_not_bear_out_changes_nothing(sold: Sold, claim: str) -> None:
    uid = sold.booking.calcom_booking_uid
    [stored] = sold.hears(
        event(claim, uid, status="CANCELLED", startTime="2030-01-01T00:00:00Z", rescheduleUid=uid)
    )
    assert stored.outcome == "booking 1: as it was"
    assert str(sold.booking.status) == "confirmed"


def test_a_message_older_than_a_week_is_passed_over_with_a_word(sold: Sold) -> None:
    sold.no_webhooks()
    sold.act("cancel", by="host")
    told = {
        **event("BOOKING_CANCELLED", sold.booking.calcom_booking_uid),
        "createdAt": "2026-01-01T00:00:00Z",
    }
    assert [e.outcome for e in sold.hears(told)] == ["told more than a week late, passed over"]
    assert str(sold.booking.status) == "confirmed"


BODIES = {
    "not JSON": (b"{", "unreadable"),
    "a list": (b"[1]", "unreadable"),
    "not text": (b"\xff\xfe\x00", "unreadable"),
    "bottomless": (b"[" * 50_000, "unreadable"),
    "NUL": (b'{"triggerEvent": "X\\u0000", "payload": {"uid": "\\u0000\\ud800", "n": NaN}}', "X"),
    "no trigger": (b"{}", "unknown"),
    "odd trigger": (b'{"triggerEvent": ["a"]}', "['a']"),
    "names nothing": (b'{"triggerEvent": "BOOKING_CREATED", "payload": 5}', "BOOKING_CREATED"),
}


def test_what_was_signed_and_cannot_be_read_is_kept_and_never_an_error(sold: Sold) -> None:
    before = len(all_of(sold.house, WebhookEvent))
    for body, _ in BODIES.values():
        assert post(sold.house, body).text == "stored\n"
        assert post(sold.house, body).text == "known\n"
    sold.house.settle_down()
    stored = all_of(sold.house, WebhookEvent)[before:]
    assert [e.type for e in stored] == [kind for _, kind in BODIES.values()]
    kept = [e.type for e in stored if e.handled_at is None]
    assert kept == ["unreadable"] * 4 + ["BOOKING_CREATED"]
    assert sold.told(ADMIN) == ["Given up after 1 attempts: handle_event"] * 4


def test_what_is_not_signed_by_cal_com_is_401_and_what_is_too_long_413(first_sold: Sold) -> None:
    for wrong in ("", "no-secret-provided", "0" * 64, "0" * 63, "\u00e9"):
        assert post(first_sold.house, b"{}", **{"X-Cal-Signature-256": wrong}).status_code == 401
    assert post(first_sold.house, b" " * 300_000).status_code == 413
