"""The door to a mentor's own hours: the week, single dates, and the next two weeks as attendees see them."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access as signed
from discuno.accounts import audit
from discuno.bookings import ahead
from discuno.bookings.calendar import WEEKDAYS, days_of, hours_of, zone_choices
from discuno.bookings.free import FreeTimes, free_times
from discuno.bookings.visitor import clock as chosen_clock
from discuno.edges.calcom import CalcomDown, CalcomRefused
from discuno.kit import clock, limits
from discuno.kit.db import locked, transaction
from discuno.kit.web import day, zone_of
from discuno.mentors import access, desk, offers, weeks
from discuno.mentors.access import me
from discuno.mentors.models import Calendar, EventType, Mentor
from discuno.mentors.weeks import OwnDays, Typed

bp = access.private("hours", __name__, "/availability")
AHEAD = timedelta(days=14)
UNREADABLE = "Cal.com does not tell us your free times right now. Please try again in a few minutes."
DONE = {
    "saved": "Saved. New bookings follow these hours.",
    "dates": "Saved. On these days your weekly hours do not hold.",
    "cleared": "Removed. Your weekly hours hold on these days again.",
}
DATES = ("first", "last", "opens", "closes", "opens2", "closes2")  # the fields of single dates


@bp.get("")
def page() -> Response:
    """The hours as they are, and what they come to."""
    return _page()


def _page(
    status: int = 200,
    week: list[Typed] | None = None,
    dates: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    mentor = me()
    typed = week or [weeks.as_typed(spans) for spans in weeks.week_of(mentor)]
    return desk.page(
        "mentors/_availability.html",
        "Availability",
        status,
        from_calcom=mentor.calendar == Calendar.CALCOM,
        days=[(name, weeks.with_room(rows)) for (_, name), rows in zip(WEEKDAYS, typed, strict=True)],
        own_days=[_in_words(entry) for entry in weeks.own_days(mentor)],
        dates={**dict.fromkeys(DATES, ""), **(dates or {})},
        today=weeks.today(mentor).isoformat(),
        errors=errors or {},
        outside=ahead.outside_hours(mentor),
        done=DONE.get(request.args.get("done", "")),
        **_preview(mentor),
    )


def _in_words(entry: OwnDays) -> dict[str, str]:
    """Days with hours of their own, for the list."""
    first, last = (f"{d:%a} {d.day} {d:%b %Y}" for d in (entry.first, entry.last))
    return {
        "days": first if entry.first == entry.last else f"{first} – {last}",
        "hours": weeks.in_words(entry.spans),
        "first": entry.first.isoformat(),
        "last": entry.last.isoformat(),
    }


# The week


@bp.post("")
@limits.at_most(*policy.SETTINGS)
def save_week() -> AnyResponse:
    """Save the whole week, or nothing of it."""
    typed = [_sent(number) for number in range(7)]
    week, errors = weeks.read_week(typed)
    if errors:
        wrong = {f"day-{number}": f"{WEEKDAYS[number][1]}: {words}" for number, words in errors.items()}
        return _page(422, week=typed, errors=wrong)
    with transaction():
        mentor = locked(Mentor, me().id)
        before = weeks.facts(mentor)
        weeks.set_week(mentor, week)
        _note("hours_saved", mentor, before, weeks.facts(mentor))
    return redirect(url_for(".page", done="saved"), 303)


def _sent(number: int) -> Typed:
    """The rows of one weekday; of too many one more than a day may have, which is then refused."""
    opens, closes = (request.form.getlist(f"{name}-{number}") for name in ("opens", "closes"))
    return list(zip(opens, closes, strict=False))[: weeks.MOST_STRETCHES + 1]


def _note(action: str, mentor: Mentor, before: audit.Facts, after: audit.Facts) -> None:
    if before != after:
        audit.note(signed.actor(), action, f"mentor:{mentor.id}", before=before, after=after)


# Single dates


@bp.post("/dates")
@limits.at_most(*policy.SETTINGS)
def save_dates() -> AnyResponse:
    """Give some days hours of their own, or take them off."""
    typed = {name: request.form.get(name, "") for name in DATES}
    wanted, errors = weeks.read_days(typed, weeks.today(me()))
    if wanted is None:
        return _page(422, dates=typed, errors=errors)
    with transaction():
        mentor = locked(Mentor, me().id)
        before = weeks.own_facts(mentor)
        weeks.set_days(mentor, wanted)
        _note("dates_saved", mentor, before, weeks.own_facts(mentor))
    return redirect(url_for(".page", done="dates"), 303)


@bp.post("/dates/remove")
@limits.at_most(*policy.SETTINGS)
def clear_dates() -> AnyResponse:
    """Let the weekly hours hold on some days again."""
    first, last = (weeks.read_date(request.form.get(name, "")) for name in ("first", "last"))
    if first is not None and last is not None:
        with transaction():
            mentor = locked(Mentor, me().id)
            before = weeks.own_facts(mentor)
            weeks.clear_days(mentor, first, last)
            _note("dates_removed", mentor, before, weeks.own_facts(mentor))
    return redirect(url_for(".page", done="cleared"), 303)


# As attendees see them


@bp.get("/preview")
def preview() -> Response:
    """The next two weeks of one session type, in a zone."""
    return desk.page("mentors/_preview.html", "The next two weeks", **_preview(me()))


def _preview(mentor: Mentor) -> dict[str, Any]:
    types = offers.of_mentor(mentor)
    chosen = next((t for t in types if str(t.id) == request.args.get("type")), None)
    chosen = chosen or next((t for t in types if t.enabled), types[0] if types else None)
    asked = request.args.get("zone")
    zone = str(asked) if zone_of(asked) is not None else mentor.zone
    seen = _free(chosen) if chosen is not None else FreeTimes([])
    return {
        "preview": _by_day(seen.starts, zone) if seen is not None else [],
        "unreadable": UNREADABLE if seen is None else None,
        "as_of": seen.as_of if seen is not None else None,
        "types": [(t.id, t.title) for t in types],
        "chosen": chosen,
        "shown_zone": zone,
        "zones": zone_choices(zone),
    }


def _free(event_type: EventType) -> FreeTimes | None:
    """The free starts of the next two weeks; None when Cal.com does not tell them."""
    now = clock.now()
    try:
        return free_times(event_type, now, now + AHEAD)
    except (CalcomDown, CalcomRefused):
        return None


def _by_day(starts: list[datetime], zone: str) -> list[tuple[str, list[str]]]:
    """Days in words with their hours."""
    days: dict[date, list[datetime]] = days_of(starts, ZoneInfo(zone))
    return [
        (day(starts[0], zone), list(hours_of(starts, zone, chosen_clock()).values()))
        for starts in days.values()
    ]
