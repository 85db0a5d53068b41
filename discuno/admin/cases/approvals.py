"""The door for second admins: an act above the limit is seen as it was proposed, approved, declined or withdrawn."""

from typing import Any

from flask import Response, redirect
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.accounts import access
from discuno.accounts.audit import Actor
from discuno.accounts.models import User
from discuno.admin import desk
from discuno.admin.forms import ProveForm, ReasonForm
from discuno.admin.models import Proposal, ProposalStatus
from discuno.journey import levers
from discuno.kit import limits
from discuno.kit.db import locked, session, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.payments import service as payments

bp = desk.private("admin_proposals", __name__, "/admin/proposals")
OVERTAKEN = "Something else has happened meanwhile, so it was not done. Please look at what stands there now."


class ApproveForm(ProveForm):
    """Who agrees; why it is done was said by whoever has proposed it."""

    reason = None


@bp.get("/<int:proposal_id>")
def show(proposal_id: int) -> Response:
    """What is proposed, what will move, and how it ended."""
    return _page(proposal_id)


@bp.post("/<int:proposal_id>/approve")
@limits.at_most(*policy.LEVERS)
def approve(proposal_id: int) -> AnyResponse:
    """A second admin agrees, and it is done: once, however many agree at once."""
    form = ApproveForm()
    _find(proposal_id)
    if not form.agreed():
        return _page(proposal_id, 422, errors=form.sentences())
    try:
        with transaction():
            proposal, user, actor = _locked(proposal_id)
            path, done = journey.of_proposal(proposal).path, _approve(proposal, user, actor)
    except DomainError as refused:
        return _page(proposal_id, refused.status, problem=refused.message)
    return redirect(path, 303) if done else _page(proposal_id, 409, problem=OVERTAKEN)


def _approve(proposal: Proposal, user: User, actor: Actor) -> bool:
    """Agree; agreed twice by the same admin, it is done already."""
    if proposal.status == ProposalStatus.APPROVED and proposal.settled_by_id == user.id:
        return True
    return journey.approve(proposal, user, actor)


@bp.post("/<int:proposal_id>/decline")
@limits.at_most(*policy.LEVERS)
def decline(proposal_id: int) -> AnyResponse:
    """Another admin does not agree, so it is not done."""
    return _settle(proposal_id, ProposalStatus.DECLINED)


@bp.post("/<int:proposal_id>/withdraw")
@limits.at_most(*policy.LEVERS)
def withdraw(proposal_id: int) -> AnyResponse:
    """Whoever has proposed it takes it back."""
    return _settle(proposal_id, ProposalStatus.WITHDRAWN)


def _settle(proposal_id: int, ends: ProposalStatus) -> AnyResponse:
    form = ReasonForm()
    _find(proposal_id)
    if not form.validate():
        return _page(proposal_id, 422, typed=form.typed(), errors=form.sentences())
    try:
        with transaction():
            proposal, user, actor = _locked(proposal_id)
            path = journey.of_proposal(proposal).path
            if (proposal.status, proposal.settled_by_id) != (ends, user.id):  # pressed twice
                journey.settle_proposal(proposal, ends, user, actor, form.reason.data)
    except DomainError as refused:
        return _page(proposal_id, refused.status, problem=refused.message, typed=form.typed())
    return redirect(path, 303)


def _find(proposal_id: int) -> Proposal:
    found = session().get(Proposal, proposal_id)
    if found is None:
        raise NotFound("There is no such proposal.")
    return found


def _locked(proposal_id: int) -> tuple[Proposal, User, Actor]:
    """The proposal, locked after its payment, and who acts."""
    user = access.user()
    if user is None:
        raise NotFound
    payments.locked_payment(_find(proposal_id).payment_id)
    return locked(Proposal, proposal_id), user, access.actor()


def _page(proposal_id: int, status: int = 200, **said: Any) -> Response:
    with transaction():
        proposal = _find(proposal_id)
        act = journey.of_proposal(proposal)
        waiting = levers.as_waiting(proposal, access.user())
        refused = {"problem": None, "typed": {}, "errors": {}, **said}
        return desk.page(
            "admin/_proposed.html",
            f"Proposed: {proposal.kind.label.lower()}",
            status,
            proposal=proposal,
            waiting=waiting,
            back_url=act.path,
            **refused,
        )
