"""Doors to Stripe for payouts to a mentor's bank: measured, made, followed."""

from collections.abc import Mapping
from datetime import timedelta

from flask import current_app

from discuno import journey
from discuno.accounts.audit import Actor
from discuno.edges.stripe import StripeRefused
from discuno.edges.stripe import accounts as stripe_accounts
from discuno.edges.stripe import payouts as stripe_payouts
from discuno.edges.stripe.payouts import PayoutFacts, PayoutRequest
from discuno.kit import outbox, outgoing
from discuno.kit.db import session, transaction
from discuno.kit.errors import DomainError
from discuno.mentors.models import Mentor
from discuno.payouts import accounts, banking, onboarding
from discuno.payouts import service as payouts
from discuno.payouts.models import MentorStripeAccount, Payout, PayoutStatus

SWEEP_EVERY = timedelta(hours=1)


def is_automatic() -> bool:
    """Whether payouts are made without the mentor's asking."""
    return bool(current_app.extensions["settings"].payout_mode == "automatic")


# Measured


@outbox.task("pay_out_available", every=SWEEP_EVERY)
def pay_out_available() -> None:
    """Without any event: money that lies in an account is looked at, and payouts on their way are followed."""
    with transaction():
        if is_automatic():
            for account in banking.with_money():
                if banking.reason_to_wait(account) is None:
                    journey.ask_pay_out(account)
        for payout in banking.to_follow():
            outbox.add("follow_open_payout", payout_id=payout.id, unique_key=f"payout:{payout.id}:follow")


def balance_available(stripe_account_id: str) -> str:
    """Money has settled in a connected account, says an event. Raises LookupError for one that is not ours."""
    with transaction():
        account = accounts.by_stripe_id(stripe_account_id)
        if account is None:
            raise LookupError(f"no account of ours is {stripe_account_id}")
        if not is_automatic():
            return f"account {account.id}: the mentor decides"
        journey.ask_pay_out(account)
        return f"account {account.id}"


@outbox.task("pay_out")
def pay_out(account_id: int) -> None:
    """All that is available in an account goes to the bank, unless something stands against it."""
    if not is_automatic():
        return
    with transaction():
        account = session().get_one(MentorStripeAccount, account_id)
        stripe_id, reason = account.stripe_account_id, banking.reason_to_wait(account)
    if reason in ("closed", "not_ours", "suspended"):
        return
    there = available(stripe_id)
    if there is not None:
        with transaction():
            journey.pay_out(accounts.locked_account(account_id), there)


def request_payout(
    mentor_id: int,
    nonce: str,
    *,
    amount: int | None = None,
    currency: str | None = None,
    actor: Actor | None = None,
) -> list[int]:
    """The mentor presses "Pay out now": ids of the payouts this wish has made, now or before.

    `amount` is in minor units; None is all there is. A wish that was done is answered without asking Stripe again.
    Raises DomainError with what to tell the mentor, StripeDown, StripeRefused.
    """
    with transaction():
        mentor = session().get_one(Mentor, mentor_id)
        account = payouts.account_of(mentor)
        known = banking.of_wish(account, nonce) if account is not None else []
    if account is None:
        raise DomainError("Connect a Stripe account first.", status=409)
    if known:
        return [payout.id for payout in known]
    there = available(account.stripe_account_id) or {}
    with transaction():
        wish = journey.pay_out_wish(
            accounts.locked_account(account.id),
            there,
            nonce=nonce,
            amount=amount,
            currency=currency,
            actor=actor or Actor(mentor.user.email),
        )
        return [payout.id for payout in wish]


def what_can_go(account: MentorStripeAccount) -> dict[str, int]:
    """What the mentor may have paid out now, in minor units by currency. Raises StripeDown, StripeRefused."""
    there = available(account.stripe_account_id) or {}
    with transaction():
        return banking.free(account, there)


def available(stripe_account_id: str) -> Mapping[str, int] | None:
    """What Stripe says is available there; None when the account has gone, which is then written down."""
    try:
        return stripe_payouts.balance_of(stripe_account_id).available
    except StripeRefused as refusal:
        if refusal.code != stripe_accounts.GONE:
            raise
    onboarding.refresh(stripe_account_id)
    return None


# Made


def _request(payout: Payout) -> PayoutRequest:
    return PayoutRequest(
        payout_id=payout.id,
        stripe_account_id=payout.account.stripe_account_id,
        amount=payout.amount,
        currency=payout.currency,
        since=payout.created_at,
        key=payout.key,
    )


def _prepare(payout: Payout) -> PayoutRequest | None:
    return _request(payout) if journey.may_pay_out(payout) else None


PAYOUT: outgoing.Kind[Payout, PayoutRequest, PayoutFacts] = outgoing.Kind(
    lock=banking.locked_payout,
    is_open=lambda p: p.status == PayoutStatus.REQUESTED,
    frozen=_request,
    prepare=_prepare,
    find=stripe_payouts.find_payout,
    create=stripe_payouts.pay_out,
    made=journey.payout_seen,
    refused=journey.payout_refused,
    alarm=journey.payout_alarm,
)


@outbox.task("send_payout")
def send_payout(payout_id: int) -> None:
    """Send money to a mentor's bank, once."""
    outgoing.work(PAYOUT, payout_id)


# Followed


def follow_payout(stripe_account_id: str, stripe_payout_id: str) -> str:
    """Take Stripe's present word on a payout, also on one it made by itself. Raises LookupError."""
    with transaction():
        account = accounts.by_stripe_id(stripe_account_id)
    if account is None:
        raise LookupError(f"no account of ours is {stripe_account_id}")
    seen = stripe_payouts.look_at_payout(stripe_account_id, stripe_payout_id)
    with transaction():
        account = accounts.locked_account(account.id)
        payout = banking.known(account, seen)
        if payout is None:
            payout = journey.payout_found(account, seen)
        else:
            journey.payout_seen(payout, seen)
        return f"payout {payout.id}: {payout.status}"


@outbox.task("follow_open_payout")
def follow_open_payout(payout_id: int) -> None:
    """Ask how a payout stands whose end should have been told by now."""
    with transaction():
        payout = session().get_one(Payout, payout_id)
        where, which = payout.account.stripe_account_id, payout.stripe_payout_id
    if which is not None:
        follow_payout(where, which)
