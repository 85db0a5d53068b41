"""Somebody of the staff who answers a bank, and what the bank has then; shared by the tests about chargebacks."""

from typing import Any

from discuno import journey
from discuno.accounts.audit import Actor
from discuno.disputes import answers
from discuno.disputes.models import DisputeAnswer
from tests.factories import all_of
from tests.house import House
from tests.reporting import Holder
from tests.signing import ADMIN, staff

ANSWER = "POST /stripe/v1/disputes/[^/]*$"
CLOSE = "POST /stripe/v1/disputes/[^/]*/close$"
UPLOAD = "POST /stripe/v1/files$"
NOBODY = Actor("nobody@example.com")
WHY = "We know that the session took place."
PDF = b"%PDF-1.7 and so on"


def desk(house: House, email: str = ADMIN, **how: bool) -> Holder:
    """One of the staff at the page on which the bank is answered."""
    return Holder(staff(house, email, **how), "/admin/disputes/1/evidence")


def draft(house: House) -> dict[str, str]:
    return dict(house.read(lambda: journey.draft_evidence(answers.chargeback(1))))


def staged(house: House, **texts: str) -> Holder:
    """An admin has saved the draft, with these texts, and it lies at Stripe."""
    admin = desk(house)
    assert admin.sends("", **{**draft(house), **texts}).status_code == 303
    house.settle_down()
    return admin


def finally_(house: House, admin: Holder, how: str, **change: str) -> int:
    """Press the last button; what the page has shown is agreed to."""
    made = house.read(lambda: answers.of_case(answers.chargeback(1)))
    seen = "usd refund 0 back 0 mentor 0 ours 0" if how == "accept" else str(made[-1].id if made else 0)
    form = {"seen": seen, "nonce": "n", "sure": "y", "reason": WHY, **change}
    return admin.sends(f"/{how}", **form).status_code


def at_the_bank(house: House) -> dict[str, Any]:
    [found] = house.stripe("dispute")
    return found


def told(house: House) -> list[tuple[str, str]]:
    return [(str(a.kind), str(a.status)) for a in all_of(house, DisputeAnswer)]
