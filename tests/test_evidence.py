"""What a bank is told of a payment: drafted from our rows, staged at Stripe, with files, by an admin alone."""

import re
from datetime import timedelta

import pytest

from discuno.disputes import answers, evidence
from discuno.disputes.models import Dispute, EvidenceFile
from discuno.notifications.models import Alert
from discuno.payments.models import Payment
from tests.answering import (
    PDF,
    UPLOAD,
    WHY,
    at_the_bank,
    desk,
    draft,
    finally_,
    staged,
    told,
)
from tests.bank import (
    another,
    charge,
    dispute,
    let_it_end,
    lever,
    settle,
)
from tests.factories import all_of, change, the, work_until_done
from tests.house import House
from tests.reporting import PNG, Holder, after_the_start, attendee
from tests.signing import AMARA, SUPPORT, code_of, staff

pytestmark = pytest.mark.story


# Drafted


def test_the_draft_says_what_our_rows_say_and_the_admin_changes_it(held: House) -> None:
    dispute(held, reason="fraudulent")
    let_it_end(held)
    text = draft(held)
    assert (text["customer_name"], text["customer_email_address"]) == ("Jun Tanaka", "jun@example.com")
    assert "one session of" in text["product_description"]
    assert "$60.00" in text["product_description"]
    log = text["access_activity_log"]
    for line in ("A time was chosen", "Paid by card: $60.00", "Confirmed", "sent to jun@example.com"):
        assert line in log
    assert AMARA not in log, "what we wrote to the mentor is nothing for the bank"
    assert "please compare them" in text["uncategorized_text"]
    page = desk(held).reads()
    assert "The cardholder did not make this payment" in page
    assert page.count(">There</span>") >= 3
    assert page.count(">Missing</span>") >= 1


def test_every_reason_has_a_draft_within_stripes_limits(held: House) -> None:
    dispute(held)
    for reason in (*evidence.HELPS, "general"):
        change(held, "UPDATE discuno_dispute SET reason = :reason", reason=reason)
        text = draft(held)
        assert text["uncategorized_text"]
        assert set(text) <= {field.name for field in evidence.TEXTS}
        assert all(0 < len(words) <= evidence.LONGEST for words in text.values())
        assert set(evidence.helps(the(held, Dispute))) <= evidence.LABELS.keys()


def test_charged_twice_the_draft_names_the_other_charge(held: House) -> None:
    another(held)
    dispute(held, reason="duplicate")
    first, second = all_of(held, Payment)
    text = draft(held)
    assert (text["duplicate_charge_id"], first.id) == (second.stripe_charge_id, 1)
    assert "for two sessions" in text["duplicate_charge_explanation"]


# Staged


def test_what_is_staged_lies_at_stripe_and_the_bank_has_not_seen_it(held: House) -> None:
    dispute(held)
    admin = staged(held, uncategorized_text="winning_evidence")
    bank = at_the_bank(held)
    assert (bank["status"], bank["evidence_details"]["submission_count"]) == ("needs_response", 0)
    assert bank["evidence"]["uncategorized_text"] == "winning_evidence"
    again = admin.sends("", **{**draft(held), "uncategorized_text": "winning_evidence"})
    assert again.status_code == 303
    assert told(held) == [("stage", "made")], "the same again is nothing new"
    assert "the bank has not seen it yet" in admin.reads()


def test_what_stripe_would_not_take_is_refused_on_the_page_and_nothing_typed_is_lost(held: House) -> None:
    dispute(held)
    admin = desk(held)
    long = "x" * (evidence.LONGEST + 1)
    answer = admin.sends("", product_description=long, customer_name="Kept as typed")
    assert answer.status_code == 422
    assert "20,001" in answer.text
    assert "Kept as typed" in answer.text
    assert long in answer.text
    filled = {field.name: "x" * evidence.LONGEST for field in evidence.TEXTS}
    answer = admin.sends("", **filled)
    assert answer.status_code == 422
    assert "240,000 characters; Stripe takes 150,000" in answer.text
    assert admin.sends("").status_code == 422
    assert told(held) == []


def test_what_lies_at_stripe_can_be_changed_and_not_taken_away(held: House) -> None:
    dispute(held)
    admin = staged(held)
    answer = admin.sends("", **{**draft(held), "customer_name": ""})
    assert (answer.status_code, answers.STAYS in answer.text) == (422, True)
    assert admin.sends("", **{**draft(held), "customer_name": "Jun T."}).status_code == 303
    held.settle_down()
    assert at_the_bank(held)["evidence"]["customer_name"] == "Jun T."


# Files


