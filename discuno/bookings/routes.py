"""The first steps of a booking: session and time. Each is a part with a URL of its own; steps.py has the rest."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy.orm.exc import ObjectDeletedError
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.bookings import month, visits
from discuno.bookings import service as bookings
from discuno.bookings.calendar import CalendarView
from discuno.bookings.free import free_starts, near
from discuno.bookings.models import Booking
from discuno.bookings.service import Besides
from discuno.bookings.visitor import new_visitor, visitor
from discuno.edges.calcom import CalcomDown, CalcomRefused
from discuno.edges.stripe import StripeDown, StripeRefused
from discuno.kit import clock, limits, security
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.web import show, zone_of
from discuno.mentors import service as mentors
from discuno.mentors.models import Calendar, EventType
from discuno.payments import checkout
from discuno.payouts import service as payouts

bp = security.open_to("anybody", Blueprint("bookings", __name__, url_prefix="/mentor/<username>/book"))


def step(part: str, name: str, status: int = 200, *, page: str = "book", **context: Any) -> Response:
    """A step of the booking, alone or in its page."""
    return show(f"bookings/{page}.html", f"bookings/_{part}.html", status, step=name, **context)


def policy_sentences(of: EventType | Booking, starts_at: datetime | None = None) -> list[str]:
    """What an attendee is told before paying for this."""
    ahead: timedelta | None = starts_at - clock.now() if starts_at is not None else None
    return policy.policy_sentences(policy.terms, free=of.price == 0, ahead=ahead)


# Session


@bp.get("")
def choose_session(username: str) -> AnyResponse:
    """Which session; a mentor's only one is chosen already."""
    visits.look(username)
    mentor = mentors.by_username(username)
    offers = payouts.bookable(mentor)
    if len(offers) == 1:
        return redirect(url_for(".choose_time", username=mentor.username, type_id=offers[0].id))
    return step("session", "session", mentor=mentor, event_types=offers)


def _offer(username: str, type_id: int) -> EventType:
    """A bookable session type. Raises NotFound, or DomainError when it cannot be paid out."""
    mentor = mentors.by_username(username)
    event_type = mentors.offered_type(mentor, type_id)
    if event_type not in payouts.bookable(mentor):
        raise DomainError(
            f"{mentor.name} cannot take paid bookings right now. Nothing was charged.",
            status=409,
            heading="Not bookable right now",
        )
    return event_type


# Time


@bp.get("/<int:type_id>")
@limits.at_most(*policy.SLOTS)
def choose_time(username: str, type_id: int) -> Response:
    """The month and the times of a day, in the attendee's zone."""
    visits.look(username)
    return time_step(_offer(username, type_id))


@bp.get("/<int:type_id>/calendar")
@limits.at_most(*policy.SLOTS)
def calendar(username: str, type_id: int) -> Response:
    """The calendar alone, for turning it."""
    event_type = _offer(username, type_id)
    view = _calendar(event_type)
    response = show(
        "bookings/book.html",
        "bookings/_calendar.html",
        step="time",
        mentor=event_type.mentor,
        event_type=event_type,
        calendar=view,
        choose_url=_choose_url(event_type),
    )
    query = urlencode({"zone": view.zone, **view.kept})
    response.headers["HX-Replace-Url"] = (
        f"{url_for('.choose_time', username=username, type_id=type_id)}?{query}"
    )
    return response


def _choose_url(event_type: EventType) -> str:
    return url_for(".choose_time", username=event_type.mentor.username, type_id=event_type.id)


def time_step(
    event_type: EventType, *, status: int = 200, taken: str | None = None, around: datetime | None = None
) -> Response:
    """The step at which a time is chosen; after a lost one (`around`) with its day and the times nearest to it."""
    view = _calendar(event_type, around)
    return step(
        "time",
        "time",
        status,
        mentor=event_type.mentor,
        event_type=event_type,
        calendar=view,
        choose_url=_choose_url(event_type),
        part_url=url_for(".calendar", username=event_type.mentor.username, type_id=event_type.id),
        taken=taken,
        near=near(event_type, around, Besides(visitor=visitor())) if around is not None else [],
        kept_times=_kept_times(event_type),
        policy_sentences=policy_sentences(event_type),
        zone=view.zone,
        clock=view.clock,
    )


@dataclass(frozen=True)
class KeptTime:
    """A time that this browser keeps with the mentor. `title` names another session type than the one looked at."""

    starts_at: datetime
    title: str | None
    continue_url: str
    release_url: str
    goes_with_back: bool  # nothing was typed for it yet, so going back in the browser gives it back


