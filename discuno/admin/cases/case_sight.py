"""What an admin can decide about a case, and exactly what would move."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from discuno import policy
from discuno.accounts.models import AuditEntry
from discuno.disputes import settling
from discuno.disputes.models import Decision, Dispute, DisputeAnswer, DisputeKind
from discuno.disputes.settling import Sight, Terms
from discuno.kit import clock, money
from discuno.kit.db import rows, session
from discuno.kit.errors import DomainError
from discuno.kit.money import in_words
from discuno.payments.models import Payment
from discuno.payouts import service as payouts

D, K = Decision, DisputeKind
WORDS = {
    D.RELEASED: "Release it to the mentor",
    D.REFUNDED: "Refund in full",
    D.PARTLY: "Refund in part; the rest is shared as before",
    D.SPLIT: "Split: so much to the attendee, so much to the mentor",
}
OF_WARNINGS = {
    D.RELEASED: "Looked at; the money may go",
    D.REFUNDED: "Refund in full, which ends the warning",
}
IN_PARTS = {D.PARTLY: ("refund",), D.SPLIT: ("refund", "mentor")}  # the amounts that are typed
CHOOSE = "Please choose what is decided."
ALL_OF_IT = "That is all that is left of it; choose to refund it in full."
NOTHING = "Type more than nothing, or release it to the mentor."
RECORDED = ("report ", "case ")  # how the audit log begins what it calls a decision


@dataclass(frozen=True)
class Choice:
    """A decision as it was chosen; amounts in minor units, for those in parts."""

    decision: Decision
    terms: Terms


@dataclass(frozen=True)
class Line:
    """One line of a preview: what, how much in words, and what else there is to know."""

    label: str
    amount: str
    more: str = ""


def options(case: Dispute) -> dict[Decision, str]:
    """What can be decided here, in words; a chargeback is answered, and a review is closed at Stripe."""
    if not case.is_open or case.kind not in (K.REPORT, K.FRAUD_WARNING):
        return {}
    return WORDS if case.kind == K.REPORT else OF_WARNINGS


def choose(case: Dispute, asked: Mapping[str, str]) -> tuple[Choice | None, dict[str, str]]:
    """The decision that was chosen, or a sentence for each field that is wrong."""
    decision = next((each for each in options(case) if each == asked.get("decision")), None)
    if decision is None:
        return None, {"decision": CHOOSE}
    needed = IN_PARTS.get(decision, ())
    typed, wrong = _amounts(case, asked, needed)
    left = whole(case.payment).refund
    if not wrong and decision == D.PARTLY and not 0 < typed["refund"] < left:
        wrong["refund"] = (
            ALL_OF_IT if typed["refund"] == left else NOTHING if not typed["refund"] else _too_much(case)
        )
    if not wrong and decision == D.SPLIT and sum(typed.values()) > left:
        wrong["mentor"] = settling.TOO_MUCH
    if wrong:
        return None, wrong
    terms = {D.REFUNDED: whole(case.payment), D.RELEASED: Terms()}
    return Choice(decision, terms.get(decision) or Terms(**typed)), {}


def _amounts(
    case: Dispute, asked: Mapping[str, str], needed: tuple[str, ...]
) -> tuple[dict[str, int], dict[str, str]]:
    typed, wrong = {}, {}
    for name in needed:
        try:
            typed[name] = money.parse(asked.get(name, ""), case.currency)
        except ValueError as error:
            wrong[name] = str(error)
    return typed, wrong


def _too_much(case: Dispute) -> str:
    return f"Only {in_words(whole(case.payment).refund, case.currency)} is left of it."


def whole(payment: Payment) -> Terms:
    """To return all that is left."""
    return Terms(refund=settling.sight(payment, Terms()).left)


def panel(case: Dispute) -> Iterator[tuple[str, Sight | None, str]]:
    """If you release, if you refund: what would be where, or why it cannot be done now.

    Nothing about money that a bank has: it alone decides where that goes.
    """
    if case.forbids_refund:
        return
    for label, terms in (("If you release it", Terms()), ("If you refund it in full", whole(case.payment))):
        try:
            yield label, settling.sight(case.payment, terms), ""
        except DomainError as refused:
            yield label, None, refused.message


def preview(case: Dispute, seen: Sight) -> Iterator[Line]:
    """Exactly what will move, line by line."""
    payment = case.payment
    yield Line(
        "To the attendee", _amount(seen, seen.refund), "to the card they paid with" if seen.refund else ""
    )
    if seen.back:
        short = "asked back before anything is returned; what is not there becomes their debt"
        yield Line("Back from the mentor’s account", _amount(seen, seen.back), short)
    before = f"now {_amount(seen, seen.mentor_before)}" if seen.mentor != seen.mentor_before else "as before"
    yield Line("The mentor’s share is then", _amount(seen, seen.mentor), before)
    if seen.held:
        yield Line("To be transferred to the mentor", _amount(seen, seen.held), when_it_goes(case))
    ours = f"now {_amount(seen, seen.ours_before)}" if seen.ours != seen.ours_before else "as before"
    yield Line("We then keep", _amount(seen, seen.ours), ours)
    if payment.stripe_fee:
        fee = in_words(payment.stripe_fee, payment.settlement_currency or payment.currency)
        yield Line("Stripe has kept", fee, "our expense, and not returned")


def _amount(seen: Sight, amount: int) -> str:
    return in_words(amount, seen.currency)


def when_it_goes(case: Dispute) -> str:
    """When what is held can go to the mentor once this case is over, as far as that is known now."""
    payment = case.payment
    others = [str(other.kind) for other in payment.disputes if other.is_open and other.id != case.id]
    stands = policy.objection(
        others, on_hold=payment.dispute_requested, needs_attention=payment.needs_attention is not None
    )
    if stands is not None:
        return f"not yet: {stands.words}"
    ends = payment.dispute_period_ends
    if ends is not None and ends > clock.now():
        return "when the dispute period has ended"
    after = payouts.standing(payment, held=1)
    if after.mentor_suspended or after.paused or not after.account_can_receive:
        return "when their account can be paid again"
    return "with the next run, within minutes"


def sight_of(case: Dispute, choice: Choice) -> Sight:
    """What will move. Raises DomainError when it cannot be done."""
    return settling.sight(case.payment, choice.terms)


def needs_two(seen: Sight) -> bool:
    """Whether it is done only when a second admin agrees."""
    return policy.needs_second_admin(seen.left, seen.currency)


# How it was decided


def decided_by(case: Dispute) -> AuditEntry | None:
    """The audit log's entry of the decision of a case, or None while there is none."""
    about = sa.select(AuditEntry).where(AuditEntry.about == f"dispute:{case.id}")
    began = sa.or_(*(AuditEntry.action.startswith(word) for word in RECORDED))
    found = session().execute(about.where(began).order_by(AuditEntry.id.desc()).limit(1))
    return found.scalar_one_or_none()


def is_as_decided(case: Dispute, asked: Mapping[str, str], who: str) -> bool:
    """Whether this very decision was made by this very person: a button was pressed twice."""
    by = decided_by(case)
    if by is None or by.actor != who or case.decision is None or case.decision != asked.get("decision"):
        return False
    needed = IN_PARTS.get(case.decision, ())
    typed, wrong = _amounts(case, asked, needed)
    made = {"refund": case.refund_amount, "mentor": case.mentor_amount}
    return not wrong and all(made[name] == amount for name, amount in typed.items())


def answers(case: Dispute) -> list[DisputeAnswer]:
    """What we have told the bank about a chargeback."""
    if case.kind != K.CHARGEBACK:
        return []
    made = sa.select(DisputeAnswer).where(DisputeAnswer.dispute_id == case.id)
    return rows(made.order_by(DisputeAnswer.id))
