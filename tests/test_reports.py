"""An attendee reports a problem by the booking's link: until when, with what, and what the page says afterwards."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from discuno.accounts.models import AuditEntry
from discuno.bookings import links
from discuno.bookings.models import Booking, Party
from discuno.disputes import reports, uploads
from discuno.disputes.jobs import close_unanswered
from discuno.disputes.models import Dispute, DisputeFile, DisputeMessage
from discuno.kit import links as signed
from discuno.kit.db import db, locked, transaction
from discuno.notifications.models import Email
from discuno.payments.models import Payment, Refund
from tests.factories import all_of, change, someone, the
from tests.house import House
from tests.reporting import (
    AMARA,
    PNG,
    SAID,
    after_the_start,
    answering,
    attendee,
    audited,
    both,
    decided,
    mentor,
    sell_at_once,
    told,
)
from tests.signing import OWEN, signed_in

ABSENT, SHORT = "The mentor did not come", "The session was much shorter than booked"


@pytest.fixture
def held(house: House) -> House:
    """A confirmed, paid session."""
    return sell_at_once(house)


@pytest.fixture
def met(held: House) -> House:
    """One that began a quarter of an hour ago."""
    after_the_start(held, 15)
    return held


def test_only_what_can_be_known_yet_can_be_said(held: House) -> None:
    jun = attendee(held)
    assert ABSENT not in jun.reads("/report")
    refused = jun.reports()
    assert (refused.status_code, "Please choose what went wrong." in refused.text) == (422, True)
    after_the_start(held, 9.9)
    assert ABSENT not in jun.reads("/report")
    after_the_start(held, 10)
    html = jun.reads("/report")
    assert ABSENT in html
    assert SHORT in html
    assert "(Europe/Paris)" in html
    for sentence in ("Your $60.00 stays with us", "Amara has 48 hours", "you are refunded in full"):
        assert sentence in html
    assert all_of(held, Dispute) == []


WRONG = [
    ({"reason": ""}, "Please choose what went wrong."),
    ({"reason": "made up"}, "Please choose what went wrong."),
    ({"text": "  too short  "}, None),
    ({"text": " short\r\n"}, "Please say what happened, in at least 10 characters."),
    ({"text": "x" * 4001}, "Please use at most 4,000 characters."),
]


def test_a_form_that_is_wrong_is_shown_again_and_keeps_nothing(met: House) -> None:
    jun = attendee(met)
    for form, sentence in WRONG:
        if sentence is not None:
            answer = jun.reports(**form)
            assert (answer.status_code, sentence in answer.text) == (422, True), form
    answer = jun.reports(files=(("a.png", PNG), ("b.png", b"MZ\0")))
    assert answer.status_code == 422
    assert "“b.png” is not a PDF" in answer.text
    assert SAID in answer.text
    assert 'value="mentor_absent" id="field-reason" checked' in answer.text
    answer = jun.reports(text="short", files=(("a.png", PNG),))
    assert "Please choose your files again" in answer.text
    assert all_of(met, Dispute) == all_of(met, DisputeFile) == []


def test_a_report_is_told_to_all_and_its_story_is_shown_to_both(met: House) -> None:
    jun, amara = attendee(met), answering(met)
    nasty = "<b>I waited</b>\r\nand nobody came."
    assert jun.reports(text=nasty, files=(("screen.png", PNG), ("log.txt", b"hello"))).status_code == 303
    for page in (jun.reads("/report"), amara.reads()):
        assert "&lt;b&gt;I waited&lt;/b&gt;\nand nobody came." in page
        assert ABSENT in page
        assert "screen.png" in page
        assert "stays with us" in page
    assert "Please answer by" in amara.reads()
    assert "(America/New_York)" in amara.reads()
    assert [m.words for m in all_of(met, DisputeMessage)] == [nasty.replace("\r", "")]
    case = the(met, Dispute)
    assert (case.amount, case.reason, the(met, Payment).status) == (6000, "mentor_absent", "DISPUTED")
    assert the(met, Booking).mentor_absent_at is not None
    told = {(e.template, e.recipient) for e in all_of(met, Email) if e.event.startswith("report:")}
    assert told == {
        ("report_filed", "jun@example.com"), ("report_filed_mentor", AMARA), ("case_admin", "admin"),
    }  # fmt: skip


def test_pressed_twice_it_is_said_once_and_more_can_be_added_while_it_is_open(met: House) -> None:
    jun, amara = attendee(met), answering(met)
    for _ in range(2):
        jun.reports(files=(("a.png", PNG),))
    assert len(all_of(met, DisputeMessage)) == len(all_of(met, DisputeFile)) == 1
    jun.sends("/report", text="I have found the log of the call.", files=(("log.txt", b"12:00 waiting"),))
    jun.sends("/report", text="I have found the log of the call.", files=(("log.txt", b"12:01 waiting"),))
    amara.sends("/answer", stand="there", text="I was in the room.")
    jun.reports(text="I have found the log of the call.")
    said = [(m.by, m.words) for m in all_of(met, DisputeMessage)]
    found = ("attendee", "I have found the log of the call.")
    assert said == [("attendee", SAID), found, found, ("mentor", "I was in the room."), found]
    assert len(all_of(met, Dispute)) == 1


def test_the_command_line_decides_no_more_than_one_admin_may(met: House) -> None:
    attendee(met).reports("cut_short")
    change(met, "UPDATE discuno_dispute SET amount = 50001")
    decide = ["decide-report", "1", "released", "--reason", "The log says so."]
    answer = met.app.test_cli_runner().invoke(args=decide)
    assert (answer.exit_code, "see /admin/disputes/1" in answer.output) == (1, True)
    assert the(met, Dispute).is_open


def test_what_a_person_has_decided_is_not_opened_again(met: House) -> None:
    jun = attendee(met)
    jun.reports("cut_short")
    run = met.app.test_cli_runner()
    decide = ["decide-report", "1", "released", "--reason", "The log shows <the whole hour>."]
    assert "Decided: $60.00 released" in run.invoke(args=decide).output
    again = run.invoke(args=decide)
    assert (again.exit_code, "decided already" in again.output) == (1, True)
    assert "no report 7" in run.invoke(args=["decide-report", "7", "refunded", "--reason", "x"]).output
    answer = jun.reports("other")
    assert (answer.status_code, len(all_of(met, Dispute))) == (409, 1)
    html = jun.reads("/report")
    assert "The log shows &lt;the whole hour&gt;." in html
    assert "The mentor keeps the payment" in html
    assert "Ask the bank" in html
    page = jun.reads()
    assert "and then goes to the mentor" in page
    assert "tell us before then" not in page
    assert "Decided: released" in mentor(met).reads()
    [entry] = [e for e in all_of(met, AuditEntry) if e.about == "dispute:1"]
    assert (entry.actor, entry.action, entry.reason) == ("operator", "report released", decide[-1])


def test_a_mentor_who_agrees_has_decided_it_at_once(met: House) -> None:
    attendee(met).reports()
    amara = answering(met)
    for _ in range(2):
        assert amara.sends("/answer", stand="not_there", text="").status_code == 303
    assert decided(met) == ("refunded", "closed", "SUCCEEDED")
    assert audited(met) == [(AMARA, "report answered"), (AMARA, "report refunded")]
    assert told(met, "report:1:decided") == both("report_decided")
    assert [(r.amount, str(r.status)) for r in all_of(met, Refund)] == [(6000, "requested")]
    assert "We are returning it to your card now." in attendee(met).reads("/report")


def test_other_reports_wait_for_a_person_whatever_the_mentor_does_not_say(met: House) -> None:
    attendee(met).reports("cut_short")
    met.advance(timedelta(hours=48))
    with met.app.app_context():
        close_unanswered(1)
    assert decided(met) == (None, "open", "DISPUTED")
    assert told(met, ":unanswered") == {("report_unanswered_admin", "admin")}
    assert "has not answered in time" in attendee(met).reads("/report")
    assert answering(met).sends("/answer", stand="not_there", text=SAID).status_code == 303
    assert decided(met) == (None, "open", "DISPUTED")  # nobody asked whether they were there


def test_nobody_fills_the_house_with_words(met: House) -> None:
    jun, amara = attendee(met), answering(met)
    jun.reports()
    with met.app.app_context(), transaction():
        for number in range(19):
            for by in (Party.ATTENDEE, Party.MENTOR):
                reports.say(locked(Dispute, 1), by, str(number))
    assert amara.sends("/answer", stand="there", text=SAID).status_code == 303
    for holder, path in ((jun, "/report"), (amara, "/answer")):
        answer = holder.sends(path, text="There is even more to be said.", stand="there")
        assert (answer.status_code, "Please write to us by e-mail" in answer.text) == (409, True)
    assert len(all_of(met, DisputeMessage)) == 40


def test_a_file_is_served_to_both_sides_and_to_nobody_else_and_never_drawn(met: House) -> None:
    jun, amara = attendee(met), answering(met)
    jun.reports(files=(("été <b>.html", b"<script>alert(1)</script>"),))
    public_id = the(met, DisputeFile).public_id
    for holder, path in ((jun, "/report/files"), (amara, "/files")):
        answer = holder.client.get(f"{holder.path}{path}/{public_id}")
        assert (answer.status_code, answer.data) == (200, b"<script>alert(1)</script>")
        headers = answer.headers
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert headers["Content-Disposition"].startswith("attachment; filename")
        assert "%C3%A9t%C3%A9%20%3Cb%3E.html.txt" in headers["Content-Disposition"]
        assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    sell_at_once(met, days=4)
    for holder, path in ((attendee(met, 2), "/report/files"), (answering(met, 1, OWEN), "/files")):
        assert holder.client.get(f"{holder.path}{path}/{public_id}").status_code == 404
        assert holder.client.get(f"{holder.path}{path}/unknown").status_code == 404


def test_a_body_beyond_all_bounds_is_refused_with_what_is_accepted(met: House) -> None:
    jun = attendee(met)
    jun.reports()
    amara, most = answering(met), uploads.MAX_BODY + 1
    tried = [(jun, "/report", most), (jun, "/report/withdraw", 70_000), (amara, "/answer", most)]
    for who, path, size in tried:
        given = {"CONTENT_LENGTH": str(size)}
        answer = who.client.post(who.path + path, data={"x": "y"}, environ_overrides=given)
        assert answer.status_code == 413, path
        assert "at most 5 files of at most 5 MB each" in answer.text
    assert len(all_of(met, DisputeMessage)) == 1


class Unread:
    """A body that nobody may touch."""

    def read(self, *_: int) -> bytes:
        raise AssertionError("the body was read")

    readline = read


@pytest.mark.parametrize("path", ["/booking/forged/report", "/dashboard/disputes/1/answer"])
def test_the_body_of_a_stranger_is_not_even_read(met: House, path: str) -> None:
    attendee(met).reports()
    for stranger in (met.app.test_client(), signed_in(met, OWEN)):
        for body in (1000, uploads.MAX_BODY):
            given = {"CONTENT_LENGTH": str(body), "wsgi.input": Unread()}
            assert stranger.post(path, environ_overrides=given).status_code == 404


def test_without_money_there_are_words_instead_of_a_form(house: House) -> None:
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1))
    house.settle_down()
    free = attendee(house)
    html = free.reads("/report")
    assert "This session is free" in html
    assert "<form" not in html
    assert free.reports().status_code == 409
    assert "This session is free" in mentor(house).reads()


def test_a_cancelled_session_has_nothing_to_report(held: House) -> None:
    mentor(held).sends("/cancel", reason="I am ill.")
    jun = attendee(held)
    assert "There is nothing to report" in jun.reads("/report")
    assert jun.reports("other").status_code == 409
    assert all_of(held, Dispute) == []


def test_two_reports_at_once_are_one(met: House) -> None:
    together = threading.Barrier(2)

    def press(number: int) -> int:
        jun = attendee(met)
        together.wait()
        return jun.reports(text=f"Report number {number}.").status_code

    with ThreadPoolExecutor(2) as hands:
        assert list(hands.map(press, range(2))) == [303, 303]
    assert len(all_of(met, DisputeMessage)) == 2
    assert the(met, Dispute).status == "open"


OPENED = """INSERT INTO discuno_dispute
(payment_id, kind, status, is_inquiry, reason, amount, currency, opened_at, due_at)
SELECT 1, 'report', 'open', false, 'other', 6000, 'usd', t, t FROM discuno_now() t"""
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def test_a_report_that_the_database_refuses_is_added_to_the_one_that_was_quicker(met: House) -> None:
    with met.app.app_context(), ThreadPoolExecutor(1) as hand, db.engine.connect() as quicker:
        quicker.execute(sa.text(OPENED))
        slower = hand.submit(lambda: attendee(met).reports())
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watch:
            while not watch.execute(sa.text(WAITS)).scalar_one():
                assert not slower.done()
        quicker.commit()
        assert slower.result(30).status_code == 303
    assert [m.words for m in all_of(met, DisputeMessage)] == [SAID]
    assert the(met, Dispute).reason == "other"


def test_no_other_link_opens_anything(met: House) -> None:
    jun = attendee(met)
    sell_at_once(met, days=4)
    mentors = met.read(lambda: signed.seal(links.MENTOR, {"b": the_first(met).public_id, "v": 1}))
    change(met, "UPDATE discuno_booking SET manage_token_version = 2 WHERE id = 1")
    good = jun.path.split("/")[2]
    # the last letter of a signature says only part of a byte, so another one is changed
    forged = good[:-9] + ("A" if good[-9] != "A" else "B") + good[-8:]
    tried = 0
    for rule in met.app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] != "reports":
            continue
        for token, status in ((good, 410), (forged, 404), (mentors, 404), ("x", 404)):
            path = str(rule).replace("<token>", token).replace("<public_id>", "x")
            jun.path = path
            for method in (rule.methods or set()) & {"GET", "POST"}:
                answer = jun.client.get(path) if method == "GET" else jun.sends("", text=SAID)
                assert answer.status_code == status, (method, rule)
                tried += 1
    assert tried == 4 * 4
    assert all_of(met, Dispute) == []


def the_first(house: House) -> Booking:
    return all_of(house, Booking)[0]


def test_the_pages_are_kept_by_nobody(met: House) -> None:
    attendee(met).reports()
    pages = [(attendee(met), "/report"), (mentor(met), ""), (mentor(met), "/cancel"), (answering(met), "")]
    for who, path in pages:
        headers = who.client.get(who.path + path).headers
        assert (headers["Cache-Control"], headers["X-Robots-Tag"].split(",")[0]) == ("no-store", "noindex")
        assert headers["Referrer-Policy"] == "no-referrer"
