"""What the stand-in must still do, and when: settle money, expire sessions, finish refunds."""

from collections.abc import Callable, Mapping

from discuno.sandbox.stripe.desk import Desk
from discuno.sandbox.world import Record

Chore = Callable[[Desk, str], object]


def later(desk: Desk, at: int, what: str, about: str) -> None:
    """Do `what` with the object `about` once the sandbox's clock has come to `at`."""
    desk.world.put("stripe.agenda", {"id": desk.world.new_id("agd_"), "at": at, "what": what, "about": about})


def soon(desk: Desk, what: str, about: str) -> None:
    """Do `what` next, once, however often it is asked for before then."""
    if not any(desk.world.find("stripe.agenda", what=what, about=about)):
        later(desk, desk.now, what, about)


def run(desk: Desk, chores: Mapping[str, Chore]) -> int:
    """Do everything that is due, earliest first, until nothing is; returns how much was done."""
    done = 0
    with desk.world.lock:
        while due := _due(desk):
            for row in due:
                desk.world.delete("stripe.agenda", row["id"])
                chores[row["what"]](desk, row["about"])
            done += len(due)
    return done


def _due(desk: Desk) -> list[Record]:
    now = desk.now
    due = [row for row in desk.world.all("stripe.agenda") if row["at"] <= now]
    return sorted(due, key=lambda row: int(row["at"]))
