"""One page with every component and every status that we have, so that they stay one family.

A small app of its own, mounted by the sandbox's process at /gallery; the product never serves it.
"""

from flask import Flask, Response, render_template

from discuno.admin import bars, spans
from discuno.admin.bars import Chart, Series
from discuno.admin.machines.events import EventState
from discuno.admin.machines.work_list import JobState
from discuno.admin.models import BulkStatus, ProposalStatus
from discuno.bookings.models import BookingStatus
from discuno.disputes.models import AnswerStatus, DisputeStatus
from discuno.kit import web
from discuno.kit.lifecycle import Status
from discuno.mentors.offers import OfferState
from discuno.notifications.models import EmailStatus
from discuno.payments.models import PaymentStatus, RefundStatus
from discuno.payouts.models import AccountStatus, PayoutStatus, ReversalStatus, TransferStatus

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
GROUPS: tuple[tuple[str, type[Status]], ...] = (
    ("Booking", BookingStatus),
    ("Payment", PaymentStatus),
    ("Refund", RefundStatus),
    ("Transfer", TransferStatus),
    ("Reversal", ReversalStatus),
    ("Payout", PayoutStatus),
    ("Stripe account", AccountStatus),
    ("Session type", OfferState),
    ("Case", DisputeStatus),
    ("Answer to a bank", AnswerStatus),
    ("Proposal", ProposalStatus),
    ("Letter", EmailStatus),
    ("Webhook", EventState),
    ("Job", JobState),
    ("Bulk run", BulkStatus),
)


def create_gallery(root: str) -> Flask:
    """The gallery, drawn with the product's own templates and styles from the checkout at `root`."""
    app = Flask(__name__, root_path=root, template_folder="templates", static_folder="static")
    app.secret_key = "nothing is kept here"  # noqa: S105 - the page has no session; the token macro wants a key
    web.install(app)

    @app.get("/")
    def page() -> str:
        """Every component and every status."""
        statuses = [(name, list(kind)) for name, kind in GROUPS]
        return render_template("gallery.html", statuses=statuses, drawn=_a_chart())

    app.add_url_rule("/nobody", "mentors.index", page)

    @app.after_request
    def with_policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


def _a_chart() -> Chart:
    """A week with something of everything in it."""
    span = spans.of_name("7d")
    series = [
        Series("Paid and kept", "earned", bars.values(span, {1: 3, 2: 5, 4: 2, 6: 6})),
        Series("Not paid", "late", bars.values(span, {2: 1, 5: 2})),
        Series("Refunded", "back", bars.values(span, {4: 1, 6: 2}), sign=-1),
    ]
    return Chart("Payments", span, series)
