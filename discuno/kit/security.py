"""Headers, request ids, and the checks that every request passes."""

import secrets
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, abort, g, request

STRIPE_JS = ("https://js.stripe.com", "https://*.js.stripe.com")
MAX_BODY = 64 * 1024  # bytes of a form; webhooks have their own, larger limit
MAX_WEBHOOK = 256 * 1024
QUIET = frozenset({"/livez", "/readyz"})  # asked every few seconds by the platform
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


def origin_of(url: str) -> str:
    """https://host:port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def install(app: Flask, *, origins: Origins, https: bool, own_origin: str) -> None:
    """Give every response its headers and every request its id; refuse cross-site writes."""
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

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        _log_request(response)
        return response


def _log_request(response: Response) -> None:
    """One line a request: no query, which may name a session, and no body."""
    if request.endpoint != "static" and request.path not in QUIET:
        took = round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1)
        log.info("request", method=request.method, endpoint=request.endpoint, status=response.status_code, ms=took)


def _is_cross_site(own_origin: str) -> bool:
    """Whether the browser itself says that another site sent this; a second wall beside the CSRF token."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and origin not in ("null", own_origin, origin_of(request.url_root))
