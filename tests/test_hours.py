"""A mentor's own hours: the week and single dates as typed, what attendees see of them, and what stays booked."""

import re
import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discuno.accounts.models import AuditEntry
from discuno.bookings.models import Booking, BookingStatus
from discuno.mentors import weeks
from discuno.mentors.availability import END_OF_DAY, DayHours, WeekHours, starts_within, stretches
from discuno.mentors.models import DateOverride, WeeklyHours
from tests.catalogue import AMARA, OWEN
from tests.factories import all_of, change, dump, in_the_house, paid, someone, the
from tests.house import House
from tests.settings import post, send
from tests.signing import signed_in

PAGE = "/dashboard/availability"
ALWAYS = {"earliest": datetime(2000, 1, 1, tzinfo=UTC), "latest": datetime(2100, 1, 1, tzinfo=UTC)}
NINE, NOON, TWO, FIVE = time(9), time(12), time(14), time(17)
EMPTY = dict.fromkeys(("first", "last", "opens", "closes", "opens2", "closes2"), "")


def hours_of(house: House, mentor_id: int = 1) -> list[tuple[int, time, time]]:
    found = [h for h in all_of(house, WeeklyHours) if h.mentor_id == mentor_id]
    return sorted((h.weekday, h.starts, h.ends) for h in found)


def here(house: House, days: int) -> date:
    """A day of Amara's zone, so many from today."""
    return in_the_house(house).astimezone(ZoneInfo(AMARA["zone"])).date() + timedelta(days=days)


# The week


