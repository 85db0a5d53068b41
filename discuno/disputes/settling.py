"""What will move when a payment is decided about: worked out before it is agreed to, and again before it is done."""

from dataclasses import dataclass

from discuno import policy
from discuno.kit.errors import DomainError
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts import reversals

TOO_MUCH = "Both amounts together are more than is left of the payment."
DIVIDED = "What stays of this payment was divided before."


@dataclass(frozen=True)
class Terms:
    """What shall become of a payment's money, in minor units: so much back to the attendee, so much to the mentor.

    Without `mentor` the rest is shared as the payment was. `back` is asked back from the mentor's account, and held.
    """

    refund: int = 0
    mentor: int | None = None
    back: int = 0


@dataclass(frozen=True)
class Sight:
    """Everything that will move, and where everything is then. In minor units of `currency`."""

    currency: str
    left: int  # what is neither gone nor on its way back
    refund: int  # to the attendee
    back: int  # from the mentor's account, first
    mentor: int  # what is the mentor's then
    mentor_before: int
    ours: int  # what is ours then, before Stripe's own fee
    ours_before: int
    sent: int  # what lies in the mentor's account now

    @property
    def moves(self) -> str:
        """The same in one line: what somebody agrees to. Another line is another thing to agree to."""
        return f"{self.currency} refund {self.refund} back {self.back} mentor {self.mentor} ours {self.ours}"

    @property
    def held(self) -> int:
        """What still has to be transferred to the mentor then."""
        return max(0, self.mentor - (self.sent - self.back))


def sight(payment: Payment, terms: Terms) -> Sight:
    """What will move. Raises DomainError, in words for an admin, when it cannot be done."""
    left, going = payments.refundable(payment), ledger.gone(payment) + payments.unposted_refunds(payment)
    if terms.refund:
        answer = reversals.refund_answer(payment, terms.refund)
        if not answer.goes:
            raise DomainError(policy.REFUND_REFUSED[answer], status=409)
    divided = _divided(payment, terms, left, going)
    before = policy.kept(payment.amount, payment.platform_fee, going, ledger.divided(payment))
    after = policy.kept(payment.amount, payment.platform_fee, going + terms.refund, divided)
    sent = sum(t.reversible for t in payment.transfers)
    if terms.back > sent:
        raise DomainError("That is more than lies in the mentor's account of this payment.", status=409)
    back = terms.back or reversals.beyond(payment, going + terms.refund, divided)
    return Sight(
        payment.currency, left, terms.refund, back, after[0], before[0], after[1], before[1], sent=sent
    )


def _divided(payment: Payment, terms: Terms, left: int, going: int) -> policy.Divided | None:
    if terms.mentor is None:
        return ledger.divided(payment)
    if ledger.divided(payment) is not None:
        raise DomainError(DIVIDED, status=409)
    if terms.refund < 0 or terms.mentor < 0 or terms.refund + terms.mentor > left:
        raise DomainError(TOO_MUCH, status=422)
    return policy.Divided(going + terms.refund, terms.mentor)
