"""The mentor's page of a case: a report and its answer, and a chargeback as far as a mentor may know."""

import pytest

from discuno.accounts.models import AuditEntry
from discuno.disputes.models import Dispute, DisputeFile, DisputeMessage
from tests.bank import dispute, settle
from tests.factories import all_of, change, the
from tests.house import House
from tests.reporting import PNG, SAID, Holder, after_the_start, answering, attendee, mentor, sell_at_once
from tests.signing import AMARA, OWEN, signed_in

pytestmark = pytest.mark.story

HERE = "I was in the room for the whole hour."


@pytest.fixture
def met(house: House) -> House:
    """A paid session that began a little while ago, and about which a problem was reported."""
    after_the_start(sell_at_once(house))
    attendee(house).reports(files=(("room.png", PNG),))
    return house


def decide(house: House, how: str) -> None:
    args = ["decide-report", "1", how, "--reason", "The log shows <the whole hour>."]
    assert house.app.test_cli_runner().invoke(args=args).exit_code == 0


def test_it_tells_the_story_the_deadline_and_what_happens_without_an_answer(met: House) -> None:
    html = answering(met).reads()
    for words in (
        SAID,
        "room.png",
        "Please answer by",
        "(America/New_York)",
        "the payment is returned in full",
    ):
        assert words in html
    assert "/dashboard/disputes/1" in mentor(met).reads()
    assert 'href="/dashboard/bookings" aria-current="page"' in html


def test_an_answer_with_words_and_a_file_is_kept_once_and_written_down(met: House) -> None:
    amara = answering(met)
    for _ in range(2):
        sent = amara.sends("/answer", stand="there", text=HERE, files=(("log.txt", b"12:00 here"),))
        assert sent.status_code == 303
    assert [m.words for m in all_of(met, DisputeMessage)] == [SAID, HERE]
    acts = [e for e in all_of(met, AuditEntry) if e.actor == AMARA]
    assert [(e.action, e.about, e.after) for e in acts] == [
        ("report answered", "dispute:1", {"agrees": False, "files": 1})
    ]
    html = amara.reads()
    for words in ("You have answered", HERE, "log.txt", "Add something"):
        assert words in html


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("released", ("Decided: released", "The mentor keeps the payment.")),
        ("refunded", ("Decided: refunded", "The payment goes back to the attendee.")),
    ],
)
def test_the_outcome_is_told_with_its_reason_and_nothing_more_is_asked(
    met: House, how: str, words: tuple[str, ...]
) -> None:
    decide(met, how)
    html = answering(met).reads()
    for each in (*words, "The log shows &lt;the whole hour&gt;.", SAID):
        assert each in html
    assert "/answer" not in html


def test_an_answer_meant_for_an_earlier_report_does_not_land_in_a_later_one(met: House) -> None:
    attendee(met).sends("/report/withdraw")
    attendee(met).reports("cut_short", text="It was over after a minute.")
    late = answering(met, 1).sends("/answer", text=HERE)
    assert (late.status_code, "decided meanwhile" in late.text, HERE in late.text) == (409, True, True)
    assert len(all_of(met, DisputeMessage)) == 2
    assert answering(met, 2).sends("/answer", text=HERE).status_code == 303


def test_nobody_elses_case_is_there(met: House) -> None:
    public_id = the(met, DisputeFile).public_id
    for path in (
        "/dashboard/disputes/1",
        f"/dashboard/disputes/1/files/{public_id}",
        "/dashboard/disputes/2",
    ):
        assert signed_in(met, OWEN).get(path).status_code == 404
        assert met.app.test_client().get(path).location.startswith("/sign-in?next=")
    assert answering(met, email=OWEN).sends("/answer", stand="not_there", text="").status_code == 404
    stranger = Holder(met.app.test_client(), "/dashboard/disputes/1")
    assert stranger.sends("/answer", stand="not_there", text="").status_code == 404
    assert the(met, Dispute).status == "open"


@pytest.mark.parametrize("kind", ["fraud_warning", "review"])
def test_a_warning_is_ours_to_look_at(met: House, kind: str) -> None:
    change(met, "UPDATE discuno_dispute SET kind = :kind", kind=kind)
    assert answering(met).client.get("/dashboard/disputes/1").status_code == 404


CHARGEBACKS = [
    ("open", True, "The bank of the cardholder asks about this payment of $60.00."),
    ("open", False, "the bank has taken it back while it decides"),
    ("waiting", False, "It alone decides, which can take months."),
    ("won", False, "The bank decided for us"),
    ("lost", False, "It has given $60.00 back to its customer."),
    ("closed", True, "No money was taken."),
]


@pytest.mark.parametrize(("status", "is_inquiry", "words"), CHARGEBACKS)
def test_a_chargeback_is_told_in_words_and_there_is_nothing_to_answer_here(
    met: House, status: str, is_inquiry: bool, words: str
) -> None:
    change(
        met,
        "UPDATE discuno_dispute SET kind = 'chargeback', status = :status, is_inquiry = :q, reason = 'fraudulent', "
        "stripe_id = 'du_1', stripe_status = 'needs_response', due_at = NULL",
        status=status,
        q=is_inquiry,
    )
    html = answering(met).reads()
    assert words in html
    for secret in ("fraudulent", "du_1", "needs_response", SAID, "/answer"):
        assert secret not in html
    assert answering(met).sends("/answer", text=HERE).status_code == 404


def test_a_chargeback_is_followed_to_its_end_on_the_mentors_pages(held: House) -> None:
    case = dispute(held)
    assert "The bank decides about this payment" in mentor(held).reads()
    settle(held, case, "lost")
    assert "The bank decided for the cardholder" in answering(held).reads()
