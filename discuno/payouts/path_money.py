"""What the books, the lots and the guard say about the money of one payment: what its path is told from."""

from datetime import datetime
from zoneinfo import ZoneInfo

from discuno.kit import clock
from discuno.kit.money import in_words
from discuno.kit.web import hour, short_day, zone_name
from discuno.payments.models import Account, Payment, PostingKind
from discuno.payouts import service as payouts
from discuno.payouts import sight, stuck
from discuno.payouts.models import PayoutStatus, TransferStatus
from discuno.payouts.sight import Sight
from discuno.payouts.stuck import Stuck
from discuno.policy import Reason

K, A, W = PostingKind, Account, PayoutStatus
ON_THE_WAY = (W.PENDING, W.IN_TRANSIT)


class Money:
    """What the books, the lots and the guard say about one payment. All amounts are in minor units."""

    def __init__(self, payment: Payment, seen: Sight) -> None:
        self.payment, self.seen = payment, seen
        sums = seen.sums[payment.id]
        self.held = -sum(sums[kind, A.HELD] for kind in K)
        self.returned = _mentors(sums, K.REFUND, K.REFUND_UNDONE)
        self.disputed = _mentors(sums, K.DISPUTE_WITHDRAWN, K.DISPUTE_REINSTATED)
        self.netted = sums[K.DEBT_NETTED, A.HELD]
        self.owed = sum(sums[kind, A.DEBT] for kind in K if kind != K.DEBT_NETTED)
        self.given = -_mentors(sums, K.SPLIT)
        self.yours = payment.mentor_amount + self.given - self.returned - self.disputed
        self.lots = seen.lots.get(payment.id, [])
        self.there = sum(lot.there for _, lot in self.lots)
        self.lent = sum(lot.lent for _, lot in self.lots)
        self.on_the_way = sight.parts_in(seen, payment.id, *ON_THE_WAY)
        self.in_the_bank = sight.parts_in(seen, payment.id, W.PAID)
        self.sent = [t for t in payment.transfers if t.stripe_transfer_id is not None]
        self.kept = [t for t in self.sent if t.reversed_amount < t.amount]
        self.reason = self._reason() if payment.status.has_money else None
        self.stuck = self._stuck()

    def _reason(self) -> Reason | None:
        """Why what is held waits; or who objects, when nothing is."""
        if self.held <= 0:
            return payouts.objection(self.payment)
        standing = payouts.standing(
            self.payment, held=self.held, can_receive=self.seen.can_receive, paused=self.seen.paused
        )
        waits = [t.blocked_by for t in self.payment.transfers if t.status == TransferStatus.SCHEDULED]
        at_stripe = (r for r in (Reason.GIVEN_UP, Reason.NO_BALANCE) if r in waits)
        return standing.reason_to_wait() or next(at_stripe, None)

    def _stuck(self) -> Stuck | None:
        found = stuck.because(self.reason, self.payment, self.seen) if self.reason is not None else None
        lying = (account for account, lot in self.lots if lot.there)
        return found or next(
            (why for account in lying if (why := stuck.at_the_bank(account, self.payment, self.seen))), None
        )

    def words(self, amount: int) -> str:
        """An amount of this payment."""
        return in_words(amount, self.payment.currency)

    def day(self, instant: datetime, zone: str | None = None) -> str:
        """Wed 25 Nov, with its year when it is not this one."""
        zone = zone or self.seen.mentor.zone
        year = instant.astimezone(ZoneInfo(zone)).year
        words = short_day(instant, zone)
        return words if year == clock.now().astimezone(ZoneInfo(zone)).year else f"{words} {year}"

    def moment(self, instant: datetime) -> str:
        """Wed 25 Nov, 14:30."""
        return f"{self.day(instant)}, {hour(instant, self.seen.mentor.zone, self.seen.reader.hours)}"

    def zone(self, instant: datetime) -> str:
        """Said once a path, under the time that counts."""
        return f"your time, {zone_name(self.seen.mentor.zone, instant)}"


def _mentors(sums: sight.Sums, *kinds: PostingKind) -> int:
    """What the mentor has borne in these ways; below zero what they were given."""
    return sum(sums[kind, A.HELD] + sums[kind, A.DEBT] for kind in kinds)
