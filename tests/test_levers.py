"""The levers at one payment: each says first what moves and does it once; above a limit two have to agree."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape

import pytest
from werkzeug.test import TestResponse

from discuno import policy
from discuno.accounts.models import AuditEntry
from discuno.admin.models import Proposal
from discuno.notifications.models import Alert
from discuno.payments.models import Payment, Refund
from discuno.payouts.models import Transfer, TransferReversal
from tests.bank import at_stripe, charge, dispute, kept, let_it_end, transferred, with_the_mentor
from tests.factories import all_of, change, someone, subjects, the, work_until_done
from tests.house import House
from tests.reporting import Holder, attendee
from tests.signing import ADMIN, SECOND_ADMIN, SUPPORT, code_of, staff

pytestmark = pytest.mark.story

PAGE = "/admin/payments/1"
AMARA = "amara@discuno.example"
WHY = "The attendee has asked us to."
TRANSFER = "POST /stripe/v1/transfers$"
REFUND = "POST /stripe/v1/refunds$"
Form = dict[str, str]


@pytest.fixture
def ada(held: House) -> Holder:
    """An admin who has just given a code; the payment is of $60.00, of which $54.00 are held."""
    return Holder(staff(held, ADMIN), PAGE)


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than fifty cents takes two admins."""
    monkeypatch.setattr(policy.money, "SECOND_ADMIN_ABOVE", 1)


def later(house: House) -> Holder:
    """The same admin, signed in again: days have passed."""
    return Holder(staff(house, ADMIN), PAGE)


def form_of(admin: Holder, lever: str, amount: str = "") -> Form:
    """The form of a lever that moves money, as its page has filled it for an amount."""
    page = admin.reads(f"/{lever}?amount={amount}" if amount else f"/{lever}")
    found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    return {name: unescape(found[name]) for name in ("amount", "agreed_to", "nonce")}


def pull(admin: Holder, lever: str, **more: str) -> TestResponse:
    return admin.sends(f"/{lever}", **{"reason": WHY, **more})


def move(admin: Holder, lever: str, amount: str = "", **more: str) -> TestResponse:
    return pull(admin, lever, **{**form_of(admin, lever, amount), **more})


def audited(house: House) -> list[tuple[str, str, str]]:
    return [(e.actor, e.action, e.about) for e in all_of(house, AuditEntry)]


def test_a_payment_on_hold_is_not_transferred_before_the_hold_is_lifted(held: House, ada: Holder) -> None:
    assert [pull(ada, "hold").status_code for _ in range(2)] == [303, 303]
    let_it_end(held)
    assert (at_stripe(held), kept(held)) == ([], 5400)
    ada = later(held)
    assert "On hold" in ada.reads()
    assert [pull(ada, "lift").status_code for _ in range(2)] == [303, 303]
    held.settle_down()
    assert at_stripe(held) == [5400]
    assert audited(held) == [(ADMIN, "hold", "payment:1"), (ADMIN, "lift_hold", "payment:1")]


def test_a_refund_in_part_moves_what_its_page_has_shown_and_once(held: House, ada: Holder) -> None:
    form = form_of(ada, "refund", "20")
    page = ada.reads("/refund?amount=20")
    assert "$20.00" in page
    assert "$36.00" in page
    assert "$4.00" in page
    assert [pull(ada, "refund", **form).status_code for _ in range(2)] == [303, 303]
    held.settle_down()
    assert (at_stripe(held, "refund"), kept(held)) == ([2000], 3600)
    let_it_end(held)
    assert at_stripe(held) == [3600]
    assert audited(held) == [(ADMIN, "refund", "payment:1")]


def test_after_the_transfer_a_refund_takes_the_mentors_part_back_first(held: House) -> None:
    transferred(held)
    assert move(later(held), "refund").status_code == 303  # all that is left
    held.settle_down()
    assert (at_stripe(held, "transfer_reversal"), at_stripe(held, "refund")) == ([5400], [6000])