def _kept_times(event_type: EventType) -> list[KeptTime]:
    return [_kept_time(b, event_type) for b in bookings.held_by(visitor() or "", event_type.mentor_id)]


def _kept_time(booking: Booking, event_type: EventType) -> KeptTime:
    which: dict[str, Any] = {"username": booking.mentor.username, "public_id": booking.public_id}
    return KeptTime(
        starts_at=booking.starts_at,
        title=booking.title if booking.event_type_id != event_type.id else None,
        continue_url=url_for("payments.pay" if booking.has_details else ".details", **which),
        release_url=url_for(".release", **which),
        goes_with_back=not booking.has_details,
    )


def _calendar(event_type: EventType, around: datetime | None = None) -> CalendarView:
    whose: dict[str, Any] = {"username": event_type.mentor.username, "type_id": event_type.id}

    def link(**shown: Any) -> tuple[str, str]:
        return url_for(".choose_time", **whose, **shown), url_for(".calendar", **whose, **shown)

    return month.view(event_type, link, around=around, besides=Besides(visitor=visitor()))


@bp.post("/<int:type_id>")
@limits.at_most(*policy.HOLDS)
def hold(username: str, type_id: int) -> AnyResponse:
    """Keep the chosen time for this browser. The price, the length and the mentor come from our row."""
    event_type = _offer(username, type_id)
    start, zone = instant(request.form.get("start", "")), request.form.get("zone", "")
    if start is None or zone_of(zone) is None:
        raise DomainError(
            "We could not read that time or time zone. Please choose one of those shown.", status=400
        )
    me = new_visitor()
    try:
        _require_offered(event_type, start, me)
        _let_others_go(me, event_type, start)
        booking = _hold(event_type, start, me, zone)
    except (bookings.TimeTaken, bookings.NotOffered) as lost:
        return time_step(event_type, status=lost.status, taken=lost.message, around=start)
    return redirect(url_for(".details", username=username, public_id=booking.public_id), 303)


def _require_offered(event_type: EventType, start: datetime, me: str) -> None:
    """Raise TimeTaken or NotOffered for a time that the calendar does not offer this visitor."""
    if _is_own(event_type, start, me):
        return
    try:
        if start not in free_starts(event_type, start, start, Besides(visitor=me)):
            raise _why_not(event_type, start, me)
    except (CalcomDown, CalcomRefused) as error:
        raise DomainError(month.UNREADABLE, status=503) from error


def _hold(event_type: EventType, start: datetime, me: str, zone: str) -> Booking:
    """Refused or granted by the database, whatever was offered."""
    try:
        with transaction():
            visit = visits.to_choose_on()
            return journey.choose_time(event_type, start, visitor=me, zone=zone, visit=visit)
    except sa.exc.IntegrityError as error:
        if bookings.is_taken(error):
            raise bookings.TimeTaken from error
        if bookings.is_removed(error):
            raise NotFound(mentors.NOT_OFFERED) from error
        raise
    except ObjectDeletedError as error:
        raise NotFound(mentors.NOT_OFFERED) from error


def _is_own(event_type: EventType, start: datetime, me: str) -> bool:
    return any(
        b.starts_at == start and b.event_type_id == event_type.id
        for b in bookings.held_by(me, event_type.mentor_id)
    )


def _why_not(event_type: EventType, start: datetime, me: str) -> DomainError:
    """Taken, as far as we can tell: a time of another calendar that is gone was most likely there a moment ago."""
    earliest, latest = bookings.window(event_type, clock.now())
    elsewhere = event_type.mentor.calendar == Calendar.CALCOM and earliest <= start <= latest
    mine = Besides(visitor=me)
    taken = bookings.busy(event_type.mentor_id, start, start + bookings.kept(event_type), mine)
    full = not bookings.has_room(event_type.mentor, start, mine)
    return bookings.TimeTaken() if taken or full or elsewhere else bookings.NotOffered()


def _let_others_go(me: str, event_type: EventType, start: datetime) -> None:
    """Choosing another time with the same mentor gives back the one held before."""
    with transaction():
        others = [
            b.id
            for b in bookings.held_by(me, event_type.mentor_id)
            if b.starts_at != start or b.event_type_id != event_type.id
        ]
    for booking_id in others:
        try:
            checkout.let_go(booking_id)
        except (StripeDown, StripeRefused):
            continue  # it ends by itself when its checkout does


def instant(text: str) -> datetime | None:
    """The UTC instant that a button sends, or None for what cannot be one."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None and 2000 <= found.year <= 2100 else None
