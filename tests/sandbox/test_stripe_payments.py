"""Money in: sessions, cards, charges, refunds and disputes."""

import time

import pytest
import stripe

from discuno.sandbox.stripe import pay
from tests.sandbox.stripe_bench import SESSION, Bench


def test_a_session_is_open_unpaid_and_without_a_payment_intent(bench: Bench) -> None:
    session = bench.session()
    assert session.client_secret.startswith(f"{session.id}_secret_")
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert session.amount_total == 6000


def test_paying_completes_the_session_and_books_the_charge_less_the_fee(bench: Bench) -> None:
    session = bench.session()
    assert bench.pay(session.id) == {"type": "success"}
    expand = ["payment_intent.latest_charge.balance_transaction", "line_items"]
    paid = bench.v1.checkout.sessions.retrieve(session.id, {"expand": expand})
    assert (paid.status, paid.payment_status) == ("complete", "paid")
    assert paid.line_items.data[0].amount_total == 6000
    intent = paid.payment_intent
    assert (intent.status, intent.amount_received) == ("succeeded", 6000)
    assert intent.metadata.to_dict() == {"booking": "7"}
    charge = intent.latest_charge
    assert (charge.transfer_group, charge.metadata["booking"]) == ("booking_7", "7")
    entry = charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net, entry.status) == (6000, 204, 5796, "pending")


def test_paying_is_told_in_signed_events(bench: Bench) -> None:
    session = bench.session()
    bench.pay(session.id)
    events = bench.webhooks()
    assert [event.type for event in events] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
        "checkout.session.completed",
    ]
    assert events[-1].data.object.payment_status == "paid"
    assert events[1].data.object.balance_transaction is None
    assert events[3].data.object.balance_transaction.startswith("txn_")
    assert events[0].api_version == stripe.api_version
    assert "account" not in events[0]


