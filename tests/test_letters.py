"""Every letter says the same in HTML and in plain text, whatever stands in the rows, and is sent once."""

import re
from datetime import timedelta
from html import unescape

import pytest

from discuno.kit import outbox
from discuno.kit.db import transaction
from discuno.notifications import jobs, letters
from discuno.notifications import service as notifications
from discuno.notifications.models import Email
from tests.factories import JUN, all_of, change, paid, someone, subjects, work_until_done
from tests.house import House

SEND = "POST /resend/emails$"
NAME = "O'Neil <b>“Zoë”</b>"
RIGHT_TO_LEFT = "عائشة بنت محمد"
ROWS = (
    "UPDATE discuno_booking SET attendee_name = :name, title = :title, currency = 'jpy', note = :note, "
    "attendee_zone = 'Asia/Kathmandu'",
    "UPDATE discuno_transfer SET currency = 'jpy'",
    "UPDATE discuno_payment SET currency = 'jpy', needs_attention = :note",
    "INSERT INTO discuno_refund (payment_id, amount, currency, reason, status, epoch, created_at, error, nonce, "
    "unknown_count, next_try_at) VALUES (1, 6000, 'jpy', 'test', 'failed', 1, now(), :note, 'x', 0, now())",
    "INSERT INTO discuno_dispute (payment_id, kind, status, is_inquiry, reason, amount, currency, opened_at, due_at, "
    "stripe_id, stripe_status) VALUES (1, 'chargeback', 'open', true, :note, 6000, 'jpy', now(), now(), 'du_1', 'x')",
    "INSERT INTO discuno_transfer_reversal (transfer_id, about, amount, status, epoch, unknown_count, next_try_at, "
    "created_at, error) VALUES (1, 'refund:1', 5400, 'failed', 1, 0, now(), now(), :note)",
    "INSERT INTO discuno_payout (account_id, amount, currency, status, origin, epoch, unknown_count, next_try_at, "
    "created_at, failure_code) VALUES (1, 5400, 'jpy', 'failed', 'mentor', 1, 0, now(), now(), 'account_closed')",
    "UPDATE discuno_mentor_stripe_account SET requirements = '[\"external_account\"]', deadline = now()",
    "INSERT INTO discuno_job (task, args, queue, run_at, created_at, attempts, again, error, dead_at) "
    "VALUES ('act', '{\"booking_id\": 1}', 'mail', now(), now(), 20, false, :note, now())",
)


def readable(html: str) -> str:
    """The words of a page, without its markup."""
    body = re.sub(r"<(style|title)\b.*?</\1>|<[^>]+>", " ", html, flags=re.S)
    return " ".join(unescape(body).split())


@pytest.fixture
def odd_rows(house: House) -> House:
    """One of everything that letters tell of, with names and texts that could break them."""
    paid(house)
    house.settle_down()
    values = {"name": f"{NAME}\r\nBcc: x@example.com", "title": RIGHT_TO_LEFT, "note": "a & b < c\n'd'"}
    for sql in ROWS:
        change(house, sql, **{n: v for n, v in values.items() if f":{n}" in sql})
    return house


def test_every_letter_says_each_of_its_facts_in_both_forms(odd_rows: House) -> None:
    with odd_rows.app.app_context(), transaction():
        ids = {"job_id": max(j.id for j in outbox.rows(outbox.sa.select(outbox.Job)))}
        for template, (about, _) in letters.LETTERS.items():
            words = letters.write(template, {about: ids.get(about, 1)})
            drawn = letters.render(words, "https://discuno.example")
            html, text = readable(drawn.html), " ".join(drawn.text.split())
            said = [
                words.heading,
                words.reason,
                *words.paragraphs,
                *(v for pair in words.facts for v in pair),
            ]
            for sentence in said:
                assert " ".join(sentence.split()) in html, (template, sentence)
                assert " ".join(sentence.split()) in text, (template, sentence)
            assert drawn.subject.isprintable(), template
            assert "<b>“Zoë”" not in drawn.html, template
            assert "$" not in html, f"{template}: yen have no dollars"


