"""Stripe: what we ask of it, in our words. Every writing call takes an idempotency key made from our row.

The SDK is imported in this package alone; what leaves it are frozen dataclasses and the errors of `client`.
"""

from discuno.edges.stripe.checkout import (
    Checkout,
    CheckoutRequest,
    EntryFacts,
    SessionFacts,
    close_checkout,
    look_at_charge,
    look_at_checkout,
    open_checkout,
)
from discuno.edges.stripe.client import (
    API_VERSION,
    StripeBusy,
    StripeDown,
    StripeRefused,
    configure,
    publishable_key,
)
from discuno.edges.stripe.money import (
    RefundFacts,
    RefundRequest,
    ReversalFacts,
    ReversalRequest,
    TransferFacts,
    TransferRequest,
    find_refund,
    find_reversal,
    find_transfer,
    look_at_refund,
    look_at_transfer,
    refund,
    refunds_of,
    reversals_of,
    reverse,
    transfer,
    transfers_of,
)
from discuno.edges.stripe.webhooks import BadSignature, read_webhook

__all__ = [
    "API_VERSION",
    "BadSignature",
    "Checkout",
    "CheckoutRequest",
    "EntryFacts",
    "RefundFacts",
    "RefundRequest",
    "ReversalFacts",
    "ReversalRequest",
    "SessionFacts",
    "StripeBusy",
    "StripeDown",
    "StripeRefused",
    "TransferFacts",
    "TransferRequest",
    "close_checkout",
    "configure",
    "find_refund",
    "find_reversal",
    "find_transfer",
    "look_at_charge",
    "look_at_checkout",
    "look_at_refund",
    "look_at_transfer",
    "open_checkout",
    "publishable_key",
    "read_webhook",
    "refund",
    "refunds_of",
    "reversals_of",
    "reverse",
    "transfer",
    "transfers_of",
]
