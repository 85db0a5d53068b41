"""What Stripe suspects of a payment: reviews that wait for a person, and early fraud warnings."""

from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

WARNING = "radar.early_fraud_warning"
REASONS = (
    "acknowledged",
    "approved",
    "canceled",
    "disputed",
    "payment_never_settled",
    "redacted",
    "refunded",
    "refunded_as_fraud",
)


def review(desk: Desk, charge_id: str, reason: str) -> Record:
    """A payment is put under review, by `rule` or `manual`; the charge and its intent name the review."""
    charge = desk.load("charge", charge_id)
    opened = desk.new(
        "prv_",
        "review",
        billing_zip=None,
        charge=charge_id,
        closed_reason=None,
        ip_address=None,
        ip_address_location=None,
        open=True,
        opened_reason=reason,
        payment_intent=charge["payment_intent"],
        reason=reason,
        session=None,
    )
    desk.save({**charge, "review": opened["id"]})
    desk.save({**desk.load("payment_intent", charge["payment_intent"]), "review": opened["id"]})
    emit(desk, "review.opened", desk.save(opened))
    return opened


def close(desk: Desk, review_id: str, reason: str) -> Record:
    """A review ends; once."""
    found = desk.load("review", review_id)
    if not found["open"]:
        raise Refusal("This review is already closed.")
    if reason not in REASONS:
        raise Refusal(f"A review closes as one of: {', '.join(REASONS)}.", param="reason")
    closed = desk.save({**found, "open": False, "closed_reason": reason, "reason": reason})
    emit(desk, "review.closed", closed)
    return closed


def warn(desk: Desk, charge_id: str) -> Record:
    """The card network suspects fraud; no money moves yet."""
    charge = desk.load("charge", charge_id)
    warning = desk.new(
        "issfr_",
        WARNING,
        actionable=True,
        charge=charge_id,
        fraud_type="unauthorized_use_of_card",
        payment_intent=charge["payment_intent"],
    )
    emit(desk, f"{WARNING}.created", desk.save(warning))
    return warning


def settle(desk: Desk, charge_id: str, reason: str) -> None:
    """The payment was refunded or disputed: nothing is left to review, no warning can be acted upon."""
    for found in desk.find("review", charge=charge_id, open=True):
        close(desk, found["id"], reason)
    for warning in desk.find(WARNING, charge=charge_id, actionable=True):
        past = desk.save({**warning, "actionable": False})
        emit(desk, f"{WARNING}.updated", past, previous={"actionable": True})


def approve(desk: Desk, ask: Ask) -> Record:
    """Approve a review."""
    return close(desk, ask.ids["id"], "approved")


def retrieve_review(desk: Desk, ask: Ask) -> Record:
    """One review."""
    return desk.load("review", ask.ids["id"])


def list_reviews(desk: Desk, ask: Ask) -> Record:
    """Reviews that are open."""
    return page(list(desk.find("review", open=True)), ask.params, "/v1/reviews")


def retrieve_warning(desk: Desk, ask: Ask) -> Record:
    """One early fraud warning."""
    return desk.load(WARNING, ask.ids["id"])


def list_warnings(desk: Desk, ask: Ask) -> Record:
    """Early fraud warnings, by charge or PaymentIntent where asked."""
    rows = desk.pick(WARNING, ask.params, "charge", "payment_intent")
    return page(rows, ask.params, "/v1/radar/early_fraud_warnings")
