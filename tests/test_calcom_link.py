"""A mentor links their Cal.com calendar by their own key: nothing half-done, nobody else's, nothing lost."""

from datetime import timedelta
from typing import Any

import pytest

from discuno import journey
from discuno.accounts.models import AuditEntry
from discuno.bookings.calendar_sync import compare_calendars
from discuno.bookings.models import Booking, Party
from discuno.edges import calcom
from discuno.kit.db import session, transaction
from discuno.mentors import calendars
from discuno.mentors import service as mentors
from discuno.mentors.calcom import TRIGGERS, sync_types
from discuno.mentors.models import Calendar, EventType
from discuno.payments import service as payments
from discuno.webhooks.handlers import CALCOM
from tests.factories import all_of, change, in_the_house, paid, standing
from tests.house import House
from tests.linking import KEY, Desk, rounds, with_calendar
from tests.signing import OWEN, signed_in

pytestmark = pytest.mark.story

DAY = timedelta(days=1)


@pytest.fixture
def amara(house: House) -> Desk:
    return with_calendar(house)


def test_linking_asks_first_and_brings_the_types_switched_off(amara: Desk) -> None:
    amara.there("weekly", recurring=True)
    assert amara.link() == 303
    mentor, brought = amara.mentor, amara.type
    assert (mentor.calendar, mentor.calcom_username) == (Calendar.CALCOM, "amara-cal")
    assert (brought.title, brought.duration_minutes, brought.price) == ("Portfolio", 45, 0)
    assert (brought.enabled, brought.calcom_gone_at) == (False, None)
    assert amara.offered == []
    for words in ("amara-cal", "…k3f9", "New from Cal.com", "It repeats, and we sell one session at a time."):
        assert words in amara.page
    assert amara.audit() == ["link Cal.com"]


