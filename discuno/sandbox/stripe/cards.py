"""The documented test cards and what each of them does."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why the bank said no, in Stripe's words."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True)
class TestCard:
    """One card number and its fate."""

    number: str
    says: str  # for people, on the control page
    brand: str = "visa"
    decline: Decline | None = None  # after the challenge, when there is one
    challenge: bool = False  # 3-D Secure before the bank is asked
    available_at_once: bool = False
    dispute: str | None = None  # the reason of a dispute that follows the payment
    inquiry: bool = False  # the dispute only asks, no money moves
    fraud_warning: bool = False
    refund: str | None = None  # "late" succeeds after a minute, "fails" is undone after one

    @property
    def last4(self) -> str:
        """What a receipt shows of the number."""
        return self.number[-4:]


def _decline(decline_code: str, message: str, code: str = "card_declined") -> Decline:
    return Decline(code, decline_code, message)


GENERIC = _decline("generic_decline", "Your card was declined.")
INSUFFICIENT = _decline("insufficient_funds", "Your card has insufficient funds.")
LOST = _decline("lost_card", "Your card was declined.")
STOLEN = _decline("stolen_card", "Your card was declined.")
EXPIRED = _decline("expired_card", "Your card has expired.", "expired_card")
BAD_CVC = _decline("incorrect_cvc", "Your card's security code is incorrect.", "incorrect_cvc")
PROCESSING = _decline(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    "processing_error",
)
FRAUDULENT = _decline("fraudulent", "Your card was declined.")
UNAUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    "authentication_required",
    "We are unable to authenticate your payment method. "
    "Please choose a different payment method and try again.",
)

_ALL = (
    TestCard("4242424242424242", "succeeds"),
    TestCard("4000056655665556", "succeeds (debit)"),
    TestCard("5555555555554444", "succeeds", "mastercard"),
    TestCard("378282246310005", "succeeds", "amex"),
    TestCard("6011111111111117", "succeeds", "discover"),
    TestCard("4000000000000077", "succeeds, available at once", available_at_once=True),
    TestCard("4000003720000278", "succeeds, available at once (foreign card)", available_at_once=True),
    TestCard("4000000000000002", "declined", decline=GENERIC),
    TestCard("4000000000009995", "declined: insufficient funds", decline=INSUFFICIENT),
    TestCard("4000000000009987", "declined: lost card", decline=LOST),
    TestCard("4000000000009979", "declined: stolen card", decline=STOLEN),
    TestCard("4000000000000069", "declined: expired card", decline=EXPIRED),
    TestCard("4000000000000127", "declined: wrong security code", decline=BAD_CVC),
    TestCard("4000000000000119", "declined: processing error", decline=PROCESSING),
    TestCard("4100000000000019", "blocked by Radar", decline=FRAUDULENT),
    TestCard("4000000000009235", "succeeds, elevated risk"),
    TestCard("4000002500003155", "asks for 3-D Secure, then succeeds", challenge=True),
    TestCard("4000002760003184", "always asks for 3-D Secure, then succeeds", challenge=True),
    TestCard("4000000000003220", "asks for 3-D Secure 2, then succeeds", challenge=True),
    TestCard("4000008400001629", "asks for 3-D Secure, then declined", challenge=True, decline=GENERIC),
    TestCard(
        "4000008260003178",
        "asks for 3-D Secure, then insufficient funds",
        challenge=True,
        decline=INSUFFICIENT,
    ),
    TestCard("4000000000000259", "succeeds, then disputed as fraudulent", dispute="fraudulent"),
    TestCard("4000000000002685", "succeeds, then disputed as not received", dispute="product_not_received"),
    TestCard("4000000000001976", "succeeds, then an inquiry", dispute="product_not_received", inquiry=True),
    TestCard("4000000000005423", "succeeds, then an early fraud warning", fraud_warning=True),
    TestCard("4000000404000079", "succeeds, then disputed (of many)", dispute="fraudulent"),
    TestCard("4000000000007726", "succeeds; a refund is pending for a minute", refund="late"),
    TestCard("4000000000005126", "succeeds; a refund fails after a minute", refund="fails"),
)
CARDS = {card.number: card for card in _ALL}


def luhn(number: str) -> bool:
    """Whether the last digit fits the others."""
    digits = [int(d) for d in reversed(number)]
    return sum(d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(digits)) % 10 == 0


def digits(number: str) -> str:
    """The number without the spaces people type."""
    return re.sub(r"\D", "", number)
