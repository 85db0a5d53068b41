"""A payout in words: who wanted it, how it stands, what went wrong, and what the mentor can do about it."""

from babel.dates import format_date

from discuno.kit.web import LOCALE
from discuno.payouts import banking
from discuno.payouts.models import Payout, PayoutStatus

W = PayoutStatus
WHO = {
    banking.AUTOMATIC: "Made by itself",
    banking.BY_MENTOR: "You asked for it",
    banking.BY_STRIPE: "Stripe made it by itself",
}
ANOTHER = "Please give Stripe another bank account."
CHECK = "Please check the bank account you gave to Stripe."
BANK_SAID = {  # Stripe's codes for what a bank answered
    "account_closed": ("The bank account was closed.", ANOTHER),
    "account_frozen": (
        "The bank account is frozen.",
        "Please ask your bank, or give Stripe another account.",
    ),
    "bank_account_restricted": ("The bank account does not take such payments.", ANOTHER),
    "bank_account_unusable": ("The bank account cannot be used.", ANOTHER),
    "bank_ownership_changed": ("The bank account has another owner now.", ANOTHER),
    "debit_not_authorized": ("The bank account does not allow it.", "Please ask your bank to allow it."),
    "declined": ("The bank declined the payment.", "Please ask your bank why."),
    "expired_card": ("The card it should go to has expired.", "Please give Stripe another card or account."),
    "incorrect_account_holder_name": ("The name of the account’s holder is not right.", CHECK),
    "incorrect_account_holder_address": ("The address of the account’s holder is not right.", CHECK),
    "incorrect_account_holder_tax_id": ("The tax number of the account’s holder is not right.", CHECK),
    "incorrect_account_type": ("It is not the kind of account that it was given as.", CHECK),
    "invalid_account_number": ("The account number is not right.", CHECK),
    "invalid_currency": ("The bank account does not take this currency.", ANOTHER),
    "no_account": ("The bank knows no such account.", CHECK),
    "unsupported_card": ("The card it should go to does not take such payments.", ANOTHER),
}
NOT_MADE = {  # why a payout was dropped before any money moved
    "stale": "The balance it was measured by had grown old, so it was measured again.",
    "balance_insufficient": "There was too little in your Stripe account by then, so it was measured again.",
    "amount_too_small": "Stripe does not make payouts as small as this; it goes with the next money to come.",
    "payouts_not_allowed": "Stripe pays nothing out of your account until it has what it asks for.",
    "closed": "Your Stripe account is no longer connected with us.",
    "not_ours": "Somebody has to look at your Stripe account first.",
    "suspended": "Your account with us is suspended.",
    "payouts_disabled": "Stripe pays nothing out of your account until it has what it asks for.",
}


def who(payout: Payout) -> str:
    """Who wanted it."""
    return WHO.get(payout.origin, payout.origin)


def expected(payout: Payout) -> str:
    """The day Stripe names, which is a day of the bank's and has no zone; or ""."""
    if payout.arrives_on is None:
        return ""
    return str(format_date(payout.arrives_on.date(), "EEE d MMM y", locale=LOCALE))


def sentence(payout: Payout) -> str:
    """How it stands."""
    day = expected(payout)
    match payout.status:
        case W.PENDING | W.IN_TRANSIT if day:
            return f"Expected in your bank on {day}."
        case W.PAID if day:
            return f"It should be in your bank since {day}."
        case W.FAILED:
            return f"{_failure(payout)[0]} The money is in your Stripe account again."
        case W.CANCELED:
            return f"{_not_made(payout)} The money stayed in your Stripe account."
    return payout.status.sentence


def to_do(payout: Payout) -> str:
    """What the mentor can do, or ""."""
    return _failure(payout)[1] if payout.status == W.FAILED else ""


def _failure(payout: Payout) -> tuple[str, str]:
    code = payout.failure_code or "unknown"
    return BANK_SAID.get(code, (f"The bank did not take the money (Stripe’s code: {code}).", CHECK))


def _not_made(payout: Payout) -> str:
    code = payout.failure_code
    if code is None:
        return "It was cancelled at Stripe."
    known = NOT_MADE.get(code) or BANK_SAID.get(code, ("",))[0]
    return known or f"Stripe did not make it (its code: {code})."


def steps(payout: Payout) -> list[dict[str, str]]:
    """The way of a payout: made, on its way, in the bank; or where it stopped."""
    day, status = expected(payout), payout.status
    asked = {"label": who(payout), "detail": "", "state": "done"}
    if status == W.CANCELED:
        return [asked, {"label": "Cancelled", "detail": "the money stayed", "state": "stop"}]
    made = {"label": "At Stripe", "detail": "", "state": "now" if status == W.REQUESTED else "done"}
    moving = {"label": "On its way", "detail": "", "state": "" if status == W.REQUESTED else "done"}
    arrived = {"label": "In the bank", "detail": f"expected {day}" if day else "", "state": ""}
    if status in (W.PENDING, W.IN_TRANSIT):
        moving["state"] = "now"
    elif status == W.PAID:
        arrived |= {"detail": day, "state": "done"}
    elif status == W.FAILED:
        arrived = {
            "label": "Sent back by the bank",
            "detail": "the money is in your account",
            "state": "stop",
        }
    return [asked, made, moving, arrived]
