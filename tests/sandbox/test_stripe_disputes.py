"""Banks, card networks and reviewers: how a dispute goes on, and what Radar suspects."""

import pytest
import stripe

from tests.sandbox.stripe_bench import Bench
from tests.sandbox.test_stripe_payouts import pending

pytestmark = pytest.mark.story


def disputed(bench: Bench, **said: object) -> dict[str, str]:
    """A dispute of a charge just paid."""
    charge = bench.paid_charge()
    opened: dict[str, str] = bench.control(f"/stripe/charges/{charge.id}/dispute", **said)
    return opened


def test_a_partial_dispute_takes_its_part_and_the_fee_and_a_win_returns_only_the_part(bench: Bench) -> None:
    dispute = disputed(bench, amount=2000, reason="product_not_received")
    bench.control(f"/stripe/disputes/{dispute['id']}/settle", outcome="won")
    found = bench.v1.disputes.retrieve(dispute["id"], {"expand": ["charge"]})
    entries = [(e.amount, e.fee, e.net) for e in found.balance_transactions]
    assert entries == [(-2000, 1500, -3500), (2000, 0, 2000)]
    assert (found.status, found.charge.disputed) == ("won", True)
    assert bench.told()[-4:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    money = bench.v1.balance_transactions.list({"source": dispute["id"], "type": "adjustment"})
    assert sum(e.net for e in money.data) == -1500


@pytest.mark.parametrize("status", ["under_review", "appeal_needs_response", "a_word_of_next_year"])
def test_any_status_may_come_and_moves_no_money(bench: Bench, status: str) -> None:
    dispute = disputed(bench)
    before = pending(bench)
    changed = bench.control(f"/stripe/disputes/{dispute['id']}", status=status, due_by=None)
    assert (changed["status"], changed["evidence_details"]["due_by"]) == (status, None)
    assert (bench.told()[-1], pending(bench)) == ("charge.dispute.updated", before)
    lost = bench.control(f"/stripe/disputes/{dispute['id']}", status="lost")
    assert (lost["status"], bench.told()[-1], pending(bench)) == ("lost", "charge.dispute.closed", before)


def test_an_appeal_after_a_win_does_not_bring_the_money_twice(bench: Bench) -> None:
    dispute = disputed(bench)
    for status in ("won", "appeal_under_review", "won"):
        bench.control(f"/stripe/disputes/{dispute['id']}", status=status)
    assert len(bench.v1.disputes.retrieve(dispute["id"]).balance_transactions) == 2
    assert bench.told().count("charge.dispute.funds_reinstated") == 1


def test_an_inquiry_escalates_and_then_forbids_a_refund(bench: Bench) -> None:
    dispute = disputed(bench, inquiry=True)
    assert bench.told()[-1] == "charge.dispute.created"
    bench.control(f"/stripe/disputes/{dispute['id']}", status="needs_response")
    assert bench.told()[-2:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.refunds.create({"charge": dispute["charge"]})
    assert refused.value.code == "charge_disputed"


@pytest.mark.parametrize("by_refund", [True, False])
def test_an_inquiry_closes_without_money(bench: Bench, by_refund: bool) -> None:
    dispute = disputed(bench, inquiry=True)
    if by_refund:
        bench.v1.refunds.create({"charge": dispute["charge"]})
    else:
        bench.control(f"/stripe/disputes/{dispute['id']}", status="warning_closed")
    closed = bench.v1.disputes.retrieve(dispute["id"])
    assert (closed.status, closed.balance_transactions) == ("warning_closed", [])
    assert bench.told()[-1] == "charge.dispute.closed"


def test_a_prevented_dispute_took_nothing_and_cannot_be_answered(bench: Bench) -> None:
    dispute = disputed(bench, status="prevented")
    assert (dispute["balance_transactions"], pending(bench)) == ([], 5796)
    with pytest.raises(stripe.InvalidRequestError, match="closed"):
        bench.v1.disputes.close(dispute["id"])


def test_a_review_opens_and_is_approved_once(bench: Bench) -> None:
    charge = bench.paid_charge()
    review = bench.control(f"/stripe/charges/{charge.id}/review", reason="manual")
    assert bench.v1.charges.retrieve(charge.id, {"expand": ["review"]}).review.open
    assert [r.id for r in bench.v1.reviews.list().data] == [review["id"]]
    approved = bench.v1.reviews.approve(review["id"])
    assert (approved.open, approved.closed_reason, approved.opened_reason) == (False, "approved", "manual")
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        bench.v1.reviews.approve(review["id"])
    assert bench.v1.reviews.list().data == []
    opened, closed = bench.webhooks()[-2:]
    assert (opened.type, closed.type) == ("review.opened", "review.closed")
    assert (opened.data.object.charge, closed.data.object.payment_intent) == (
        charge.id,
        charge.payment_intent,
    )


@pytest.mark.parametrize("reason", ["refunded_as_fraud", "disputed", "acknowledged"])
def test_a_review_closes_for_a_reason_of_stripes(bench: Bench, reason: str) -> None:
    review = bench.control(f"/stripe/charges/{bench.paid_charge().id}/review")
    assert bench.control(f"/stripe/reviews/{review['id']}/close", reason=reason)["closed_reason"] == reason
    assert bench.v1.reviews.retrieve(review["id"]).reason == reason


@pytest.mark.parametrize(("deed", "reason"), [("refund", "refunded"), ("dispute", "disputed")])
def test_a_refund_or_dispute_leaves_nothing_to_suspect(bench: Bench, deed: str, reason: str) -> None:
    charge = bench.paid_charge("4000000000005423")
    review = bench.control(f"/stripe/charges/{charge.id}/review")
    bench.control(f"/stripe/charges/{charge.id}/{deed}")
    assert bench.v1.reviews.retrieve(review["id"]).closed_reason == reason
    [warning] = bench.v1.radar.early_fraud_warnings.list({"charge": charge.id}).data
    assert not warning.actionable
    assert bench.told()[-2:] == ["review.closed", "radar.early_fraud_warning.updated"]
