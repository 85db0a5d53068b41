"""The door to the month as it is asked for: read the request, find the free times, lay them out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from flask import request

from discuno.bookings import service as bookings
from discuno.bookings.calendar import Asked, CalendarView, is_short_of_times, lay_out
from discuno.bookings.free import free_starts, free_times
from discuno.bookings.service import NOBODY, Besides
from discuno.bookings.visitor import clock as chosen_clock
from discuno.bookings.visitor import zone as chosen_zone
from discuno.edges.calcom import CalcomDown, CalcomRefused
from discuno.kit import clock
from discuno.kit.web import zone_of
from discuno.mentors.models import EventType, Mentor

UNREADABLE = "We cannot read this mentor's calendar right now. Please try again in a few minutes."
Link = Callable[..., tuple[str, str]]  # month=, day=, zone=, clock= → the page's address, the part's


def view(
    event_type: EventType,
    link: Link,
    *,
    around: datetime | None = None,
    besides: Besides = NOBODY,
    without: datetime | None = None,
) -> CalendarView:
    """The month the request asks for, or the first with a free time; what is free in it, or that it is not known.

    `around` is a lost time whose day is shown first; `besides` is passed over, and the start `without` not offered.
    """
    asked = _asked(event_type.mentor, around)
    seen = _look(event_type, asked, besides, without)
    if asked.month_is_guess and not seen["starts"] and seen.get("elsewhere"):
        first = seen["elsewhere"][0].astimezone(zone_of(asked.zone)).date()
        asked = replace(asked, month=first.replace(day=1))
        seen = _look(event_type, asked, besides, without)

    def turn(month: date, day: date | None, hours: str) -> tuple[str, str]:
        chosen = {"day": day.isoformat()} if day is not None else {}
        return link(month=month.strftime("%Y-%m"), zone=asked.zone, clock=hours, **chosen)

    return lay_out(
        asked,
        **seen,
        now=clock.now(),
        until=bookings.window(event_type, clock.now())[1],
        mentor_zone=event_type.mentor.zone,
        mentor_name=event_type.mentor.first_name,
        link=turn,
    )


def _look(event_type: EventType, asked: Asked, besides: Besides, without: datetime | None) -> dict[str, Any]:
    """The month's free times, those outside it when it is short of them, and how old they are."""
    first, last = asked.span()
    now = clock.now()
    try:
        seen = free_times(event_type, first, last, besides)
        starts = [s for s in seen.starts if s != without]
        elsewhere = []
        if is_short_of_times(asked, starts):
            all_free = free_starts(event_type, now, bookings.window(event_type, now)[1], besides)
            elsewhere = [s for s in all_free if s != without and not first <= s <= last]
    except (CalcomDown, CalcomRefused):
        return {"starts": [], "unavailable": UNREADABLE}
    return {"starts": starts, "elsewhere": elsewhere, "as_of": seen.as_of}


def _asked(mentor: Mentor, around: datetime | None) -> Asked:
    """The month, day, zone and clock of the request; what cannot be read is as if it had not been said."""
    zone, is_guess = chosen_zone(mentor.zone)
    here = zone_of(zone)
    lost_on = around.astimezone(here).date() if around is not None else None
    day = _date(request.args.get("day", "")) or lost_on
    asked = _date(request.args.get("month", "") + "-01") or day
    month = (asked or clock.now().astimezone(here).date()).replace(day=1)
    return Asked(month, day, zone, chosen_clock(), is_guess, month_is_guess=asked is None)


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None