def test_what_would_move_by_now_has_to_be_looked_at_again(held: House, ada: Holder) -> None:
    form = form_of(ada, "refund", "20")
    move(ada, "refund", "10")
    held.settle_down()
    answer = pull(ada, "refund", **form)
    assert (answer.status_code, at_stripe(held, "refund")) == (409, [1000])
    assert "has changed since you looked" in answer.text
    assert WHY in answer.text
    assert pull(ada, "refund", **form_of(ada, "refund", "20")).status_code == 303


TAMPERED = (
    {"amount": "0"},
    {"amount": "6001"},
    {"amount": "-1"},
    {"amount": "1e3"},
    {"amount": ""},
    {"amount": "9" * 30},
    {"nonce": "short"},
    {"agreed_to": "usd refund 1 back 0 mentor 0 ours 0"},
    {"reason": "  "},
)


def test_a_form_that_was_tampered_with_moves_nothing(held: House, ada: Holder) -> None:
    good = form_of(ada, "refund", "20")
    for bad in TAMPERED:
        assert pull(ada, "refund", **{**good, **bad}).status_code in (409, 422), bad
    assert (all_of(held, Refund), all_of(held, AuditEntry)) == ([], [])


def test_an_amount_that_cannot_be_is_answered_with_a_sentence(ada: Holder) -> None:
    for amount in ("60.01", "0", "much", "20.005"):
        answer = ada.client.get(f"{PAGE}/refund?amount={amount}")
        assert answer.status_code == 422, amount
        assert 'id="field-amount-error"' in answer.text
        assert 'name="agreed_to"' not in answer.text


def test_two_admins_who_refund_all_of_it_at_once_return_it_once(held: House) -> None:
    admins = [Holder(staff(held, email), PAGE) for email in (ADMIN, SECOND_ADMIN)]
    forms = [form_of(admin, "refund") for admin in admins]
    with ThreadPoolExecutor(2) as hands:
        answers = list(hands.map(lambda a, f: pull(a, "refund", **f).status_code, admins, forms))
    held.settle_down()
    assert sorted(answers) == [303, 409]
    assert at_stripe(held, "refund") == [6000]


def test_a_transfer_that_is_taken_back_stays_here_until_the_hold_is_lifted(held: House) -> None:
    transferred(held)
    form = form_of(later(held), "take-back", "50")
    assert [pull(later(held), "take-back", **form).status_code for _ in range(2)] == [303, 303]
    held.settle_down()
    assert (at_stripe(held, "transfer_reversal"), kept(held)) == ([5000], 5000)
    work_until_done(held, 2, timedelta(hours=2))
    assert (with_the_mentor(held), len(all_of(held, TransferReversal))) == (400, 1)
    pull(later(held), "lift")
    held.settle_down()
    assert (with_the_mentor(held), kept(held)) == (5400, 0)


def test_what_an_admin_wants_back_and_is_gone_is_nobodys_debt(held: House) -> None:
    transferred(held)
    gone = {"amount": -5000, "currency": "usd", "account": all_of(held, Transfer)[0].destination}
    held.control("POST", "stripe/balance", gone)
    told = subjects(held, AMARA)
    admin = later(held)
    assert "What has left for the mentor’s bank cannot come back" in admin.reads("/take-back")
    assert move(admin, "take-back").status_code == 303
    held.settle_down()
    work_until_done(held, 2, timedelta(hours=1))
    assert (the(held, TransferReversal).status, with_the_mentor(held)) == ("failed", 5400)
    assert subjects(held, AMARA) == told
    page = later(held).reads()
    assert "owed" not in page.lower()
    assert "Could not be taken back, for <bdi>an admin</bdi>" in page
    assert "could not be taken back" in (the(held, Payment).needs_attention or "")
    [alert] = all_of(held, Alert)
    assert alert.ended_at is None
    assert pull(later(held), "clear", seen=the(held, Payment).needs_attention or "").status_code == 303
    assert the(held, Alert).ended_at is not None


