"""The door by which an attendee moves a session: a calendar, a question, and the new time. Nothing is paid again."""

from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Response, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.bookings import calendar_jobs, changes, links, month
from discuno.bookings import service as bookings
from discuno.bookings.calendar import CalendarView
from discuno.bookings.free import free_starts, near
from discuno.bookings.manage import (
    CHANGED,
    as_it_is,
    choices_of,
    home,
    is_outdated,
    managed,
    overview,
    page,
    private,
)
from discuno.bookings.models import Booking
from discuno.bookings.routes import instant
from discuno.bookings.service import NOBODY, Besides
from discuno.edges.calcom import CalcomDown, CalcomRefused
from discuno.kit import clock, limits
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.kit.web import wants_part, zone_of
from discuno.payments import service as payments

bp = private("reschedule")


@bp.get("/<token>/reschedule")
@limits.at_most(*policy.SLOTS)
def choose_other_time(token: str) -> Response:
    """The calendar, or, once a time is chosen, the question whether it is to be that one."""
    booking = managed(token)
    start = instant(request.args.get("start", ""))
    if journey.why_not_moved(booking) is not None:
        return _not_movable(booking, 200)
    if start is None or start == booking.starts_at:
        return _calendar_page(booking)
    return _question(booking, start)


def _not_movable(booking: Booking, status: int) -> Response:
    payment = payments.of_booking(booking)
    return page(
        "move_not",
        "Move the session",
        booking,
        status,
        why_not=journey.why_not_moved(booking),
        choices=choices_of(booking, payment),
    )


def _calendar_page(
    booking: Booking, status: int = 200, taken: str | None = None, around: datetime | None = None
) -> Response:
    token = links.manage_token(booking)
    view = _calendar(booking, around)
    return page(
        "move",
        "Choose another time",
        booking,
        status,
        calendar=view,
        choose_url=url_for(".choose_other_time", token=token),
        part_url=url_for(".calendar", token=token),
        taken=taken,
        near=_near(booking, around, view),
        moves_left=policy.MAX_MOVES - booking.moves,
        move_hours=policy.MOVE_HOURS,
    )


def _calendar(booking: Booking, around: datetime | None = None) -> CalendarView:
    token = links.manage_token(booking)

    def link(**shown: Any) -> tuple[str, str]:
        return url_for(".choose_other_time", token=token, **shown), url_for(".calendar", token=token, **shown)

    return month.view(
        booking.event_type, link, around=around, besides=_besides(booking), without=booking.starts_at
    )


def _besides(booking: Booking) -> Besides:
    """Its own hour gives way when it is moved; at Cal.com it is taken until it was moved there."""
    is_ours = booking.calcom_booking_uid is None
    return Besides(booking_id=booking.id) if is_ours else NOBODY


def _near(booking: Booking, lost: datetime | None, view: CalendarView) -> list[datetime]:
    if lost is None or view.unavailable is not None:
        return []
    return [s for s in near(booking.event_type, lost, _besides(booking)) if s != booking.starts_at]


@bp.get("/<token>/reschedule/calendar")
@limits.at_most(*policy.SLOTS)
def calendar(token: str) -> AnyResponse:
    """The calendar alone, for turning it."""
    booking = managed(token)
    here = url_for(".choose_other_time", token=links.manage_token(booking))
    if not wants_part():
        return redirect(here, 303)
    view = _calendar(booking)
    response = page("calendar", "Choose another time", booking, calendar=view, choose_url=here)
    response.headers["HX-Replace-Url"] = f"{here}?{urlencode({'zone': view.zone, **view.kept})}"
    return response


def _question(booking: Booking, start: datetime) -> Response:
    payment = payments.of_booking(booking)
    length = booking.ends_at - booking.starts_at
    paid_at = payment.paid_at if payment is not None else None
    zone = request.args.get("zone", "")
    return page(
        "move_sure",
        "Move the session?",
        booking,
        start=start,
        ends=start + length,
        period_ends=policy.dispute_period_ends(paid_at, start + length, policy.terms) if paid_at else None,
        shown_zone=zone if zone_of(zone) is not None else booking.attendee_zone,
        moves_left=policy.MAX_MOVES - booking.moves,
        is_soon=start - clock.now() < policy.FREE_CANCELLATION,
        free_hours=policy.HOURS_FREE,
    )


@bp.post("/<token>/reschedule")
@limits.at_most(*policy.CHANGES)
def move(token: str) -> AnyResponse:
    """A time was chosen: ask once more. It was confirmed: move, if nothing has changed meanwhile."""
    booking = managed(token)
    start = instant(request.form.get("start", ""))
    if start is None:
        raise DomainError("We could not read that time. Please choose one of those shown.", status=400)
    if "sequence" not in request.form:
        zone = request.form.get("zone", booking.attendee_zone)
        return redirect(url_for(".choose_other_time", token=token, start=start.isoformat(), zone=zone), 303)
    if is_outdated(booking):
        return overview(booking, 409, notice=CHANGED)
    if journey.why_not_moved(booking) is not None:
        return _not_movable(booking, 409)
    session["moving"] = [booking.public_id, booking.manage_token_version]  # so that it is led to the new link
    try:
        _require_offered(booking, start)
        return _moved(booking.id, start)
    except (bookings.TimeTaken, bookings.NotOffered) as lost:
        return _calendar_page(as_it_is(booking.id), lost.status, lost.message, around=start)


def _require_offered(booking: Booking, start: datetime) -> None:
    """Raise TimeTaken for a time that the calendar does not offer now."""
    if start == booking.starts_at:
        raise bookings.NotOffered
    try:
        if start not in free_starts(booking.event_type, start, start, _besides(booking)):
            raise bookings.TimeTaken
    except (CalcomDown, CalcomRefused) as error:
        raise DomainError(month.UNREADABLE, status=503) from error


def _moved(booking_id: int, start: datetime) -> AnyResponse:
    """Refused or granted by the database, whatever was offered; the other calendar is asked at once."""
    try:
        with transaction():
            booking = payments.locked_booking(booking_id)
            stale = is_outdated(booking)
            if not stale:
                journey.ask_to_move(booking, start)
            waits = changes.is_moving(booking)
    except sa.exc.IntegrityError as error:
        if bookings.is_taken(error):
            raise bookings.TimeTaken from error
        raise
    if stale:
        return overview(booking, 409, notice=CHANGED)
    if not waits:
        return home(booking)
    with suppress(CalcomDown):  # the job goes on
        calendar_jobs.move_at_calendar(booking_id)
    booking = as_it_is(booking_id)
    if not changes.is_moving(booking) and booking.starts_at != start:
        raise bookings.TimeTaken
    return home(booking)
