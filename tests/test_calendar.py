"""The month as it is laid out, in a zone that is not the mentor's."""

from datetime import UTC, date, datetime, timedelta

import pytest

from discuno.bookings.calendar import Asked, CalendarView, is_short_of_times, lay_out, zone_choices

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def link(month: date, day: date | None, clock: str) -> tuple[str, str]:
    return f"/{month:%Y-%m}/{day or ''}/{clock}", "part"


def laid_out(starts: list[datetime], asked: Asked, *elsewhere: datetime) -> CalendarView:
    return lay_out(
        asked,
        starts,
        now=NOW,
        until=NOW + timedelta(days=60),
        mentor_zone="America/New_York",
        mentor_name="Amara",
        link=link,
        elsewhere=elsewhere,
    )


def asked(month: int = 11, day: date | None = None, zone: str = "Europe/Paris", clock: str = "24") -> Asked:
    return Asked(date(2026, month, 1), day, zone, clock, False)


def test_a_time_stands_under_the_day_it_has_where_the_attendee_is() -> None:
    late = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    view = laid_out([late], asked(zone="Pacific/Auckland"))
    assert view.chosen_day_label == "Thursday 26 November"
    assert [(s.label, s.mentor_label) for s in view.slots] == [("12:30", "Wed 18:30 for Amara")]
    [chosen] = [d for week in view.weeks for d in week if d is not None and d.is_chosen]
    assert (chosen.number, chosen.count, chosen.label) == (26, 1, "Thursday 26 November, 1 time available")


def test_the_mentors_hour_is_left_out_when_it_is_the_same() -> None:
    view = laid_out([datetime(2026, 11, 26, 15, tzinfo=UTC)], asked(zone="America/Toronto", clock="12"))
    assert [(s.label.replace("\u202f", " "), s.mentor_label) for s in view.slots] == [("10:00 AM", None)]


def test_a_day_without_times_offers_the_next_that_has_some_even_in_another_month() -> None:
    free = datetime(2026, 11, 27, 9, tzinfo=UTC)
    view = laid_out([free], asked(day=date(2026, 11, 25)))
    assert view.next_available is not None
    assert view.next_available.label == "Next free day: Friday 27 November"
    empty = laid_out([], asked(), datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    assert empty.next_available is not None
    assert empty.next_available.url == "/2027-01/2027-01-01/24"  # it is New Year in Paris
    assert empty.next_available.label == "Next free day: Friday 1 January 2027"


@pytest.mark.parametrize("day", [None, date(2026, 12, 30)])
def test_after_the_last_free_day_the_first_is_offered(day: date | None) -> None:
    asked_for = asked(12, day)
    assert is_short_of_times(asked_for, [])
    late = laid_out([], asked_for, datetime(2026, 11, 26, 9, tzinfo=UTC))
    assert late.next_available is not None
    assert late.next_available.label == "First free day: Thursday 26 November"
    assert late.nothing is None


def test_a_calendar_with_no_time_at_all_says_so_kindly_and_how_far_it_looked() -> None:
    view = laid_out([], asked())
    assert view.next_available is None
    assert view.nothing is not None
    assert view.nothing.startswith("Amara has no free time up to Saturday 23 January 2027")


def test_a_chosen_day_is_short_of_times_only_when_none_follows_in_its_month() -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert [is_short_of_times(asked(day=date(2026, 11, n)), [noon]) for n in (25, 26, 27)] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(("month", "back", "on"), [(11, False, True), (12, True, True), (10, False, True)])
def test_the_calendar_turns_no_further_than_there_can_be_times(month: int, back: bool, on: bool) -> None:
    view = laid_out([], asked(month))
    assert (view.previous is not None, view.next is not None) == (back, on)
    assert laid_out([], Asked(date(2027, 1, 1), None, "UTC", "24", True)).next is None


def test_every_month_shows_each_of_its_days_once_in_weeks_of_seven() -> None:
    for month in range(1, 13):
        weeks = laid_out([], asked(month)).weeks
        days = [d.number for week in weeks for d in week if d is not None]
        assert days == list(range(1, len(days) + 1))
        assert {len(week) for week in weeks} == {7}


def test_the_span_of_a_month_is_the_months_own_in_the_zone_asked_for() -> None:
    first, last = asked(11, zone="America/New_York").span()
    assert first == datetime(2026, 11, 1, 4, tzinfo=UTC)  # summer time still
    assert last == datetime(2026, 12, 1, 4, 59, 59, tzinfo=UTC)


def test_a_zone_that_is_not_in_the_list_stays_chosen() -> None:
    assert "Asia/Kathmandu" in dict(zone_choices("Asia/Kathmandu"))
    names = [name for name, _ in zone_choices("Etc/GMT+5")]
    assert names.count("Etc/GMT+5") == 1
    assert names == sorted(names)
