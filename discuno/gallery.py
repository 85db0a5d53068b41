"""One page with every component and every status that we have, so that they stay one family.

A small app of its own, mounted by the sandbox's process at /gallery; the product never serves it.
"""

from flask import Flask, Response, render_template

from discuno.bookings.models import BookingStatus
from discuno.kit import web
from discuno.kit.lifecycle import Status
from discuno.notifications.models import EmailStatus
from discuno.payments.models import PaymentStatus, RefundStatus
from discuno.payouts.models import TransferStatus

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
GROUPS: tuple[tuple[str, type[Status]], ...] = (
    ("Booking", BookingStatus),
    ("Payment", PaymentStatus),
    ("Refund", RefundStatus),
    ("Transfer", TransferStatus),
    ("Letter", EmailStatus),
)


def create_gallery(root: str) -> Flask:
    """The gallery, drawn with the product's own templates and styles from the checkout at `root`."""
    app = Flask(__name__, root_path=root, template_folder="templates", static_folder="static")
    app.secret_key = "nothing is kept here"  # noqa: S105 - the page has no session; the token macro wants a key
    web.install(app)

    @app.get("/")
    def page() -> str:
        """Every component and every status."""
        return render_template("gallery.html", statuses=[(name, list(kind)) for name, kind in GROUPS])

    app.add_url_rule("/nobody", "mentors.index", page)

    @app.after_request
    def with_policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app
