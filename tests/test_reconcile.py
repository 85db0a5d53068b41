"""What webhooks did not tell is learned by looking, and a second look changes nothing."""

from datetime import timedelta

import pytest
import requests

from discuno.disputes.models import Dispute
from discuno.edges.stripe import API_VERSION, lists
from discuno.kit import outbox
from discuno.kit.db import transaction
from discuno.payments.models import Payment, Refund
from discuno.payouts.learn import learn_transfer
from discuno.payouts.models import Transfer, TransferReversal
from discuno.sandbox.settings import SandboxSettings
from discuno.webhooks.models import WebhookEvent
from tests.comparing import MONEY, charge_of, drift, in_order, lever, lose_webhooks, reconcile, release, sold
from tests.factories import (
    ADMIN,
    all_of,
    dump,
    in_the_house,
    paid,
    subjects,
    the,
)
from tests.house import House

pytestmark = pytest.mark.story


@pytest.fixture
def held(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """One session is sold and its money held; no webhook arrives any more."""
    return sold(house, monkeypatch)


@pytest.fixture
def sent(held: House) -> House:
    """And its share was transferred."""
    release(held)
    return held


def test_a_house_in_order_says_so(held: House) -> None:
    in_order(held)


def test_a_payment_that_no_webhook_told_of_is_settled_with_its_fee(house: House) -> None:
    lose_webhooks(house)
    paid(house)
    assert the(house, Payment).status == "PENDING"
    code, said = reconcile(house)
    assert (code, the(house, Payment).status) == (0, "SUCCEEDED"), said
    house.settle_down()
    assert the(house, Payment).stripe_fee == 204
    in_order(house)


def test_a_refund_made_by_hand_is_taken_as_ours(held: House) -> None:
    lever(held, f"charges/{charge_of(held)}/refund", amount=1000)
    code, said = reconcile(held)
    assert (code, the(held, Refund).reason) == (0, "made_at_stripe"), said
    in_order(held)


def test_a_refund_that_came_back_is_followed_however_old_it_is(held: House) -> None:
    lever(held, f"charges/{charge_of(held)}/refund", amount=1000)
    reconcile(held)
    held.advance(timedelta(days=20))
    lever(held, f"refunds/{held.stripe('refund')[0]['id']}/settle", status="failed")
    code, said = reconcile(held)
    assert (code, the(held, Refund).status) == (0, "failed"), said
    in_order(held)


def test_a_dispute_is_learned_with_its_money_and_its_fee(sent: House) -> None:
    dispute = lever(sent, f"charges/{charge_of(sent)}/dispute")
    assert reconcile(sent)[0] == 0
    assert (the(sent, Dispute).status, the(sent, Payment).status) == ("open", "DISPUTED")
    sent.settle_down()
    assert the(sent, TransferReversal).status == "made"
    lever(sent, f"disputes/{dispute['id']}/settle", outcome="won")
    assert reconcile(sent)[0] == 0
    sent.settle_down()
    assert [t.kind for t in all_of(sent, Transfer)] == ["release", "return"]
    in_order(sent)


def test_a_fraud_warning_and_a_review_keep_the_money_and_let_it_go_however_old_they_are(held: House) -> None:
    charge = charge_of(held)
    lever(held, f"charges/{charge}/fraud_warning")
    review = lever(held, f"charges/{charge}/review")
    assert reconcile(held)[0] == 0
    assert [(c.kind, c.status) for c in all_of(held, Dispute)] == [
        ("fraud_warning", "open"),
        ("review", "open"),
    ]
    release(held)
    assert (held.stripe("transfer"), the(held, Transfer).blocked_by) == ([], "fraud_warning")
    held.advance(timedelta(days=20))
    lever(held, f"reviews/{review['id']}/close", reason="approved")
    assert reconcile(held)[0] == 0
    assert [c.status for c in all_of(held, Dispute)] == ["open", "closed"]
    in_order(held)


def test_a_reversal_made_by_hand_is_taken_as_ours_and_its_money_waits_for_a_person(sent: House) -> None:
    lever(sent, f"transfers/{sent.stripe('transfer')[0]['id']}/reverse", amount=400)
    code, said = reconcile(sent)
    assert code == 0, said
    reversal = the(sent, TransferReversal)
    assert (reversal.status, reversal.amount) == ("made", 400)
    assert reversal.about == f"stripe:{reversal.stripe_reversal_id}"
    assert "by hand" in str(the(sent, Payment).needs_attention)
    in_order(sent)


def test_a_transfer_whose_answer_was_lost_is_recorded(held: House) -> None:
    held.fault("POST /stripe/v1/transfers$", "drop_after", times=2)
    release(held)
    assert the(held, Transfer).status == "sending"
    code, said = reconcile(held)
    assert (code, the(held, Transfer).status) == (0, "sent"), said
    in_order(held)


def test_a_payout_that_stripe_made_by_itself_is_taken_into_the_books(sent: House) -> None:
    account = the(sent, Transfer).destination
    sent.advance(timedelta(days=3))
    made = pay_out_by_hand(sent, str(account), 5000)
    code, said = reconcile(sent)
    assert code == 0, said
    assert made in dump(sent, "discuno_payout")["discuno_payout"][0]
    in_order(sent)


def pay_out_by_hand(house: House, account: str, amount: int) -> str:
    """In the Dashboard of the mentor's account, past all our rows."""
    key = SandboxSettings().stripe_secret_key
    headers = {"Authorization": f"Bearer {key}", "Stripe-Account": account, "Stripe-Version": API_VERSION}
    url, form = f"{house.sandbox.url}/stripe/v1/payouts", {"amount": amount, "currency": "usd"}
    answer = requests.post(url, data=form, headers=headers, timeout=10)
    assert answer.ok, answer.text
    return str(answer.json()["id"])


def test_events_that_stripe_could_not_deliver_are_handled_as_if_they_had_come(house: House) -> None:
    paid(house)
    for scope in ("stripe", "stripe_connect"):
        house.control("POST", f"weather/{scope}", {"lose_knowing": -1})
    house.settle_down()
    lever(house, f"accounts/{house.stripe('account')[0]['id']}", transfers="inactive")
    house.settle_down()
    code, said = reconcile(house)
    assert code == 0, said
    house.settle_down()
    came = {(e.type, e.account is not None, e.handled_at is not None) for e in all_of(house, WebhookEvent)}
    assert {("checkout.session.completed", False, True), ("account.updated", True, True)} <= came
    in_order(house)


def test_at_night_it_is_done_page_by_page_in_small_jobs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        paid(house)
    house.settle_down()
    lose_webhooks(house)
    for charge in house.stripe("charge"):
        lever(house, f"charges/{charge['id']}/refund", amount=100)
    lever(house, "balance", amount=1)
    monkeypatch.setattr(lists, "PAGE", 2)
    with house.app.app_context(), transaction():
        outbox.add("reconcile", unique_key=outbox.periodic_key("reconcile"))
    house.settle_down()
    assert [r.amount for r in all_of(house, Refund)] == [100, 100, 100]
    assert drift(house) == {("movement", 1)}
    assert subjects(house, ADMIN)[-1] == "One difference between our books and Stripe's"
    [tonight] = [job.run_at for job in all_of(house, outbox.Job) if job.task == "reconcile"]
    now = in_the_house(house)
    assert (tonight.hour, tonight.minute) == (3, 0)
    assert now < tonight <= now + timedelta(days=1)


def test_a_transfer_that_carries_our_rows_id_a_second_time_is_a_persons(sent: House) -> None:
    transfer = the(sent, Transfer)
    told = {"destination": transfer.destination, "amount": 100, "metadata": {"transfer_id": str(transfer.id)}}
    sent.advance(timedelta(days=3))
    made = lever(sent, "transfers", **told, transfer_group=transfer.payment.transfer_group)
    with sent.app.app_context():
        assert [learn_transfer(made["id"]) for _ in range(2)] == ["transfer 1"] * 2
        assert learn_transfer(str(transfer.stripe_transfer_id)) == "transfer 1"
    assert (the(sent, Transfer).amount, the(sent, Transfer).status) == (5400, "sent")
    assert made["id"] in str(the(sent, Payment).needs_attention)


def test_a_transfer_that_is_about_no_payment_of_ours_is_left_alone(held: House) -> None:
    there = held.stripe("account")[0]["id"]
    held.advance(timedelta(days=3))
    before = dump(held, *MONEY)
    for group in ("payment_99", "payment_", "payment_１", "other", f"payment_{10**30}"):
        made = lever(held, "transfers", destination=there, amount=100, transfer_group=group)
        with held.app.app_context():
            assert learn_transfer(made["id"]) == "not ours", group
    assert dump(held, *MONEY) == before
