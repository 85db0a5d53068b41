"""Many due payments at once: rows, and charges at the stand-in, written directly: a checkout each would be slow."""

from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import Range

from discuno.accounts.models import Role, User
from discuno.bookings.models import Booking, BookingStatus
from discuno.kit import clock
from discuno.kit.db import session, transaction
from discuno.mentors.models import EventType, Mentor
from discuno.notifications.models import Email, EmailStatus
from discuno.payments import ledger
from discuno.payments.models import Payment, PaymentStatus
from discuno.payouts import transfers
from discuno.payouts.models import AccountStatus, MentorStripeAccount
from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.stripe import accounts, balance
from discuno.sandbox.stripe.desk import Desk
from discuno.sandbox.world import World

PRICE, FEE = 6000, 600


class Crowd:
    """Mentors with accounts, and payments of theirs whose dispute period is over."""

    def __init__(self, world: World, settings: SandboxSettings) -> None:
        self.desk = Desk(world, Courier(world, {}), settings)
        self._hour = 0
        self._card = self.desk.save(self.desk.new("pm_", "payment_method", _number="4242424242424242"))

    def gather(self, mentors: int, each: int) -> list[int]:
        """So many mentors, so many due payments for each; the payments' ids. In an app context."""
        made = []
        for number in range(mentors):
            with transaction() as unit:
                offer = _mentor(self._account(), number)
                made += [self._payment(offer) for _ in range(each)]
                unit.flush()
        return made

    def _account(self) -> str:
        record = accounts.blank(self.desk, country="US", email=None, metadata={}, requested=True)
        record |= {"capabilities": {"transfers": "active"}, "payouts_enabled": True}
        record["settings"] = {"payouts": {"schedule": {"interval": "manual"}}}
        return str(self.desk.save(record)["id"])

    def _payment(self, offer: EventType) -> int:
        self._hour = (self._hour + 1) % 200
        starts = clock.now() - timedelta(days=20) + timedelta(hours=self._hour)
        payment = _rows(offer, starts)
        charge = self._charge(payment)
        payment.stripe_charge_id = charge
        ledger.captured(payment, charge)
        transfers.schedule(payment)
        return payment.id

    def _charge(self, payment: Payment) -> str:
        charge = self.desk.new(
            "ch_",
            "charge",
            amount=payment.amount,
            amount_refunded=0,
            currency=payment.currency,
            disputed=False,
            metadata={"payment_id": str(payment.id)},
            paid=True,
            payment_intent=payment.stripe_payment_intent_id,
            payment_method=self._card["id"],
            refunded=False,
            transfer_group=payment.transfer_group,
            _account=None,
        )
        entry = balance.post(
            self.desk, "charge", charge["id"], amount=payment.amount, currency="usd", account=None
        )
        intent = {"latest_charge": charge["id"], "status": "succeeded", "amount": payment.amount}
        intent |= {"metadata": charge["metadata"], "currency": "usd"}
        self.desk.save(
            {**self.desk.new("pi_", "payment_intent", **intent), "id": payment.stripe_payment_intent_id}
        )
        self.desk.save({**charge, "balance_transaction": entry["id"]})
        return str(charge["id"])


def _mentor(stripe_account_id: str, number: int) -> EventType:
    user = User(
        email=f"mentor{number}@crowd.example",
        name=f"Mentor {number}",
        role=Role.MENTOR,
        created_at=clock.now(),
    )
    mentor = Mentor(user=user, username=f"crowd-{number}", headline="", bio="", topics=[], zone="UTC")
    offer = EventType(title="Session", description="", duration_minutes=60, price=PRICE, currency="usd")
    mentor.event_types = [offer]
    session().add(mentor)
    session().flush()
    session().add(
        MentorStripeAccount(
            mentor_id=mentor.id,
            stripe_account_id=stripe_account_id,
            api="v1",
            status=AccountStatus.ACTIVE,
            transfers="active",
            payouts_enabled=True,
            is_ours=True,
            requirements=[],
            manual_payouts_configured_at=clock.now(),
            created_at=clock.now(),
        )
    )
    session().flush()
    return offer


def _rows(offer: EventType, starts: datetime) -> Payment:
    booking = _booking(offer, starts)
    payment = Payment(
        booking=booking,
        mentor_user_id=offer.mentor.user_id,
        customer_email="jun@crowd.example",
        customer_name="Jun",
        amount=PRICE,
        currency="usd",
        platform_fee=FEE,
        mentor_amount=PRICE - FEE,
        status=PaymentStatus.SUCCEEDED,
        payment_status="paid",
        stripe_payment_intent_id=f"pi_{booking.public_id}",
        paid_at=starts,
        dispute_period_ends=starts,
        dispute_requested=False,
        checkout_epoch=1,
        metadata_={},
        created_at=starts,
    )
    session().add(payment)
    session().flush()
    event = f"booking:{booking.id}:confirmed"
    session().add_all(_told(event, to) for to in (payment.customer_email, offer.mentor.user.email))
    return payment


def _booking(offer: EventType, starts: datetime) -> Booking:
    return Booking(
        public_id=f"crowd_{offer.mentor_id}_{starts:%m%d%H%M%S%f}",
        visitor="crowd",
        mentor=offer.mentor,
        mentor_id=offer.mentor_id,
        event_type=offer,
        event_type_id=offer.id,
        status=BookingStatus.CONFIRMED,
        during=Range(starts, starts + timedelta(hours=1)),
        keeps=Range(starts, starts + timedelta(hours=1)),
        held_until=starts,
        created_at=starts,
        confirmed_at=starts,
        changed_at=starts,
        title=offer.title,
        duration_minutes=60,
        price=PRICE,
        currency="usd",
        requires_payment=True,
        attendee_name="Jun",
        attendee_email="jun@crowd.example",
        attendee_zone="UTC",
    )


def _told(event: str, to: str) -> Email:
    """The letter that says so, sent long ago."""
    return Email(
        event=event,
        recipient=to,
        template="booking_confirmed",
        about={},
        status=EmailStatus.DELIVERED,
        subject="Confirmed",
        resend_id=f"{event}/{to}",
        created_at=clock.now(),
        sent_at=clock.now(),
    )
