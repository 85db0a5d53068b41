"""Pages and parts: a part is drawn once, alone for htmx and inside its page for everybody else."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import structlog
from babel.dates import format_date, format_time
from flask import Flask, Response, current_app, g, make_response, render_template, request, url_for
from flask.signals import got_request_exception
from flask_wtf.csrf import CSRFError, generate_csrf
from jinja2 import StrictUndefined
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from discuno.kit import clock, money
from discuno.kit.errors import DomainError

LOCALE = "en_US"
LARGEST_ID = 2**63 - 1  # of a row
LONGEST_PATH = 2000  # characters of an address that somebody is led back to
log = structlog.get_logger()


def wants_part() -> bool:
    """Whether htmx asks for the part alone; going back in history asks for the whole page again."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def show(page: str, part: str, status: int = 200, **context: Any) -> Response:
    """Answer with the part for htmx, with the page around it for a browser."""
    template = part if wants_part() else page
    response = make_response(render_template(template, part=part, **context), status)
    response.headers["Vary"] = "HX-Request"
    response.headers["Cache-Control"] = "no-store"
    return response


def local_path(text: str | None) -> str:
    """A path of ours that somebody may be led to, or "" for whatever might lead elsewhere."""
    path = text or ""
    is_odd = not path.isprintable() or "\\" in path or len(path) > LONGEST_PATH
    return path if path.startswith("/") and not path.startswith("//") and not is_odd else ""


class RowNumber(IntegerConverter):
    """`<int:…>` in an address: no row has a larger number, so there is nothing at such an address."""

    def __init__(self, url_map: Map, fixed_digits: int = 0) -> None:
        """As werkzeug makes it for a rule."""
        super().__init__(url_map, fixed_digits, max=LARGEST_ID)


def row_number(text: str | None) -> int | None:
    """The number of a row in a query, or None for what can be none."""
    is_one = text is not None and text.isascii() and text.isdecimal() and len(text) < len(str(LARGEST_ID))
    return int(text) if text is not None and is_one else None


# Words for times and amounts


def zone_of(name: str | None) -> ZoneInfo | None:
    """The zone of an IANA name, or None for what is no zone."""
    return ZoneInfo(name) if name in zone_names() else None


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA zone that a person would choose."""
    odd = ("Etc/", "posix", "right")
    return frozenset(n for n in available_timezones() if "/" in n and not n.startswith(odd)) | {"UTC"}


def day(instant: datetime, zone: str) -> str:
    """Wednesday 25 November 2026."""
    return str(format_date(instant.astimezone(ZoneInfo(zone)), "EEEE d MMMM y", locale=LOCALE))


def short_day(instant: datetime, zone: str) -> str:
    """Wed 25 Nov."""
    return str(format_date(instant.astimezone(ZoneInfo(zone)), "EEE d MMM", locale=LOCALE))


def hour(instant: datetime, zone: str, clock: str = "24") -> str:
    """14:30, or 2:30 PM."""
    return str(
        format_time(instant.astimezone(ZoneInfo(zone)), "H:mm" if clock == "24" else "h:mm a", locale=LOCALE)
    )


def moment(instant: datetime, zone: str, clock: str = "24") -> str:
    """Wed 25 Nov 2026, 14:30 (Europe/Paris)."""
    text = format_date(instant.astimezone(ZoneInfo(zone)), "EEE d MMM y", locale=LOCALE)
    return f"{text}, {hour(instant, zone, clock)} ({zone})"


def zone_name(zone: str, at: datetime | None = None) -> str:
    """Paris (UTC+1), as it is at an instant, or now."""
    return f"{zone.rsplit('/', 1)[-1].replace('_', ' ')} ({offset_name(zone, at)})"


def offset_name(zone: str, at: datetime | None = None) -> str:
    """UTC+5:45, as it is at an instant, or now."""
    offset = (at or clock.now()).astimezone(ZoneInfo(zone)).utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset else 0
    sign, (hours, rest) = "+" if minutes >= 0 else "−", divmod(abs(minutes), 60)
    words = f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")
    return words if minutes else "UTC"


def iso(instant: datetime) -> str:
    """RFC 3339 in UTC."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


FILTERS: dict[str, Callable[..., str]] = {
    "money": money.in_words,
    "day": day,
    "short_day": short_day,
    "hour": hour,
    "moment": moment,
    "zone_name": zone_name,
    "iso": iso,
}


def csrf_field() -> Markup:
    """The hidden input every form carries."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


@lru_cache(maxsize=64)
def _fingerprint(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """A static file's address, which changes with its content, so that it may be kept for ever."""
    return url_for("static", filename=name, v=_fingerprint(Path(_static) / name))


_static = ""


def install(app: Flask) -> None:
    """Filters, globals and error pages."""
    global _static
    _static = app.static_folder or ""
    app.url_map.converters["int"] = RowNumber
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(csrf_field=csrf_field, asset=asset)
    app.context_processor(lambda: {"request_id": g.get("request_id", "")})
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)


def error_page(status: int, heading: str, sentence: str) -> Response:
    """A page or part for something that did not go as wished."""
    return show(
        "errors/error.html",
        "errors/_error.html",
        status,
        code=status,
        heading=heading,
        sentence=sentence,
        actions=[{"label": "See all mentors", "url": "/", "primary": True}],
    )


def _domain_error(error: DomainError) -> Response:
    return error_page(
        error.status, error.heading or HEADINGS.get(error.status, "That did not work"), error.message
    )


def _csrf_error(error: CSRFError) -> Response:
    return error_page(400, "This page is too old", "Please go back, reload the page, and try again.")


HEADINGS = {
    400: "We could not read that",
    403: "Not allowed",
    404: "Not found",
    405: "Not allowed",
    409: "That was just taken",
    413: "Too large",
    415: "We could not read that",
    429: "Too many at once",
}
SENTENCES = {
    400: "The request was not in a form that we understand. Nothing was changed.",
    404: "There is nothing at this address.",
    405: "This address cannot be used in that way. Nothing was changed.",
    413: "What you sent is larger than we accept. Nothing was changed.",
    415: "Please send an ordinary form. Nothing was changed.",
    429: "You have asked for this very often in a short time. Nothing was changed.",
}


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if code < 400:
        return make_response(error.get_response())
    sentence = SENTENCES.get(code, "Something did not work. Nothing was changed.")
    wait: int | None = getattr(error, "retry_after", None)  # seconds, from kit.limits
    if wait is not None:
        minutes = -(-wait // 60)
        sentence += f" Please try again in {f'{minutes} minutes' if minutes > 1 else 'a minute'}."
    response = error_page(code, HEADINGS.get(code, "Something did not work"), sentence)
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response


def _bug(error: Exception) -> Response:
    log.error("request_failed", exc_info=error, endpoint=request.endpoint)  # a path may hold somebody's link
    got_request_exception.send(current_app, exception=error)  # Flask tells nobody of what has a handler
    sentence = "The fault is ours, and it was written down. Please try again in a moment."
    return error_page(500, "Something went wrong here", sentence)
