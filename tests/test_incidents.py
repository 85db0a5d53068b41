"""What has happened to others, by name (the shared sheet on faults, section 6), and does not happen here."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from rq.serializers import JSONSerializer

from discuno import journey
from discuno.edges import queue
from discuno.kit import failpoints, outbox, outgoing
from discuno.kit.db import transaction
from discuno.kit.outbox import Job
from discuno.notifications.models import Email
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.jobs import REFUND
from discuno.payments.models import LedgerEntry, Payment, Refund
from discuno.payouts.jobs import TRANSFER
from discuno.payouts.models import Transfer, TransferReversal
from discuno.webhooks.models import WebhookEvent
from tests.factories import (
    ADMIN,
    JUN,
    advance_to,
    all_of,
    change,
    event,
    paid,
    standing,
    subjects,
    tell_us,
    the,
    when_reached,
    work_until_done,
)
from tests.house import House

pytestmark = pytest.mark.story
MAKE_TRANSFER, MAKE_REFUND = "POST /stripe/v1/transfers$", "POST /stripe/v1/refunds$"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1, seconds=1)


@pytest.fixture
def due(house: House) -> House:
    """A confirmed, paid session whose dispute period is over, and nobody has looked yet."""
    paid(house)
    house.settle_down()
    ends = the(house, Payment).dispute_period_ends
    assert ends is not None
    advance_to(house, ends + timedelta(seconds=1))
    return house


@pytest.fixture
def sent(due: House) -> House:
    """A session whose share was transferred; both balances have more than it needs."""
    due.settle_down()
    fund(due, 50_000)
    fund(due, 50_000, account=the(due, Transfer).destination)
    return due


def fund(house: House, amount: int, **whose: Any) -> None:
    house.control("POST", "stripe/balance", {"amount": amount, "currency": "usd", **whose})


def silence(house: House, so: bool = True) -> None:
    """Stripe's webhooks are lost, or no longer."""
    house.control("POST", "weather/stripe", {"lose": -1 if so else 0})


def made(house: House, kind: str = "transfer") -> list[int]:
    return [each["amount"] for each in house.stripe(kind)]


def give_back(house: House, amount: int, nonce: str = "wish") -> None:
    with house.app.app_context(), transaction():
        journey.refund(payments.locked_payment(1), amount=amount, reason="test", nonce=nonce)


def test_poisoned_key(due: House) -> None:
    """A refusal stored under a stable key is replayed for 24 h: the next try needs a new one."""
    fund(due, -5000)
    due.settle_down()
    assert (made(due), the(due, Transfer).blocked_by) == ([], "balance_insufficient")
    fund(due, 5000)
    work_until_done(due, 1, HOUR)
    assert made(due) == [5400]
    assert the(due, Transfer).epoch > 1  # 3 when the news that money has settled came after the refusal
    assert subjects(due, ADMIN) == []


def test_compensation_left_the_dedup_row(sent: House) -> None:
    """Taken back by hand and looked at again: nothing goes a second time without being booked a second time."""
    [transfer] = sent.stripe("transfer")
    sent.control("POST", f"stripe/transfers/{transfer['id']}/reverse")
    sent.settle_down()
    work_until_done(sent, 3, timedelta(days=1))
    entries = [e for e in all_of(sent, LedgerEntry) if e.account == "connected" and e.payment_id]
    assert sum(e.amount for e in entries) == sum(made(sent)) - sum(made(sent, "transfer_reversal"))
    assert len([e for e in entries if e.kind == "transfer"]) == len(made(sent)) == 1


@pytest.mark.parametrize("outage", [timedelta(hours=25), timedelta(hours=50)], ids=str)
@pytest.mark.parametrize("action", ["drop_after", "error_after"])
def test_released_after_an_ambiguous_failure(due: House, action: str, outage: timedelta) -> None:
    """Unknown is not failed, also when the key is long forgotten."""
    silence(due)
    due.fault(MAKE_TRANSFER, action, times=2)
    due.settle_down()
    assert the(due, Transfer).status == "sending"
    work_until_done(due, 2, outage)
    assert (made(due), the(due, Transfer).status) == ([5400], "sent")