def test_a_file_is_handed_over_before_the_evidence_that_names_it(held: House) -> None:
    dispute(held)
    admin = desk(held)
    answer = admin.sends("", (("letters.pdf", PDF),), "customer_communication", **draft(held))
    assert answer.status_code == 303
    held.settle_down()
    [file], bank = held.stripe("file"), at_the_bank(held)
    assert (file["purpose"], file["filename"], file["size"]) == (
        "dispute_evidence",
        "evidence-1.pdf",
        len(PDF),
    )
    assert bank["evidence"]["customer_communication"] == file["id"]
    got = admin.client.get(f"{admin.path}/files/1")
    assert (got.data, got.headers["Content-Disposition"]) == (PDF, "attachment; filename=letters.pdf")
    admin.sends("", (("again.pdf", PDF + b"!"),), "customer_communication", **draft(held))
    held.settle_down()
    assert at_the_bank(held)["evidence"]["customer_communication"] == held.stripe("file")[1]["id"]
    assert [f.name for f in all_of(held, EvidenceFile)] == ["again.pdf"]


REFUSED = (
    ("page.html", b"<html>\xff", "is not a PDF"),
    ("notes.txt", b"plain words", "has to be a PDF, PNG or JPEG"),
    ("big.pdf", b"%PDF-" + b"0" * evidence.MOST_BYTES, "is larger than 5 MB"),
)


def test_a_file_that_no_bank_takes_is_refused(held: House) -> None:
    dispute(held)
    admin, text = desk(held), draft(held)
    for name, content, words in REFUSED:
        answer = admin.sends("", ((name, content),), "receipt", **text)
        assert answer.status_code == 422
        assert words in answer.text
    assert (all_of(held, EvidenceFile), told(held)) == ([], [])


def test_a_file_that_came_with_a_report_can_be_shown_to_the_bank(held: House) -> None:
    after_the_start(held)
    attendee(held).sends("/report", (("proof.png", PNG), ("notes.txt", b"words")), reason="other", text=WHY)
    held.settle_down()
    dispute(held)
    admin = Holder(staff(held), "/admin/disputes/2/evidence")
    page = admin.reads()
    assert "proof.png" in page
    assert "notes.txt" not in page
    [public_id] = re.findall(r'option value="([^"]+)">proof.png', page)[:1]
    assert admin.sends("", customer_name="Jun", use_receipt=public_id).status_code == 303
    held.settle_down()
    assert at_the_bank(held)["evidence"]["receipt"] == held.stripe("file")[0]["id"]


def test_all_files_together_are_at_most_what_stripe_takes(held: House) -> None:
    dispute(held)
    admin, half = desk(held), b"%PDF-" + b"0" * (evidence.MOST_BYTES // 2)
    assert admin.sends("", (("one.pdf", half),), "receipt", **draft(held)).status_code == 303
    held.settle_down()
    answer = admin.sends("", (("two.pdf", half),), "uncategorized_file", **draft(held))
    assert answer.status_code == 422
    assert answers.TOO_LARGE in answer.text
    assert [f.name for f in all_of(held, EvidenceFile)] == ["one.pdf"]


def test_a_file_that_stripe_refuses_fails_the_evidence_with_its_words_and_can_be_replaced(
    held: House,
) -> None:
    dispute(held)
    refusal = {"error": {"type": "invalid_request_error", "message": "It cannot be read."}}
    held.fault(UPLOAD, "error", status=400, body=refusal)
    admin = desk(held)
    admin.sends("", (("letters.png", PNG),), "receipt", **draft(held))
    work_until_done(held, 2, timedelta(seconds=20))
    assert told(held) == [("stage", "failed")]
    assert admin.reads().count("It cannot be read.") >= 2
    assert [str(a.kind) for a in all_of(held, Alert)] == ["case"]
    admin.sends("", (("letters.png", PNG),), "receipt", **draft(held))
    held.settle_down()
    assert told(held)[-1] == ("stage", "made")
    assert the(held, Alert).ended_at is not None


# Who may


def test_support_reads_it_all_and_changes_nothing(held: House) -> None:
    dispute(held)
    staged(held)
    support = desk(held, SUPPORT)
    assert '<form class="card' not in support.reads()
    assert "As the bank reads it" in support.reads("/submit")
    assert support.sends("", **draft(held)).status_code == 404  # a large body of theirs is not even read
    assert [finally_(held, support, how) for how in ("submit", "accept")] == [403, 403]
    assert told(held) == [("stage", "made")]


def test_a_code_is_asked_for_before_the_last_button_does_anything(held: House) -> None:
    dispute(held)
    staged(held)
    late = desk(held, fresh=False)
    assert finally_(held, late, "submit") == 422
    assert finally_(held, late, "submit", code="000000") == 422
    assert told(held) == [("stage", "made")]
    assert finally_(held, late, "submit", code=code_of(held)) == 303


def test_there_is_such_a_page_for_chargebacks_alone(held: House) -> None:
    assert desk(held).client.get("/admin/disputes/1/evidence").status_code == 404
    lever(held, f"{charge(held)}/fraud_warning")
    assert desk(held).client.get("/admin/disputes/1/evidence").status_code == 404


def test_what_the_bank_has_closed_is_shown_as_it_was_told(held: House) -> None:
    case = dispute(held)
    admin = staged(held, uncategorized_text="Our <b>account</b> of it.")
    settle(held, case, "lost")
    page = admin.reads()
    assert "Our &lt;b&gt;account&lt;/b&gt; of it." in page
    assert "Save and stage" not in page
    assert admin.client.get(f"{admin.path}/submit").status_code == 303
