"""Rate limits, lock timeouts and the count of what was asked."""

import threading
import time

import pytest
import stripe

from tests.sandbox.stripe_bench import SESSION, Bench

pytestmark = pytest.mark.story


def flood(bench: Bench, number: int) -> stripe.RateLimitError | None:
    """Ask for a list so many times at once; the first refusal."""
    for _ in range(number):
        try:
            bench.v1.transfers.list()
        except stripe.RateLimitError as refused:
            return refused
    return None


@pytest.mark.parametrize(("limit", "reason"), [("per_endpoint", "endpoint-rate"), ("global", "global-rate")])
def test_over_the_limit_is_429_with_its_reason_until_tokens_come_back(
    bench: Bench, limit: str, reason: str
) -> None:
    bench.control("/stripe/limits", **{limit: 5})
    refused = flood(bench, 20)
    assert refused is not None
    assert refused.headers["Stripe-Rate-Limited-Reason"] == reason
    assert (refused.http_status, refused.error.code) == (429, "rate_limit")
    seen = bench.control("/stripe/requests", method="GET")
    assert seen["rejected_by_reason"] == {reason: 1}
    bench.control("/stripe/limits", **{limit: 0})
    assert flood(bench, 20) is None


def test_one_busy_endpoint_leaves_room_for_the_others(bench: Bench) -> None:
    bench.control("/stripe/limits", per_endpoint=3)
    assert flood(bench, 10) is not None
    assert bench.session().status == "open"


def test_nothing_is_done_or_kept_over_the_limit(bench: Bench) -> None:
    bench.control("/stripe/limits", per_endpoint=1)
    first = bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "a"})
    with pytest.raises(stripe.RateLimitError):
        bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "b"})
    bench.control("/stripe/limits", per_endpoint=0)
    assert [s.id for s in bench.v1.checkout.sessions.list().data] == [first.id]
    second = bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "b"})
    assert "Idempotent-Replayed" not in second.last_response.headers


def test_requests_are_counted_by_endpoint(bench: Bench) -> None:
    for _ in range(3):
        bench.session()
    bench.v1.transfers.list()
    seen = bench.control("/stripe/requests", method="GET")
    assert seen["endpoints"] == {"POST /v1/checkout/sessions": 3, "GET /v1/transfers": 1}
    assert 1 <= seen["peak_per_second_by_endpoint"]["POST /v1/checkout/sessions"] <= 3
    assert 2 <= seen["peak_per_second"] <= 4
    assert seen["rejected"] == 0
    bench.control("/stripe/requests", method="DELETE")
    assert bench.control("/stripe/requests", method="GET")["endpoints"] == {}


def test_a_lock_timeout_asks_to_be_tried_again_and_the_client_does(bench: Bench) -> None:
    bench.fault(path="POST /stripe/v1/checkout", action="lock_timeout", times=2)
    with pytest.raises(stripe.RateLimitError) as refused:
        bench.session()
    assert (refused.value.error.code, refused.value.headers["Stripe-Should-Retry"]) == (
        "lock_timeout",
        "true",
    )
    assert "Stripe-Rate-Limited-Reason" not in refused.value.headers
    patient = bench.client_with(max_network_retries=1)
    assert patient.v1.checkout.sessions.create(SESSION).status == "open"


def test_a_fault_may_forbid_the_retry(bench: Bench) -> None:
    forbidding = {"Stripe-Should-Retry": "false"}
    bench.fault(path="POST /stripe/v1/checkout", action="error", headers=forbidding)
    with pytest.raises(stripe.APIError):
        bench.client_with(max_network_retries=1).v1.checkout.sessions.create(SESSION)


def test_writes_to_one_account_collide_while_one_is_slow_and_others_do_not(bench: Bench) -> None:
    mentor, other = bench.mentor(), bench.mentor()
    first, second = (bench.paid_charge("4000000000000077") for _ in range(2))
    bench.fault(path="POST /stripe/v1/transfers", action="slow", seconds=0.5)
    made: list[stripe.Transfer] = []
    slow = threading.Thread(
        target=lambda: made.append(bench.transfer(mentor, source_transaction=first.id, amount=100))
    )
    slow.start()
    while bench.control("/faults", method="GET")[0]["times"]:
        time.sleep(0.01)  # until the slow request has been struck
    key = {"idempotency_key": "patient"}
    params = {"amount": 100, "currency": "usd", "destination": mentor, "source_transaction": second.id}
    with pytest.raises(stripe.RateLimitError) as refused:
        bench.v1.transfers.create(params, key)
    assert refused.value.error.code == "lock_timeout"
    with pytest.raises(stripe.RateLimitError):  # the charge is in use too
        bench.v1.refunds.create({"payment_intent": first.payment_intent})
    assert bench.transfer(other, source_transaction=second.id, amount=100).amount == 100
    slow.join()
    assert bench.v1.transfers.create(params, key).destination == mentor
    assert [t.amount for t in made] == [100]
