"""The steps of a session's money, in words: Paid → Held until → Transferred → In the bank, and all the other ends."""

from collections.abc import Iterator
from dataclasses import dataclass

from discuno.kit import clock
from discuno.payments.models import Payment, PaymentStatus
from discuno.payouts import service as payouts
from discuno.payouts import stuck
from discuno.payouts.models import Payout, Transfer
from discuno.payouts.path_money import Money
from discuno.policy import OBJECTIONS, Reason

DONE, NOW, STOP, TO_COME = "done", "now", "stop", ""
AFTER_THE_PERIOD = (
    Reason.SUSPENDED,
    Reason.OTHER_CURRENCY,
    Reason.ACCOUNT,
    Reason.NO_BALANCE,
    Reason.GIVEN_UP,
)


@dataclass(frozen=True)
class Ref:
    """What Stripe calls a thing, and our page about it, if there is one."""

    id: str
    url: str | None = None

    @property
    def short(self) -> str:
        """tr_1Qx…9kZ2: enough to find it by."""
        return self.id if len(self.id) <= 14 else f"{self.id[:8]}…{self.id[-4:]}"


@dataclass(frozen=True)
class Step:
    """One step: its words, and whether it is done, is where the money is now, has stopped it, or is to come ("")."""

    label: str
    detail: str = ""
    state: str = TO_COME
    refs: tuple[Ref, ...] = ()


def unpaid(payment: Payment) -> Step:
    failed = payment.status == PaymentStatus.FAILED
    return Step(payment.status.label, payment.status.sentence, STOP if failed else NOW)


def steps(money: Money) -> Iterator[Step]:
    paid_at = money.payment.paid_at
    yield Step("Paid", money.moment(paid_at) if paid_at else "", DONE)
    if money.held <= 0 and not payouts.was_transferred(money.payment):
        yield _ended(money)
        return
    yield _held(money)
    yield _transferred(money)
    if money.held > 0 or money.kept:
        yield _bank(money)
    elif money.sent:
        yield _taken_back(money)


def _ended(money: Money) -> Step:
    """Nothing is left to be transferred, and nothing ever was."""
    payment = money.payment
    if payment.refund_is_open:
        going = sum(refund.amount for refund in payment.refunds if refund.status.is_open)
        return Step("On its way back", f"{money.words(going)} to the attendee", NOW)
    if money.disputed > 0 and money.reason in OBJECTIONS:
        return Step("Taken by the attendee’s bank", "while it decides", STOP)
    if money.disputed > 0:
        return Step("Taken by the attendee’s bank", "it decided for the attendee", DONE)
    if money.reason is not None:
        return Step("Waiting for a decision", stuck.SHORT.get(money.reason, ""), STOP)
    if money.given < 0 and not money.yours:
        return Step("Decided", "nothing of the payment is yours", DONE)
    back = payment.refunds[-1].created_at if payment.refunds else None
    when = money.moment(back) if back is not None else ""
    return Step("Returned to the attendee", when, DONE)


def _held(money: Money) -> Step:
    ends, reason = money.payment.dispute_period_ends, money.reason
    until = f"Held until {money.moment(ends)}" if ends else "Held"
    zone = money.zone(ends) if ends else ""
    if money.held <= 0 or money.kept:
        return Step(f"Held until {money.day(ends)}" if ends else "Held", "", DONE)
    if reason in OBJECTIONS and reason is not None:
        due = stuck.answer_by(money.payment) if reason == Reason.REPORT else None
        detail = f"answer by {money.moment(due)}" if due is not None else stuck.SHORT[reason]
        return Step("Waiting for a decision", detail, STOP)
    if reason == Reason.REFUND:
        return Step(until, "money is on its way back to the attendee", NOW)
    if reason == Reason.DISPUTE_PERIOD:
        return Step(until, zone, NOW)
    return Step(until, zone, DONE)


def _transferred(money: Money) -> Step:
    refs = tuple(Ref(t.stripe_transfer_id or "") for t in money.kept or money.sent)
    if money.kept and money.held <= 0:
        return Step("Transferred", _when_sent(money, money.kept), DONE, refs)
    if money.held > 0:
        return _about_to_be(money, refs if money.kept else ())
    if money.sent:
        return Step("Transferred", _when_sent(money, money.sent), DONE, refs)
    return Step("Used for a debt", f"{money.words(money.netted)} paid what an earlier session owed", DONE)


