"""Own hours cut into starting times, through every kind of clock change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discuno.mentors.availability import (
    STEP,
    DayHours,
    Stretch,
    WeekHours,
    joined,
    starts_within,
    stretches,
)

ZONES = (
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Sao_Paulo",
    "Europe/London",
    "Pacific/Apia",  # lost a whole day in 2011
)
EVER = {"earliest": datetime(2000, 1, 1, tzinfo=UTC), "latest": datetime(2100, 1, 1, tzinfo=UTC)}
DAYS = st.dates(date(2008, 1, 1), date(2030, 12, 31))
TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))


def starts(
    day: date, opens: time, closes: time, zone: str, minutes: int, busy: list[Stretch] | None = None
) -> list[datetime]:
    found = stretches([WeekHours(day.weekday(), opens, closes)], [], ZoneInfo(zone), day, day)
    return starts_within(found, timedelta(minutes=minutes), busy or [], **EVER)


def on_the_clock(instants: list[datetime], zone: str) -> list[str]:
    return [f"{instant.astimezone(ZoneInfo(zone)):%H:%M%z}" for instant in instants]


@given(
    day=DAYS,
    hours=st.tuples(TIMES, TIMES).filter(lambda t: t[0] < t[1]),
    zone=st.sampled_from(ZONES),
    minutes=st.integers(5, 480),
)
def test_every_start_is_a_real_instant_inside_the_hours_and_none_is_double(
    day: date, hours: tuple[time, time], zone: str, minutes: int
) -> None:
    found = starts(day, *hours, zone, minutes)
    for start in found:
        wall = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert wall >= datetime.combine(day, hours[0])
        assert wall <= datetime.combine(day, hours[1])
        assert start.utcoffset() == timedelta(0)
    assert all(later - earlier == STEP for earlier, later in pairwise(found))


@pytest.mark.parametrize(
    ("zone", "day", "hours", "expected"),
    [
        # the clock jumps from 2:00 to 3:00: nothing starts in between, and an opening there waits for its end
        (
            "America/New_York",
            date(2026, 3, 8),
            ("01:00", "04:00"),
            ["01:00-0500", "01:30-0500", "03:00-0400"],
        ),
        ("America/New_York", date(2026, 3, 8), ("02:30", "04:00"), ["03:00-0400"]),
        ("America/New_York", date(2026, 3, 8), ("02:00", "03:00"), []),
        # the clock goes back from 2:00 to 1:00: the hour that comes twice is open twice
        (
            "America/New_York",
            date(2026, 11, 1),
            ("00:30", "01:30"),
            ["00:30-0400", "01:00-0400", "01:30-0400"],
        ),
        # half an hour of summer time
        (
            "Australia/Lord_Howe",
            date(2026, 10, 4),
            ("01:30", "03:30"),
            ["01:30+1030", "02:30+1100"],
        ),
        # midnight itself does not exist
        ("America/Sao_Paulo", date(2018, 11, 4), ("00:00", "02:00"), ["01:00-0200"]),
        # no clock change, an odd offset
        ("Asia/Kathmandu", date(2026, 3, 29), ("09:00", "10:30"), ["09:00+0545", "09:30+0545"]),
        ("Europe/London", date(2026, 3, 29), ("00:30", "02:30"), ["00:30+0000"]),
    ],
)
def test_days_of_clock_changes(zone: str, day: date, hours: tuple[str, str], expected: list[str]) -> None:
    opens, closes = (time.fromisoformat(hour) for hour in hours)
    assert on_the_clock(starts(day, opens, closes, zone, 60), zone) == expected


def test_what_is_busy_or_outside_the_window_is_not_offered() -> None:
    day, zone = date(2026, 12, 1), "UTC"

    def at(hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 12, 1, hour, minute, tzinfo=UTC)

    found = starts(day, time(9), time(13), zone, 45, busy=[(at(10), at(10, 45))])
    assert [f"{s:%H:%M}" for s in found] == ["09:00", "11:00", "11:30", "12:00"]
    hours = [(at(9), at(13))]
    limited = starts_within(hours, timedelta(minutes=45), [], earliest=at(10), latest=at(11))
    assert [f"{s:%H:%M}" for s in limited] == ["10:00", "10:30", "11:00"]


def test_a_session_may_cross_where_two_stretches_touch_and_not_where_they_part() -> None:
    def at(hour: int) -> datetime:
        return datetime(2026, 12, 1, hour, tzinfo=UTC)

    apart = [(at(12), at(14)), (at(9), at(12)), (at(15), at(17)), (at(16), at(16)), (at(14), at(14))]
    assert joined(apart) == [(at(9), at(14)), (at(15), at(17))]
    found = starts_within(joined(apart), timedelta(hours=2), [], earliest=at(9), latest=at(17))
    assert at(11) in found
    assert at(13) not in found
    assert joined([]) == []


def test_an_override_takes_the_place_of_the_week_and_a_day_off_has_no_hours() -> None:
    first = date(2026, 12, 7)  # a Monday
    week = [WeekHours(day, time(9), time(10)) for day in range(7)]
    special = [
        DayHours(first),
        DayHours(date(2026, 12, 8), time(20), time(21)),
        DayHours(date(2026, 12, 8), time(22), time(23)),
    ]
    found = list(stretches(week, special, ZoneInfo("UTC"), first, date(2026, 12, 9)))
    assert [(s.day, s.hour) for s, _ in found] == [(8, 20), (8, 22), (9, 9)]
