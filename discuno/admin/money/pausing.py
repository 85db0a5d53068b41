"""The admin's page of everything that is stopped, and the one switch that stops every transfer."""

from collections.abc import Callable
from typing import Any

from flask import Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.accounts import access
from discuno.accounts.audit import Actor
from discuno.admin import desk, waits
from discuno.admin.forms import ProveForm
from discuno.kit import limits
from discuno.kit.db import transaction
from discuno.payouts import pauses
from discuno.policy import Reason

bp = desk.private("admin_pauses", __name__, "/admin/pauses")


@bp.get("")
def show() -> Response:
    """What is stopped, by whom and why, how much waits because of it, and what was before."""
    return _page()


@bp.post("/transfers/pause")
@limits.at_most(*policy.LEVERS)
def pause() -> AnyResponse:
    """Stop every transfer. Pressed twice, or by two at once, it is done once."""
    return _turn(journey.pause_transfers)


@bp.post("/transfers/resume")
@limits.at_most(*policy.LEVERS)
def resume() -> AnyResponse:
    """Let transfers go on."""
    return _turn(journey.resume_transfers)


def _turn(turn: Callable[[str, Actor], bool]) -> AnyResponse:
    form = ProveForm()
    if not form.agreed():
        return _page(422, typed=form.typed(), errors=form.sentences())
    with transaction():
        turn(form.reason.data, access.actor())
    return redirect(url_for(".show"), 303)


def _page(status: int = 200, **said: Any) -> Response:
    with transaction():
        suspended, on_hold = waits.suspended(), waits.on_hold()
        held, held_words = waits.held_of(on_hold)
        context = {
            "on": pauses.now_on(),
            "history": pauses.latest(),
            "kept": waits.because_of(Reason.PAUSED),
            "suspended": suspended,
            "kept_of": waits.of_mentors(mentor.id for mentor in suspended),
            "nothing": waits.Kept(0, {}),
            "on_hold": on_hold,
            "held": held,
            "held_words": held_words,
            "most": waits.MOST,
        }
    return desk.page("admin/_pauses.html", "Pauses", status, **{"typed": {}, "errors": {}, **context, **said})
