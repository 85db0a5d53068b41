"""An admin at the page of a case: looks at what would move, and agrees to it."""

import re
from dataclasses import dataclass
from html import unescape

from werkzeug.test import TestResponse

from discuno import journey
from discuno.bookings.models import Party
from discuno.kit.db import transaction
from discuno.payments import service as payments
from discuno.policy import ReportReason
from tests.house import House
from tests.reporting import Holder
from tests.signing import ADMIN, staff

WHY = "The log shows <half an hour>."
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@dataclass
class Decider(Holder):
    """One admin's browser at the queue."""

    def looks(self, decision: str, case_id: int = 1, **amounts: str) -> dict[str, str]:
        """The form that the preview offers, filled in as the page has it."""
        asked = "&".join(f"{name}={value}" for name, value in {"decision": decision, **amounts}.items())
        html = self.reads(f"/{case_id}/decide?{asked}")
        return {name: unescape(value) for name, value in HIDDEN.findall(html) if name != "csrf_token"}

    def agrees(self, form: dict[str, str], reason: str = WHY, case_id: int = 1, **more: str) -> TestResponse:
        """Agree to what was seen."""
        return self.sends(f"/{case_id}/decide", reason=reason, **form, **more)

    def decides(self, decision: str, reason: str = WHY, case_id: int = 1, **amounts: str) -> TestResponse:
        """Both."""
        return self.agrees(self.looks(decision, case_id, **amounts), reason, case_id)


def decider(house: House, email: str = ADMIN, *, proved: bool = True, fresh: bool = True) -> Decider:
    """One of the staff, signed in, at the queue of cases."""
    return Decider(staff(house, email, proved=proved, fresh=fresh), "/admin/disputes")


def reported(house: House, reason: ReportReason = ReportReason.OTHER) -> House:
    """The attendee of the first payment has reported a problem."""
    with house.app.app_context(), transaction():
        journey.report(payments.locked_payment(1), reason, "It was over soon.", (), Party.ATTENDEE)
    return house