def test_a_refused_transfer_is_tried_again_when_somebody_says_so(held: House) -> None:
    body = {"error": {"type": "invalid_request_error", "code": "parameter_invalid", "message": "no"}}
    held.fault(TRANSFER, "error", status=400, body=body, times=3)
    let_it_end(held)
    work_until_done(held, 3, timedelta(hours=1))
    assert (the(held, Transfer).blocked_by, at_stripe(held)) == ("refused", [])
    ada = later(held)
    assert "Refused" in ada.reads()
    assert [pull(ada, "retry").status_code for _ in range(2)] == [303, 303]
    held.settle_down()
    assert (at_stripe(held), the(held, Transfer).retry_count) == ([5400], 0)
    assert audited(held) == [(ADMIN, "retry_transfer", "transfer:1")]


def test_what_needs_attention_keeps_the_money_until_somebody_has_dealt_with_it(held: House) -> None:
    change(held, "UPDATE discuno_payment SET needs_attention = 'two charges'")
    let_it_end(held)
    assert at_stripe(held) == []
    ada = later(held)
    assert pull(ada, "clear", seen="something else").status_code == 409
    assert [pull(ada, "clear", seen="two charges").status_code for _ in range(2)] == [303, 303]
    held.settle_down()
    assert (at_stripe(held), audited(held)) == ([5400], [(ADMIN, "clear_attention", "payment:1")])


def test_a_refund_that_failed_is_made_again_as_another_one(held: House, ada: Holder) -> None:
    body = {"error": {"type": "invalid_request_error", "code": "expired_or_canceled_card", "message": "no"}}
    held.fault(REFUND, "error", status=400, body=body)
    move(ada, "refund", "20")
    held.settle_down()
    assert (the(held, Refund).status, the(held, Payment).needs_attention is not None) == ("failed", True)
    assert "/admin/payments/1/refund?amount=20.00" in ada.reads()
    assert "did not work at once" in attendee(held).reads()
    move(ada, "refund", "20.00")
    held.settle_down()
    assert (at_stripe(held, "refund"), [r.status for r in all_of(held, Refund)]) == (
        [2000],
        ["failed", "succeeded"],
    )
    page = attendee(held).reads()
    assert "a person sees to it" not in page
    assert "We have returned your $20.00" in page
    pull(ada, "clear", seen=the(held, Payment).needs_attention or "")
    assert [alert.cause for alert in all_of(held, Alert) if alert.ended_at is None] == []


# Why not

WHY_NOT = {
    "lift": "It is not on hold.",
    "take-back": "Nothing of this payment lies in the mentor",
    "retry": "Stripe has not refused its transfer.",
    "clear": "Nothing needs attention here.",
}


def test_a_lever_that_cannot_be_pulled_is_greyed_and_says_why(held: House, ada: Holder) -> None:
    page = ada.reads()
    for lever, why in WHY_NOT.items():
        assert why in unescape(page)
        assert f'href="{PAGE}/{lever}"' not in page
        form = ada.reads(f"/{lever}")
        assert why in unescape(form)
        assert "disabled" in form
        assert 'name="reason"' not in form


def test_nothing_can_be_done_to_money_that_never_came(held: House) -> None:
    someone(held).reach_payment("amara")
    admin = Holder(staff(held), "/admin/payments/2")
    assert admin.reads().count("Nothing was paid") >= 5
    for lever in ("hold", "refund"):
        assert pull(admin, lever, amount="100", agreed_to="", nonce="n" * 20).status_code == 409


def test_while_the_bank_has_the_money_a_refund_is_refused_in_words(held: House, ada: Holder) -> None:
    form = form_of(ada, "refund", "20")
    dispute(held)
    assert "Accept the chargeback instead" in ada.reads()
    assert pull(ada, "refund", **form).status_code == 409
    assert at_stripe(held, "refund") == []
    assert charge(held)


# Who


def test_money_moves_only_with_a_code_of_just_now(held: House) -> None:
    admin = Holder(staff(held, ADMIN, fresh=False), PAGE)
    form = form_of(admin, "refund", "20")
    wrong = pull(admin, "refund", **form, code="000000")
    assert wrong.status_code == 422
    assert WHY in wrong.text
    assert 'id="field-code-error"' in wrong.text
    assert all_of(held, Refund) == []
    assert pull(admin, "refund", **form, code=code_of(held)).status_code == 303
    assert pull(admin, "hold").status_code == 303  # a hold moves nothing
    assert len(all_of(held, Refund)) == 1


