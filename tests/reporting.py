"""Both sides of a session: the attendee, who has a link and reports a problem, and the mentor, who answers."""

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

from flask import session as flask_session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from discuno import journey
from discuno.accounts.models import AuditEntry
from discuno.bookings import links
from discuno.bookings.models import Booking
from discuno.bookings.service import Attendee
from discuno.disputes.models import Dispute
from discuno.kit import clock
from discuno.kit.db import session, transaction
from discuno.mentors import service as mentors
from discuno.notifications.models import Email
from discuno.payments.models import Payment
from discuno.payments.service import Seen
from tests.factories import advance_to, all_of, the
from tests.house import House
from tests.signing import AMARA, signed_in

PNG = b"\x89PNG\r\n\x1a\n and so on"
SAID = "I waited for twelve minutes, and nobody came."


@dataclass
class Holder:
    """Somebody at a page: by its link, or signed in; one browser."""

    client: FlaskClient
    path: str

    def reads(self, path: str = "") -> str:
        """The page, which is there."""
        answer = self.client.get(f"{self.path}{path}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def sends(
        self, path: str, files: tuple[tuple[str, bytes], ...] = (), field: str = "files", **form: str
    ) -> TestResponse:
        """Post a form, with files in a field of it or without."""
        data: MultiDict[str, Any] = MultiDict({**form, "csrf_token": self._token()})
        for name, content in files:
            data.add(field, (BytesIO(content), name))
        kind = "multipart/form-data"
        return self.client.post(f"{self.path}{path}", data=data, content_type=kind)

    def _token(self) -> str:
        """A token of this browser's session, as any page with a form would give it."""
        with self.client.application.test_request_context():
            token = str(generate_csrf())
            raw = flask_session["csrf_token"]
        with self.client.session_transaction() as kept:
            kept["csrf_token"] = raw
        return token

    def reports(self, reason: str = "mentor_absent", text: str = SAID, **more: Any) -> TestResponse:
        """Send the form of a report."""
        return self.sends("/report", reason=reason, text=text, **more)


def sell_at_once(house: House, days: int = 2) -> House:
    """A confirmed, paid session in our rows alone: Stripe knows nothing of it, so no work is to be done here."""
    with house.app.app_context(), transaction():
        offer = mentors.offered(mentors.by_username("amara"))[0]
        start = (clock.now() + timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        booking = journey.choose_time(offer, start, visitor="jun", zone="Europe/Paris")
        payment = journey.give_details(booking, Attendee("Jun Tanaka", "jun@example.com", "", "My essay."))
        assert payment is not None
        journey.payment_seen(payment, seen_paid(payment))
        journey.booking_confirmed(booking)
    return house


def seen_paid(payment: Payment) -> Seen:
    """What Stripe would say of a payment that was made."""
    n, amount, currency = payment.id, payment.amount, payment.currency
    paid = ("complete", "paid", str(n), amount, currency, f"pi_{n}", "succeeded", amount, f"ch_{n}")
    return Seen(f"cs_{n}", *paid, clock.now())


def attendee(house: House, booking_id: int = 1) -> Holder:
    """Whoever holds the attendee's present link."""
    return Holder(house.app.test_client(), house.read(lambda: links.manage_path(_booking(booking_id))))


def mentor(house: House, booking_id: int = 1) -> Holder:
    """The mentor, signed in, at the page of the session."""
    email = house.read(lambda: _booking(booking_id).mentor.user.email)
    return Holder(signed_in(house, email), house.read(lambda: links.host_path(_booking(booking_id))))


def answering(house: House, case_id: int = 1, email: str = AMARA) -> Holder:
    """The mentor, signed in, at the page of a case."""
    return Holder(signed_in(house, email), f"/dashboard/disputes/{case_id}")


def _booking(booking_id: int) -> Booking:
    return session().get_one(Booking, booking_id)


def after_the_start(house: House, minutes: float = 11) -> None:
    """So long after the first session has begun."""
    advance_to(house, all_of(house, Booking)[0].starts_at + timedelta(minutes=minutes))


def told(house: House, about: str) -> set[tuple[str, str]]:
    """Which letters are owed to whom about something that happened."""
    mail = [each for each in all_of(house, Email) if each.event.endswith(about)]
    return {(each.template, each.recipient) for each in mail}


def both(template: str) -> set[tuple[str, str]]:
    """To Jun and to Amara."""
    return {(template, "jun@example.com"), (f"{template}_mentor", AMARA)}


def decided(house: House) -> tuple[str | None, str, str]:
    """How the one report and its payment stand."""
    case, payment = the(house, Dispute), the(house, Payment)
    return case.decision, str(case.status), str(payment.status)


def audited(house: House) -> list[tuple[str, str]]:
    """Who has decided reports, and how."""
    return [(e.actor, e.action) for e in all_of(house, AuditEntry) if e.about.startswith("dispute:")]
