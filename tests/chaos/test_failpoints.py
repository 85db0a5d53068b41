"""Stopped on either side of every commit and every call, by exception and by SIGKILL, and started again: one effect.

Not a sample: the plain run is recorded, and then every point that it passes is stopped at: by a kill the first time
that it is passed, by an exception the first two times (nine with `CHAOS=long`, by both in every scenario). None can
be forgotten: commits and calls pass through a point by themselves.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from discuno import journey
from discuno.admin.books import invariants
from discuno.edges import queue
from discuno.kit import failpoints
from discuno.kit.db import db, transaction
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts.release import release
from tests.catalogue import AMARA, OWEN
from tests.chaos.points import HITS, LONG, Recorder, Stopped, Stopper, raise_stopped
from tests.chaos.snapshot import snapshot
from tests.chaos.zygote import Zygote, zygote
from tests.crowd import Crowd
from tests.factories import change, paid, the, work_until_done
from tests.house import House

pytestmark = pytest.mark.story
MINUTES = timedelta(minutes=2)
Effects = dict[str, list[int]]


@dataclass(frozen=True)
class Scenario:
    """What is due, and what must be there once at the end: amounts at the stand-ins, by kind."""

    begin: Callable[[House], None]
    effects: Effects


def due_share(house: House) -> None:
    """One confirmed and paid session whose dispute period is over; nothing was sent yet."""
    house.empty()
    world = house.sandbox.world
    with house.app.app_context():
        Crowd(world, house.sandbox.app.extensions["sandbox_settings"]).gather(1, 1)
        with transaction():
            journey.wake_release()
    house.control("POST", "stripe/balance", {"amount": 1000, "currency": "usd"})


def sent_share(house: House) -> None:
    """The share is in the mentor's account; no payout was made."""
    due_share(house)
    with house.app.app_context():
        assert release(seconds=20).processed == 1
    house.control("POST", "deliveries/flush")


def lying_share(house: House) -> None:
    """The share is in the mentor's account, and stays there: their bank takes nothing."""
    due_share(house)
    change(house, "UPDATE discuno_mentor_stripe_account SET payouts_enabled = false")
    house.settle_down()


def wanted_back(house: House) -> None:
    """And now the attendee gets a part back, which has to come from the mentor first."""
    lying_share(house)
    with house.app.app_context(), transaction():
        journey.refund(payments.locked_payment(1), amount=2000, reason="test", nonce="one")


def charged_back(house: House) -> None:
    """The bank has taken a payment back that was transferred, and Stripe has said so."""
    lying_share(house)
    [charge] = [c for c in house.stripe("charge") if c["id"].startswith("ch_")]
    house.control("POST", f"stripe/charges/{charge['id']}/dispute", {})
    house.control("POST", "deliveries/flush")


def paid_at_calcom(house: House) -> None:
    """Somebody has paid for an hour in a calendar at Cal.com, and Stripe has said so."""
    house.begin_with(AMARA, OWEN)
    house.control(
        "POST", "calcom/rate-limit", {"limit": 100_000}
    )  # a hundred lives in a minute are one in truth
    paid(house, "owen")
    house.control("POST", "deliveries/flush")


def refused_at_calcom(house: House) -> None:
    """The same, but the mentor has taken the hour elsewhere: the money has to go back."""
    paid_at_calcom(house)
    booking = the(house, Payment).booking
    taken = {"eventTypeId": booking.calcom_event_type_id, "start": booking.starts_at.isoformat()}
    house.control("POST", "calcom/busy", taken)


SCENARIOS = {
    "release": Scenario(due_share, {"transfer": [5400], "payout": [5400]}),
    "payout": Scenario(sent_share, {"transfer": [5400], "payout": [5400]}),
    "refund": Scenario(wanted_back, {"transfer_reversal": [1800], "refund": [2000]}),
    "chargeback": Scenario(charged_back, {"transfer": [5400], "transfer_reversal": [5400]}),
    "confirm": Scenario(paid_at_calcom, {"calcom": [1], "refund": []}),
    "refuse": Scenario(refused_at_calcom, {"calcom": [1], "refund": [7000]}),
}


def made(house: House, kind: str) -> list[int]:
    """What the stand-ins hold of a kind."""
    if kind == "calcom":
        return [len(house.control("GET", "calcom/bookings")["bookings"])]
    return [thing["amount"] for thing in house.stripe(kind)]


def begin_again(house: House) -> None:
    """Processes are started again: claims run out, webhooks that nobody took are brought again, work is done."""
    with house.app.app_context():
        db.session.remove()
    work_until_done(house, 2, MINUTES)


def assert_one_effect(house: House, scenario: Scenario) -> None:
    """Everything was done, once, and every promise holds."""
    assert {kind: made(house, kind) for kind in scenario.effects} == scenario.effects
    with house.app.app_context():
        assert [str(v) for v in invariants.check()] == []
    letters = Counter((m["to"][0], m["subject"]) for m in house.letters(""))
    assert [letter for letter, times in letters.items() if times > 1] == []


def places_of(house: House, scenario: Scenario) -> list[tuple[str, int]]:
    """Run it plainly: where it passes, and that the plain run is right."""
    recorder = Recorder()
    failpoints.arm(recorder)
    try:
        house.work()
    finally:
        failpoints.arm(None)
    begin_again(house)
    assert_one_effect(house, scenario)
    return recorder.places


def stop_everywhere(house: House, name: str, stop: Callable[[str, int], bool], hits: int = HITS) -> None:
    """From the same moment each time: stop at one point, begin again, and look at what is there."""
    scenario = SCENARIOS[name]
    scenario.begin(house)
    house.control("POST", "weather/resend", {"lose": -1})  # what becomes of letters is told elsewhere
    with snapshot(house) as beginning:
        places = [(point, hit) for point, hit in places_of(house, scenario) if hit <= hits]
        assert len(places) > 15 * hits
        stopped = 0
        for point, hit in places:
            beginning.put_back()
            stopped += stop(
                point, hit
            )  # webhooks come when they come: not each run passes each point as often
            begin_again(house)
            try:
                assert_one_effect(house, scenario)
            except AssertionError as error:
                error.add_note(f"stopped at {point}, hit {hit}")
                raise
    assert stopped > 0.9 * len(places)


@pytest.fixture(scope="session")
def womb(built_house: House) -> Iterator[Zygote]:
    with zygote(built_house) as ready:
        yield ready


def stop_by_exception(house: House, point: str, hit: int) -> bool:
    """Work until an exception that nothing catches; whether it came."""
    stopper = Stopper(point, hit, raise_stopped)
    failpoints.arm(stopper)
    try:
        with house.app.app_context():
            queue.run_due()
    except Stopped:
        pass
    finally:
        failpoints.arm(None)
    return stopper.stopped


# A kill stops at the same points and leaves more half-done: what is killed below needs no exception each time.
@pytest.mark.parametrize("name", SCENARIOS if LONG else ["refuse", "chargeback"])
def test_stopped_by_an_exception_anywhere_it_is_done_once(built_house: House, name: str) -> None:
    stop_everywhere(built_house, name, lambda point, hit: stop_by_exception(built_house, point, hit))


# A kill differs from an exception in what it leaves half-done, not in which scenario it happens. A release ends with
# a payout, and goes all its way.
@pytest.mark.parametrize("name", ["release", "refund", "confirm", *(["payout"] if LONG else [])])
def test_killed_anywhere_it_is_done_once(built_house: House, womb: Zygote, name: str) -> None:
    stop_everywhere(built_house, name, womb.kill_worker_at, hits=HITS if LONG else 1)
