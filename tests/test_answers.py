"""The bank is answered once: evidence submitted, or the chargeback not contested; and what becomes of the money."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from discuno import journey, policy
from discuno.accounts import service as accounts
from discuno.accounts.audit import Actor
from discuno.admin import proposals
from discuno.disputes import answer_jobs, answers, jobs
from discuno.disputes.models import Dispute
from discuno.disputes.reports import Upload
from discuno.kit import failpoints
from discuno.kit.db import transaction
from discuno.notifications.models import Alert
from discuno.payments import service as payments
from discuno.payments.models import Payment
from discuno.payouts.models import Transfer
from tests.answering import ANSWER, CLOSE, NOBODY, PDF, WHY, at_the_bank, desk, draft, finally_, staged, told
from tests.bank import (
    at_stripe,
    books,
    charge,
    dispute,
    kept,
    let_it_end,
    lever,
    transferred,
    with_the_mentor,
)
from tests.factories import all_of, subjects, the, work_until_done
from tests.house import House
from tests.signing import AMARA, SECOND_ADMIN, staff

pytestmark = pytest.mark.story


# Submitted


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_the_bank_decides_about_what_was_submitted_and_the_mentor_hears_of_it(
    held: House, outcome: str
) -> None:
    dispute(held)
    words = {"won": "winning_evidence", "lost": "losing_evidence"}[outcome]
    admin = staged(held, uncategorized_text=words)
    assert finally_(held, admin, "submit") == 303
    held.settle_down()
    case = the(held, Dispute)
    assert (case.status, at_the_bank(held)["evidence_details"]["submission_count"]) == (outcome, 1)
    let_it_end(held)
    assert at_stripe(held) == ([5400] if outcome == "won" else [])
    [letter] = [s for s in subjects(held, AMARA) if s.startswith("The bank decided")]
    assert letter.startswith({"won": "The bank decided for us", "lost": "The bank decided for the"}[outcome])
    assert not [s for s in subjects(held, "jun@example.com") if "bank" in s]
    assert case.status.sentence in desk(held).reads()


def test_pressed_often_it_is_submitted_once_and_not_what_nobody_has_read(held: House) -> None:
    dispute(held)
    admin = staged(held)
    assert finally_(held, admin, "submit", seen="77") == 409
    assert finally_(held, admin, "submit", sure="") == 422
    assert finally_(held, admin, "submit", reason=" ") == 422
    for _ in range(3):
        assert finally_(held, admin, "submit", seen="1") == 303
    held.settle_down()
    assert told(held) == [("stage", "made"), ("submit", "made")]
    assert (the(held, Dispute).status, at_the_bank(held)["status"]) == ("waiting", "under_review")
    assert finally_(held, desk(held, SECOND_ADMIN), "accept") == 409
    assert admin.sends("", **draft(held)).status_code == 409


SOON, LATER = timedelta(seconds=6), timedelta(hours=25)


@pytest.mark.parametrize(
    ("what", "action", "later"),
    [
        ("submit", "drop_after", SOON),
        ("submit", "error_after", LATER),
        ("accept", "drop_after", LATER),
        ("accept", "drop_before", SOON),
    ],
    ids=str,
)
def test_an_answer_whose_outcome_was_lost_is_given_once(
    held: House, what: str, action: str, later: timedelta
) -> None:
    dispute(held)
    admin = staged(held)
    held.fault(ANSWER if what == "submit" else CLOSE, action, times=2)  # the SDK itself tries once more
    held.control("POST", "weather/stripe", {"lose": -1})
    assert finally_(held, admin, what) == 303
    held.settle_down()
    assert told(held)[-1] == (what, "requested")
    work_until_done(held, 2, later)
    assert told(held)[-1] == (what, "made")
    counts = at_the_bank(held)["evidence_details"]["submission_count"]
    assert (counts, the(held, Dispute).status) == ((1, "waiting") if what == "submit" else (0, "lost"))


class Killed(BaseException):
    """The process is gone; nothing of it runs on."""


def live_until(house: House, dies_at: int, act: Callable[[], None]) -> list[str]:
    """A worker's life, ended at the so-manieth point of it; the points it has passed."""
    passed: list[str] = []

    def pass_by(point: str) -> None:
        if threading.current_thread() is threading.main_thread():
            passed.append(point)
            if len(passed) == dies_at:
                raise Killed(point)

    failpoints.arm(pass_by)
    try:
        with house.app.app_context():
            act()
    except Killed:
        assert len(passed) == dies_at
    finally:
        failpoints.arm(None)
    return passed


def tell(house: House, act: Callable[[Dispute], Any], case_id: int) -> int:
    """One act of the journey with a case; the number of the row that it made."""
    with house.app.app_context(), transaction():
        return int(act(jobs.locked_case(case_id)).id)


