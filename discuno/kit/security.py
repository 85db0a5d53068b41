"""Headers, request ids, and the checks that every request passes."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Flask, Response, abort, g, request
from flask.typing import ResponseReturnValue

STRIPE_JS = ("https://js.stripe.com", "https://*.js.stripe.com")
MAX_BODY = 64 * 1024  # bytes of a form; webhooks have their own, larger limit
MAX_WEBHOOK = 256 * 1024
QUIET = frozenset(
    {"/livez", "/readyz", "/metrics"}
)  # asked every few seconds by the platform and by monitors
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
log = structlog.get_logger()


@dataclass(frozen=True)
class Origins:
    """Where the browser may fetch from, besides us: the script's origin and the API's."""

    stripe_js: str
    stripe_api: str

    @property
    def policy(self) -> str:
        """The content security policy. Nothing inline, nothing evaluated."""
        scripts = " ".join(dict.fromkeys((*STRIPE_JS, self.stripe_js)))
        frames = f"{scripts} https://hooks.stripe.com"
        calls = " ".join(dict.fromkeys(("https://api.stripe.com", self.stripe_api, self.stripe_js)))
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src 'self' {scripts}",
                "style-src 'self'",
                "img-src 'self' data: https://*.stripe.com",
                "font-src 'self'",
                f"connect-src 'self' {calls}",
                f"frame-src {frames}",
                "form-action 'self'",
                "base-uri 'none'",
                "object-src 'none'",
                "frame-ancestors 'none'",
            )
        )


# Who may enter


def _nobody_is_asked() -> ResponseReturnValue | None:
    """The door is open: public pages authorize by what they load, machines by their signature."""


Guard = Callable[[], ResponseReturnValue | None]
GUARDS: dict[str, Guard] = {"anybody": _nobody_is_asked, "machine": _nobody_is_asked}  # rooms add their own
ENTRANCES: dict[str, str] = {}  # blueprint → who


def open_to(who: str, blueprint: Blueprint) -> Blueprint:
    """State who may enter a blueprint's routes, and have it guarded; a test sees to it that each one does."""
    blueprint.before_request(GUARDS[who])
    ENTRANCES[blueprint.name] = who
    return blueprint


def private(who: str, name: str, import_name: str, prefix: str = "") -> Blueprint:
    """A blueprint of somebody's own pages: no cache keeps them, no search engine lists them."""
    blueprint = open_to(who, Blueprint(name, import_name, url_prefix=prefix or None))
    blueprint.after_request(_keep_to_yourself)
    return blueprint


def _keep_to_yourself(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@dataclass(frozen=True)
class Large:
    """A form that carries files: how many bytes it may have, and who may send it at all."""

    max_body: int
    may_send: Callable[..., object]


LARGE: dict[str, Large] = {}  # by endpoint


def accepts(endpoint: str, max_body: int, may_send: Callable[..., object]) -> None:
    """Let one endpoint take a larger body, in bytes; every other keeps to the limit of a form.

    `may_send` is asked with the address's arguments before anything of the body is read, and raises for strangers.
    """
    LARGE[endpoint] = Large(max_body, may_send)


# Headers


def origin_of(url: str) -> str:
    """https://host:port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def headers_for(origins: Origins, *, https: bool) -> dict[str, str]:
    """The headers of every response, static files included."""
    payment = f'payment=(self "{origins.stripe_js}")'
    headers = {
        "Content-Security-Policy": origins.policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        "Permissions-Policy": f"{payment}, camera=(), microphone=(), geolocation=()",
    }
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def add_headers(given: Any, headers: Mapping[str, str]) -> None:
    """Put these into a response's headers where it has not said them itself."""
    for name, value in headers.items():
        given.setdefault(name, value)


def install(app: Flask, headers: Mapping[str, str], *, own_origin: str) -> None:
    """Give every response its headers and every request its id; refuse cross-site writes."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        g.request_id = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        is_machine = request.path.startswith(("/webhooks/", "/cron/"))
        request.max_content_length = MAX_WEBHOOK if is_machine else MAX_BODY
        if request.method not in SAFE and not is_machine and _is_cross_site(own_origin):
            abort(403)
        if (large := LARGE.get(request.endpoint or "")) is not None:
            large.may_send(**(request.view_args or {}))
            request.max_content_length = large.max_body
        if _has_nul(is_machine):
            abort(400)

    @app.after_request
    def finish(response: Response) -> Response:
        add_headers(response.headers, headers)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        _log_request(response)
        return response


def _log_request(response: Response) -> None:
    """One line a request: no query, which may name a session, and no body."""
    if request.endpoint != "static" and request.path not in QUIET:
        took = round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1)
        log.info(
            "request", method=request.method, endpoint=request.endpoint, status=response.status_code, ms=took
        )


def _has_nul(is_machine: bool) -> bool:
    """Whether a text carries the one character that Postgres cannot hold. Machines' bodies are not forms."""
    texts = [request.path, *request.args.values(), *(() if is_machine else request.form.values())]
    return any("\0" in text for text in texts)


def _is_cross_site(own_origin: str) -> bool:
    """Whether the browser itself says that another site sent this; a second wall beside the CSRF token."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and origin not in ("null", own_origin, origin_of(request.url_root))
