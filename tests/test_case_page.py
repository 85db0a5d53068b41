"""The page of a case: everything that is known, in one order; who sees to it; notes; and for the staff alone."""

from datetime import timedelta

import pytest

from discuno import journey
from discuno.accounts.models import AuditEntry
from discuno.admin.cases import timeline
from discuno.disputes.models import Dispute, Note
from discuno.disputes.service import ChargebackSeen
from discuno.kit import clock
from discuno.kit.db import session, transaction
from discuno.payments import service as payments
from discuno.payments.models import Payment
from tests import signing
from tests.deciding import decider
from tests.factories import all_of, change, the
from tests.house import House
from tests.plans import asked_by
from tests.reporting import PNG, after_the_start, answering, attendee, sell_at_once
from tests.signing import ADMIN, AMARA, SECOND_ADMIN, SUPPORT, signed_in

NASTY = "<b>I waited</b> for the whole hour."


@pytest.fixture
def told(house: House) -> House:
    """A report with files, and the mentor's answer."""
    after_the_start(sell_at_once(house), 15)
    attendee(house).reports("cut_short", NASTY, files=(("call log.png", PNG), ("log.txt", b"hello")))
    answering(house).sends("/answer", text="We had covered everything.")
    return house


def test_everything_that_is_known_stands_in_one_order(told: House) -> None:
    decider(told).sends("/1/notes", words="Asked for the log.")
    events = told.read(lambda: timeline.of(session().get_one(Payment, 1), "Europe/Paris"))
    assert [event.at for event in events] == sorted(event.at for event in events)
    labels = [event.label for event in events]
    for label in (
        *("A time was chosen", "Terms shown before paying", "Paid $60.00", "Confirmed", "The session"),
        *("Problem report of $60.00", "Said", "The mentor answered", "Note", "In the books: capture"),
        *("The dispute period ends", "Audit: report answered, dispute 1", "Audit: write a note, dispute 1"),
    ):
        assert label in labels, label
    assert {event.kind for event in events} == {
        *("booking", "money", "case", "said", "letter", "note", "audit", "books"),
    }
    [said] = [event for event in events if event.label == "Said"]
    assert (said.who, said.words, [name for name, _ in said.files]) == (
        "Jun Tanaka",
        NASTY,
        ["call log.png", "log.txt"],
    )
    assert [event.label for event in events if event.is_to_come] == ["The dispute period ends"]
    html = decider(told).reads("/1")
    assert "&lt;b&gt;I waited&lt;/b&gt;" in html
    assert "If you release it" in html
    assert "/booking/" not in html  # whoever holds the attendee's link is the attendee


def more(house: House, number: int) -> None:
    """One more of everything that a timeline tells."""
    attendee(house).sends(
        "/report", text=f"And another thing, number {number}.", files=((f"{number}.png", PNG),)
    )
    answering(house).sends("/answer", text=f"That is not so, number {number}.")
    decider(house).sends("/1/notes", words=f"Note {number}.")
    seen = ChargebackSeen(f"du_{number}", "lost", "duplicate", 1, "usd", None, clock.now(), ())
    with house.app.app_context(), transaction():
        journey.refund(payments.locked_payment(1), amount=100, reason="admin", nonce=f"n{number}")
        journey.chargeback_seen(payments.locked_payment(1), seen)


def test_a_long_story_asks_no_more_of_the_database_than_a_short_one(told: House) -> None:
    ada = decider(told)
    more(told, 0)
    short = len(asked_by(told, ada.client, "/admin/disputes/1"))
    for number in range(1, 5):
        more(told, number)
    assert len(asked_by(told, ada.client, "/admin/disputes/1")) <= short


