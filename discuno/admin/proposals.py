"""Acts above the limit: proposed by one admin, done when another one agrees."""

from typing import Any

import sqlalchemy as sa

from discuno import policy
from discuno.accounts.models import User
from discuno.admin.models import ActKind, Proposal, ProposalStatus
from discuno.disputes.models import Dispute
from discuno.kit import clock
from discuno.kit.db import one_or_none, rows, session
from discuno.kit.errors import DomainError
from discuno.payments.models import Payment

YOURSELF = "You have proposed this yourself; another admin has to agree."
NEW_HERE = (
    "You were let in less than 24 hours ago. Who is new agrees to large amounts after a day, so that nobody lets "
    "in a second admin of their own. You can decline it."
)
NOT_YOURS = "Only who has proposed it can withdraw it; you can decline it."
SETTLED = "This proposal is settled already."
WAITS = "Something else waits for a second admin here. It has to be approved, declined or withdrawn first."


def of_payment(payment: Payment) -> Proposal | None:
    """What waits for a second admin, or None."""
    return one_or_none(
        sa.select(Proposal).where(Proposal.payment_id == payment.id, Proposal.status == ProposalStatus.OPEN)
    )


def all_open() -> list[Proposal]:
    """Everything that waits for a second admin, the oldest first."""
    return rows(sa.select(Proposal).where(Proposal.status == ProposalStatus.OPEN).order_by(Proposal.id))


def propose(
    kind: ActKind,
    payment: Payment,
    case: Dispute | None,
    by: User,
    *,
    terms: dict[str, Any],
    moves: str,
    reason: str,
) -> Proposal:
    """Write down what shall be done. Raises DomainError when something else waits there."""
    if of_payment(payment) is not None:
        raise DomainError(WAITS, status=409)
    made = Proposal(
        kind=kind,
        payment=payment,
        dispute=case,
        terms=terms,
        moves=moves,
        reason=reason,
        proposed_by=by,
        proposed_at=clock.now(),
        status=ProposalStatus.OPEN,
    )
    session().add(made)
    session().flush()
    return made


def settle(proposal: Proposal, status: ProposalStatus, by: User | None, reason: str = "") -> None:
    """It is over, one way or another. Raises DomainError for somebody who may not, or when it was over."""
    if proposal.status != ProposalStatus.OPEN:
        raise DomainError(SETTLED, status=409)
    is_own = by is not None and by.id == proposal.proposed_by_id
    if is_own and status != ProposalStatus.WITHDRAWN:
        raise DomainError(YOURSELF, status=403)
    if by is not None and is_new(by) and status == ProposalStatus.APPROVED:
        raise DomainError(NEW_HERE, status=403)
    if not is_own and status == ProposalStatus.WITHDRAWN:
        raise DomainError(NOT_YOURS, status=403)
    proposal.move_to(status)
    proposal.settled_by, proposal.settled_at, proposal.settled_reason = by, clock.now(), reason


def is_new(user: User) -> bool:
    """Whether somebody was let in so lately that they are nobody's second admin yet."""
    return user.admitted_at is None or clock.now() - user.admitted_at < policy.NEW_ADMIN_WAITS


def overtake(payment: Payment) -> Proposal | None:
    """Something else has happened: what was proposed is not done any more. The proposal, if there was one."""
    found = of_payment(payment)
    if found is not None:
        settle(found, ProposalStatus.OVERTAKEN, None)
    return found
