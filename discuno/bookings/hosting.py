"""A mentor's bookings: the lists, one session, and what the mentor can do about it."""

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.accounts import access
from discuno.bookings import agenda, changes, feed, links
from discuno.bookings.agenda import Show
from discuno.bookings.models import Booking, BookingStatus, Party
from discuno.bookings.visitor import clock as chosen_clock
from discuno.disputes import reports
from discuno.disputes import words as case_words
from discuno.disputes.forms import CancelForm
from discuno.disputes.models import Dispute
from discuno.kit import clock, limits, security
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.mentors import desk
from discuno.mentors.access import me, private
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import path, share
from discuno.payouts import service as payouts
from discuno.payouts.models import Transfer
from discuno.payouts.money import reader

bp = private("hosting", __name__, "/bookings")
old = security.open_to("anybody", Blueprint("host_link", __name__))


@old.get("/session/<token>")
@old.get("/session/<token>/<path:_rest>")
def moved(token: str, _rest: str = "") -> AnyResponse:
    """The link of a mentor's older letter leads to the page, which asks who it is. Others lead nowhere."""
    return redirect(links.host_path(changes.hosted(links.read(links.MENTOR, token))), 303)


# The lists


@bp.get("")
def listing() -> Response:
    """What comes, what was, what was cancelled: one page of one of them."""
    mentor, hours = me(), chosen_clock()
    show = next((s for s in Show if s == request.args.get("show")), Show.UPCOMING)
    query = " ".join(request.args.get("q", "").split())[:80]
    after = request.args.get("after", "")
    found = agenda.listed(mentor, show, query, after)
    return desk.page(
        "bookings/_hosted.html",
        "Bookings",
        shows=list(Show),
        show=show,
        query=query,
        is_later=bool(after),
        lines=_lines(found.bookings, hours),
        more_url=url_for(".listing", show=show, q=query or None, after=found.after) if found.after else None,
        feed_address=feed.address(mentor),
    )


def _lines(bookings: list[Booking], hours: str) -> list[dict[str, Any]]:
    """A booking a line, with its money in a few words; as many questions to the database for twenty as for one."""
    whole = (
        selectinload(Payment.transfers).selectinload(Transfer.reversals),
        selectinload(Payment.refunds),
        selectinload(Payment.disputes),
    )
    found = payments.of_bookings([booking.id for booking in bookings], *whole)
    held = ledger.held_of([payment.id for payment in found.values()])
    return [_line(booking, found.get(booking.id), held, hours) for booking in bookings]


def _line(booking: Booking, payment: Payment | None, held: dict[int, int], hours: str) -> dict[str, Any]:
    case = reports.latest(payment) if payment is not None else None
    return {
        "booking": booking,
        "money": share.in_short(payment, held.get(payment.id, 0) if payment is not None else 0, hours),
        "report": case if case is not None and case.is_open else None,
        "url": links.host_path(booking),
    }


# One session


@bp.get("/<public_id>")
def page(public_id: str) -> Response:
    """The session, its money, and what the mentor can do about it."""
    return _page(agenda.of_mentor(me(), public_id))


def _page(booking: Booking, status: int = 200, problem: str | None = None) -> Response:
    payment, hours = payments.of_booking(booking), chosen_clock()
    case = reports.latest(payment) if payment is not None else None
    return desk.page(
        "bookings/_host.html",
        "Your session",
        status,
        booking=booking,
        payment=payment,
        cases=[(each, case_words.about_case(each, hours)) for each in _told_cases(payment)],
        money=share.sentence(payment, hours),
        found=path.of_session(payment, reader()),
        story=agenda.story(booking, hours),
        can=what_can_be_done(booking, case),
        problem=problem,
        absent_after=int(policy.ABSENT_AFTER.total_seconds() // 60),
    )


def _told_cases(payment: Payment | None) -> list[Dispute]:
    """What a mentor is told of, the newest first."""
    found = payment.disputes if payment is not None else []
    return [case for case in reversed(found) if case.kind in reports.TOLD]


def what_can_be_done(booking: Booking, case: Dispute | None) -> set[str]:
    """What the mentor's page offers now: cancel, absent (say so), absent_later (it is too early to say so)."""
    if booking.status != BookingStatus.CONFIRMED or changes.is_moving(booking):
        return set()
    can = {"cancel"} if journey.cancel_answer(booking, Party.MENTOR).allowed else set()
    if booking.attendee_absent_at is None and (case is None or not case.is_open):
        said = policy.may_say_absent(now=clock.now(), starts_at=booking.starts_at)
        can.add("absent" if said else "absent_later")
    return can


# Cancel


@bp.get("/<public_id>/cancel")
def cancel_page(public_id: str) -> Response:
    """What happens then, before anybody presses the button."""
    return _cancel_page(agenda.of_mentor(me(), public_id))


def _cancel_page(booking: Booking, status: int = 200, **more: Any) -> Response:
    if "cancel" not in what_can_be_done(booking, None):
        return _page(booking, status)
    payment = payments.of_booking(booking)
    return desk.page(
        "bookings/_host_cancel.html",
        "Cancel the session",
        status,
        booking=booking,
        payment=payment,
        back=payment.amount - ledger.gone(payment) if payment is not None else 0,
        was_transferred=payment is not None and payouts.was_transferred(payment),
        **{"typed": {"reason": ""}, "errors": {}, **more},
    )


@bp.post("/<public_id>/cancel")
@limits.at_most(*policy.CHANGES)
def cancel(public_id: str) -> AnyResponse:
    """Cancel it; the attendee gets everything back. The other calendar is told by a job."""
    booking, actor = agenda.of_mentor(me(), public_id), access.actor()
    form = CancelForm()
    if not form.validate():
        return _cancel_page(booking, 422, typed=form.typed(), errors=form.sentences())
    try:
        with transaction():
            mine = payments.locked_booking(booking.id)
            journey.cancel(mine, Party.MENTOR, form.reason.data, actor=actor)
    except DomainError as refused:
        return _page(booking, refused.status, refused.message)
    return redirect(url_for(".page", public_id=public_id), 303)


# The attendee did not come


@bp.post("/<public_id>/absent")
@limits.at_most(*policy.CHANGES)
def attendee_absent(public_id: str) -> AnyResponse:
    """Write down that the attendee did not come; they are told, and can object."""
    booking, actor = agenda.of_mentor(me(), public_id), access.actor()
    try:
        with transaction():
            journey.attendee_absent(payments.locked_booking(booking.id), Party.MENTOR, actor=actor)
    except DomainError as refused:
        return _page(booking, refused.status, refused.message)
    return redirect(url_for(".page", public_id=public_id), 303)