def test_the_key_is_sealed_and_in_no_page_log_or_audit(
    amara: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    amara.link()
    amara.house.work()
    assert KEY not in (amara.mentor.calcom_key or "")
    assert amara.house.read(lambda: calendars.key_of(mentors.by_username("amara"))) == KEY
    written = [f"{a.before}{a.after}{a.reason}" for a in all_of(amara.house, AuditEntry)]
    assert not any(KEY in text for text in [*written, amara.page, "".join(capfd.readouterr())])


def test_a_wrong_key_links_nothing_and_is_not_shown_again(amara: Desk) -> None:
    for wrong in ("cal_of_nobody", "no key", "", "cal_" + "x" * 300, "cal_ä"):
        assert amara.link(wrong) == 422
        assert not wrong or f'"{wrong}"' not in amara.page
    assert (amara.mentor.calendar, amara.mentor.calcom_key) == (Calendar.BUILTIN, None)
    assert amara.audit() == []


@pytest.mark.parametrize("path", ["/calcom/v2/me", "/calcom/v2/event-types"])
def test_a_cal_com_that_is_down_leaves_nothing_half_done(amara: Desk, path: str) -> None:
    known = len(all_of(amara.house, EventType))
    amara.house.fault(path, "error")
    assert amara.link() == 503
    assert (amara.mentor.calendar, amara.mentor.calcom_key) == (Calendar.BUILTIN, None)
    assert len(all_of(amara.house, EventType)) == known


def test_linking_twice_links_once_and_subscribes_once(amara: Desk) -> None:
    for _ in range(2):
        assert amara.link() == 303
        amara.house.work()
    assert amara.audit() == ["link Cal.com"]
    assert [t.calcom_event_type_id for t in all_of(amara.house, EventType)].count(amara.at_calcom) == 1
    hooks = amara.house.sandbox.world.all("calcom_webhook")
    assert [h["subscriberUrl"] for h in hooks] == [f"{amara.house.url}/webhooks/calcom"]


def test_a_subscription_whose_answer_was_lost_is_found_again(amara: Desk) -> None:
    amara.house.fault("POST /calcom/v2/webhooks", "drop_after")
    amara.link()
    amara.house.work()
    amara.house.advance(timedelta(minutes=1))
    amara.house.work()
    assert len(amara.house.sandbox.world.all("calcom_webhook")) == 1


def test_a_calendar_is_linked_to_one_mentor_only(amara: Desk) -> None:
    owens = "cal_sandbox_owen"
    amara.house.control("POST", "calcom/keys", {"key": owens, "username": "owen"})
    assert amara.link(owens) == 409  # his by the platform's key
    assert (amara.mentor.calendar, amara.mentor.calcom_key) == (Calendar.BUILTIN, None)
    assert amara.link() == 303
    owen = Desk(amara.house, signed_in(amara.house, OWEN), amara.at_calcom)
    assert owen.link() == 409  # hers by her own
    assert owen.link(owens) == 303


def test_what_changes_at_cal_com_is_taken_and_shown_until_it_is_looked_at(amara: Desk) -> None:
    amara.link()
    amara.sell()
    amara.changes(title="Portfolio, longer", lengthInMinutes=60)
    assert amara.post("sync") == 303
    assert (amara.type.title, amara.type.duration_minutes, amara.type.price) == (
        "Portfolio, longer",
        60,
        5000,
    )
    assert "Its length changed from 45 to 60 min" in amara.page
    assert "The price is still" in amara.page
    for _ in range(2):
        assert amara.post(f"types/{amara.type.id}/seen") == 303
    assert "Its length changed" not in amara.page
    assert amara.audit().count("looked at a change at Cal.com") == 1


def test_what_is_changed_there_and_back_is_no_news(amara: Desk) -> None:
    amara.link()
    amara.sell()
    for minutes in (60, 45):
        amara.changes(lengthInMinutes=minutes)
        amara.post("sync")
    assert "Its length changed" not in amara.page


@pytest.mark.parametrize(
    ("away", "back", "words"),
    [
        ({"removed": True}, {"removed": False}, "does not have it any more"),
        ({"hidden": True}, {"hidden": False}, "hidden at Cal.com"),
        ({"requiresConfirmation": True}, {"requiresConfirmation": False}, "confirm each booking"),
        ({"seats": True}, {"seats": False}, "several seats"),
        ({"lengthInMinutes": 600}, {"lengthInMinutes": 45}, "5 minutes to 8 hours"),
    ],
)
def test_a_type_that_cannot_be_sold_any_more_is_not_offered_until_it_can(
    amara: Desk, away: dict[str, Any], back: dict[str, Any], words: str
) -> None:
    amara.link()
    amara.sell()
    assert amara.offered == ["Portfolio"]
    amara.changes(**away)
    amara.post("sync")
    assert (amara.offered, amara.type.enabled) == ([], True)
    assert words in amara.page
    assert "cannot be booked at Cal.com any more" in notices(amara)
    amara.changes(**back)
    amara.post("sync")
    assert amara.offered == ["Portfolio"]


def notices(amara: Desk) -> str:
    return " ".join(
        n.sentence for n in amara.house.read(lambda: calendars.notices(mentors.by_username("amara")))
    )


def test_a_key_that_is_revoked_is_said_and_a_new_one_mends_it(amara: Desk) -> None:
    amara.link()
    amara.house.work()
    amara.house.control("POST", f"calcom/keys/{KEY}/revoke")
    rounds(amara.house, compare_calendars)
    assert calendars.KEY_REFUSED in notices(amara)
    change(amara.house, "UPDATE discuno_mentor SET calcom_problem = NULL")
    rounds(amara.house, sync_types)
    assert calendars.KEY_REFUSED in amara.page
    assert amara.type.calcom_gone_at is None  # nothing was learned of it
    amara.house.control("POST", "calcom/keys", {"key": "cal_new", "username": "amara-cal"})
    assert amara.link("cal_new") == 303
    assert notices(amara) == ""


def test_a_cal_com_that_is_down_at_the_round_is_said_and_nothing_else_changes(amara: Desk) -> None:
    amara.link()
    amara.sell()
    amara.house.fault("/calcom/v2/me", "error")
    amara.post("sync")
    assert calendars.DOWN in amara.page
    assert amara.offered == ["Portfolio"]
    amara.post("sync")
    assert calendars.DOWN not in amara.page


def test_a_session_is_sold_by_the_mentors_own_key_from_slot_to_cancellation(amara: Desk) -> None:
    amara.link()
    amara.sell()
    change(amara.house, "UPDATE discuno_event_type SET position = -1 WHERE calcom_event_type_id IS NOT NULL")
    paid(amara.house)
    amara.house.settle_down()
    assert standing(amara.house) == ("confirmed", "SUCCEEDED")
    world = amara.house.sandbox.world
    assert [r["by_key_of"] for r in world.all("calcom_booking")] == ["amara-cal"]
    platform = amara.house.sandbox.app.extensions["sandbox_settings"].calcom_api_key
    assert platform not in [caller["id"] for caller in world.all("calcom_caller")]
    booking = all_of(amara.house, Booking)[0]
    assert booking.calcom_event_type_id == amara.at_calcom


@pytest.fixture
def linked_booking(amara: Desk) -> Desk:
    """A session that was sold in her linked calendar."""
    amara.link()
    amara.sell()
    paid(amara.house)
    amara.house.settle_down()
    return amara


def test_leaving_keeps_what_was_sold_there_and_the_key_until_it_is_over(linked_booking: Desk) -> None:
    amara = linked_booking
    booking = all_of(amara.house, Booking)[0]
    for _ in range(2):
        assert amara.post("unlink") == 303
    assert amara.audit().count("unlink Cal.com") == 1
    assert amara.mentor.calcom_key is not None
    assert amara.offered == ["Application review", "First hello"]
    assert "still in your Cal.com calendar" in amara.page
    assert "does not offer this session at other times" in (why_not_moved(amara) or "")
    at_calcom = booking.calcom_booking_uid
    moved = amara.house.control("POST", f"calcom/bookings/{at_calcom}/move", {"days": 1})
    amara.house.settle_down()
    followed = all_of(amara.house, Booking)[0]
    assert (followed.calcom_booking_uid, followed.starts_at) == (moved["uid"], booking.starts_at + DAY)
    amara.house.advance(followed.ends_at - in_the_house(amara.house) + DAY + timedelta(minutes=1))
    rounds(amara.house, sync_types)
    assert (amara.mentor.calcom_key, amara.mentor.calcom_username) == (None, None)


def why_not_moved(amara: Desk) -> str | None:
    ours = all_of(amara.house, Booking)[0].id
    found: str | None = amara.house.read(lambda: journey.why_not_moved(session().get_one(Booking, ours)))
    return found


def test_a_session_sold_there_is_cancelled_there_after_leaving(linked_booking: Desk) -> None:
    amara = linked_booking
    amara.post("unlink")
    with amara.house.app.app_context(), transaction():
        ours = payments.locked_booking(all_of(amara.house, Booking)[0].id)
        journey.cancel(ours, Party.ATTENDEE, "ill")
    amara.house.settle_down()
    assert [b["status"] for b in amara.house.control("GET", "calcom/bookings")["bookings"]] == ["cancelled"]


def test_a_key_that_dies_while_somebody_pays_is_mended_before_the_money_goes_back(amara: Desk) -> None:
    amara.link()
    amara.sell()
    amara.house.fault("POST /calcom/v2/bookings$", "error", status=401, times=-1)
    paid(amara.house)
    amara.house.settle_down()
    assert standing(amara.house) == ("held", "SUCCEEDED")
    amara.house.control("DELETE", "faults")
    amara.house.control("POST", "calcom/keys", {"key": "cal_new", "username": "amara-cal"})
    assert amara.link("cal_new") == 303
    amara.house.advance(timedelta(minutes=5))
    amara.house.settle_down()
    assert standing(amara.house) == ("confirmed", "SUCCEEDED")


def test_another_calendar_waits_for_the_sessions_in_the_one_before(linked_booking: Desk) -> None:
    amara = linked_booking
    amara.house.control("POST", "calcom/keys", {"key": "cal_other", "username": "another"})
    assert amara.link("cal_other") == 409
    assert amara.mentor.calcom_username == "amara-cal"


def test_coming_back_brings_the_old_types_with_their_prices(amara: Desk) -> None:
    amara.link()
    amara.sell()
    amara.post("unlink")
    assert amara.mentor.calcom_key is None  # nothing was sold
    assert amara.link() == 303
    assert (amara.offered, amara.type.price) == (["Portfolio"], 5000)


# Whose page it is, and whose key


def test_we_ask_to_be_told_of_nothing_that_we_do_not_hear() -> None:
    assert set(TRIGGERS) <= set(CALCOM)


def test_nobody_touches_anothers_type(amara: Desk) -> None:
    owens = next(t for t in all_of(amara.house, EventType) if t.mentor_id != amara.mentor.id)
    assert amara.post(f"types/{owens.id}/seen") == 404


def test_calls_go_by_the_innermost_key_and_then_by_the_one_before(amara: Desk) -> None:
    amara.house.control("POST", "calcom/keys", {"key": "cal_other", "username": "another"})
    with amara.house.app.app_context(), calcom.acting_for(KEY):
        with calcom.acting_for("cal_other"):
            assert calcom.who_am_i().username == "another"
            with calcom.acting_for(None):
                assert calcom.who_am_i().username == "owen"  # the stand-in's platform
        assert calcom.who_am_i().username == "amara-cal"
        with calcom.acting_for("cal_wrong"), pytest.raises(calcom.CalcomKeyRefused) as refused:
            calcom.who_am_i()
    assert "cal_wrong" not in str(refused.value)