def live_through(house: House, dies_at: int) -> None:
    """A new case is answered with a file, and the worker dies once with the file and once with the evidence."""
    lever(house, f"{charge(house)}/dispute", amount=900)
    house.read(lambda: jobs.follow_dispute(house.stripe("dispute")[-1]["id"]))
    texts, file = {"customer_name": "Jun"}, {"receipt": Upload("receipt.pdf", "application/pdf", PDF)}
    stage = tell(house, lambda case: journey.stage_evidence(case, texts, file, NOBODY), dies_at)
    assert len(live_until(house, dies_at, lambda: answer_jobs.upload_evidence(dies_at))) == dies_at
    work_until_done(house, 2, timedelta(minutes=2))
    assert (told(house)[-1], len(house.stripe("file"))) == (("stage", "made"), dies_at)
    final = tell(house, lambda case: journey.submit_evidence(case, stage, WHY, NOBODY), dies_at)
    assert len(live_until(house, dies_at, lambda: answer_jobs.send_answer(final))) == dies_at
    work_until_done(house, 2, timedelta(minutes=2))
    assert (told(house)[-1], all_of(house, Dispute)[-1].status) == (("submit", "made"), "waiting")


def test_evidence_and_its_file_survive_death_at_every_point_of_their_way(held: House) -> None:
    held.control("POST", "weather/stripe", {"lose": -1})
    for dies_at in range(1, 7):
        live_through(held, dies_at)
    assert [d["evidence_details"]["submission_count"] for d in held.stripe("dispute")] == [1] * 6


def test_what_stripe_refuses_is_shown_and_told_and_can_be_tried_again(held: House) -> None:
    dispute(held)
    admin = staged(held)
    refusal = {"error": {"type": "invalid_request_error", "message": "Not in this form."}}
    held.fault(ANSWER, "error", status=400, body=refusal)
    finally_(held, admin, "submit")
    held.settle_down()
    assert told(held)[-1] == ("submit", "failed")
    assert "Not in this form." in admin.reads()
    assert "Not in this form." in the(held, Alert).words
    assert finally_(held, admin, "submit", seen="1") == 303
    held.settle_down()
    assert told(held)[-1] == ("submit", "made")


def test_an_inquiry_that_was_answered_and_becomes_a_chargeback_is_answered_again(held: House) -> None:
    dispute(held, inquiry=True)
    admin = staged(held, uncategorized_text="escalate_inquiry_evidence")
    assert finally_(held, admin, "accept") == 409, "nothing was taken yet"
    assert finally_(held, admin, "submit") == 303
    held.settle_down()
    case = the(held, Dispute)
    assert (case.status, case.stripe_status, case.is_inquiry) == ("open", "needs_response", False)
    again = admin.sends("", **{**draft(held), "uncategorized_text": "winning_evidence"})
    assert again.status_code == 303
    held.settle_down()
    assert finally_(held, admin, "submit") == 303
    held.settle_down()
    assert (the(held, Dispute).status, at_the_bank(held)["evidence_details"]["submission_count"]) == (
        "won",
        2,
    )


def test_a_bank_that_decides_before_stripe_was_told_ends_the_wish(held: House) -> None:
    case = dispute(held)
    admin = staged(held)
    finally_(held, admin, "submit")
    held.control("POST", f"stripe/{case}/settle", {"outcome": "lost"})
    held.control("POST", "deliveries/flush")
    with held.app.app_context():
        answer_jobs.look_at_dispute(the(held, Dispute).stripe_id)
    held.settle_down()
    assert told(held)[-1] == ("submit", "failed")
    assert answers.TOO_LATE in admin.reads()


# Not contested


def test_a_chargeback_that_is_accepted_is_lost_and_the_share_never_goes(held: House) -> None:
    dispute(held)
    admin = desk(held)
    page = admin.reads("/accept")
    assert "$60.00" in page
    assert "second admin" not in page
    for _ in range(2):
        assert finally_(held, admin, "accept") == 303
    held.settle_down()
    let_it_end(held)
    work_until_done(held, 1, timedelta(hours=2))
    assert (told(held), the(held, Dispute).status) == ([("accept", "made")], "lost")
    assert (at_stripe(held), the(held, Transfer).status, kept(held)) == ([], "cancelled", 0)
    assert (the(held, Payment).status, books(held, "fees")) == ("DISPUTED", 0)


def test_after_the_transfer_an_accepted_chargeback_leaves_nothing_with_the_mentor(held: House) -> None:
    dispute(transferred(held))
    assert finally_(held, desk(held), "accept") == 303
    held.settle_down()
    assert (with_the_mentor(held), books(held, "loss"), books(held, "debt")) == (0, 0, 0)


def test_above_the_limit_two_admins_accept(held: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy.money, "SECOND_ADMIN_ABOVE", 100)
    dispute(held)
    admin = desk(held)
    assert "second admin" in admin.reads("/accept")
    for _ in range(2):
        assert finally_(held, admin, "accept") == 303
    held.settle_down()
    assert told(held) == []
    assert finally_(held, admin, "submit", seen="0") == 409, "one thing after the other"
    assert "Waits" in admin.reads() or "second admin" in admin.reads()
    approve(held, SECOND_ADMIN)
    held.settle_down()
    assert (told(held), the(held, Dispute).status) == ([("accept", "made")], "lost")


def approve(house: House, email: str) -> None:
    """The other admin agrees."""
    staff(house, email)
    with house.app.app_context(), transaction():
        waiting = proposals.of_payment(payments.locked_payment(1))
        user = accounts.by_email(email)
        assert waiting is not None
        assert user is not None
        assert journey.approve(waiting, user, Actor(email))
