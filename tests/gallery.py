"""The templates alone, fed with sample data: for tests of every part, and for looking at them in a browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask, Response, render_template, request

from discuno.kit import web
from tests import gallery_samples as samples

ROOT = Path(__file__).parent.parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
Context = dict[str, Any]


@dataclass(frozen=True)
class Specimen:
    """One template in one state: `page` is what a full load answers, `part` what htmx gets."""

    page: str
    part: str
    context: Context


def _booking_page(part: str, step: str, **context: object) -> Specimen:
    """A step of the booking story, as the page and as the part."""
    everything = {"part": part, "step": step, "zone": "Europe/Paris", "clock": "24", **context}
    return Specimen("bookings/book.html", part, everything)


def _held_page(**context: object) -> Specimen:
    """More time was asked for: the hold alone, or the details around it."""
    page = _booking_page("bookings/_hold.html", "details", **context)
    return Specimen("bookings/held.html", page.part, page.context)


def _attendee_steps(world: samples.Cast) -> Iterator[tuple[str, Specimen]]:
    shared: Context = {"mentor": world.mentor, "policy_sentences": samples.POLICY_SENTENCES}
    held: Context = {"seconds_left": 598, "over": "Over.", "more_time_url": "/more-time", "more_minutes": 10}
    links: Context = {"details_url": "/details", "release_url": "/release"}
    details: Context = {"booking": world.booking, "typed_in": "bookings-form", **held, **links, **shared}
    yield (
        "session",
        _booking_page("bookings/_session.html", "session", event_types=world.event_types, **shared),
    )
    for name, calendar, taken in samples.calendars(world):
        context = {
            "event_type": world.event_type,
            "calendar": calendar,
            "choose_url": "/mentor/amara/book/1",
            "part_url": "/mentor/amara/book/1/calendar",
            "taken": taken,
            "near": [samples.START] if taken else [],
            "kept_times": samples.KEPT if taken else [],
            **shared,
        }
        yield name, _booking_page("bookings/_time.html", "time", **context)
    yield (
        "details",
        _booking_page("bookings/_details.html", "details", form=samples.EMPTY_FORM, errors={}, **details),
    )
    yield (
        "details-wrong",
        _booking_page(
            "bookings/_details.html", "details", form=samples.WRONG_FORM, errors=samples.ERRORS, **details
        ),
    )
    yield from _payment_steps(world, details)


def _payment_steps(world: samples.Cast, details: Context) -> Iterator[tuple[str, Specimen]]:
    payment = SimpleNamespace(amount=world.booking.price, currency=world.booking.currency)
    pay: Context = {**details, "typed_in": None, "payment": payment, "has_more_time": False}
    again: Context = {**pay, "has_more_time": True, "more_time_url": None}
    yield "hold", _held_page(form=samples.EMPTY_FORM, errors={}, **details)
    yield "payment", _booking_page("bookings/_payment.html", "payment", checkout=samples.CHECKOUT, **pay)
    yield (
        "payment-again",
        _booking_page("bookings/_payment.html", "payment", checkout=samples.CHECKOUT, **again),
    )
    yield (
        "payment-down",
        _booking_page("bookings/_payment.html", "payment", checkout=None, problem=samples.PROBLEM, **pay),
    )
    for state in samples.STATES:
        context = {"state": state, "status_url": "/status", "booking": world.booking, "payment": payment}
        yield f"done-{state.key}", _booking_page("bookings/_complete.html", "done", **context)


def _other_pages(world: samples.Cast) -> Iterator[tuple[str, Specimen]]:
    directory: Context = {"mentors": samples.directory(world), "query": ""}
    nobody: Context = {"mentors": [], "query": "quantum <bakery>"}
    yield "mentors", Specimen("mentors/index.html", "mentors/_list.html", directory)
    yield "mentors-none", Specimen("mentors/index.html", "mentors/_list.html", nobody)
    profile: Context = {"mentor": world.mentor, "event_types": world.event_types, "bookable": True}
    yield "mentor", Specimen("mentors/show.html", "mentors/show.html", profile)
    yield "mentor-empty", Specimen("mentors/show.html", "mentors/show.html", {**profile, "event_types": []})
    yield "mentor-closed", Specimen("mentors/show.html", "mentors/show.html", {**profile, "bookable": False})
    yield "error", Specimen("errors/error.html", "errors/_error.html", samples.ERROR)
    yield "gallery", Specimen("gallery.html", "gallery.html", {"statuses": samples.STATUSES})


@cache
def specimens() -> dict[str, Specimen]:
    """Every template in every state, for an ordinary booking and for one that is odd in every field."""
    found: dict[str, Specimen] = {}
    for prefix, world in (("plain", samples.PLAIN), ("odd", samples.ODD)):
        found |= {f"{prefix}-{name}": it for name, it in (*_attendee_steps(world), *_other_pages(world))}
    return found


def _show(name: str) -> str:
    """The page, or the part alone where htmx asked for one."""
    specimen = specimens()[name]
    return render_template(specimen.part if web.wants_part() else specimen.page, **specimen.context)


def _calendar() -> str:
    name = "odd-time" if request.args.get("month") == "12" else "plain-time"
    return render_template("bookings/_calendar.html", **specimens()[name].context)


def _with_policy(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    return response


def create_gallery() -> Flask:
    """A small app with the product's endpoint names, whose every answer is a sample."""
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.secret_key = "only for samples"
    web.install(app)
    app.jinja_env.globals["stripe_js_url"] = "/no-stripe.js"
    book = "/mentor/<username>/book"
    story: tuple[tuple[str, str, str], ...] = (
        ("/", "mentors.index", "plain-mentors"),
        ("/mentors", "mentors.listing", "plain-mentors"),
        ("/mentor/<username>", "mentors.show", "plain-mentor"),
        (book, "bookings.choose_session", "plain-session"),
        (f"{book}/<int:type_id>", "bookings.choose_time", "plain-time"),
        (f"{book}/<int:type_id>/hold", "bookings.hold", "plain-details"),
    )
    for rule, endpoint, name in story:
        app.add_url_rule(rule, endpoint, lambda name=name, **_: _show(name), methods=["GET", "POST"])
    app.add_url_rule(f"{book}/<int:type_id>/calendar", "bookings.calendar", lambda **_: _calendar())
    app.add_url_rule("/specimen/<name>", "specimen", _show, methods=["GET", "POST"])
    app.add_url_rule("/no-stripe.js", "no_stripe", lambda: Response("", mimetype="text/javascript"))
    app.after_request(_with_policy)
    return app
