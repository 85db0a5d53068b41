"""Times through clock changes: what a mentor is open for, what an attendee sees and sends back, minute by minute."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discuno.bookings.calendar import Asked, CalendarView, lay_out, next_month
from discuno.bookings.routes import instant
from discuno.kit.web import iso
from discuno.mentors.availability import STEP, WeekHours, starts_within, stretches, with_room

MINUTE = timedelta(minutes=1)
CHANGES = (  # days on which the clock of a zone changes, or is odd all year
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Los_Angeles", date(2027, 3, 14)),
    ("America/Los_Angeles", date(2026, 11, 1)),
    ("Europe/Dublin", date(2027, 3, 28)),  # whose summer time is the standard one
    ("Europe/Dublin", date(2026, 10, 25)),
    ("Pacific/Chatham", date(2027, 4, 4)),
    ("Pacific/Chatham", date(2026, 9, 27)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),  # by half an hour
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # at midnight
    ("America/Sao_Paulo", date(2019, 2, 17)),
    ("America/Sao_Paulo", date(2026, 11, 1)),  # no more
    ("Africa/Casablanca", date(2027, 2, 7)),  # back for Ramadan
    ("Africa/Casablanca", date(2027, 3, 14)),
    ("Asia/Kathmandu", date(2026, 11, 1)),
)
ZONES = sorted({zone for zone, _ in CHANGES})
CASES = st.sampled_from(CHANGES)
HOURS = st.tuples(st.integers(0, 95), st.integers(0, 95)).filter(lambda q: q[0] < q[1])
LENGTHS = st.integers(3, 36).map(lambda n: timedelta(minutes=5 * n))
EVER = {"earliest": datetime(2000, 1, 1, tzinfo=UTC), "latest": datetime(2100, 1, 1, tzinfo=UTC)}


def quarter(number: int) -> time:
    """The so-manieth quarter of an hour of a day."""
    return time(number // 4, 15 * (number % 4))


def minutes_of(day: date, opens: time, closes: time, zone: ZoneInfo) -> list[datetime]:
    """By looking at every minute of three days: those that a clock on the mentor's wall shows between two hours."""
    first = datetime.combine(day - timedelta(days=1), time.min, UTC)
    every = (first + n * MINUTE for n in range(3 * 24 * 60))
    shown = ((minute, minute.astimezone(zone)) for minute in every)
    return [m for m, wall in shown if wall.date() == day and opens <= wall.time() < closes]


def free(zone: str, day: date, hours: tuple[int, int], length: timedelta) -> list[datetime]:
    """The starts of a mentor who is open for these hours on this day alone."""
    week = [WeekHours(day.weekday(), quarter(hours[0]), quarter(hours[1]))]
    return starts_within(stretches(week, [], ZoneInfo(zone), day, day), length, [], **EVER)


def seen(starts: list[datetime], zone: str, day: date, mentor_zone: str = "UTC") -> CalendarView:
    """A day as an attendee sees it."""
    month = day.replace(day=1)
    return lay_out(
        Asked(month, day, zone, "24", False),
        [s for s in starts if s.astimezone(ZoneInfo(zone)).date().replace(day=1) == month],
        now=datetime.combine(month, time.min, UTC),
        until=datetime.combine(next_month(month), time.min, UTC),
        mentor_zone=mentor_zone,
        mentor_name="Amara",
        link=lambda _month, chosen, _clock: (f"{chosen}", ""),
    )


@given(case=CASES, hours=HOURS, length=LENGTHS)
def test_what_is_offered_is_what_the_clock_on_the_wall_would_say(
    case: tuple[str, date], hours: tuple[int, int], length: timedelta
) -> None:
    zone, day = case
    open_minutes = minutes_of(day, quarter(hours[0]), quarter(hours[1]), ZoneInfo(zone))
    found = free(zone, day, hours, length)
    if not open_minutes:
        assert found == []
        return
    opens, closes = open_minutes[0], open_minutes[-1] + MINUTE
    wanted = [opens + n * STEP for n in range(60) if opens + n * STEP + length <= closes]
    assert found == wanted  # none missed, none double, and none that no clock shows
    assert len(set(found)) == len(found)


