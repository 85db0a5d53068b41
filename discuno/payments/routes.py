"""The payment step, and the page that tells how it went."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.bookings import service as bookings
from discuno.bookings.links import again_path, manage_path
from discuno.bookings.models import Booking, BookingStatus
from discuno.bookings.steps import held_step
from discuno.bookings.visitor import clock as chosen_clock
from discuno.bookings.visitor import visitor
from discuno.edges import stripe
from discuno.edges.stripe import StripeDown, StripeRefused
from discuno.kit import clock, limits, security
from discuno.kit.errors import NotFound
from discuno.kit.web import show
from discuno.mentors import profiles
from discuno.payments import jobs
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payments.states import State, state_of

bp = security.open_to("anybody", Blueprint("payments", __name__, url_prefix="/mentor/<username>/book"))

NO_STRIPE = (
    "We cannot reach Stripe, which takes the payment, right now. "
    "Nothing was charged, and your time stays held. Please try again in a moment."
)


OVER = "This time is no longer held for you. Nothing was charged, and your details are kept."


@dataclass(frozen=True)
class Mount:
    """What the browser needs to mount the card form."""

    publishable_key: str
    client_secret: str
    done_url: str
    expired_url: str


@bp.get("/payment/<public_id>")
def pay(username: str, public_id: str) -> AnyResponse:
    """The card form, or the words why there is none yet."""
    booking, payment = _mine(username, public_id)
    if not payment.status.is_waiting or booking.status != BookingStatus.HELD:
        return redirect(_complete_url(booking), 303)
    return _payment_step(booking, payment)


@bp.post("/payment/<public_id>")
@limits.at_most(*policy.CHECKOUTS)
def open_again(username: str, public_id: str) -> AnyResponse:
    """Try once more to open the checkout that could not be opened before."""
    booking, payment = _mine(username, public_id)
    if payment.status.is_waiting and booking.status == BookingStatus.HELD:
        try:
            _open(payment)
        except (StripeDown, StripeRefused):
            return _payment_step(booking, payment, 503)
    return redirect(url_for(".pay", username=booking.mentor.username, public_id=public_id), 303)


def _open(payment: Payment) -> None:
    """The checkout as it was meant, or another if Stripe was away too long for that. Raises as they do."""
    try:
        jobs.open_checkout(payment.id)
    except StripeRefused:
        jobs.open_anew(payment.id)


def _payment_step(booking: Booking, payment: Payment, status: int = 200) -> Response:
    mount = _mount(booking, payment)
    return show(
        "bookings/book.html",
        "bookings/_payment.html",
        status,
        step="payment",
        payment=payment,
        checkout=mount,
        problem=None if mount else NO_STRIPE,
        seconds_left=_seconds_to_pay(payment),
        over=OVER,
        typed_in=None,
        has_more_time=booking.extended_at is not None and booking.extended_at > payment.created_at,
        **held_step(booking),
    )


def _seconds_to_pay(payment: Payment) -> int:
    """Until when the session can be paid, which is a little earlier than the hold's own end."""
    ends = payment.checkout_expires_at
    return max(0, int((ends - clock.now()).total_seconds())) if ends is not None else 0


def _mount(booking: Booking, payment: Payment) -> Mount | None:
    secret, session_id = payment.checkout_client_secret, payment.stripe_checkout_session_id
    if secret is None or session_id is None:
        return None
    return Mount(
        publishable_key=stripe.publishable_key(),
        client_secret=secret,
        done_url=url_for(".complete", username=booking.mentor.username, session_id=session_id),
        expired_url=again_path(booking),
    )


def _mine(username: str, public_id: str) -> tuple[Booking, Payment]:
    """This browser's booking, under its mentor's address, or an older one of theirs. Raises NotFound."""
    booking = bookings.visitors_booking(public_id, visitor())
    payment = payments.of_booking(booking)
    if profiles.is_anothers(username, booking.mentor) or payment is None:
        raise NotFound
    return booking, payment


def _complete_url(booking: Booking) -> str:
    return url_for(".complete", username=booking.mentor.username, booking=booking.public_id)


# How it went


@bp.get("/complete")
def complete(username: str) -> Response:
    """How the booking stands. Stripe sends people here with their session's id; free bookings come with ours."""
    booking, payment = _finished(username)
    return show(
        "bookings/book.html",
        "bookings/_complete.html",
        step="done",
        mentor=booking.mentor,
        payment=payment,
        zone=booking.attendee_zone,
        clock=chosen_clock(),
        **_how_it_stands(booking, payment),
    )


@bp.get("/status")
def status(username: str) -> Response:
    """The same truth, polled while something is under way. A webhook that is late is not waited for."""
    booking, payment = _finished(username)
    if payment is not None and payment.status.is_waiting and payments.may_ask(payment):
        with suppress(StripeDown, StripeRefused):  # the page then goes on saying that it is being checked
            jobs.settle(payment.id)
    return show(
        "bookings/book.html", "bookings/_status.html", step="done", **_how_it_stands(booking, payment)
    )


def _how_it_stands(booking: Booking, payment: Payment | None) -> dict[str, Any]:
    state: State = state_of(booking, payment)
    query: dict[str, Any] = request.args.to_dict()
    url = url_for(".status", username=booking.mentor.username, **query)
    own = manage_path(booking) if booking.visitor == visitor() else None
    return {"booking": booking, "state": state, "status_url": url, "manage_url": own}


def _finished(username: str) -> tuple[Booking, Payment | None]:
    """The booking of a session id, which only its payer knows, or of this browser. Raises NotFound.

    The mentor's page may have another address by now than when Stripe was told where to lead them.
    """
    session_id = request.args.get("session_id")
    if session_id is not None:
        payment = payments.by_session(session_id)
        if payment is None or profiles.is_anothers(username, payment.booking.mentor):
            raise NotFound("We know of no booking at this address.")
        return payment.booking, payment
    booking = bookings.visitors_booking(request.args.get("booking", ""), visitor())
    if profiles.is_anothers(username, booking.mentor) or not booking.has_details:
        raise NotFound("We know of no booking at this address.")
    return booking, payments.of_booking(booking)
