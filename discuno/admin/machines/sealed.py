"""A letter as HTML within a page of ours: in it nothing runs, loads or leads away, and no other site can show it."""

from flask import Response, make_response

LETTER = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'; sandbox"
PAGE = "; ".join(  # that holds such a letter; it needs nothing of Stripe's
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "font", "connect", "frame")),
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
    )
)
# A link would open a window, and in a sandbox no window opens: so a click does nothing.
NOWHERE = '<head><base target="_blank">'


def letter(html: str) -> Response:
    """The letter, for a frame or a window of its own."""
    response = make_response(html.replace("<head>", NOWHERE, 1))
    response.headers["Content-Security-Policy"] = LETTER
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def page(response: Response) -> Response:
    """A page that shows such letters in frames."""
    response.headers["Content-Security-Policy"] = PAGE
    return response