@given(case=CASES, hours=HOURS, length=LENGTHS, there=st.sampled_from(ZONES), swaps=st.booleans())
def test_each_start_stands_once_in_the_month_under_its_own_day_and_comes_back_exactly(
    case: tuple[str, date], hours: tuple[int, int], length: timedelta, there: str, swaps: bool
) -> None:
    zone, day = case
    theirs, mine = (there, zone) if swaps else (zone, there)  # the change is the attendee's, or the mentor's
    starts = free(theirs, day, hours, length)
    days = Counter(start.astimezone(ZoneInfo(mine)).date() for start in starts)
    came_back = []
    for shown, count in days.items():
        view = seen(starts, mine, shown, theirs)
        [cell] = [d for week in view.weeks for d in week if d is not None and d.date == shown]
        assert cell.count == len(view.slots) == count
        labels = [slot.label for slot in view.slots]
        assert len(set(labels)) == len(labels)  # an hour that comes twice says which it is
        for slot in view.slots:
            wall = slot.start.astimezone(ZoneInfo(mine))
            assert slot.label.startswith(f"{wall.hour}:{wall:%M}")
            came_back.append(instant(iso(slot.start)))
    assert sorted(filter(None, came_back)) == starts


def test_an_hour_that_comes_twice_says_which_it_is() -> None:
    starts = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (4, 5, 6, 7)]
    view = seen(starts, "America/New_York", date(2026, 11, 1))
    assert [slot.label for slot in view.slots] == ["0:30", "1:30 (UTC−4)", "1:30 (UTC−5)", "2:30"]


@pytest.mark.parametrize(
    ("mine", "theirs", "label"),
    [
        ("Europe/Paris", "Europe/Paris", None),
        ("Europe/Paris", "Europe/Madrid", None),
        ("Europe/Paris", "Asia/Kathmandu", "16:45 for Amara"),
        ("Asia/Tokyo", "America/Los_Angeles", "3:00 for Amara"),
        ("Pacific/Auckland", "America/New_York", "Wed 6:00 for Amara"),
        ("Pacific/Kiritimati", "Pacific/Honolulu", "Wed 1:00 for Amara"),  # only the date is another
    ],
)
def test_the_mentors_hour_is_told_when_it_differs_and_its_day_when_that_differs(
    mine: str, theirs: str, label: str | None
) -> None:
    start = datetime(2026, 11, 25, 11, tzinfo=UTC)
    view = seen([start], mine, start.astimezone(ZoneInfo(mine)).date(), theirs)
    assert [slot.mentor_label for slot in view.slots] == [label]


@given(
    taken=st.lists(st.integers(0, 47), max_size=4),
    minutes=st.integers(1, 24).map(lambda n: 5 * n),
    rest=st.integers(0, 24).map(lambda n: 5 * n),
    window=st.tuples(st.integers(0, 1500), st.integers(0, 1500)),
)
def test_breaks_notice_and_window_are_kept_to_the_minute(
    taken: list[int], minutes: int, rest: int, window: tuple[int, int]
) -> None:
    day = datetime(2026, 11, 25, tzinfo=UTC)
    length, pause = timedelta(minutes=minutes), timedelta(minutes=rest)
    busy = [(day + n * STEP, day + n * STEP + length + pause) for n in taken]
    earliest, latest = (day + timedelta(minutes=m) for m in window)
    found = starts_within(
        [(day, day + timedelta(days=1))], length, busy, earliest=earliest, latest=latest, rest=pause
    )
    for n in range(48):
        start = day + n * STEP
        ends = start + length
        meets = any(start < until and begins < ends + pause for begins, until in busy)
        inside = earliest <= start <= latest and ends <= day + timedelta(days=1)
        assert (start in found) == (inside and not meets)


@given(case=CASES, maximum=st.integers(1, 3), begun=st.lists(st.integers(-30, 54), max_size=6))
def test_a_full_day_is_one_of_the_mentors_zone_however_long_it_is(
    case: tuple[str, date], maximum: int, begun: list[int]
) -> None:
    zone, day = ZoneInfo(case[0]), case[1]
    midnight = datetime.combine(day, time.min, zone).astimezone(UTC)
    hours = [midnight + timedelta(hours=n) for n in range(-24, 49)]
    taken = [(midnight + timedelta(hours=n), midnight + timedelta(hours=n, minutes=45)) for n in begun]
    found = with_room(hours, taken, zone=zone, maximum=maximum)
    for hour in hours:
        that_day = hour.astimezone(zone).date()
        begins = [t for t, _ in taken if t.astimezone(zone).date() == that_day]
        assert (hour in found) == (len(begins) < maximum)
