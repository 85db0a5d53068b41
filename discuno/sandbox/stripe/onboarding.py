"""What befalls a connected account outside the API: onboarding, Stripe's reviews, and its end."""

from typing import Any

from discuno.sandbox.stripe import accounts, banks
from discuno.sandbox.stripe.desk import Desk
from discuno.sandbox.stripe.events import emit, notify
from discuno.sandbox.world import Record

APPLICATION = {"id": "ca_sandbox", "object": "application", "name": "Discuno sandbox"}


def onboard(desk: Desk, account_id: str) -> Record:
    """What a mentor does on Stripe's pages: identity and bank given, everything works."""
    record = banks.give(desk, accounts.load(desk, account_id))
    working = {
        "capabilities": {"transfers": "active"},
        "details_submitted": True,
        "payouts_enabled": True,
        "requirements": accounts.requirements([]),
        "tos_acceptance": {"date": desk.now},
        "_payouts_fail": False,
    }
    return accounts.announce(desk, {**record, **working})


def steer(desk: Desk, account_id: str, change: dict[str, Any]) -> Record:
    """Stripe's hand: a capability's status, payouts, requirements and their deadline, payouts that will fail."""
    record = dict(accounts.load(desk, account_id))
    if "transfers" in change:
        record["capabilities"] = {**record["capabilities"], "transfers": change["transfers"]}
    if "requirements" in change:
        record["requirements"] = {**record["requirements"], **change["requirements"]}
    if "payouts_fail" in change:
        record["_payouts_fail"] = bool(change["payouts_fail"])
    for name in ("payouts_enabled", "charges_enabled", "details_submitted"):
        if name in change:
            record[name] = bool(change[name])
    return accounts.announce(desk, record)


def close(desk: Desk, account_id: str, *, quiet: bool = False) -> Record:
    """The account leaves the platform; Stripe says so of full-Dashboard accounts, of Express ones it is `quiet`."""
    record = desk.save({**accounts.load(desk, account_id), "_closed": True})
    if not quiet:
        emit(desk, "account.application.deauthorized", APPLICATION, account=account_id)
    if record["_v2"]:
        notify(desk, "v2.core.account.closed", account_id)
    return record
