"""Calendar files: right in every zone, the same bytes twice, and obeyed by the calendars that people use."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Component
from sqlalchemy.dialects.postgresql import Range

from discuno.accounts.models import User
from discuno.bookings import ics
from discuno.bookings.ics import CalendarFile
from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.mentors.models import Mentor

GOLDEN = Path(__file__).parent / "golden"
HOUR = timedelta(hours=1)
START = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
URL = "https://discuno.example/booking/eyJiIjoiYjEifQ"
HOSTILE = (
    '<script>alert(1)</script> "q"; a,b:c\\n ^n {{ 7*7 }} =HYPERLINK("x")'
    "\r\nX-EVIL:1\u2028\u202e\x00 \U0001d4b5\U0001f469\u200d\U0001f680" + "é" * 200
)


def booked(start: datetime = START, *, length: timedelta = HOUR, **change: object) -> Booking:
    """A booking that no database has seen."""
    amara = Mentor(user=User(name="Amara Okafor", email="amara@discuno.example"))
    given = {
        "public_id": "b1",
        "status": BookingStatus.CONFIRMED,
        "title": "Essay review",
        "attendee_name": "Jun Tanaka",
        "attendee_email": "jun@example.com",
        "sequence": 0,
        "changed_at": datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        "meeting_url": "https://meet.example/abc",
        **change,
    }
    minutes = int(length.total_seconds() // 60)
    return Booking(mentor=amara, during=Range(start, start + length), duration_minutes=minutes, **given)


def written(booking: Booking, zone: str = "Europe/Paris", reader: Party = Party.ATTENDEE) -> CalendarFile:
    return ics.invitation(booking, reader, zone=zone, organizer="bookings@discuno.example", url=URL)


def test_a_calendar_tells_nobody_the_address_of_the_other_side() -> None:
    jun, amara = "jun@example.com", "amara@discuno.example"
    for reader, own, other in ((Party.ATTENDEE, jun, amara), (Party.MENTOR, amara, jun)):
        content = written(booked(), reader=reader).content.replace("\r\n ", "")
        assert own in content
        assert other not in content


def moved() -> CalendarFile:
    later = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    return written(booked(START + timedelta(days=1), sequence=1, changed_at=later))


def cancelled() -> CalendarFile:
    later = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    status = BookingStatus.CANCELLED
    return written(booked(START + timedelta(days=1), sequence=2, changed_at=later, status=status))


@pytest.mark.parametrize(
    ("name", "write"), [("request", lambda: written(booked())), ("moved", moved), ("cancelled", cancelled)]
)
def test_a_file_is_to_the_byte_what_was_agreed(name: str, write: Callable[[], CalendarFile]) -> None:
    assert write().content.encode() == (GOLDEN / f"{name}.ics").read_bytes()


# What makes a cancelled session vanish. One function a client: the rules it breaks, none when all is well.

File = tuple[CalendarFile, Component]


def opened(file: CalendarFile) -> File:
    return file, Calendar.from_ical(file.content)


def event(file: File) -> Component:
    [found] = file[1].walk("VEVENT")
    return found


def methods_agree(file: File) -> bool:
    return f"method={file[1]['METHOD']}" in file[0].content_type


def apple(first: File, last: File) -> list[str]:
    """RFC 6047 2.4 and RFC 5546 3.2.5, which was edited at Apple and lies in the tree of its calendar server: the
    method parameter equals METHOD, and a CANCEL carries ORGANIZER, UID, DTSTAMP, SEQUENCE and, for all attendees,
    STATUS:CANCELLED. https://datatracker.ietf.org/doc/rfc6047, https://datatracker.ietf.org/doc/rfc5546
    """
    old, new = event(first), event(last)
    rules = {
        "method in file and type": methods_agree(last) and last[1]["METHOD"] == "CANCEL",
        "uid": new["UID"] == old["UID"],
        "sequence grows": new["SEQUENCE"] > old["SEQUENCE"],
        "newer stamp": new["DTSTAMP"].dt > old["DTSTAMP"].dt,
        "organizer": new["ORGANIZER"] == old["ORGANIZER"],
        "status": new["STATUS"] == "CANCELLED",
        "attendee": "mailto:jun@example.com" in new["ATTENDEE"],
    }
    return [rule for rule, kept in rules.items() if not kept]


def google(first: File, last: File) -> list[str]:
    """Gmail matches by UID what it has taken in as a REQUEST, and looks at the method in the MIME type: without it a
    cancellation is announced and not done (https://github.com/Couchers-org/couchers/issues/8557), and one with METHOD
    inside the event makes a second event (https://github.com/ical4j/ical4j/issues/423).
    """
    old, new = event(first), event(last)
    rules = {
        "taken in as a request": methods_agree(first) and first[1]["METHOD"] == "REQUEST",
        "method in file and type": methods_agree(last) and last[1]["METHOD"] == "CANCEL",
        "method of the calendar, not of the event": "METHOD" not in new,
        "uid": new["UID"] == old["UID"],
        "sequence not lower": new["SEQUENCE"] >= old["SEQUENCE"],
        "organizer is a bare address": str(new["ORGANIZER"]).startswith("mailto:bookings@"),
        "reader is an attendee": "mailto:jun@example.com" in old["ATTENDEE"] and "ATTENDEE" in new,
        "status": new["STATUS"] == "CANCELLED",
    }
    return [rule for rule, kept in rules.items() if not kept]


def outlook(first: File, last: File) -> list[str]:
    """Exchange: text/calendar with the method parameter makes a meeting message (MS-ASCMD 4.16.2.1), and a
    cancellation has a sequence greater than any message before it (MS-OXOCAL, sending one),
    by the same organizer.
    https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxocal/64f1eb11-3d8c-4e45-adc1-2ed8fa3f51bd
    Resend's users needed the method in the type as well: https://github.com/resend/resend-node/issues/198
    """
    old, new = event(first), event(last)
    zones = [zone["TZID"] for zone in last[1].walk("VTIMEZONE")]
    rules = {
        "a meeting message": all(map(methods_agree, (first, last))) and last[0].method == "CANCEL",
        "sequence grows": new["SEQUENCE"] > old["SEQUENCE"],
        "uid": new["UID"] == old["UID"],
        "organizer": new["ORGANIZER"] == old["ORGANIZER"] and new["ORGANIZER"] not in new["ATTENDEE"],
        "has both times": {"DTSTART", "DTEND"} <= set(new),
        "its zone is in the file": zones == [new["DTSTART"].params["TZID"]],
        "status": new["STATUS"] == "CANCELLED",
    }
    return [rule for rule, kept in rules.items() if not kept]


CLIENTS = (apple, google, outlook)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("first", [lambda: written(booked()), moved], ids=["first", "moved"])
def test_a_cancelled_session_vanishes_from_each_calendar(
    client: Callable[[File, File], list[str]], first: Callable[[], CalendarFile]
) -> None:
    assert client(opened(first()), opened(cancelled())) == []


@pytest.mark.parametrize("client", CLIENTS, ids=lambda c: c.__name__)
@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("METHOD:CANCEL", "METHOD:REQUEST"),
        ("UID:b1@", "UID:b2@"),
        ("SEQUENCE:2", "SEQUENCE:-1"),
        ("STATUS:CANCELLED", "STATUS:CONFIRMED"),
        ("mailto:bookings@", "mailto:amara@"),
    ],
)
def test_a_calendar_that_would_keep_it_is_noticed(
    client: Callable[[File, File], list[str]], said: str, instead: str
) -> None:
    good = cancelled()
    bad = CalendarFile(good.content.replace(said, instead), good.method, good.filename)
    assert client(opened(written(booked())), opened(bad)) != []


# Right in every zone.

ZONES = (
    *("Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "Europe/Dublin", "Africa/Casablanca"),
    *("America/Sao_Paulo", "America/New_York", "America/Los_Angeles", "Europe/Paris", "UTC"),
)
# Sunday mornings around the world at which clocks change, and Casablanca's month of fasting.
CHANGES = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 9, 26, 14, tzinfo=UTC),
    datetime(2026, 10, 3, 15, tzinfo=UTC),
    datetime(2026, 2, 15, tzinfo=UTC),
    datetime(2026, 3, 22, tzinfo=UTC),
    datetime(2018, 11, 4, tzinfo=UTC),
]


def by_the_file_alone(file: CalendarFile, name: str) -> datetime:
    """The instant of a time, read as RFC 5545 3.6.5 says and with no other knowledge of zones than the file's."""
    calendar = Calendar.from_ical(file.content)
    said = event((file, calendar))[name]
    if said.to_ical().endswith(b"Z"):
        return datetime.strptime(said.to_ical().decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    local = said.dt.replace(tzinfo=None, fold=0)
    [zone] = calendar.walk("VTIMEZONE")
    assert zone["TZID"] == said.params["TZID"]
    told = [(s["DTSTART"].dt, s["TZOFFSETFROM"].td, s["TZOFFSETTO"].td) for s in zone.subcomponents]
    readings = [(local - to).replace(tzinfo=UTC) for _, _, to in told]
    for instant in sorted(readings):  # a time that occurs twice means the first
        past = [t for t in told if (t[0] - t[1]).replace(tzinfo=UTC) <= instant]
        if past and (local - max(past)[2]).replace(tzinfo=UTC) == instant:
            return instant
    raise AssertionError(f"{local} does not occur in {zone['TZID']}")


@given(
    zone=st.sampled_from(ZONES),
    week=st.sampled_from(CHANGES),
    minutes=st.integers(-4 * 24 * 12, 4 * 24 * 12),
    length=st.sampled_from([15, 60, 480]),
)
def test_an_instant_comes_back_from_every_zone_and_week(
    zone: str, week: datetime, minutes: int, length: int
) -> None:
    start = week + timedelta(minutes=5 * minutes)
    file = written(booked(start, length=timedelta(minutes=length)), zone)
    found = event(opened(file))
    for name, instant in (("DTSTART", start), ("DTEND", start + timedelta(minutes=length))):
        assert found[name].dt.astimezone(UTC) == instant  # by the library and its own zones
        assert by_the_file_alone(file, name) == instant


def test_the_second_of_two_equal_hours_is_told_in_utc() -> None:
    second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)  # 1:30 in New York, for the second time
    assert second.astimezone(ZoneInfo("America/New_York")).fold == 1
    assert "DTSTART:20261101T063000Z" in written(booked(second), "America/New_York").content
    assert (
        "DTSTART;TZID=America/New_York:20261101T013000"
        in written(booked(second - HOUR, length=timedelta(minutes=15)), "America/New_York").content
    )


# Whatever people are called.


def test_no_name_and_no_place_breaks_a_line_or_adds_a_property() -> None:
    hostile = {
        "attendee_name": HOSTILE,
        "title": HOSTILE,
        "meeting_url": f"https://x/{HOSTILE}",
        "calendar_uid": HOSTILE,
    }
    plain, odd = written(booked()), written(booked(**hostile))
    lines = odd.content.encode().split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not {c for line in lines for c in line.decode() if ord(c) < 32 or c in "\x7f\x85\u2028\u2029"}
    assert list(event(opened(odd))) == list(event(opened(plain)))
    told = event(opened(odd))
    assert told["UID"].startswith("<script>alert(1)</script>")
    assert "X-EVIL:1" in told["SUMMARY"]
    assert told["ATTENDEE"].params["CN"].startswith("<script>alert(1)</script> 'q'; a,b:c")


def test_the_same_state_is_the_same_bytes_and_each_reader_has_their_own_zone() -> None:
    assert written(booked()) == written(booked())
    assert "TZID=Asia/Kathmandu:20261125T191500" in written(booked(), "Asia/Kathmandu").content


@pytest.mark.parametrize("status", [BookingStatus.CANCELLED, BookingStatus.REFUSED])
def test_what_does_not_take_place_is_cancelled_and_blocks_no_time(status: BookingStatus) -> None:
    file = written(booked(status=status))
    assert (file.method, file.content_type) == ("CANCEL", "text/calendar; charset=utf-8; method=CANCEL")
    assert event(opened(file))["TRANSP"] == "TRANSPARENT"


def test_a_session_without_a_place_has_none_and_one_known_elsewhere_keeps_its_name() -> None:
    told = event(opened(written(booked(meeting_url=None, calendar_uid="abc@Cal.com"))))
    assert not {"LOCATION", "URL", "CONFERENCE"} & set(told)
    assert told["UID"] == "abc@Cal.com"
