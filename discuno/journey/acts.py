"""What an admin does with money: agreed to by sight of what will move, alone or by two, and done once."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from discuno import policy
from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.accounts.models import User
from discuno.admin import proposals
from discuno.admin.models import ActKind, Proposal, ProposalStatus
from discuno.disputes import settling
from discuno.disputes.answers import may_accept
from discuno.disputes.models import Decision, Dispute, DisputeKind
from discuno.disputes.settling import Sight, Terms
from discuno.journey import money, objections
from discuno.journey.answers import accept_chargeback
from discuno.journey.reports import DECIDED, decide_report
from discuno.kit.errors import DomainError
from discuno.notifications import alerts
from discuno.notifications.models import AlertKind
from discuno.payments.models import Payment
from discuno.payouts.models import WISH

CHANGED = "What would move has changed since you looked. Please look again before you agree to it."

# 16. An admin acts.


@dataclass(frozen=True)
class Act:
    """One act of an admin that moves money. `nonce` is of the page on which it was agreed to: one page, one act."""

    kind: ActKind
    payment: Payment
    terms: Terms
    reason: str
    nonce: str
    case: Dispute | None = None
    decision: Decision | None = None

    @property
    def about(self) -> str:
        """What it is done to, for the audit log."""
        return f"dispute:{self.case.id}" if self.case is not None else f"payment:{self.payment.id}"

    @property
    def path(self) -> str:
        """The page on which it is seen."""
        if self.case is not None:
            return f"/admin/disputes/{self.case.id}"
        return f"/admin/payments/{self.payment.id}"

    def as_facts(self) -> dict[str, Any]:
        """The same as plain JSON, from which `of_proposal` makes it again."""
        terms = {"refund": self.terms.refund, "mentor": self.terms.mentor, "back": self.terms.back}
        return {**terms, "decision": self.decision, "nonce": self.nonce}


class Outcome(Enum):
    """What became of the wish to act."""

    DONE = "done"
    PROPOSED = "proposed"  # a second admin has to agree


def do(act: Act, user: User, actor: Actor, *, agreed: str) -> Outcome:
    """Do it, or, above the limit, propose it to a second admin. `agreed` is `Sight.moves` as the page has shown it.

    Under the payment's lock. Raises DomainError with words for the admin when it cannot be, or is no longer what was
    agreed to.
    """
    seen = sight(act)
    if seen.moves != agreed:
        raise DomainError(CHANGED, status=409)
    if proposals.of_payment(act.payment) is not None:
        raise DomainError(proposals.WAITS, status=409)
    if policy.needs_second_admin(_at_stake(act, seen), seen.currency):
        _propose(act, user, actor, seen)
        return Outcome.PROPOSED
    _carry_out(act, actor)
    return Outcome.DONE


def sight(act: Act) -> Sight:
    """What will move if it is done. Raises DomainError when it cannot be done, or no reason is given."""
    if not act.reason.strip():
        raise DomainError(audit.NO_REASON, status=422)
    if act.kind == ActKind.DECIDE and (act.case is None or not act.case.is_open):
        raise DomainError(DECIDED, status=409)
    if act.kind == ActKind.ACCEPT:
        may_accept(act.case)
    return settling.sight(act.payment, act.terms)


def _at_stake(act: Act, seen: Sight) -> int:
    """How much it is about: what is left of the payment, or what the bank has taken and keeps."""
    if act.kind == ActKind.ACCEPT and act.case is not None:
        return act.case.amount
    return max(seen.left, act.terms.back)


def _propose(act: Act, user: User, actor: Actor, seen: Sight) -> None:
    why, facts = act.reason.strip(), act.as_facts()
    made = proposals.propose(act.kind, act.payment, act.case, user, terms=facts, moves=seen.moves, reason=why)
    audit.record(actor, f"propose {act.kind}", act.about, why, after=facts)
    words = f"{user.name} has proposed: {act.kind.label.lower()}. {why}"
    alerts.begin(AlertKind.APPROVAL, made.cause, words, act.path)


def of_proposal(proposal: Proposal) -> Act:
    """The act that was proposed."""
    told = proposal.terms
    return Act(
        proposal.kind,
        proposal.payment,
        Terms(told["refund"], told["mentor"], told["back"]),
        proposal.reason,
        told["nonce"],
        proposal.dispute,
        next((each for each in Decision if each == told["decision"]), None),
    )


def approve(proposal: Proposal, user: User, actor: Actor) -> bool:
    """A second admin agrees, and it is done; False when something else would move by now, so that it is not done.

    Raises DomainError for who has proposed it, or when it is settled. Under the payment's lock.
    """
    act = of_proposal(proposal)
    still = _moves_now(act) == proposal.moves
    proposals.settle(proposal, ProposalStatus.APPROVED if still else ProposalStatus.OVERTAKEN, user)
    alerts.over(AlertKind.APPROVAL, proposal.cause)
    facts = {**act.as_facts(), "proposed_by": proposal.proposed_by.email}
    done = "approve" if still else "found overtaken:"
    audit.record(actor, f"{done} {act.kind}", act.about, proposal.reason, after=facts)
    if still:
        _carry_out(act, actor)
    return still


def _moves_now(act: Act) -> str | None:
    try:
        return sight(act).moves
    except DomainError:
        return None


def settle_proposal(
    proposal: Proposal, status: ProposalStatus, user: User, actor: Actor, reason: str
) -> None:
    """Decline it, or withdraw one's own. Raises DomainError as `proposals.settle` does."""
    proposals.settle(proposal, status, user, reason)
    alerts.over(AlertKind.APPROVAL, proposal.cause)
    audit.record(actor, f"{status} {proposal.kind}", of_proposal(proposal).about, reason)


def _carry_out(act: Act, actor: Actor) -> None:
    if act.kind == ActKind.DECIDE and act.case is not None and act.decision is not None:
        if act.case.kind == DisputeKind.REPORT:
            decide_report(act.case, act.decision, act.reason, actor, act.terms)
        else:
            objections.close_case(act.case, act.decision, act.reason, actor)
        return
    audit.record(actor, str(act.kind), act.about, act.reason, after=act.as_facts())
    if act.kind == ActKind.REFUND:
        money.refund(act.payment, amount=act.terms.refund, reason="admin", nonce=act.nonce)
    elif act.kind == ActKind.TAKE_BACK:
        objections.hold(act.payment)  # it is held again, and nothing sends it before the hold is lifted
        money.take_back(act.payment, act.terms.back, f"{WISH}{act.nonce}")
    elif act.kind == ActKind.ACCEPT and act.case is not None:
        accept_chargeback(act.case)
