"""An admin decides a case: sees what will move, says why, and it is done once, by one or above the limit by two."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from discuno import journey
from discuno.accounts.models import AuditEntry
from discuno.admin.models import Proposal
from discuno.disputes.models import Dispute, DisputeKind
from discuno.disputes.service import CaseSeen
from discuno.kit import clock
from discuno.kit.db import transaction
from discuno.notifications.models import Email
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment, Refund
from tests.deciding import WHY, decider, reported
from tests.factories import all_of, change, the
from tests.house import House
from tests.reporting import after_the_start, attendee, both, mentor, sell_at_once, told
from tests.signing import ADMIN, SECOND_ADMIN, SUPPORT, code_of


@pytest.fixture
def met(house: House) -> House:
    """A report of a session of $60.00 that was held."""
    after_the_start(sell_at_once(house), 15)
    return reported(house)


def warned(house: House, word: str = "actionable") -> None:
    """Stripe tells of an early fraud warning."""
    seen = CaseSeen("issfr_1", True, word, "made_with_stolen_card", clock.now())
    with house.app.app_context(), transaction():
        journey.case_seen(payments.locked_payment(1), DisputeKind.FRAUD_WARNING, seen)


def refunds(house: House) -> list[int]:
    return [refund.amount for refund in all_of(house, Refund)]


def held(house: House) -> int:
    return int(house.read(lambda: ledger.held(payments.locked_payment(1))))


PREVIEWS = [
    ("released", {}, ("$0.00", "$54.00", "$6.00")),
    ("refunded", {}, ("$60.00", "to the card they paid with", "now $54.00")),
    ("partly", {"refund": "20"}, ("$20.00", "$36.00", "now $54.00", "$4.00", "now $6.00")),
    ("split", {"refund": "20", "mentor": "$40"}, ("$20.00", "$40.00", "$0.00", "now $6.00")),
    ("split", {"refund": "0", "mentor": "0"}, ("$0.00", "now $54.00", "$60.00")),
]


@pytest.mark.parametrize(("decision", "amounts", "says"), PREVIEWS, ids=str)
def test_a_preview_says_exactly_what_will_move_and_moves_nothing(
    met: House, decision: str, amounts: dict[str, str], says: tuple[str, ...]
) -> None:
    ada = decider(met)
    query = "&".join(f"{name}={value}" for name, value in amounts.items())
    html = ada.reads(f"/1/decide?decision={decision}&{query}")
    assert [words for words in says if words not in html] == []
    assert "Both sides read it" in html
    assert (the(met, Dispute).status, refunds(met)) == ("open", [])


REFUSED = [
    ("", {}, "Please choose what is decided."),
    ("withdrawn", {}, "Please choose what is decided."),
    ("partly", {"refund": ""}, "Type an amount."),
    ("partly", {"refund": "12,50"}, "Type the amount in USD as a number"),
    ("partly", {"refund": "0"}, "Type more than nothing"),
    ("partly", {"refund": "60"}, "That is all that is left of it"),
    ("partly", {"refund": "60.01"}, "Only $60.00 is left of it."),
    ("split", {"refund": "20", "mentor": "40.01"}, "Both amounts together are more than is left"),
    ("split", {"refund": "20", "mentor": ""}, "Type an amount."),
]


@pytest.mark.parametrize(("decision", "amounts", "sentence"), REFUSED, ids=str)
def test_what_cannot_be_decided_so_is_said_at_its_field(
    met: House, decision: str, amounts: dict[str, str], sentence: str
) -> None:
    ada = decider(met)
    asked = {"decision": decision, **amounts}
    for answer in (
        ada.client.get("/admin/disputes/1/decide", query_string=asked),
        ada.sends("/1/decide", reason=WHY, moves="usd refund 0", nonce="n", **asked),
    ):
        assert (answer.status_code, sentence in answer.text) == (422, True)
        assert all(f'value="{typed}"' in answer.text for typed in amounts.values() if typed)
    assert the(met, Dispute).is_open


def test_a_decision_needs_a_reason_and_a_code_unless_one_was_given_just_now(met: House) -> None:
    ada = decider(met, fresh=False)
    form = ada.looks("partly", refund="20")
    assert "The code of your authenticator app" in ada.reads("/1/decide?decision=partly&refund=20")
    answer = ada.agrees(form, "  ", code=code_of(met))
    assert (answer.status_code, "Please say why" in answer.text) == (422, True)
    answer = ada.agrees(form, code="000000")
    assert (answer.status_code, "&lt;half an hour&gt;." in answer.text) == (
        422,
        True,
    )  # what was typed is there
    assert the(met, Dispute).is_open
    assert ada.agrees(form, code=code_of(met)).status_code == 303
    assert refunds(met) == [2000]


def test_a_decision_is_told_to_both_in_the_words_of_the_reason_and_written_down(met: House) -> None:
    ada = decider(met)
    form = ada.looks("split", refund="20", mentor="30")
    for _ in range(2):  # pressed twice, or gone back and pressed again
        assert ada.agrees(form).status_code == 303
    case = the(met, Dispute)
    assert (case.status, case.decision, case.refund_amount, case.mentor_amount) == (
        "closed",
        "split",
        2000,
        3000,
    )
    assert (refunds(met), held(met)) == ([2000], 4800)  # what the refund takes goes when it is made
    assert told(met, "report:1:decided") == both("report_decided")
    [entry] = [e for e in all_of(met, AuditEntry) if e.action.startswith("report")]
    assert (entry.actor, entry.reason, entry.after) == (ADMIN, WHY, {"refund": 2000, "mentor": 3000})
    html = ada.reads("/1")
    for words in ("$20.00 goes back to the attendee, $30.00 is the mentor’s.", "&lt;half an hour&gt;", ADMIN):
        assert words in html
    jun, amara = attendee(met).reads("/report"), mentor(met).reads()
    assert "$20.00 of your $60.00 goes back" in jun
    assert "$30.00" not in jun  # what the mentor has is not the attendee's to know
    assert "We are returning $20.00 to your card now." in jun
    assert "&lt;half an hour&gt;" in jun
    page = mentor(met).client.get("/dashboard/disputes/1").text
    assert "$20.00 goes back to the attendee, and $30.00 is yours." in page
    assert "By a decision of ours" in amara
    assert "By a decision of ours" not in jun


def test_two_admins_at_once_decide_it_once_and_the_second_is_told_by_whom(met: House) -> None:
    both_at = Barrier(2)
    admins = [decider(met, email) for email in (ADMIN, SECOND_ADMIN)]
    forms = [admins[0].looks("refunded"), admins[1].looks("partly", refund="20")]

    def decide(who: int) -> tuple[int, str]:
        both_at.wait(10)
        answer = admins[who].agrees(forms[who])
        return answer.status_code, answer.text

    with ThreadPoolExecutor(2) as hands:
        answers = sorted(hands.map(decide, range(2)))
    assert [status for status, _ in answers] == [303, 409]
    case = the(met, Dispute)
    assert refunds(met) == [{"refunded": 6000, "partly": 2000}[str(case.decision)]]
    [entry] = [e for e in all_of(met, AuditEntry) if e.action.startswith("report")]
    assert f"Nothing was done: {entry.actor} decided this case on" in answers[1][1]


def test_what_has_changed_since_it_was_seen_is_shown_before_anything_is_done(met: House) -> None:
    ada = decider(met)
    form = ada.looks("partly", refund="20")
    with met.app.app_context(), transaction():
        journey.refund(payments.locked_payment(1), amount=1000, reason="admin", nonce="meanwhile")
    answer = ada.agrees(form)
    assert answer.status_code == 409
    assert "What would move has changed since you looked." in answer.text
    assert "now $45.00" in answer.text
    assert "&lt;half an hour&gt;" in answer.text
    assert (the(met, Dispute).status, refunds(met)) == ("open", [1000])
    assert ada.decides("partly", refund="20").status_code == 303
    assert refunds(met) == [1000, 2000]


def test_above_the_limit_nothing_moves_before_a_second_admin_agrees(met: House) -> None:
    change(met, "UPDATE discuno_payment SET amount = 60000, platform_fee = 6000, mentor_amount = 54000")
    ada, zoe = decider(met), decider(met, SECOND_ADMIN)
    seen_before = zoe.looks("released")
    assert "Propose it" in ada.reads("/1/decide?decision=refunded")
    form = ada.looks("refunded")
    for _ in range(2):  # pressed twice
        assert ada.agrees(form).status_code == 303
    proposal = the(met, Proposal)
    assert (proposal.status, the(met, Dispute).status, refunds(met)) == ("open", "open", [])
    assert "alert" in {mail.template for mail in all_of(met, Email)}
    answer = zoe.agrees(seen_before)
    assert (answer.status_code, "Something else waits" in answer.text) == (409, True)
    assert "See what would move" not in ada.reads("/1")  # first what waits is settled


def test_a_withdrawn_report_overtakes_what_was_proposed(met: House) -> None:
    change(met, "UPDATE discuno_payment SET amount = 60000, platform_fee = 6000, mentor_amount = 54000")
    ada = decider(met)
    form = ada.looks("refunded")
    assert ada.agrees(form).status_code == 303
    assert attendee(met).sends("/report/withdraw").status_code == 303
    assert (the(met, Proposal).status, refunds(met)) == ("overtaken", [])
    answer = ada.agrees(form)
    assert (answer.status_code, "You have withdrawn" in answer.text) == (409, False)
    assert "Nothing was done: attendee decided this case" in answer.text


def test_support_looks_at_what_would_move_and_decides_nothing(met: House) -> None:
    sam = decider(met, SUPPORT)
    assert "Decide it so" not in sam.reads("/1/decide?decision=refunded")
    assert "See what would move" not in sam.reads("/1")
    form = decider(met).looks("refunded")
    for path in ("decide", "claim", "release", "notes"):
        assert sam.sends(f"/1/{path}", reason=WHY, **form).status_code == 403
    assert the(met, Dispute).is_open


# A fraud warning


def test_a_warning_that_was_looked_at_stays_closed_until_stripe_has_another_word_for_it(house: House) -> None:
    sell_at_once(house)
    warned(house)
    ada = decider(house)
    assert "Looked at; the money may go" in ada.reads("/1")
    assert ada.decides("released", "They have booked here for years.").status_code == 303
    warned(house)  # told again
    case = the(house, Dispute)
    assert (case.status, case.decision, the(house, Payment).status) == ("closed", "released", "SUCCEEDED")
    assert told(house, ":decided") == set()  # neither side ever heard of it
    assert "Looked at; the money may go." in ada.reads("/1")
    warned(house, "another")
    case = the(house, Dispute)
    assert (case.status, case.decision, case.decision_reason) == ("open", None, None)


def test_a_warning_can_be_ended_by_returning_everything(house: House) -> None:
    sell_at_once(house)
    warned(house)
    assert decider(house).decides("refunded", "Stolen, by the look of it.").status_code == 303
    assert (the(house, Dispute).decision, refunds(house)) == ("refunded", [6000])


def test_a_chargeback_and_a_review_are_not_decided_here(house: House) -> None:
    sell_at_once(house)
    seen = CaseSeen("prv_1", True, "open", "rule", clock.now())
    with house.app.app_context(), transaction():
        journey.case_seen(payments.locked_payment(1), DisputeKind.REVIEW, seen)
    ada = decider(house)
    assert "A review is closed at Stripe" in ada.reads("/1")
    answer = ada.sends("/1/decide", decision="released", reason=WHY, moves="", nonce="n")
    assert (answer.status_code, the(house, Dispute).status) == (422, "open")