@pytest.mark.parametrize(
    ("card", "decline_code"),
    [
        ("4000000000000002", "generic_decline"),
        ("4000000000009995", "insufficient_funds"),
        ("4000000000009987", "lost_card"),
        ("4000000000000069", "expired_card"),
        ("4000008400001629", "generic_decline"),
    ],
)
def test_a_declined_card_leaves_the_session_payable(bench: Bench, card: str, decline_code: str) -> None:
    session = bench.session()
    declined = bench.pay(session.id, card=card)
    assert declined["error"]["code"] == "paymentFailed"
    assert declined["error"]["paymentFailed"] == {"declineCode": decline_code}
    intent_id = bench.v1.checkout.sessions.retrieve(session.id).payment_intent
    intent = bench.v1.payment_intents.retrieve(intent_id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.decline_code == decline_code
    assert bench.pay(session.id) == {"type": "success"}
    assert bench.v1.payment_intents.retrieve(intent_id).status == "succeeded"
    assert "payment_intent.payment_failed" in bench.told()


def test_a_challenge_waits_for_the_buyer_and_may_fail(bench: Bench) -> None:
    session = bench.session()
    waiting = bench.pay(session.id, card="4000002500003155", challenge="leave")
    assert waiting["type"] == "challenge"
    assert bench.v1.payment_intents.retrieve(waiting["payment_intent"]).status == "requires_action"
    failed = bench.pay(session.id, card="4000002500003155", challenge="fail")
    assert failed["error"]["paymentFailed"] == {"declineCode": "authentication_required"}
    assert bench.pay(session.id, card="4000002500003155") == {"type": "success"}


def test_the_browser_sees_amounts_as_text_and_the_last_error(bench: Bench) -> None:
    session = bench.session()
    view = pay.session_view(bench.sandbox.world, session.client_secret)
    assert view["total"]["total"] == {"minorUnitsAmount": 6000, "amount": "$60.00"}
    assert (view["canConfirm"], view["status"]) == (True, {"type": "open"})
    bench.pay(session.id, card="4000000000000002")
    view = pay.session_view(bench.sandbox.world, session.client_secret)
    assert view["lastPaymentError"] == {"message": "Your card was declined."}
    bench.pay(session.id)
    view = pay.session_view(bench.sandbox.world, session.client_secret)
    assert view["status"] == {"type": "complete", "paymentStatus": "paid"}
    with pytest.raises(pay.UnknownSession):
        pay.session_view(bench.sandbox.world, f"{session.id}_secret_guess")


@pytest.mark.parametrize(
    ("card", "code"),
    [
        (("4242", 12, 40, "123", None), "incomplete_number"),
        (("4242424242424241", 12, 40, "123", None), "invalid_number"),
        (("4539578763621486", 12, 40, "123", None), "incorrect_number"),
        (("4242424242424242", 12, 20, "123", None), "invalid_expiry_year_past"),
        (("4242424242424242", 12, 40, "12", None), "incomplete_cvc"),
        (("4242424242424242", 12, 40, "123", " "), "incomplete_zip"),
    ],
)
def test_the_card_form_says_what_is_wrong(
    bench: Bench, card: tuple[str, int, int, str, str | None], code: str
) -> None:
    assert pay.tokenize(bench.sandbox.world, *card)["error"]["code"] == code


def test_nothing_to_pay_completes_without_a_payment_intent(bench: Bench) -> None:
    price = {"currency": "usd", "unit_amount": 0, "product_data": {"name": "Free"}}
    session = bench.session(line_items=[{"quantity": 1, "price_data": price}])
    assert bench.pay(session.id) == {"type": "success"}
    done = bench.v1.checkout.sessions.retrieve(session.id)
    assert (done.payment_status, done.payment_intent) == ("no_payment_required", None)


@pytest.mark.parametrize("seconds", [1700, 90000])
def test_expiry_must_lie_between_half_an_hour_and_a_day(bench: Bench, seconds: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.session(expires_at=int(time.time()) + seconds)
    assert refused.value.param == "expires_at"


def test_a_session_expires_by_the_clock_and_can_no_longer_be_paid(bench: Bench) -> None:
    session = bench.session(expires_at=int(time.time()) + 1900)
    bench.control("/advance", seconds=1901)
    assert bench.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert bench.told() == ["checkout.session.expired"]
    refused = bench.pay(session.id)
    assert refused["error"]["code"] is None
    assert "expired" in refused["error"]["message"]


def test_only_an_open_session_can_be_expired(bench: Bench) -> None:
    session = bench.session()
    assert bench.v1.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        bench.v1.checkout.sessions.expire(session.id)
    paid = bench.session()
    bench.pay(paid.id)
    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        bench.v1.checkout.sessions.expire(paid.id)


def test_sessions_are_found_by_payment_intent(bench: Bench) -> None:
    charge = bench.paid_charge()
    bench.session()
    found = bench.v1.checkout.sessions.list({"payment_intent": charge.payment_intent})
    assert [s.status for s in found.data] == ["complete"]


def test_metadata_and_the_intent_to_be_can_be_changed_while_open(bench: Bench) -> None:
    session = bench.session()
    changed = bench.v1.checkout.sessions.update(session.id, {"metadata": {"booking": "", "note": "x"}})
    assert changed.metadata.to_dict() == {"note": "x"}


def test_refunds_add_up_to_the_charge_and_no_further(bench: Bench) -> None:
    charge = bench.paid_charge()
    bench.v1.refunds.create({"charge": charge.id, "amount": 2000})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        bench.v1.refunds.create({"charge": charge.id, "amount": 4001})
    rest = bench.v1.refunds.create({"payment_intent": charge.payment_intent, "reason": "duplicate"})
    assert (rest.amount, rest.status) == (4000, "succeeded")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_already_refunded"
    whole = bench.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (whole.refunded, whole.amount_refunded, len(whole.refunds.data)) == (True, 6000, 2)
    assert bench.told().count("refund.created") == 2
    assert bench.v1.balance.retrieve().pending[0].amount == -204


def test_a_refund_may_take_its_time(bench: Bench) -> None:
    refund = bench.v1.refunds.create({"charge": bench.paid_charge("4000000000007726").id})
    assert refund.status == "pending"
    bench.control("/advance", seconds=61)
    assert bench.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert "refund.updated" in bench.told()


def test_a_refund_may_fail_afterwards_and_the_money_is_back(bench: Bench) -> None:
    charge = bench.paid_charge("4000000000005126")
    refund = bench.v1.refunds.create({"charge": charge.id})
    assert refund.status == "succeeded"
    bench.control("/advance", seconds=61)
    failed = bench.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert bench.v1.charges.retrieve(charge.id).amount_refunded == 0
    assert "refund.failed" in bench.told()


def test_a_refund_without_funds_waits_for_them(bench: Bench) -> None:
    charge = bench.paid_charge()
    bench.settle()
    bench.v1.payouts.create({"amount": 5796, "currency": "usd"})
    refund = bench.v1.refunds.create({"charge": charge.id})
    assert (refund.status, refund.pending_reason) == ("pending", "insufficient_funds")
    bench.paid_charge("4000000000000077", line_items=[{**SESSION["line_items"][0], "quantity": 2}])
    bench.control("/advance", seconds=61)
    assert bench.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_dispute_takes_the_money_and_forbids_a_refund(bench: Bench) -> None:
    charge = bench.paid_charge("4000000000000259")
    [dispute] = bench.v1.disputes.list({"charge": charge.id}).data
    assert (dispute.reason, dispute.status, dispute.amount) == ("fraudulent", "needs_response", 6000)
    assert dispute.balance_transactions[0].net == -7500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_disputed"
    assert bench.told()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def test_winning_evidence_brings_the_money_back(bench: Bench) -> None:
    charge = bench.paid_charge("4000000000002685")
    [dispute] = bench.v1.disputes.list({"charge": charge.id}).data
    staged = bench.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": False}
    )
    assert staged.status == "needs_response"
    won = bench.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert won.status == "won"
    assert bench.told()[-2:] == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]


def test_an_inquiry_moves_no_money_and_a_refund_is_allowed(bench: Bench) -> None:
    charge = bench.paid_charge("4000000000001976")
    [inquiry] = bench.v1.disputes.list({"charge": charge.id}).data
    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])
    assert bench.v1.refunds.create({"charge": charge.id}).status == "succeeded"


def test_an_early_fraud_warning_is_told(bench: Bench) -> None:
    charge = bench.paid_charge("4000000000005423")
    [warning] = bench.v1.radar.early_fraud_warnings.list({"charge": charge.id}).data
    assert warning.actionable
    assert "radar.early_fraud_warning.created" in bench.told()