def _about_to_be(money: Money, refs: tuple[Ref, ...]) -> Step:
    """Something is held: all of the share, or what is to be given back after a dispute was won."""
    again = f"{money.words(money.held)} once more" if money.kept else ""
    if money.reason is None:
        return Step("Being transferred", again, NOW, refs)
    if money.reason in AFTER_THE_PERIOD:
        state = NOW if money.reason == Reason.NO_BALANCE else STOP
        return Step("Transfer waits", stuck.SHORT[money.reason], state, refs)
    return Step("Transferred", again, TO_COME, refs)


def _when_sent(money: Money, transfers: list[Transfer]) -> str:
    at = transfers[-1].sent_at
    when = money.moment(at) if at is not None else ""
    back = sum(t.reversed_amount for t in transfers)
    some_back = back and money.kept
    return f"{when}; {money.words(back)} taken back" if some_back else when


def _taken_back(money: Money) -> Step:
    """All that was transferred has come back, and nothing of it is held."""
    if money.reason is not None:
        return Step("Taken back", stuck.SHORT.get(money.reason, ""), STOP)
    if money.payment.refund_is_open:
        return Step("Taken back", "on its way to the attendee", NOW)
    if money.disputed:
        return Step("Taken back", "for the attendee’s bank", DONE)
    return Step(
        "Taken back", "by a decision of ours" if money.given < 0 else "returned to the attendee", DONE
    )


def _bank(money: Money) -> Step:
    """One place is a step of its own; a share that is split over several is told part by part."""
    found = [
        step for step in (_arrived(money), _moving(money), _lying(money), _lent(money)) if step is not None
    ]
    if not found:
        return Step("In the bank")
    if len(found) == 1:
        return found[0][1]
    worst = next(state for state in (STOP, NOW, DONE) if any(step.state == state for _, step in found))
    detail = "; ".join(
        f"{money.words(amount)} {step.label[0].lower()}{step.label[1:]}"
        + (f" ({step.detail})" if step.detail else "")
        for amount, step in found
    )
    return Step("In several places", detail, worst, tuple(ref for _, step in found for ref in step.refs))


Place = tuple[int, Step] | None


def _arrived(money: Money) -> Place:
    if not money.in_the_bank:
        return None
    days = [p.arrives_on for p, _ in money.in_the_bank if p.arrives_on is not None]
    detail = money.day(max(days), "UTC") if days else ""
    return _sum(money.in_the_bank), Step("In the bank", detail, DONE, _refs(money.in_the_bank))


def _moving(money: Money) -> Place:
    if not money.on_the_way:
        return None
    days = [p.arrives_on for p, _ in money.on_the_way if p.arrives_on is not None]
    detail = f"expected {money.day(max(days), 'UTC')}" if days else ""
    return _sum(money.on_the_way), Step("On its way to the bank", detail, NOW, _refs(money.on_the_way))


def _lying(money: Money) -> Place:
    if not money.there:
        return None
    available, seen = money.payment.available_on, money.seen
    undone = any(lot.undone for _, lot in money.lots)
    if money.stuck is not None:
        label = "Sent back by the bank" if undone else "In your Stripe account"
        return money.there, Step(label, "it waits there", STOP)
    if money.payment.currency in seen.being_made:
        return money.there, Step("Being paid out", "", NOW)
    if available is not None and available > clock.now():
        detail = f"Stripe settles it by {money.day(available, 'UTC')}"
        return money.there, Step("In your Stripe account", detail, NOW)
    if seen.reader.on_request:
        return money.there, Step("Ready to pay out", "in your Stripe account", NOW)
    label = "Sent back by the bank" if undone else "In your Stripe account"
    return money.there, Step(label, "it goes to the bank by itself", NOW)


def _lent(money: Money) -> Place:
    if not money.lent:
        return None
    detail = "whose share was taken back after it had been paid out"
    return money.lent, Step("Used for another session", detail, DONE)


def _sum(parts: list[tuple[Payout, int]]) -> int:
    return sum(amount for _, amount in parts)


def _refs(parts: list[tuple[Payout, int]]) -> tuple[Ref, ...]:
    made = {payout.id: payout for payout, _ in parts}
    return tuple(Ref(p.stripe_payout_id or "", f"/dashboard/payouts/{p.id}") for p in made.values())
