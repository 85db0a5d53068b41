"""What we change about a session is changed in the mentor's Cal.com too: once, whatever gets lost on the way."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from discuno import journey
from discuno.bookings import calendar_jobs
from discuno.bookings.models import Booking, BookingChange, Party
from discuno.edges import queue
from discuno.edges.calcom import CalcomDown
from discuno.kit import failpoints
from discuno.kit.db import transaction
from discuno.payments import service as payments
from discuno.payments.models import Payment
from tests.calendars import DAY, JUN_AT, Sold, one_sold
from tests.chaos.points import Recorder, Stopped, Stopper, raise_stopped
from tests.factories import ADMIN, all_of, the, when_reached, work_until_done
from tests.house import House

pytestmark = pytest.mark.story

RESCHEDULE = "POST /calcom/v2/bookings/[^/]+/reschedule$"
CANCEL = "POST /calcom/v2/bookings/[^/]+/cancel$"
EVERYTHING = "/calcom/v2/"
NOTICE = {"error": {"code": "BadRequestException", "message": "Minimum cancellation notice"}}
MOVED = ["Moved: Oxbridge interview with Owen Hughes"]


@pytest.fixture(scope="module")
def first_sold(built_house: House) -> Iterator[Sold]:
    with one_sold(built_house) as sold:
        yield sold


@pytest.fixture
def sold(first_sold: Sold) -> Iterator[Sold]:
    yield first_sold.anew()
    failpoints.arm(None)


def cancel(sold: Sold, by: Party = Party.ATTENDEE) -> None:
    with sold.house.app.app_context(), transaction():
        journey.cancel(payments.locked_booking(sold.booking.id), by, "ill")


def is_moved(sold: Sold, days: int = 1) -> None:
    """The row, Cal.com and the dispute period agree, and nothing is kept beside."""
    booking, payment = sold.booking, the(sold.house, Payment)
    [made] = [b for b in sold.there if b["status"] == "accepted"]
    assert (booking.calcom_booking_uid, booking.meeting_url) == (made["uid"], made["meetingUrl"])
    assert booking.starts_at.isoformat() == made["start"].replace(".000Z", "+00:00")
    assert payment.dispute_period_ends == booking.ends_at + timedelta(hours=72)
    assert booking.move_hold_id is None
    assert [str(b.status) for b in all_of(sold.house, Booking)[1:]] == ["released"]
    assert len(sold.there) == 2, "the old one and the new one"


def stays(sold: Sold, uid: str | None) -> None:
    booking = sold.booking
    assert (booking.calcom_booking_uid, str(booking.status)) == (uid, "confirmed")
    assert booking.move_hold_id is None
    assert [str(b.status) for b in all_of(sold.house, Booking)[1:]] == ["released"]


def test_a_booking_knows_the_calendars_own_invitation(sold: Sold) -> None:
    [there] = sold.there
    assert sold.booking.uid == there["icsUid"] == f"{sold.booking.calcom_booking_uid}@Cal.com"


@pytest.mark.parametrize("action", ["drop_before", "drop_after", "error_after"])
def test_a_move_is_made_once_at_calcom_whatever_is_lost(sold: Sold, action: str) -> None:
    wanted, uid = sold.booking.starts_at + DAY, sold.booking.uid
    sold.house.fault(RESCHEDULE, action, status=502)
    sold.ask_to_move(wanted)
    sold.house.settle_down()
    assert sold.booking.move_hold_id is not None, "the outcome is unknown"
    work_until_done(sold.house, 1, calendar_jobs.STILL_ASKING)
    assert (sold.booking.starts_at, sold.booking.moves, sold.booking.uid) == (wanted, 1, uid)
    is_moved(sold)
    assert sold.told(JUN_AT) == MOVED


def test_a_move_that_calcom_refuses_leaves_everything_as_it_was_and_is_told(sold: Sold) -> None:
    uid, start = sold.booking.calcom_booking_uid, sold.booking.starts_at
    taken = {"eventTypeId": sold.booking.calcom_event_type_id, "start": (start + DAY).isoformat()}
    sold.house.control("POST", "calcom/busy", taken)
    sold.ask_to_move(start + DAY)
    sold.house.settle_down()
    stays(sold, uid)
    assert sold.booking.starts_at == start
    assert len(sold.told(JUN_AT)) == 1


@pytest.mark.parametrize("lost", ["nothing", "the answer"])
def test_a_calendar_that_is_away_too_long_decides_by_a_look_alone(sold: Sold, lost: str) -> None:
    uid, wanted = sold.booking.calcom_booking_uid, sold.booking.starts_at + DAY
    if lost == "the answer":
        sold.house.fault(RESCHEDULE, "drop_after")
        sold.ask_to_move(wanted)
        sold.house.work()
    sold.house.fault(EVERYTHING, "error", status=503, times=-1)
    if lost == "nothing":
        sold.ask_to_move(wanted)
    work_until_done(sold.house, 4, timedelta(minutes=9))
    kept = all_of(sold.house, Booking)[-1]
    assert sold.booking.move_hold_id == kept.id
    assert kept.held_until > kept.created_at + timedelta(minutes=36), "kept for as long as it may be ours"
    sold.house.control("DELETE", "faults")
    sold.house.fault(RESCHEDULE, "error", status=500, times=-1)  # nobody may ask for it any more
    work_until_done(sold.house, 2, timedelta(minutes=15))
    if lost == "nothing":
        stays(sold, uid)
    else:
        is_moved(sold)


def test_a_calendar_that_never_comes_back_does_not_leave_a_booking_moving_for_ever(sold: Sold) -> None:
    uid = sold.booking.calcom_booking_uid
    sold.house.fault(EVERYTHING, "error", status=503, times=-1)
    sold.ask_to_move(sold.booking.starts_at + DAY)
    work_until_done(sold.house, 12, timedelta(minutes=15))
    stays(sold, uid)
    assert len(sold.told(JUN_AT)) == 1


def test_a_page_and_a_worker_that_ask_for_the_same_move_ask_once(sold: Sold) -> None:
    sold.ask_to_move(sold.booking.starts_at + DAY)
    second: list[str] = []

    def ask_too() -> None:
        with sold.house.app.app_context():
            try:
                calendar_jobs.move_at_calendar(sold.booking.id)
            except CalcomDown as down:
                second.append(type(down).__name__)

    with sold.house.app.app_context():
        when_reached("calcom:edges.calcom.bookings.reschedule:before", lambda: in_a_thread(ask_too))
        calendar_jobs.move_at_calendar(sold.booking.id)
    assert second == ["StillAsking"]
    sold.house.settle_down()
    is_moved(sold)


def in_a_thread(act: Callable[[], None]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def test_a_move_to_an_hour_that_the_host_has_changed_meanwhile_takes_the_hosts_hour(sold: Sold) -> None:
    sold.no_webhooks()
    wanted = sold.booking.starts_at + DAY
    sold.ask_to_move(wanted)
    sold.act("move", days=3)
    sold.house.settle_down()
    assert sold.booking.starts_at == wanted + 2 * DAY
    assert sold.booking.moves == 0
    is_moved(sold)


def test_a_booking_cancelled_at_calcom_while_it_was_to_be_moved_is_cancelled(sold: Sold) -> None:
    sold.no_webhooks()
    sold.ask_to_move(sold.booking.starts_at + DAY)
    sold.act("cancel", by="host")
    sold.house.settle_down()
    assert (str(sold.booking.status), sold.booking.cancelled_by) == ("cancelled", Party.MENTOR)
    assert [r["amount"] for r in sold.house.stripe("refund")] == [7000]


def test_a_cancelled_session_leaves_the_mentors_calendar_even_when_the_answer_is_lost(sold: Sold) -> None:
    sold.house.fault(CANCEL, "drop_after")
    cancel(sold)
    work_until_done(sold.house, 2, timedelta(seconds=5))
    assert sold.live == []
    [there] = sold.there
    assert there["cancellationReason"] == "Cancelled at Discuno by the attendee."
    assert sold.told(ADMIN) == []


def test_a_cancelled_session_that_the_host_has_moved_is_cancelled_where_it_is(sold: Sold) -> None:
    sold.no_webhooks()
    sold.act("move", days=2)
    cancel(sold)
    sold.house.settle_down()
    assert sold.live == []


def test_a_session_that_calcom_keeps_after_we_have_cancelled_it_is_told_to_an_admin_at_once(
    sold: Sold,
) -> None:
    sold.house.fault(CANCEL, "error", status=400, body=NOTICE, times=-1)
    cancel(sold)
    sold.house.settle_down()
    assert len(sold.live) == 1
    assert len([s for s in sold.told(ADMIN) if "cancel_at_calendar" in s]) == 1
    assert [r["amount"] for r in sold.house.stripe("refund")] == [7000]


def test_the_calendar_is_told_who_did_not_come_and_its_echo_changes_nothing(sold: Sold) -> None:
    sold.to_session(after=timedelta(minutes=11))
    with sold.house.app.app_context(), transaction():
        journey.attendee_absent(payments.locked_booking(sold.booking.id), Party.MENTOR)
    sold.house.fault("POST /calcom/v2/bookings/[^/]+/mark-absent$", "drop_after")
    work_until_done(sold.house, 2, timedelta(seconds=5))
    [there] = sold.there
    assert (there["attendees"][0]["absent"], there["absentHost"]) == (True, False)
    assert len(sold.told(JUN_AT)) == 1
    assert [c.kind for c in all_of(sold.house, BookingChange)] == ["attendee_absent"]


def begin_move(sold: Sold) -> None:
    sold.ask_to_move(sold.booking.starts_at + DAY)


@pytest.mark.story
@pytest.mark.parametrize("what", ["move", "cancel"])
def test_stopped_anywhere_it_is_done_once(first_sold: Sold, what: str) -> None:
    sold = first_sold
    begin: Callable[[Sold], None] = begin_move if what == "move" else cancel
    recorder = Recorder()
    run(sold, begin, recorder)
    places = [(point, hit) for point, hit in recorder.places if "calendar" in point or "calcom" in point]
    assert len(places) >= 4
    for point, hit in places:
        stopper = Stopper(point, hit, raise_stopped)
        run(sold, begin, stopper)
        assert stopper.stopped, point
        work_until_done(sold.house, 2, timedelta(minutes=2))
        if what == "move":
            is_moved(sold)
        assert len(sold.live) == (what == "move"), point
        letters = [s for s in sold.told(JUN_AT) if s.startswith(("Moved", "Cancelled"))]
        assert len(letters) == 1, (point, letters)


def run(sold: Sold, begin: Callable[[Sold], None], watch: Callable[[str], None]) -> None:
    sold.anew().no_webhooks()
    begin(sold)
    failpoints.arm(watch)
    try:
        with sold.house.app.app_context():
            queue.run_due()
    except Stopped:
        pass
    finally:
        failpoints.arm(None)
