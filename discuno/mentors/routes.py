"""The directory and the mentors' public pages. Anybody may read them."""

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from discuno.bookings import visits
from discuno.kit import security
from discuno.kit.web import show
from discuno.mentors import avatar
from discuno.mentors import service as mentors
from discuno.mentors.models import Mentor
from discuno.payouts import service as payouts

bp = security.open_to("anybody", Blueprint("mentors", __name__))


@bp.get("/")
def index() -> str:
    """Everybody who can be booked."""
    return render_template("mentors/index.html", **_found())


@bp.get("/mentors")
def listing() -> Response:
    """The same list alone, while somebody types."""
    return show("mentors/index.html", "mentors/_list.html", **_found())


def _found() -> dict[str, Any]:
    query = " ".join(request.args.get("q", "").split())[:80]
    found = mentors.directory(query)
    payable = payouts.payable([mentor.id for mentor in found])
    return {"query": query, "mentors": [_entry(mentor, mentor.id in payable) for mentor in found]}


def _entry(mentor: Mentor, is_payable: bool) -> dict[str, Any]:
    offers = mentors.offered(mentor)
    paid = [offer for offer in offers if not offer.is_free and is_payable]
    cheapest = min(paid, key=lambda offer: offer.price, default=None)
    return {
        "mentor": mentor,
        "from_price": cheapest.price if cheapest else None,
        "currency": cheapest.currency if cheapest else "usd",
        "has_free": any(offer.is_free for offer in offers),
    }


@bp.get("/mentor/<username>", endpoint="show")
def show_mentor(username: str) -> str:
    """Who they are and what they offer."""
    visits.look(username)
    mentor = mentors.by_username(username)
    offers = payouts.bookable(mentor)
    bookable = mentor.suspended_at is None and bool(offers or not mentors.offered(mentor))
    return render_template("mentors/show.html", mentor=mentor, event_types=offers, bookable=bookable)


@bp.get("/mentor/<username>/avatar.svg")
def picture(username: str) -> Response:
    """A drawing of the name; no picture is fetched from anywhere."""
    response = make_response(avatar.draw(mentors.by_username(username).name))
    response.content_type = "image/svg+xml"
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