def test_support_sees_the_levers_and_cannot_pull_them(held: House) -> None:
    sam = Holder(staff(held, SUPPORT), PAGE)
    assert "An admin can do it." in sam.reads()
    assert 'name="reason"' not in sam.reads("/refund")
    assert pull(sam, "hold").status_code == 403
    assert not the(held, Payment).dispute_requested


# Two


@pytest.fixture
def proposed(low_limit: None, held: House, ada: Holder) -> Holder:
    """Ada wants to return all of it; the holder is the second admin, at the proposal."""
    form = form_of(ada, "refund")
    assert [pull(ada, "refund", **form).status_code for _ in range(2)] == [303, 303]
    held.settle_down()
    assert at_stripe(held, "refund") == []
    return Holder(staff(held, SECOND_ADMIN), "/admin/proposals/1")


def test_above_the_limit_it_is_done_when_another_admin_agrees(
    held: House, ada: Holder, proposed: Holder
) -> None:
    assert WHY in ada.reads()
    assert "another admin has to agree" in ada.reads()
    own = Holder(ada.client, "/admin/proposals/1").sends("/approve")
    assert own.status_code == 403
    assert "another admin has to agree" in own.text
    assert [proposed.sends("/approve").status_code for _ in range(2)] == [303, 303]
    held.settle_down()
    assert (at_stripe(held, "refund"), the(held, Proposal).status) == ([6000], "approved")
    assert [action for _, action, _ in audited(held)] == ["propose refund", "approve refund", "refund"]


def test_who_was_let_in_today_is_nobodys_second_admin(held: House, ada: Holder, proposed: Holder) -> None:
    """Else one admin makes an accomplice of their own. Letters tell of it, and a day is time to read them."""
    change(held, "UPDATE discuno_user SET admitted_at = discuno_now() WHERE email = :who", who=SECOND_ADMIN)
    assert "/admin/proposals/1/approve" not in proposed.reads()
    answer = proposed.sends("/approve")
    assert (answer.status_code, "less than 24 hours ago" in answer.text) == (403, True)
    held.advance(policy.NEW_ADMIN_WAITS)
    late = Holder(staff(held, SECOND_ADMIN), "/admin/proposals/1")
    assert "/admin/proposals/1/approve" in late.reads()
    assert late.sends("/approve").status_code == 303
    assert the(held, Proposal).status == "approved"


def test_while_one_act_waits_no_other_is_begun(held: House, ada: Holder, proposed: Holder) -> None:
    assert "Something else waits for a second admin" in ada.reads("/refund")
    assert len(all_of(held, Proposal)) == 1


@pytest.mark.parametrize(("how", "who", "ends"), [("decline", 1, "declined"), ("withdraw", 0, "withdrawn")])
def test_what_is_declined_or_withdrawn_is_not_done(
    held: House, ada: Holder, proposed: Holder, how: str, who: int, ends: str
) -> None:
    sides = [Holder(ada.client, "/admin/proposals/1"), proposed]
    assert sides[1 - who].sends(f"/{how}", reason="No.").status_code == 403
    assert sides[who].sends(f"/{how}", reason="").status_code == 422
    assert [sides[who].sends(f"/{how}", reason="No.").status_code for _ in range(2)] == [303, 303]
    assert sides[1].sends("/approve").status_code == 409
    held.settle_down()
    assert (at_stripe(held, "refund"), the(held, Proposal).status) == ([], ends)


def test_what_would_move_otherwise_by_now_is_put_away_instead(held: House, proposed: Holder) -> None:
    held.control("POST", f"stripe/{charge(held)}/refund", {"amount": 1000})
    held.settle_down()
    answer = proposed.sends("/approve")
    assert (answer.status_code, the(held, Proposal).status) == (409, "overtaken")
    assert at_stripe(held, "refund") == [1000]
