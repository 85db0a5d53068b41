"""Every writing request of our edge, taken from the wire and checked against the SDK's own types."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import stripe as sdk
from stripe import params
from stripe.params.checkout import SessionCreateParams, SessionExpireParams
from stripe.params.v2 import core
from werkzeug.wrappers import Request

from discuno.edges import stripe
from discuno.edges.stripe import accounts, evidence, payouts
from discuno.edges.stripe import client as edge
from discuno.sandbox.stripe.errors import BadParam
from discuno.sandbox.stripe.forms import nested
from discuno.sandbox.stripe.validate import check
from tests.house import House

CHECKOUT = stripe.CheckoutRequest(
    payment_id=1,
    amount=6000,
    currency="usd",
    product_name="Review with O'Neil & Söhne",
    product_description="45 minute session",
    customer_email="jun@example.com",
    transfer_group="payment_1",
    expires_at=datetime(2026, 12, 1, tzinfo=UTC),
    return_url="https://discuno.example/?session_id={CHECKOUT_SESSION_ID}",
    key="checkout:1:1",
)
TRANSFER = stripe.TransferRequest(
    transfer_id=1,
    amount=5400,
    currency="usd",
    destination="acct_1",
    source_transaction="ch_1",
    transfer_group="payment_1",
    key="transfer:1:1",
)
REFUND = stripe.RefundRequest(
    refund_id=1, payment_intent_id="pi_1", amount=6000, reason="requested_by_customer", key="refund:1:1:1"
)
REVERSAL = stripe.ReversalRequest(reversal_id=1, stripe_transfer_id="tr_1", amount=5400, key="reversal:1:1")
ACCOUNT = accounts.AccountRequest(
    mentor_id=1,
    email="amara@example.com",
    name="Amara",
    country="gb",
    currency="gbp",
    api="v1",
    key="account:1:0:1",
)
PAYOUT = payouts.PayoutRequest(
    payout_id=1,
    stripe_account_id="acct_1",
    amount=5400,
    currency="usd",
    since=datetime(2026, 12, 1, tzinfo=UTC),
    key="payout:1:1",
)
ANSWER = evidence.AnswerRequest(
    "du_1", {"customer_name": "O'Neil & Söhne", "receipt": "file_1"}, submitted_before=0, key="answer:1:1"
)
FILE = evidence.UploadRequest(
    1, "application/pdf", b"%PDF-1.7", since=datetime(2026, 12, 1, tzinfo=UTC), key="evidence:1:1"
)
URLS = {"refresh_url": "https://discuno.example/again", "return_url": "https://discuno.example/back"}
Call = Callable[[], Any]
# SDK method in the edge → its parameters' type, a call of ours that uses it, whether it must carry a key of ours
CALLS: dict[str, tuple[type, Call, str | None]] = {
    "v1.checkout.sessions.create": (
        SessionCreateParams,
        lambda: stripe.open_checkout(CHECKOUT),
        "checkout:1:1",
    ),
    "v1.checkout.sessions.expire": (SessionExpireParams, lambda: stripe.close_checkout("cs_1"), None),
    "v1.refunds.create": (
        params.RefundCreateParams,
        lambda: stripe.refund(REFUND),
        "refund:1:1:1",
    ),
    "v1.transfers.create": (params.TransferCreateParams, lambda: stripe.transfer(TRANSFER), "transfer:1:1"),
    "v1.transfers.reversals.create": (
        params.TransferReversalCreateParams,
        lambda: stripe.reverse(REVERSAL),
        "reversal:1:1",
    ),
    "v1.payouts.create": (params.PayoutCreateParams, lambda: payouts.pay_out(PAYOUT), "payout:1:1"),
    "v1.accounts.create": (
        params.AccountCreateParams,
        lambda: accounts.create_account(ACCOUNT),
        "account:1:0:1",
    ),
    "v2.core.accounts.create": (
        core.AccountCreateParams,
        lambda: accounts.create_account(replace(ACCOUNT, api="v2")),
        "account:1:0:1",
    ),
    "v1.accounts.update": (
        params.AccountUpdateParams,
        lambda: accounts.mark_account("acct_1", "v1", 1),
        None,
    ),
    "v2.core.accounts.update": (
        core.AccountUpdateParams,
        lambda: accounts.mark_account("acct_1", "v2", 1),
        None,
    ),
    "v1.account_links.create": (
        params.AccountLinkCreateParams,
        lambda: accounts.onboarding_link("acct_1", "v1", **URLS),
        None,
    ),
    "v2.core.account_links.create": (
        core.AccountLinkCreateParams,
        lambda: accounts.onboarding_link("acct_1", "v2", **URLS),
        None,
    ),
    "v1.accounts.login_links.create": (
        params.AccountLoginLinkCreateParams,
        lambda: accounts.dashboard_link("acct_1"),
        None,
    ),
    "v1.disputes.update": (params.DisputeUpdateParams, lambda: evidence.stage(ANSWER), "answer:1:1"),
    "v1.disputes.close": (params.DisputeCloseParams, lambda: evidence.close(ANSWER), "answer:1:1"),
    "v1.files.create": (params.FileCreateParams, lambda: evidence.upload(FILE), "evidence:1:1"),
    "raw_request": (
        params.BalanceSettingsUpdateParams,
        lambda: accounts.put_on_manual_payouts("acct_1"),
        None,
    ),
}
READING = ("retrieve", "list")


class Listening(sdk.HTTPClient):
    """Stands where the network begins, keeps what leaves, and never answers."""

    name = "listening"

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, dict[str, str], Any]] = []

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> Any:
        """Keep it."""
        self.sent.append((url, dict(headers), post_data))
        raise sdk.APIConnectionError("nobody is there", should_retry=False)

    def close(self) -> None:
        """Nothing was opened."""


@pytest.fixture
def wire(built_house: House) -> Iterator[Listening]:
    """The edge, with a wire of ours."""
    listening = Listening()
    before = edge._client
    edge._client = sdk.StripeClient("sk_test_x", http_client=listening, stripe_version=stripe.API_VERSION)
    with built_house.app.app_context():
        yield listening
    edge._client = before


def on_the_wire(wire: Listening) -> tuple[str, dict[str, str], dict[str, Any]]:
    [(url, headers, body)] = wire.sent
    version_2 = urlsplit(url).path.startswith("/v2/")
    if version_2:
        return url, headers, json.loads(body)
    if headers.get("Content-Type", "").startswith("multipart/"):
        given = Request.from_values(method="POST", content_type=headers["Content-Type"], data=body)
        return url, headers, {**given.form, **given.files}
    return url, headers, nested(parse_qsl(body or "", keep_blank_values=True))


@pytest.mark.parametrize("method", CALLS)
def test_what_leaves_for_stripe_is_what_its_types_allow(wire: Listening, method: str) -> None:
    kind, call, key = CALLS[method]
    with pytest.raises(stripe.StripeDown):
        call()
    _, headers, sent = on_the_wire(wire)
    check(kind, sent)
    assert headers["Stripe-Version"] == stripe.API_VERSION
    if key is not None:
        assert headers["Idempotency-Key"] == key


def test_evidence_is_staged_or_submitted_and_each_is_said(wire: Listening) -> None:
    for act in (evidence.stage, evidence.submit):
        with pytest.raises(stripe.StripeDown):
            act(ANSWER)
    assert ["submit=false" in wire.sent[0][2], "submit=true" in wire.sent[1][2]] == [True, True]


def test_a_file_leaves_for_stripe_under_our_number_alone(wire: Listening) -> None:
    with pytest.raises(stripe.StripeDown):
        evidence.upload(FILE)
    url, _, sent = on_the_wire(wire)
    assert (urlsplit(url).netloc, sent["file"].filename) == ("files.stripe.com", "evidence-1.pdf")
    assert (sent["file"].stream.read(), sent["purpose"]) == (b"%PDF-1.7", "dispute_evidence")


def test_the_same_row_makes_the_same_request(wire: Listening) -> None:
    for _ in range(2):
        with pytest.raises(stripe.StripeDown):
            stripe.open_checkout(replace(CHECKOUT))
    first, second = wire.sent
    assert first[2] == second[2]


def test_no_writing_call_of_the_edge_is_left_out() -> None:
    made = set()
    for path in sorted(Path(stripe.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and re.match(r"client\.(v\d|raw)", ast.unparse(node.func)):
                made.add(ast.unparse(node.func).removeprefix("client."))
    assert {name for name in made if not name.endswith(READING)} == set(CALLS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ui_mode": "custom"},
        {"payment_method_typos": ["card"]},
        {"expires_at": "soon"},
        {"metadata": {"payment_id": 1}},
        {
            "line_items": [
                {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": 1, "colour": "red"}}
            ]
        },
    ],
    ids=lambda w: next(iter(w)),
)
def test_the_check_bites(wire: Listening, wrong: dict[str, Any]) -> None:
    with pytest.raises(stripe.StripeDown):
        stripe.open_checkout(CHECKOUT)
    _, _, sent = on_the_wire(wire)
    with pytest.raises(BadParam):
        check(SessionCreateParams, {**sent, **wrong})


def test_a_parameter_that_stripe_took_away_is_refused_at_the_door(house: House) -> None:
    client = edge._client
    assert client is not None
    with house.app.app_context(), pytest.raises(sdk.InvalidRequestError, match="no longer supported"):
        client.raw_request("post", "/v1/checkout/sessions", mode="payment", payment_method_types=["card"])