def test_same_key_two_amounts(due: House) -> None:
    """A request is frozen with its key: what changes meanwhile is a matter of its own."""
    silence(due)
    due.fault(MAKE_TRANSFER, "drop_before", times=2)
    due.settle_down()
    change(due, "UPDATE discuno_mentor SET headline = 'changed'")
    with due.app.app_context(), transaction():  # another session's debt would now be netted
        payment = payments.locked_payment(1)
        ledger.post(
            ledger.PostingKind.WRITE_OFF, "a debt", {ledger.Account.DEBT: 700, ledger.Account.LOSS: -700},
            currency="usd", payment_id=None, mentor_id=payment.booking.mentor_id,
        )  # fmt: skip
    work_until_done(due, 2, MINUTE)
    assert (made(due), the(due, Transfer).key) == ([5400], "transfer:1:1")
    assert the(due, Payment).needs_attention is None


def test_claim_in_redis_with_a_ttl(due: House) -> None:
    """Claims live beside the money: Redis may forget everything while the call is in the air."""
    silence(due)
    due.fault(MAKE_TRANSFER, "slow", seconds=0.6)

    def another() -> None:
        with due.app.app_context():
            queue.connection().flushall()
            queue.sweep()
            outgoing.carry_out(TRANSFER, 1)
            queue.run_due()

    def one() -> None:
        with due.app.app_context():
            queue.run_due()

    at_work = when_reached("stripe:edges.stripe.money.transfer:before", lambda: None)
    with ThreadPoolExecutor(2) as hands:
        first = hands.submit(one)
        assert at_work.wait(10)
        hands.submit(another).result(30)
        first.result(30)
    failpoints.arm(None)
    work_until_done(due, 1, MINUTE)
    assert (made(due), the(due, Transfer).status) == ([5400], "sent")


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """No failpoint outlives its test."""
    yield
    failpoints.arm(None)


@pytest.mark.parametrize("what", ["transfer", "refund"])
def test_webhook_before_the_response(due: House, what: str) -> None:
    """Stripe's event is handled before the code that made the object has read its answer."""
    if what == "refund":
        fund(due, 50_000)
        give_back(due, 6000)

    def the_event_comes() -> None:
        with ThreadPoolExecutor(1) as hand:
            hand.submit(due.settle_down).result(30)

    reached = when_reached(f"stripe:edges.stripe.money.{what}:after", the_event_comes)
    due.settle_down()
    assert reached.is_set()
    work_until_done(due, 1, MINUTE)
    if what == "transfer":
        assert (made(due), the(due, Transfer).status) == ([5400], "sent")
    else:
        assert (made(due, "refund"), the(due, Refund).status, made(due)) == ([6000], "succeeded", [])
    assert subjects(due, ADMIN) == []
    assert all(e.handled_at for e in all_of(due, WebhookEvent))


def test_stale_dispute_event(sent: House) -> None:
    """The first event of a dispute comes last: the case stays what it is now."""
    charge = the(sent, Payment).stripe_charge_id
    opened = sent.control("POST", f"stripe/charges/{charge}/dispute")
    sent.settle_down()
    sent.control("POST", f"stripe/disputes/{opened['id']}/settle", {"outcome": "won"})
    sent.settle_down()
    tell_us(sent, {**event("charge.dispute.created"), "data": {"object": opened}})
    sent.settle_down()
    assert (the(sent, Payment).status, made(sent)) == ("TRANSFERRED", [5400, 5400])


class Killed(BaseException):
    """The process is gone; nothing of ours catches it."""


@pytest.mark.parametrize("commit", ["webhooks.routes._store", "edges.queue.sweep"])
def test_insert_then_enqueue(house: House, commit: str) -> None:
    """Killed between storing the event and telling Redis: Stripe tells it again, and the work was there all along."""
    silence(house)
    _, session_id = paid(house)
    told = event(id=session_id, metadata={"payment_id": "1"})

    def die() -> None:
        raise Killed

    when_reached(f"commit:{commit}:after", die)
    with pytest.raises(Killed):
        tell_us(house, told)
    failpoints.arm(None)
    with house.app.app_context():
        queue.connection().flushall()
    assert tell_us(house, told).text == "known\n"
    house.work()
    assert standing(house) == ("confirmed", "SUCCEEDED")


