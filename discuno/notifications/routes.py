"""The page on which a reader says which letters they want, and the one click of a mail program that ends a kind.

Its address is in the letters themselves and on somebody's own pages: whoever has it speaks for the mailbox.
"""

from typing import Any

from flask import Response, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts.audit import Actor
from discuno.bookings import manage
from discuno.bookings.find import masked
from discuno.bookings.visitor import clock as chosen_clock
from discuno.bookings.visitor import zone
from discuno.kit import limits, security
from discuno.kit.db import locked, transaction
from discuno.kit.errors import NotFound
from discuno.kit.web import show
from discuno.mentors import access as mentors
from discuno.notifications import addresses
from discuno.notifications.models import MailAddress, OptionalKind

bp = security.private("anybody", "letters", __name__, "/letters")
one_click = security.private("machine", "one_click", __name__, "/letters")  # the link is the proof
of_booking = manage.private("letters_of_booking")
of_mentor = mentors.private("my_letters", __name__, "/letters")
ASKED_BY_MACHINE = ("List-Unsubscribe", "One-Click")  # RFC 8058
WANTED = "Its reader wants letters again."
DONE = {
    "saved": "Saved.",
    "again": "Saved. This address gets our letters again, of the kinds chosen below.",
}
UNKNOWN = "We know of no such address. The link at the end of our newest letter to you is the one that works."


def _found(token: str) -> MailAddress:
    """The address of a link. Raises NotFound."""
    address = addresses.by_token(token)
    if address is None:
        raise NotFound(UNKNOWN)
    return address


def _reader() -> Actor:
    return Actor("reader", limits.address())


# What there is


@bp.get("/<token>")
def choices(token: str) -> Response:
    """The kinds that can be declined, and whether the address takes letters at all."""
    address = _found(token)
    return _page(
        "choices",
        token,
        address,
        kinds=addresses.kinds(address.address),
        done=DONE.get(request.args.get("done", "")),
        zone=zone("UTC")[0],
        clock=chosen_clock(),
    )


def _page(part: str, token: str, address: MailAddress, **context: Any) -> Response:
    given = {"token": token, "address": address, "masked": masked(address.address), **context}
    return show("notifications/page.html", f"notifications/_{part}.html", title="Our letters to you", **given)


@of_booking.get("/<token>/letters")
def of_attendee(token: str) -> AnyResponse:
    """From a booking's page to that of its address."""
    return _to_page(manage.managed(token).attendee_email or "")


@of_mentor.get("")
def of_me() -> AnyResponse:
    """From a mentor's profile to that of their address."""
    return _to_page(mentors.me().user.email)


def _to_page(address: str) -> AnyResponse:
    """An address of which nothing was known has a number from now on, and is otherwise as it was."""
    with transaction():
        path = addresses.path_for(address)
    return redirect(path, 303)


# What is wanted


@bp.post("/<token>")
@limits.at_most(*policy.CHANGES)
def choose(token: str) -> AnyResponse:
    """Those that are ticked are sent, the others are not; what the page does not show stays as it is."""
    found = _found(token)
    ticked, shown = request.form.getlist("kind"), addresses.kinds(found.address)
    with transaction():
        address = locked(MailAddress, found.id)
        kept = [kind for kind in OptionalKind if kind in address.declined and kind not in shown]
        addresses.choose(address, [*kept, *(kind for kind in shown if kind not in ticked)], _reader())
    return redirect(url_for(".choices", token=token, done="saved"), 303)


@bp.post("/<token>/again")
@limits.at_most(*policy.CHANGES)
def again(token: str) -> AnyResponse:
    """Letters came back, or were marked as spam, and their reader wants them all the same."""
    found = _found(token)
    with transaction():
        addresses.resume(locked(MailAddress, found.id), _reader(), WANTED)
    return redirect(url_for(".choices", token=token, done="again"), 303)


# One kind, with one click


@one_click.get("/<token>/stop/<kind>")
def ask_to_stop(token: str, kind: str) -> Response:
    """The button alone: scanners of mail follow links, and looking at one changes nothing."""
    return _page("stop", token, _found(token), kind=_kind(kind))


@one_click.post("/<token>/stop/<kind>")
@limits.at_most(*policy.ONE_CLICK)
def stop(token: str, kind: str) -> AnyResponse:
    """Decline one kind, by the button or by a mail program, which sends no cookie and follows no redirect."""
    found, declined = _found(token), _kind(kind)
    with transaction():
        address = locked(MailAddress, found.id)
        before = [each for each in OptionalKind if each in address.declined]
        addresses.choose(address, [*before, declined], _reader())
    name, value = ASKED_BY_MACHINE
    if request.form.get(name) != value:
        return redirect(url_for("letters.choices", token=token, done="saved"), 303)
    response = make_response("Done: no more letters of this kind.\n")
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return response


def _kind(name: str) -> OptionalKind:
    kind = next((kind for kind in OptionalKind if kind == name), None)
    if kind is None:
        raise NotFound(UNKNOWN)
    return kind
