"""The door of the Stripe stand-in: keys, parameters, idempotency, faults and pages of lists."""

import threading

import pytest
import requests
import stripe
from stripe.params import TransferCreateParams
from stripe.params.checkout import SessionCreateParams

from discuno.sandbox.stripe.errors import BadParam
from discuno.sandbox.stripe.validate import check
from tests.sandbox.stripe_bench import SESSION, Bench


def test_a_wrong_key_is_an_authentication_error(bench: Bench) -> None:
    with pytest.raises(stripe.AuthenticationError):
        bench.client_with("sk_test_other").v1.transfers.list()


def test_another_api_version_is_refused(bench: Bench) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="version"):
        bench.v1.transfers.list(options={"stripe_version": "2020-01-01"})


def test_an_unknown_address_is_404_in_stripes_shape(bench: Bench) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refused:
        bench.client.raw_request("get", "/v1/nonsense")
    assert refused.value.http_status == 404
    assert refused.value.request_id.startswith("req_")


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"line_items": [{"quantity": "two"}]}, "parameter_invalid_integer", "line_items[0][quantity]"),
        ({"ui_mode": "custom"}, None, "ui_mode"),
        (
            {"payment_method_types": ["card"]},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
        ({"success_url": "http://x"}, None, "success_url"),
        ({"custom_text": {"submit": {"message": "x"}}}, None, "custom_text"),
        ({"customer_email": ""}, "parameter_invalid_empty", "customer_email"),
        ({"payment_intent_data": {"colour": "red"}}, "parameter_unknown", "payment_intent_data[colour]"),
    ],
)
def test_a_session_with_a_wrong_parameter_is_refused(
    bench: Bench, change: dict[str, object], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.session(**change)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)


def test_a_missing_parameter_is_named(bench: Bench) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.client.raw_request("post", "/v1/transfers", amount=5, currency="usd")
    assert (refused.value.code, refused.value.param) == ("parameter_missing", "destination")


def test_a_v2_request_is_checked_too(bench: Bench) -> None:
    with pytest.raises(stripe.StripeError, match="unknown parameter: colour"):
        bench.client.v2.core.accounts.create({"colour": "red"})


def test_the_checker_takes_python_values_as_well() -> None:
    check(SessionCreateParams, SESSION)
    check(TransferCreateParams, {"amount": 5, "currency": "usd", "destination": "acct_1"})
    with pytest.raises(BadParam, match="must be strings"):
        check(SessionCreateParams, {**SESSION, "metadata": {"booking": 7}})
    with pytest.raises(BadParam, match="Invalid boolean"):
        check(SessionCreateParams, {**SESSION, "adaptive_pricing": {"enabled": "perhaps"}})


def test_the_same_key_gives_the_same_object(bench: Bench) -> None:
    first = bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"})
    second = bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"})
    assert second.id == first.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(bench.v1.checkout.sessions.list().data) == 1


def test_the_same_key_with_other_parameters_is_refused(bench: Bench) -> None:
    bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError):
        bench.v1.checkout.sessions.create({**SESSION, "locale": "fr"}, {"idempotency_key": "k"})


def test_a_refusal_during_the_work_is_replayed_and_a_malformed_request_is_not(bench: Bench) -> None:
    params = {"amount": 5, "currency": "usd", "destination": bench.mentor()}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            bench.v1.transfers.create(params, {"idempotency_key": "poor"})
    assert refused.value.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.InvalidRequestError):
        bench.v1.checkout.sessions.create({**SESSION, "ui_mode": "custom"}, {"idempotency_key": "k"})
    assert bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"}).status == "open"


def test_a_key_in_use_is_a_conflict(bench: Bench) -> None:
    bench.fault(path="POST /stripe/v1/checkout", action="slow", seconds=0.4)
    options = {"idempotency_key": "k"}
    slow = threading.Thread(target=bench.v1.checkout.sessions.create, args=(SESSION, options))
    slow.start()
    while bench.control("/faults", method="GET")[0]["times"]:
        pass  # until the slow request has been struck
    with pytest.raises(stripe.APIError) as refused:
        bench.v1.checkout.sessions.create(SESSION, options)
    slow.join()
    assert (refused.value.http_status, refused.value.error.code) == (409, "idempotency_key_in_use")


def test_keys_are_forgotten_after_a_day(bench: Bench) -> None:
    first = bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"})
    bench.control("/advance", seconds=86401)
    assert bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"}).id != first.id


def test_the_client_survives_a_cut_connection_without_doing_it_twice(bench: Bench) -> None:
    bench.fault(path="POST /stripe/v1/checkout", action="drop_after")
    bench.client_with(max_network_retries=1).v1.checkout.sessions.create(SESSION)
    assert len(bench.v1.checkout.sessions.list().data) == 1


def test_a_connection_cut_before_the_work_changes_nothing(bench: Bench) -> None:
    bench.fault(path="POST /stripe/v1/checkout", action="drop_before")
    with pytest.raises(stripe.APIConnectionError):
        bench.session()
    assert bench.v1.checkout.sessions.list().data == []


def test_a_500_after_the_work_is_replayed_under_its_key(bench: Bench) -> None:
    bench.fault(path="POST /stripe/v1/checkout", action="error_after")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as refused:
            bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"})
    assert refused.value.http_status == 500
    assert len(bench.v1.checkout.sessions.list().data) == 1


def test_a_rate_limit_strikes_once_and_is_not_remembered(bench: Bench) -> None:
    bench.fault(path="POST /stripe/v1/checkout", action="rate_limit")
    with pytest.raises(stripe.RateLimitError):
        bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"})
    assert bench.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"}).status == "open"


def test_lists_go_by_cursor_newest_first(bench: Bench) -> None:
    made = [bench.session().id for _ in range(5)]
    first = bench.v1.checkout.sessions.list({"limit": 2})
    assert [s.id for s in first.data] == made[:-3:-1]
    assert first.has_more
    everything = bench.v1.checkout.sessions.list({"limit": 2}).auto_paging_iter()
    assert [s.id for s in everything] == made[::-1]
    with pytest.raises(stripe.InvalidRequestError, match="limit"):
        bench.v1.checkout.sessions.list({"limit": 101})


def test_the_page_for_people_shows_the_cards_and_moves_the_clock(bench: Bench) -> None:
    bench.session()
    assert "4000 0000" not in (page := requests.get(bench.url, timeout=5).text)
    assert "4000000000009995" in page
    moved = requests.post(f"{bench.url}/control/advance", data={"seconds": "259200"}, timeout=5)
    assert "72.0 hours ahead" in moved.text