def test_a_file_goes_to_the_staff_alone_and_is_never_drawn(told: House) -> None:
    html = decider(told).reads("/1")
    path = next(part.split('"')[0] for part in html.split('href="') if "/files/" in part[:60])
    answer = decider(told, SUPPORT).client.get(path)
    assert (answer.status_code, answer.data) == (200, PNG)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert signed_in(told, AMARA).get(path).status_code == 404
    assert told.app.test_client().get(path).status_code == 303
    assert decider(told).client.get("/admin/disputes/1/files/nothing").status_code == 404
    assert decider(told).client.get("/admin/disputes/7").status_code == 404


def test_a_case_is_claimed_given_back_and_taken_over_and_each_is_written_down(told: House) -> None:
    ada, zoe = decider(told), decider(told, SECOND_ADMIN)
    for _ in range(2):
        assert ada.sends("/1/claim", seen="").status_code == 303
    assert "Give it back" in ada.reads("/1")
    assert "Yours" in ada.reads("?whose=mine")
    answer = zoe.sends("/1/claim", seen="")  # drawn while it was nobody's
    assert (answer.status_code, "Ada Okonkwo has claimed this case meanwhile." in answer.text) == (409, True)
    assert zoe.sends("/1/release").status_code == 409
    mine = the(told, Dispute).assignee_id
    assert zoe.sends("/1/claim", seen=str(mine)).status_code == 303
    assert ada.sends("/1/claim", seen=str(mine)).status_code == 409
    for _ in range(2):
        assert zoe.sends("/1/release").status_code == 303
    acts = [(e.actor, e.action) for e in all_of(told, AuditEntry) if "case" in e.action]
    assert acts == [
        (ADMIN, "claim a case"),
        (SECOND_ADMIN, "take over a case"),
        (SECOND_ADMIN, "release a case"),
    ]


def test_a_case_that_is_over_is_not_claimed(told: House) -> None:
    ada = decider(told)
    ada.decides("released")
    answer = ada.sends("/1/claim", seen="")
    assert (answer.status_code, "nobody needs to see to it" in answer.text) == (409, True)
    assert "Claim it" not in ada.reads("/1")


def test_a_note_is_kept_once_and_neither_side_sees_it(told: House) -> None:
    ada = decider(told)
    for _ in range(2):
        assert ada.sends("/1/notes", words="<i>Careful</i>\r\nwith this one.").status_code == 303
    assert [note.words for note in all_of(told, Note)] == ["<i>Careful</i>\nwith this one."]
    assert "&lt;i&gt;Careful&lt;/i&gt;" in ada.reads("/1")
    assert "Careful" not in attendee(told).reads("/report") + answering(told).reads()
    for words, sentence in (("  ", "Please write something."), ("x" * 4001, "at most 4,000 characters")):
        answer = ada.sends("/1/notes", words=words)
        assert (answer.status_code, sentence in answer.text) == (422, True)
    assert "x" * 4001 in answer.text


def test_a_chargeback_leads_to_its_evidence_and_to_stripe(house: House) -> None:
    sell_at_once(house)
    due = clock.now() + timedelta(days=7)
    seen = ChargebackSeen("du_9", "needs_response", "product_not_received", 6000, "usd", due, clock.now(), ())
    with house.app.app_context(), transaction():
        journey.chargeback_seen(payments.locked_payment(1), seen)
    html = decider(house).reads("/1")
    for words in (
        "The session did not take place",
        'href="/admin/disputes/1/evidence"',
        "https://dashboard.stripe.com/test/disputes/du_9",
        "Stripe’s deadline for evidence",
        "We answer by",
    ):
        assert words in html, words
    for words in ("See what would move", "If you release it"):  # the bank alone decides where the money goes
        assert words not in html


def test_the_terms_are_those_that_were_shown_and_not_todays(told: House) -> None:
    assert any("Free cancellation until 24 hours before" in line for line in the(told, Payment).terms_shown)
    change(told, """UPDATE discuno_payment SET metadata = '{"terms": ["Ninety hours before."]}'""")
    html = signing.staff(told).get("/admin/disputes/1").text
    assert "Ninety hours before." in html
    assert "Free cancellation until 24 hours before" not in html