def test_a_week_of_several_stretches_a_day_is_saved_as_a_whole(house: House) -> None:
    form = {
        "opens-0": ["14:00", "09:00", ""],
        "closes-0": ["17:00", "12:00", ""],
        "opens-6": "22:00",
        "closes-6": "00:00",
    }
    assert send(signed_in(house, AMARA["email"]), PAGE, **form) == 303
    assert hours_of(house) == [(0, NINE, NOON), (0, TWO, FIVE), (6, time(22), END_OF_DAY)]
    page = signed_in(house, AMARA["email"]).get(PAGE).text
    assert 'name="closes-6" value="00:00"' in page
    [entry] = all_of(house, AuditEntry)
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["Mon"], entry.after["Mon"]) == ("00:00–23:30", "09:00–12:00, 14:00–17:00")
    assert len(hours_of(house, 2)) == 7  # Owen's are his


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([("09:00", "12:00"), ("11:30", "14:00")], "09:00–12:00 and 11:30–14:00 overlap."),
        ([("17:00", "09:00")], "17:00 to 09:00 ends before it begins."),
        ([("09:00", "09:00")], "09:00 to 09:00 ends before it begins."),
        ([("09:00", "")], "Please give both times, such as 09:00 and 17:00, or neither."),
        ([("9 o'clock", "17:00")], "Please give both times, such as 09:00 and 17:00, or neither."),
        ([("09:00+01:00", "17:00")], "Please give both times, such as 09:00 and 17:00, or neither."),
        ([("25:00", "26:00")], "Please give both times, such as 09:00 and 17:00, or neither."),
        ([(f"{n:02}:00", f"{n:02}:30") for n in range(7)], "Please use at most 6 stretches a day."),
    ],
)
def test_hours_that_make_no_sense_are_refused_in_words(rows: weeks.Typed, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        weeks.read_day(rows)


def test_a_week_of_which_one_day_is_wrong_is_shown_again_and_nothing_of_it_is_saved(house: House) -> None:
    before = dump(house, "discuno_weekly_hours", "discuno_audit_entry")
    form = {"opens-0": "17:00", "closes-0": "09:00", "opens-1": "10:00", "closes-1": "11:00"}
    answer = post(signed_in(house, AMARA["email"]), PAGE, **form)
    assert answer.status_code == 422
    assert "Monday: 17:00 to 09:00 ends before it begins." in answer.text
    assert 'name="opens-1" value="10:00"' in answer.text
    assert dump(house, "discuno_weekly_hours", "discuno_audit_entry") == before


QUARTERS = st.integers(0, 95).map(lambda n: time(n // 4, 15 * (n % 4)))
SPANS = st.lists(st.tuples(QUARTERS, QUARTERS), max_size=6)


@given(SPANS)
def test_a_day_is_kept_exactly_when_its_stretches_are_apart_and_reads_back_as_typed(
    typed: list[tuple[time, time]],
) -> None:
    rows = [(f"{a:%H:%M}", f"{b:%H:%M}") for a, b in typed]
    ends = [(a, END_OF_DAY if b == time.min else b) for a, b in typed]
    forward = all(a < b for a, b in ends)
    apart = all(a >= d or b <= c for n, (a, b) in enumerate(ends) for c, d in ends[n + 1 :])
    if not (forward and apart):
        with pytest.raises(ValueError, match=r"overlap|before it begins"):
            weeks.read_day(rows)
        return
    kept = weeks.read_day(rows)
    assert weeks.read_day(weeks.as_typed(kept)) == kept == tuple(sorted(ends))


def test_two_tabs_saving_the_week_at_once_leave_one_of_them_whole(house: House) -> None:
    weeks_typed = [
        {f"{end}-{day}": f"{hour}:00" for day in range(7) for end, hour in (("opens", n), ("closes", n + 1))}
        for n in (10, 12)
    ]
    codes: list[int] = []

    def save(form: dict[str, str]) -> None:
        codes.append(send(signed_in(house, AMARA["email"]), PAGE, **form))

    tabs = [threading.Thread(target=save, args=(form,)) for form in weeks_typed]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(30)
    assert codes == [303, 303]
    found = hours_of(house)
    assert len(found) == 7
    assert len({(starts, ends) for _, starts, ends in found}) == 1


# Midnight, and the nights on which clocks change


def test_until_midnight_means_that_the_last_half_hour_can_be_booked() -> None:
    zone, day = ZoneInfo("America/New_York"), date(2026, 11, 24)
    open_hours = stretches([WeekHours(day.weekday(), time(22), END_OF_DAY)], [], zone, day, day)
    starts = starts_within(open_hours, timedelta(minutes=30), [], **ALWAYS)
    assert [f"{s.astimezone(zone):%H:%M}" for s in starts] == ["22:00", "22:30", "23:00", "23:30"]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Africa/Cairo", date(2026, 4, 23), 24),  # midnight is skipped: the day ends where the next begins
        ("Africa/Cairo", date(2026, 10, 29), 25),  # its last hour comes twice
        ("America/Havana", date(2026, 10, 31), 24),  # the next day begins twice, and this one ends once
        ("Europe/Paris", date(2026, 3, 29), 23),
        ("Europe/Paris", date(2026, 10, 25), 25),
    ],
)
def test_a_whole_day_lasts_to_the_begin_of_the_next_whatever_the_clock_does(
    zone: str, day: date, hours: int
) -> None:
    whole = DayHours(day, time.min, END_OF_DAY)
    [(opens, closes)] = stretches([], [whole], ZoneInfo(zone), day, day)
    assert closes - opens == timedelta(hours=hours)


# Single dates


def test_days_off_are_one_entry_that_can_be_taken_back(house: House) -> None:
    amara, first, last = signed_in(house, AMARA["email"]), here(house, 3), here(house, 9)
    change(house, "INSERT INTO discuno_date_override (mentor_id, day) VALUES (1, '2020-01-01')")
    assert send(amara, f"{PAGE}/dates", **{**EMPTY, "first": str(first), "last": str(last)}) == 303
    days = [o.day for o in all_of(house, DateOverride)]
    assert days == [first + timedelta(days=n) for n in range(7)]  # and what is long over was tidied away
    page = amara.get(PAGE).text
    assert page.count("day off</span>") == 1
    assert f'value="{last}"' in page
    jun = someone(house, AMARA["zone"])
    assert jun.times("amara", 1, str(first)) == []
    gone = {"first": str(first), "last": str(last)}
    assert [send(amara, f"{PAGE}/dates/remove", **gone) for _ in range(2)] == [303, 303]
    assert all_of(house, DateOverride) == []
    assert [e.action for e in all_of(house, AuditEntry)] == ["dates_saved", "dates_removed"]


def test_a_date_has_its_own_hours_instead_of_the_weeks_and_the_last_word_holds(house: House) -> None:
    amara, day = signed_in(house, AMARA["email"]), here(house, 5)
    two = {
        **EMPTY,
        "first": str(day),
        "opens": "14:00",
        "closes": "15:00",
        "opens2": "09:00",
        "closes2": "10:00",
    }
    assert send(amara, f"{PAGE}/dates", **two) == 303
    assert "09:00–10:00, 14:00–15:00" in amara.get(PAGE).text
    starts = someone(house, AMARA["zone"]).times("amara", 2, str(day))
    zone = ZoneInfo(AMARA["zone"])
    assert [f"{s.astimezone(zone):%H:%M}" for s in starts] == ["09:00", "09:30", "14:00", "14:30"]
    assert send(amara, f"{PAGE}/dates", **{**two, "opens2": "", "closes2": ""}) == 303
    assert [(o.starts, o.ends) for o in all_of(house, DateOverride)] == [(TWO, time(15))]


TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"first": ""}, {"first": "Please choose a day."}),
        ({"first": "2026-02-30"}, {"first": "Please choose a day."}),
        ({"last": "soon"}, {"first": "Please choose a day."}),
        ({"first": "2026-11-22"}, {"first": "These days are over. Please choose days to come."}),
        ({"last": "2026-11-24"}, {"first": "The last day lies before the first."}),
        ({"last": "2027-01-24"}, {"first": "Please change at most 60 days at once."}),
        ({"first": "2029-01-01"}, {"first": "Please choose days within the next two years."}),
        ({"opens": "12:00", "closes": "09:00"}, {"opens": "12:00 to 09:00 ends before it begins."}),
    ],
)
def test_days_that_make_no_sense_are_refused_in_words(wrong: dict[str, str], errors: dict[str, str]) -> None:
    assert weeks.read_days({**EMPTY, "first": "2026-11-25", **wrong}, TODAY) == (None, errors)