def test_enqueue_only_if_created(house: House) -> None:
    """The event is there and its push was lost: the sweep pushes it, whether or not anybody tells us again."""
    silence(house)
    _, session_id = paid(house)
    tell_us(house, event(id=session_id, metadata={"payment_id": "1"}))
    with house.app.app_context():
        queue.connection().flushall()
    house.advance(outbox.PUSH_AGAIN + timedelta(seconds=1))
    with house.app.app_context():
        queue.tick()
    work_from_redis(house, 50)
    assert standing(house) == ("confirmed", "SUCCEEDED")


def work_from_redis(house: House, jobs: int) -> None:
    """An RQ worker as it is started by the Procfile, for so many jobs."""
    with house.app.app_context():
        queues = [queue.queue(name) for name in outbox.QUEUES]
        worker = queue.Worker(
            queues, connection=queue.connection(), job_class=queue.JsonJob, serializer=JSONSerializer
        )
        worker._install_signal_handlers = lambda: None  # not the main thread's business in a test
        worker.work(burst=True, max_jobs=jobs, logging_level="WARNING")


def test_refund_without_an_explicit_key(sent: House) -> None:
    """Two processes make the same refund at once: one refund."""
    silence(sent)
    give_back(sent, 2000)
    with sent.app.app_context():
        outgoing.carry_out(REFUND, 1)  # waits for the reversal
        queue.run_due()
    sent.fault(MAKE_REFUND, "slow", seconds=0.2, times=2)

    def process(_: int) -> None:
        with sent.app.app_context():
            outgoing.carry_out(REFUND, 1)

    with ThreadPoolExecutor(2) as both:
        list(both.map(process, range(2)))
    work_until_done(sent, 2, MINUTE)
    assert (made(sent, "refund"), the(sent, Refund).status) == ([2000], "succeeded")


def test_reversal_keyed_by_transfer_id(sent: House) -> None:
    """Two partial reversals of one transfer within the hour, with different amounts."""
    for nonce, amount in (("first", 2000), ("second", 1000)):
        give_back(sent, amount, nonce)
        work_until_done(sent, 2, MINUTE)
    assert made(sent, "transfer_reversal") == [1800, 900]
    assert [r.status for r in all_of(sent, TransferReversal)] == ["made", "made"]
    assert made(sent, "refund") == [2000, 1000]


def test_priorities_that_did_nothing(house: House) -> None:
    """Two hundred letters wait in front of it in Redis; the money does not."""
    silence(house)
    _, session_id = paid(house)
    with house.app.app_context(), transaction():
        for number in range(200):
            journey.money.letters.tell(f"bulk:{number}", JUN, "booking_confirmed", booking_id=1)
    assert len([job for job in all_of(house, Job) if job.queue == "mail"]) == 200
    tell_us(house, event(id=session_id, metadata={"payment_id": "1"}))
    work_from_redis(house, 1)
    assert the(house, Payment).status == "SUCCEEDED"
    assert all(letter.status == "queued" for letter in all_of(house, Email))


def test_taken_slot_is_a_400(house: House) -> None:
    """Cal.com answers a taken time with a 400 and a sentence: the money goes back, in full and at once."""
    silence(house)
    _, session_id = paid(house, "owen")
    taken = {"status": "error", "error": {"code": "BadRequestException", "message": "User either already has "
             "booking at this time or is not available"}}  # fmt: skip
    house.fault("POST /calcom/v2/bookings$", "error", status=400, body=taken)
    tell_us(house, event(id=session_id, metadata={"payment_id": "1"}))
    house.settle_down()
    assert (standing(house), made(house, "refund")) == (("refused", "REFUNDED"), [7000])


def test_missed_ticks(due: House) -> None:
    """Nobody ticks for a week; the first tick does all that was missed, once."""
    silence(due)
    due.advance(timedelta(days=7))
    with due.app.app_context():
        queue.connection().flushall()
        queue.tick()
    work_from_redis(due, 50)
    assert (made(due), the(due, Transfer).status) == ([5400], "sent")


def test_a_share_in_another_hand_keeps_no_worker_spinning(due: House) -> None:
    """Ours, found here: the run was asked for again at once, a thousand times over, while a claim lasted."""
    change(due, "UPDATE discuno_transfer SET claimed_until = discuno_now() + interval '60 seconds'")
    assert due.work() < 20
    assert made(due) == []
    work_until_done(due, 1, 2 * MINUTE)
    assert made(due) == [5400]