def test_times_are_told_in_the_readers_zone_and_in_the_other(odd_rows: House) -> None:
    with odd_rows.app.app_context(), transaction():
        theirs = dict(letters.write("booking_confirmed", {"booking_id": 1}).facts)
        mentors = dict(letters.write("booking_confirmed_mentor", {"booking_id": 1}).facts)
    assert "(Asia/Kathmandu)" in theirs["When"]
    assert theirs["When"] == mentors["In the other time zone"]
    assert theirs["In the other time zone"] == mentors["When"]
    assert theirs["Paid"] == "¥6,000"
    assert mentors["Your share"] == "¥5,400"


def test_a_name_typed_with_line_breaks_reaches_no_header(house: House) -> None:
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1), name="Jun\r\nBcc: all@example.com \u202e\u0007")
    house.settle_down()
    [letter] = house.letters("amara@discuno.example")
    assert letter["subject"] == "Booked: First hello with Jun Bcc: all@example.com"
    assert letter["to"] == ["amara@discuno.example"]
    assert not letter["cc"]
    assert not letter["bcc"]


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "rate_limit"},
        {"action": "error", "status": 500},
        {"action": "drop_after"},
        {"action": "error_after", "status": 502},
    ],
    ids=lambda f: f["action"],
)
def test_a_letter_that_met_trouble_is_sent_once(house: House, fault: dict[str, object]) -> None:
    jun = someone(house)
    house.fault(SEND, times=2, **fault)
    jun.fill_in(jun.hold("amara", offer=1))
    house.settle_down()
    work_until_done(house, 2, timedelta(seconds=20))
    assert subjects(house, JUN) == ["Confirmed: First hello with Amara Okafor"]
    assert len(subjects(house, "amara@discuno.example")) == 1
    assert {str(e.status) for e in all_of(house, Email)} == {"delivered"}


def test_a_letter_that_is_refused_or_never_accepted_is_visibly_not_sent(house: House) -> None:
    refusal = {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}
    house.fault(SEND, "error", status=422, body=refusal)
    house.fault(SEND, "error", status=500, times=-1)
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1))
    for _ in range(outbox.MAX_ATTEMPTS + 1):
        house.work()
        house.advance(outbox.LONGEST_RETRY)
    refused, unaccepted = sorted(all_of(house, Email), key=lambda e: "422" not in (e.error or ""))
    assert (refused.status, refused.error) == ("failed", "422 validation_error: Invalid `to` field.")
    assert (unaccepted.status, "ResendDown" in (unaccepted.error or "")) == ("failed", True)


@pytest.mark.parametrize(
    ("to", "state"), [("bounced@resend.dev", "bounced"), ("complained@resend.dev", "complained")]
)
def test_what_becomes_of_a_letter_is_written_down(house: House, to: str, state: str) -> None:
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1), email=to)
    house.settle_down()
    work_until_done(house, 1, timedelta(seconds=30))
    assert state in {str(e.status) for e in all_of(house, Email)}


def test_the_same_news_told_twice_is_one_letter(house: House) -> None:
    for to in (JUN, JUN.upper(), "amara@discuno.example", JUN):
        with house.app.app_context(), transaction():
            notifications.tell("booking:1:confirmed", to, "booking_confirmed", booking_id=1)
    assert [e.recipient for e in all_of(house, Email)] == [JUN, "amara@discuno.example"]


def test_a_letter_already_sent_is_not_sent_again(house: House) -> None:
    jun = someone(house)
    jun.fill_in(jun.hold("amara", offer=1))
    house.settle_down()
    with house.app.app_context():
        for email in all_of(house, Email):
            jobs.send_letter(email.id)
    assert len(subjects(house, JUN)) == 1
