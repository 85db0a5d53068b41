"""Everything time does by itself in this stand-in."""

from discuno.sandbox.stripe import agenda, balance, payouts, refunds, sessions
from discuno.sandbox.stripe.agenda import Chore
from discuno.sandbox.stripe.desk import Desk

CHORES: dict[str, Chore] = {
    "settle": balance.settle,
    "sweep": payouts.sweep,
    "schedule": payouts.by_schedule,
    "expire": sessions.expire_on_time,
    "refund": refunds.finish,
    "payout": payouts.move,
}


def run(desk: Desk) -> int:
    """Bring the stand-in up to its clock; returns how many things happened."""
    return agenda.run(desk, CHORES)
