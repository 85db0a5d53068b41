"""Promises that only Stripe can confirm: `flask --app wsgi invariants --stripe`. Looks, and changes nothing."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from discuno.admin.books import steps
from discuno.admin.books.checks import Check
from discuno.admin.books.invariants import EVER, Finding, Violation
from discuno.edges.stripe import lists
from discuno.edges.stripe.lists import Cut, TransferSeen
from discuno.kit.db import rows, session, transaction
from discuno.payouts.models import MentorStripeAccount, Transfer

ONCE = Check(
    "I3", "At Stripe too: each transfer is one row of ours, equal in amount, currency and account", "", ()
)
BALANCES = Check(
    "I11", "At Stripe too: our balance and every mentor's are what the books say, to the cent", "", ()
)
EDGE = timedelta(days=2)  # what we recorded late was made at Stripe before
Facts = tuple[int, int, str, str | None]  # amount and what came back of it in minor units, currency, account


def look(since: datetime | None = None) -> list[Finding]:
    """Both questions, asked of Stripe."""
    return [_transfers(since or EVER), _balances()]


def _transfers(since: datetime) -> Finding:
    listed = {t.id: t for t in _listed(since - EDGE)}
    of_ours = sa.or_(Transfer.sent_at >= since, Transfer.stripe_transfer_id.in_(list(listed)))
    with transaction():
        accounts = set(session().execute(sa.select(MentorStripeAccount.stripe_account_id)).scalars())
        found = rows(sa.select(Transfer).where(Transfer.stripe_transfer_id.is_not(None), of_ours))
        ours = {
            str(t.stripe_transfer_id): (t.amount, t.reversed_amount, t.currency, t.destination) for t in found
        }
    theirs = {
        t.id: (t.amount, t.amount_reversed, t.currency, t.destination)
        for t in listed.values()
        if t.id in ours or t.destination in accounts
    }
    wrong = [_wrong(made, ours.get(made), theirs.get(made)) for made in sorted({*ours, *theirs})]
    return Finding(ONCE, len(theirs), [violation for violation in wrong if violation is not None])


def _listed(since: datetime) -> list[TransferSeen]:
    page = lists.transfers(Cut(since))
    found = list(page.items)
    while page.after is not None:
        page = lists.transfers(Cut(since, page.after))
        found += page.items
    return found


def _wrong(made: str, ours: Facts | None, theirs: Facts | None) -> Violation | None:
    if ours == theirs:
        return None
    words = f"ours is {ours or 'nothing'}, Stripe's is {theirs or 'nothing'}"
    difference = (theirs or (0,))[0] - (ours or (0,))[0]
    return Violation(ONCE.name, made, words, difference, (theirs or ours or (0, 0, None))[2])


def _balances() -> Finding:
    with transaction():
        accounts = rows(sa.select(MentorStripeAccount).order_by(MentorStripeAccount.id))
    compared = [steps.platform_differs(lambda: None), *map(steps.account_differs, accounts)]
    wrong = [
        Violation(BALANCES.name, d.about, f"ours {d.ours}, Stripe's {d.theirs}", d.amount, d.currency)
        for each in compared
        for d in each.values()
        if d is not None
    ]
    return Finding(BALANCES, len(compared), wrong)
