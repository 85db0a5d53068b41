"""Everything that can happen to the house from outside: buyers, banks, Stripe, admins, the post, the power."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import requests
import sqlalchemy as sa

from discuno import journey
from discuno.admin.books import reconcile
from discuno.bookings.models import Party
from discuno.disputes import reports
from discuno.disputes.models import Decision, Dispute
from discuno.edges import queue
from discuno.kit import failpoints, outbox
from discuno.kit.db import session, transaction
from discuno.kit.errors import DomainError
from discuno.kit.outgoing import OutcomeUnknown
from discuno.mentors.models import Mentor
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import bank_jobs, onboarding
from discuno.payouts import service as payouts
from discuno.payouts.models import MentorStripeAccount
from discuno.policy import ReportReason
from tests.catalogue import AMARA, OWEN
from tests.factories import change, someone
from tests.house import House

CHANNELS = ("stripe", "stripe_connect", "calcom", "resend")
NOT_BY_ITSELF = 1e9  # seconds a webhook would wait: only a test brings it
CURRENCIES = ("usd", "gbp")
FLOAT = 100_000  # of our own, in each currency
EVER = timedelta(days=365)
HEALTHY = {"transfers": "active", "payouts_enabled": True, "payouts_fail": False}


class Killed(BaseException):
    """The process ends here: nothing of it may go on."""


class Outside:
    """What a story may do to the house; nothing here decides or repairs for it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.world = house.sandbox.world
        self.courier = house.sandbox.courier
        self._wishes = itertools.count(1)
        house.begin_with(AMARA, OWEN)
        for channel in CHANNELS:
            self.courier.set_weather(channel, delay=NOT_BY_ITSELF)
        for currency in CURRENCIES:
            self.lever("balance", amount=FLOAT, currency=currency)
        self.do(self._plant_periodic)

    def do(self, door: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Call a door as a process of the app would."""
        with self.house.app.app_context():
            return door(*args, **more)

    def _plant_periodic(self) -> None:
        """All but reconciliation, which is a rule of its own: it would put right at night what a story is about."""
        with transaction():
            for name in ("release_due", "pay_out_available", "look_at_accounts"):
                outbox.add(name, unique_key=outbox.periodic_key(name))

    def read(self, ask: Callable[[], Any]) -> Any:
        """Ask our rows something."""
        with self.house.app.app_context(), transaction():
            return ask()

    def lever(self, path: str, **told: Any) -> Any:
        """Pull a lever at Stripe; None when Stripe itself does not let one."""
        answer = requests.post(f"{self.house.sandbox.url}/control/stripe/{path}", json=told, timeout=30)
        assert answer.status_code < 500, answer.text
        return answer.json() if answer.ok else None

    # Buyers

    def sells(self, mentor: str) -> bool:
        """Whether this mentor's hours can be bought now."""

        def ask() -> bool:
            found = self._mentor(mentor)
            return found.suspended_at is None and payouts.can_be_paid(found)

        return bool(self.read(ask))

    def buys(self, mentor: str, card: str | None) -> int:
        """Somebody comes as far as the card form, and pays unless there is no card; the payment's id."""
        buyer = someone(self.house)
        session_id = buyer.reach_payment(mentor)
        if card is not None:
            buyer.pay(session_id, card)
        return int(self.read(lambda: session().execute(sa.select(sa.func.max(Payment.id))).scalar_one()))

    def taken_at_calcom(self, payment_id: int) -> None:
        """A stranger takes the hour on Cal.com's own page."""
        booking = self.read(lambda: session().get_one(Payment, payment_id).booking)
        told = {"eventTypeId": booking.calcom_event_type_id, "start": booking.starts_at.isoformat()}
        requests.post(f"{self.house.sandbox.url}/control/calcom/busy", json=told, timeout=30)

    # Stripe's book

    def of_payment(self, kind: str, payment_id: int) -> list[dict[str, Any]]:
        """Objects about a payment's charge."""
        charge = self.charge(payment_id)
        return [found for found in self.world.all(f"stripe.{kind}") if charge and found["charge"] == charge]

    def charge(self, payment_id: int) -> str | None:
        """The id of a payment's charge."""
        charges = [c for c in self.world.all("stripe.charge") if not c["_account"] and c["paid"]]
        mine = (c for c in charges if c["metadata"].get("payment_id") == str(payment_id))
        return next((str(c["id"]) for c in mine), None)

    def transfers(self, payment_id: int) -> list[dict[str, Any]]:
        """Transfers in a payment's group."""
        return list(self.world.find("stripe.transfer", transfer_group=f"payment_{payment_id}"))

    def available(self, account: str | None, currency: str) -> int:
        """What Stripe has available for an account, or for us."""
        entries = self.world.find("stripe.balance_transaction", _account=account, status="available")
        return sum(e["net"] for e in entries if e["currency"] == currency)

    # People of ours

    def refund(self, payment_id: int, amount: int, wish: str) -> None:
        """Somebody of ours wants money returned; what policy refuses is refused."""

        def ask() -> None:
            with transaction(), suppress(DomainError):
                payment = payments.locked_payment(payment_id)
                journey.refund(payment, amount=amount, reason="test", nonce=wish)

        self.do(ask)

    def _about(self, payment_id: int, ask: Callable[[Payment], object]) -> None:
        """Somebody wants something of a payment's session; what is refused leaves nothing behind."""

        def door() -> None:
            with suppress(DomainError, sa.exc.IntegrityError), transaction():
                ask(payments.locked_payment(payment_id))

        if payment_id:
            self.do(door)

    def cancels(self, payment_id: int, by: Party) -> None:
        """The session is cancelled."""
        self._about(payment_id, lambda payment: journey.cancel(payment.booking, by, "test"))

    def moves(self, payment_id: int, by: timedelta) -> None:
        """The attendee wants it at another time."""
        self._about(payment_id, lambda p: journey.ask_to_move(p.booking, p.booking.starts_at + by))

    def reports(self, payment_id: int, reason: ReportReason) -> None:
        """The attendee says that something went wrong."""
        self._about(payment_id, lambda payment: journey.report(payment, reason, "test", (), Party.ATTENDEE))

    def answers(self, payment_id: int, *, agrees: bool) -> None:
        """The mentor answers the report, if there is one."""
        self._about_report(payment_id, lambda case: journey.answer_report(case, "test", (), agrees=agrees))

    def decides(self, payment_id: int, decision: Decision) -> None:
        """Somebody ends the report, if there is one."""
        self._about_report(payment_id, lambda case: journey.decide_report(case, decision, "test", "test"))

    def _about_report(self, payment_id: int, ask: Callable[[Dispute], None]) -> None:
        def of_payment(payment: Payment) -> None:
            case = reports.latest(payment)
            if case is not None:
                ask(case)

        self._about(payment_id, of_payment)

    def nobody_came(self, payment_id: int) -> None:
        """The mentor says so."""
        self._about(payment_id, lambda payment: journey.attendee_absent(payment.booking, Party.MENTOR))

    def hold(self, payment_id: int, *, lift: bool) -> None:
        """An admin says wait, or no longer."""

        def ask() -> None:
            with transaction():
                (journey.lift_hold if lift else journey.hold)(payments.locked_payment(payment_id))

        self.do(ask)

    def suspend(self, mentor: str, *, back: bool) -> None:
        """An admin suspends a mentor, or takes them back."""
        when = "CASE WHEN :back THEN NULL ELSE discuno_now() END"
        sql = f"UPDATE discuno_mentor SET suspended_at = {when} WHERE username = :name"  # noqa: S608 - our own words
        change(self.house, sql, name=mentor, back=back)

    # A mentor's account

    def _mentor(self, username: str) -> Mentor:
        return session().execute(sa.select(Mentor).where(Mentor.username == username)).scalar_one()

    def accounts(self, mentor: str | None = None) -> list[str]:
        """Stripe's ids of a mentor's accounts, or of all, the present one last."""
        rows = self.read(
            lambda: list(session().execute(sa.select(MentorStripeAccount).order_by("id")).scalars())
        )
        return [a.stripe_account_id for a in rows if mentor in (None, a.mentor.username)]

    def is_closed(self, account: str) -> bool:
        """Whether Stripe still has it on the platform."""
        return bool((self.world.get("stripe.account", account) or {}).get("_closed"))

    def connects_anew(self, mentor: str) -> None:
        """A mentor without an account gets one, and finishes onboarding."""

        def ask() -> str:
            with transaction():
                mentor_id = self._mentor(mentor).id
            return onboarding.open_account(mentor_id, "us")

        with suppress(DomainError, OutcomeUnknown):
            self.lever(f"accounts/{self.do(ask)}/onboard")

    def wants_payout(self, mentor: str) -> None:
        """The mentor presses "Pay out now", and is told so when Stripe is down."""
        with suppress(DomainError, OutcomeUnknown):
            mentor_id = self.read(lambda: self._mentor(mentor).id)
            self.do(bank_jobs.request_payout, mentor_id, f"wish-{next(self._wishes)}")

    # Webhooks

    def owed(self) -> list[dict[str, Any]]:
        """Webhooks that have not been brought yet."""
        return list(self.world.find("delivery", state="due"))

    def mark(self, deliveries: list[dict[str, Any]], state: str) -> None:
        """Change what has become of webhooks."""
        for delivery in deliveries:
            changed = {**delivery, "state": state, "due": NOT_BY_ITSELF * 2, "tries": 0}
            self.world.put("delivery", changed)

    def deliver(self, *, shuffled: bool = False) -> int:
        """Bring every webhook that is owed, and what that brings; how many."""
        brought = 0
        for channel in CHANNELS:
            self.courier.set_weather(channel, shuffle=shuffled)
        while tried := self.courier.deliver_due(early=True):
            brought += tried
        return brought

    def deliver_again(self, deliveries: list[dict[str, Any]]) -> None:
        """Bring these once more, in any order."""
        self.mark(deliveries, "due")
        self.deliver(shuffled=True)

    def deliver_only(self, which: int) -> None:
        """Bring one of those owed, and leave the others for later."""
        owed = self.owed()
        if owed:
            owed.pop(which % len(owed))
            self.mark(owed, "on the road")
            self.courier.deliver_due(early=True)
            self.mark(owed, "due")

    # Time and work

    def work(self) -> int:
        """Do what is due; how many jobs."""
        return int(self.do(queue.run_due))

    def settle_down(self) -> None:
        """Webhooks come and work is done, until both have ended."""
        for _ in range(20):
            if self.deliver() + self.work() == 0:
                return

    def work_until_killed(self, nth: int) -> bool:
        """A worker dies at the n-th point of its way; whether it came so far."""
        left = itertools.count(nth, -1)
        died: list[str] = []

        def watch(name: str) -> None:
            if died or next(left) <= 0:
                died.append(name)
                raise Killed(name)

        failpoints.arm(watch)
        try:
            with suppress(Killed):
                self.work()
        finally:
            failpoints.arm(None)
        return bool(died)

    def reconcile(self) -> None:
        """`flask reconcile`, of everything there ever was; a run that Stripe cuts short is not finished."""

        def ask() -> None:
            for _ in reconcile.run(EVER):
                pass

        with suppress(OutcomeUnknown):
            self.do(ask)

    # All is well again

    def heal(self) -> None:
        """Whatever was broken outside is mended; what people have decided stays decided."""
        self.house.control("DELETE", "faults")
        for mentor in ("amara", "owen"):
            self.suspend(mentor, back=True)
            if all(self.is_closed(a) for a in self.accounts(mentor)):
                self.settle_down()  # we hear of the end
                self.connects_anew(mentor)
        for account in self.accounts():
            if not self.is_closed(account):
                self.lever(f"accounts/{account}", **HEALTHY)
                self.lever(f"accounts/{account}/bank")
                self._fill_up(account)
        for currency in CURRENCIES:
            missing = FLOAT - self.available(None, currency)
            if missing > 0:
                self.lever("balance", amount=missing, currency=currency)

    def _fill_up(self, account: str) -> None:
        """What was taken out of an account by nobody's doing is put back."""
        for currency in CURRENCIES:
            entries = self.world.find("stripe.balance_transaction", _account=account, type="adjustment")
            missing = -sum(e["net"] for e in entries if e["currency"] == currency)
            if missing > 0:
                self.lever("balance", amount=missing, currency=currency, account=account)
