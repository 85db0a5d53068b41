"""Short words for tests that compare our books with Stripe's."""

from datetime import timedelta
from typing import Any

import pytest

from discuno.admin.books import at_stripe, invariants
from discuno.admin.models import Drift
from discuno.payments.models import Payment
from tests.factories import (
    advance_to,
    all_of,
    dump,
    paid,
    the,
)
from tests.house import House

NO_DRIFT = "No drift: ours and Stripe's agree to the cent."
MONEY = tuple(
    f"discuno_{name}"
    for name in [
        "payment",
        "booking",
        "refund",
        "transfer",
        "transfer_reversal",
        "payout",
        "dispute",
        "ledger_entry",
    ]
)


def reconcile(house: House, *more: str) -> tuple[int, str]:
    run = house.app.test_cli_runner().invoke(args=["reconcile", *more])
    assert run.exception is None or isinstance(run.exception, SystemExit), run.output
    return run.exit_code, run.output


def drift(house: House) -> set[tuple[str, int | None]]:
    return {(d.kind, d.difference) for d in all_of(house, Drift) if d.resolved_at is None}


def lose_webhooks(house: House) -> None:
    for scope in ("stripe", "stripe_connect"):
        house.control("POST", f"weather/{scope}", {"lose": -1})


def lever(house: House, path: str, **told: Any) -> Any:
    return house.control("POST", f"stripe/{path}", told)


def in_order(house: House) -> None:
    """The promises hold, and a run finds nothing to do, to say or to change."""
    with house.app.app_context():
        assert invariants.check() == []
    house.settle_down()
    before = dump(house, *MONEY)
    code, said = reconcile(house)
    assert (code, said.splitlines()[-1]) == (0, NO_DRIFT), said
    assert all(line.split()[-2] == "0" for line in said.splitlines()[:-1]), said
    house.settle_down()
    assert dump(house, *MONEY) == before


def at_fault_at_stripe(house: House) -> set[tuple[str, int | None]]:
    with house.app.app_context():
        return {(v.name, v.difference) for finding in at_stripe.look() for v in finding.violations}


def charge_of(house: House) -> str:
    return str(house.stripe("charge")[0]["id"])


def release(house: House) -> None:
    ends = the(house, Payment).dispute_period_ends
    assert ends is not None
    advance_to(house, ends + timedelta(seconds=5))
    house.settle_down()


def sold(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """One session is sold and its money held; from now on no webhook arrives, and no payout is made by itself."""
    monkeypatch.setattr(house.app.extensions["settings"], "payout_mode", "on_request")
    paid(house)
    house.settle_down()
    lose_webhooks(house)
    return house