def test_the_longest_holiday_is_sixty_days() -> None:
    own, errors = weeks.read_days({**EMPTY, "first": "2026-11-25", "last": "2027-01-23"}, TODAY)
    assert own == weeks.OwnDays(date(2026, 11, 25), date(2027, 1, 23), ())
    assert errors == {}


def test_days_that_are_refused_are_shown_again(house: House) -> None:
    answer = post(
        signed_in(house, AMARA["email"]), f"{PAGE}/dates", first="2020-01-01", opens="10:00", closes="11:00"
    )
    assert answer.status_code == 422
    assert "These days are over." in answer.text
    assert 'value="10:00"' in answer.text
    assert all_of(house, DateOverride) == []


# What is booked stays


def test_booked_sessions_stay_and_those_outside_the_new_hours_are_named(house: House) -> None:
    paid(house)
    house.settle_down()
    amara, booked = signed_in(house, AMARA["email"]), the(house, Booking)
    assert "outside your hours" not in amara.get(PAGE).text
    answer = post(amara, PAGE)  # no hours at all
    page = amara.get(answer.location).text
    assert "1 booked session lies outside your hours and stays as it is" in page
    assert f'href="/dashboard/bookings/{booked.public_id}"' in page
    assert (the(house, Booking).status, the(house, Booking).during) == (
        BookingStatus.CONFIRMED,
        booked.during,
    )


# As attendees see them


def shown(page: str) -> list[str]:
    return re.findall(r'class="small muted num grow">([^<]*)<', page)


def test_the_preview_shows_exactly_what_an_attendee_is_offered_in_the_chosen_zone(house: House) -> None:
    form = {"opens-2": "09:00", "closes-2": "11:00"}
    amara = signed_in(house, AMARA["email"])
    assert send(amara, PAGE, **form) == 303
    part = amara.get(f"{PAGE}/preview?type=2&zone=Asia/Kathmandu", headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith('<div id="mentors-preview"')
    hours = shown(part)
    assert [len(day.split(" · ")) for day in hours] in (
        [4],
        [4, 4],
        [4, 4, 4],
    )  # 9 to 11 in New York, on Wednesdays
    jun = someone(house, "Asia/Kathmandu")
    offered = jun.times("amara", 2)
    kathmandu = ZoneInfo("Asia/Kathmandu")
    assert " · ".join(f"{s.astimezone(kathmandu):%-H:%M}" for s in offered) == hours[0]
    assert "<!doctype html>" in amara.get(f"{PAGE}/preview?type=2&zone=Asia/Kathmandu").text


def test_the_preview_is_of_ones_own_types_alone(house: House) -> None:
    page = signed_in(house, AMARA["email"]).get(f"{PAGE}?type=3&zone=Nowhere/Else").text
    assert "Oxbridge interview" not in page
    assert "Application review" in page


def test_for_a_mentor_at_calcom_the_page_shows_what_calcom_offers_and_says_when_it_does_not(
    house: House,
) -> None:
    owen = signed_in(house, OWEN["email"])
    house.fault("/calcom/v2/slots", "error", status=500, times=-1)
    page = owen.get(PAGE).text
    assert "Cal.com does not tell us your free times right now." in page
    assert "Your hours live at Cal.com" in page
    assert "Save the week" not in page
    house.control("DELETE", "faults")
    assert shown(owen.get(f"{PAGE}/preview").text)
