"""Every letter says the same in HTML and in plain text, and what it must say, whatever stands in the rows."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from inspect import getdoc
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from discuno.bookings.models import Booking, Party
from discuno.kit import outbox
from discuno.kit.db import transaction
from discuno.kit.text import one_line
from discuno.notifications import letters
from discuno.payments.models import Refund
from tests.factories import change, paid
from tests.house import ROOT, House

NAME = "O'Neil <b>“Zoë”</b> {{ 7331*1337 }} " + "x" * 120
RIGHT_TO_LEFT = "عائشة بنت محمد"
NOTE = "a & b < c\n'd' \u202e=HYPERLINK(\"x\") <script>alert(1)</script>"
STARTS = datetime(2027, 1, 5, 18, 0, tzinfo=UTC)  # 13:00 in New York, 23:45 in Kathmandu
ROWS = (
    "UPDATE discuno_booking SET attendee_name = :name, title = :title, currency = 'jpy', note = :note, "
    "attendee_zone = 'Asia/Kathmandu', during = tstzrange(:starts, :ends), keeps = tstzrange(:starts, :ends), "
    "cancelled_by = 'mentor', cancelled_at = now(), cancel_reason = :note, attendee_absent_at = now(), "
    "near_starts = ARRAY[:ends ::timestamptz], meeting_url = 'https://meet.example/abc'",
    "INSERT INTO discuno_booking_change (booking_id, at, by, kind, words, before, after) "
    "VALUES (1, now(), 'attendee', 'moved', '', :before, :starts)",
    "INSERT INTO discuno_alert (kind, cause, words, path, times, began_at, seen_at) "
    "VALUES ('payment', 'payment:1:x', :note, '/admin/payments/1', 1, now(), now())",
    "INSERT INTO discuno_link_request (email, asked_at) VALUES ('jun@example.com', now())",
    "INSERT INTO discuno_audit_entry (at, actor, action, about, reason) VALUES (now(), 'x', 'x', 'calcom:b', :note)",
    "INSERT INTO discuno_drift (kind, about, ours, theirs, first_seen_at, last_seen_at) "
    "VALUES ('unknown_transfer', :note, '-', '-', to_timestamp(1), now())",
    "UPDATE discuno_transfer SET currency = 'jpy'",
    "UPDATE discuno_payment SET currency = 'jpy', needs_attention = :note",
    "INSERT INTO discuno_refund (payment_id, amount, currency, reason, status, epoch, created_at, error, nonce, "
    "unknown_count, next_try_at) "
    "VALUES (1, 6000, 'jpy', 'booking_cancelled', 'failed', 1, now(), :note, 'x', 0, now())",
    "INSERT INTO discuno_refund (payment_id, amount, currency, reason, status, epoch, created_at, nonce, "
    "unknown_count, next_try_at) VALUES (1, 6000, 'jpy', 'report:3', 'succeeded', 1, now(), 'y', 0, now())",
    "INSERT INTO discuno_dispute (payment_id, kind, status, is_inquiry, reason, amount, currency, opened_at, due_at, "
    "stripe_id, stripe_status) VALUES (1, 'chargeback', 'open', true, :note, 6000, 'jpy', now(), now(), 'du_1', 'x')",
    "INSERT INTO discuno_dispute (payment_id, kind, status, is_inquiry, reason, amount, currency, opened_at, due_at) "
    "VALUES (1, 'report', 'open', false, 'mentor_absent', 6000, 'jpy', now(), :ends)",
    "INSERT INTO discuno_dispute (payment_id, kind, status, is_inquiry, reason, amount, currency, opened_at, "
    "decision, decision_reason) "
    "VALUES (1, 'report', 'closed', false, 'other', 6000, 'jpy', now(), 'refunded', :note)",
    "INSERT INTO discuno_dispute_message (dispute_id, at, by, words) SELECT id, now(), by, by || ' says: ' || :note "
    "FROM discuno_dispute, (VALUES ('attendee'), ('mentor')) AS side(by) WHERE kind = 'report'",
    "INSERT INTO discuno_dispute_file (public_id, message_id, name, media_type, content) "
    "SELECT 'f', min(id), :name, 'image/png', 'x' FROM discuno_dispute_message WHERE by = 'attendee'",
    "INSERT INTO discuno_transfer_reversal (transfer_id, about, amount, status, epoch, unknown_count, next_try_at, "
    "created_at, error) VALUES (1, 'refund:1', 5400, 'failed', 1, 0, now(), now(), :note)",
    "INSERT INTO discuno_payout (account_id, amount, currency, status, origin, epoch, unknown_count, next_try_at, "
    "created_at, failure_code) VALUES (1, 5400, 'jpy', 'failed', 'mentor', 1, 0, now(), now(), 'account_closed')",
    "UPDATE discuno_mentor_stripe_account SET requirements = '[\"external_account\"]', deadline = now()",
    "UPDATE discuno_mentor SET suspended_at = :starts, calcom_username = 'amara-cal'",
    # A share has paid a debt, and as much was captured: what is held is what it was.
    "INSERT INTO discuno_ledger_entry (kind, source, account, amount, currency, payment_id, mentor_id, posted_at) "
    "VALUES ('debt_netted', 'transfer:1:1', 'held', 700, 'jpy', 1, 1, now()), "
    "('debt_netted', 'transfer:1:1', 'debt', -700, 'jpy', 1, 1, now()), "
    "('capture', 'x', 'stripe', 700, 'jpy', 1, 1, now()), ('capture', 'x', 'held', -700, 'jpy', 1, 1, now())",
    "INSERT INTO discuno_job (task, args, queue, run_at, created_at, attempts, again, error, dead_at) "
    "VALUES ('act', '{\"booking_id\": 1}', 'mail', now(), now(), 20, false, :note, now())",
    "INSERT INTO discuno_audit_entry (at, actor, action, about, reason) "
    "VALUES (now(), 'ada@example.com', 'invite_mentor', 'user:1', '')",
    "INSERT INTO discuno_sign_in_link (purpose, email, user_id, next_path, asked_at) "
    "VALUES ('sign_in', 'x@example.com', 1, '', :starts), ('invitation', 'x@example.com', 1, '', :starts)",
    "INSERT INTO discuno_audit_entry (id, at, actor, action, about, reason, address, after) VALUES "
    "(9001, :starts, 'ada@example.com', 'change role', 'user:1', 'she {{ 7331*1337 }} asked <b>twice', '192.0.2.7', "
    '\'{"role": "support"}\')',
)
THERE, HERE = "Tue 5 Jan 2027, 23:45 (Asia/Kathmandu)", "Tue 5 Jan 2027, 13:00 (America/New_York)"
WAS_THERE, WAS_HERE = "Mon 4 Jan 2027, 23:45 (Asia/Kathmandu)", "Mon 4 Jan 2027, 13:00 (America/New_York)"
MANAGE, HOST, YEN = "/booking/", "/dashboard/bookings/", "¥6,000"
CASE = "/dashboard/disputes/"
ATTENDEE_SAID, MENTOR_SAID = "attendee says: a & b < c", "mentor says: a & b < c"
# What each letter is about, the mailbox that it comes from, and what it must say. A new letter has its line here.
SAMPLES: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "booking_confirmed": (
        1,
        "bookings",
        (THERE, HERE, YEN, MANAGE, "https://meet.example/abc", "4 Jan 2027"),
    ),
    "booking_confirmed_mentor": (
        1,
        "bookings",
        (THERE, HERE, YEN, "¥5,400", HOST, "jun@example.com", "'d'"),
    ),
    "booking_moved": (
        1,
        "bookings",
        (WAS_THERE, THERE, HERE, MANAGE, "You have moved"),
    ),
    "booking_moved_mentor": (
        1,
        "bookings",
        (WAS_HERE, HERE, THERE, HOST, "O'Neil"),
    ),
    "booking_not_moved": (1, "bookings", (THERE, "everything stays as it was", MANAGE)),
    "booking_cancelled": (
        1,
        "bookings",
        (THERE, "Amara Okafor has cancelled", "a person sees to it", "'d'"),
    ),
    "booking_cancelled_mentor": (1, "bookings", (HERE, "You have cancelled", HOST)),
    "booking_refused": (
        1,
        "bookings",
        (THERE, "Wed 6 Jan 2027, 0:30 (Asia/Kathmandu)", "day=2027-01-06"),
    ),
    "payment_failed": (1, "bookings", (THERE, "Nothing was charged", YEN, "day=2027-01-05")),
    "payment_late": (
        1,
        "bookings",
        (THERE, "after the time", "Wed 6 Jan 2027, 0:30 (Asia/Kathmandu)"),
    ),
    "payment_expired": (1, "bookings", (THERE, "Nothing was charged", "day=2027-01-05")),
    "attendee_absent": (1, "bookings", (THERE, "did not come", MANAGE)),
    "reminder_day": (
        1,
        "bookings",
        (THERE, HERE, MANAGE, "https://meet.example/abc", "on Tuesday 5 January 2027"),
    ),
    "reminder_hour": (
        1,
        "bookings",
        (THERE, HERE, MANAGE, "https://meet.example/abc", "Amara Okafor expects you"),
    ),
    "reminder_day_mentor": (1, "bookings", (HERE, THERE, HOST, "jun@example.com", "'d'", "¥5,400")),
    "reminder_hour_mentor": (
        1,
        "bookings",
        (HERE, THERE, HOST, "https://meet.example/abc", "'d'", "on Tuesday"),
    ),
    "booking_link": (1, "bookings", (THERE, MANAGE)),
    "your_bookings": (1, "bookings", (THERE, MANAGE)),
    "report_filed": (
        2,
        "disputes",
        ("The mentor did not come", ATTENDEE_SAID, THERE, YEN, MANAGE, "O'Neil"),
    ),
    "report_filed_mentor": (2, "disputes", (ATTENDEE_SAID, "Tue 5 Jan 2027, 13:45 (America/New_York)", CASE)),
    "report_answered": (2, "disputes", (MENTOR_SAID, THERE, MANAGE)),
    "report_answered_mentor": (2, "disputes", (MENTOR_SAID, ATTENDEE_SAID, HERE, "¥5,400", CASE)),
    "report_answered_admin": (
        2,
        "disputes",
        (ATTENDEE_SAID, MENTOR_SAID, YEN, "/admin/disputes/2"),
    ),
    "report_unanswered_admin": (2, "disputes", (ATTENDEE_SAID, "48 hours", "/admin/disputes/2")),
    "report_decided": (3, "disputes", ("The payment was returned in full.", "'d'", YEN, THERE, MANAGE)),
    "report_decided_mentor": (3, "disputes", ("The payment was returned in full.", "'d'", HERE, CASE)),
    "alert": (1, "alerts", ("a & b < c", "docs/runbooks/payment.md", "/admin/payments/1")),
    "alerts_many": (1, "alerts", ("a & b < c", "1 times", "/admin/alerts?kind=payment")),
    "drift_admin": (1, "alerts", ("a & b < c",)),
    "case_admin": (1, "disputes", ("Chargeback", "(inquiry)", "du_1", YEN, "Amara Okafor")),
    "chargeback_opened_mentor": (1, "disputes", (YEN, HERE, CASE, "taken nothing so far", "¥5,400")),
    "chargeback_closed_mentor": (1, "disputes", (YEN, HERE, CASE, "¥5,400")),
    "foreign_booking_admin": (1, "alerts", ("a & b < c", "b")),
    "refund_started": (1, "refunds", ("all of the ¥6,000", YEN, THERE, MANAGE)),
    "refund_mentor": (2, "refunds", ("all of the ¥6,000", "¥5,400", HERE, HOST)),
    "refund_done": (1, "refunds", (YEN, THERE, "5 to 10 days")),
    "refund_failed": (1, "refunds", (YEN, THERE, "A person is looking into it")),
    "refund_failed_admin": (1, "alerts", (YEN, "a & b < c")),
    "payment_attention": (1, "alerts", (YEN, "a & b < c")),
    "transfer_stuck_admin": (1, "alerts", ("¥5,400", "Amara Okafor")),
    "job_dead_admin": (0, "alerts", ("act", "booking_id 1", "a & b < c")),
    "transfer_made": (1, "payouts", ("¥5,400", "¥700", HERE, "/dashboard/payouts")),
    "transfer_taken_back": (1, "payouts", ("¥5,400", HERE, HOST)),
    "debt_mentor": (1, "payouts", ("¥5,400", "All of the ¥6,000", HERE, HOST)),
    "debt_paid": (1, "payouts", ("¥700", HERE, HOST)),
    "debt_admin": (1, "alerts", ("¥5,400", "Amara Okafor", "a & b < c")),
    "account_needs_you": (1, "payouts", ("/dashboard/stripe",)),
    "account_closed": (1, "payouts", ("/dashboard/stripe",)),
    "account_closed_admin": (1, "alerts", ("Amara Okafor",)),
    "account_not_ours_admin": (1, "alerts", ("Amara Okafor", "metadata mentor_id")),
    "account_not_manual_admin": (1, "alerts", ("Amara Okafor",)),
    "account_deadline": (1, "payouts", ("/dashboard/stripe", "(America/New_York)")),
    "payouts_need_you": (1, "payouts", ("/dashboard/stripe",)),
    "payout_sent": (1, "payouts", ("¥5,400", "You asked for it", "/dashboard/payouts/1")),
    "payout_arrived": (1, "payouts", ("¥5,400", "ask your bank", "/dashboard/payouts/1")),
    "payout_failed": (
        1,
        "payouts",
        ("¥5,400", "account_closed", "/dashboard/stripe", "/dashboard/payouts/1"),
    ),
    "payout_failed_admin": (1, "alerts", ("¥5,400", "Amara Okafor")),
    "payout_refused_admin": (1, "alerts", ("¥5,400", "Amara Okafor")),
    "payout_found_admin": (1, "alerts", ("¥5,400", "Amara Okafor")),
    "mentor_suspended": (1, "accounts", ("Tue 5 Jan 2027, 13:00 (America/New_York)", "/dashboard/bookings")),
    "mentor_unsuspended": (1, "accounts", ("You can be booked again", "/dashboard/money")),
    "calendar_needs_you": (1, "bookings", ("amara-cal", "nobody can book you", "/dashboard/calendar")),
    "holding_admin": (1, "alerts", ("Amara Okafor",)),
    "staff_changed": (
        9001,
        "accounts",
        (
            "ada@example.com has made",
            "support, and signed them out",
            "192.0.2.7",
            "asked <b>twice",
            "/admin/people",
        ),
    ),
    "sign_in": (1, "accounts", ("/sign-in/", "Tue 5 Jan 2027, 13:10 (America/New_York)", "10 minutes")),
    "invitation": (
        2,
        "accounts",
        ("/sign-in/", "Tue 12 Jan 2027, 13:00 (America/New_York)", "ada@example.com"),
    ),
}


def readable(html: str) -> str:
    """The words and the addresses of a page, without its markup."""
    body = re.sub(r'<a\b[^>]*href="([^"]+)"[^>]*>', r" \1 ", html)
    body = re.sub(r"<(style|title)\b.*?</\1>|<[^>]+>", " ", body, flags=re.S)
    return " ".join(unescape(body).split())


@pytest.fixture
def odd_rows(house: House) -> House:
    """One of everything that letters tell of, with names and texts that could break them."""
    paid(house)
    house.settle_down()
    values: Mapping[str, Any] = {
        "name": f"{NAME}\r\nBcc: x@example.com",
        "title": RIGHT_TO_LEFT,
        "note": NOTE,
        "starts": STARTS,
        "ends": STARTS + timedelta(minutes=45),
        "before": STARTS - timedelta(days=1),
    }
    for sql in ROWS:
        change(house, sql, **{n: v for n, v in values.items() if re.search(rf":{n}\b", sql)})
    # Whatever the year is: letters are of the month before the session.
    change(
        house, "UPDATE discuno_clock SET ahead = :now - clock_timestamp()", now=STARTS - timedelta(days=30)
    )
    return house


def said_by(words: letters.Letter) -> list[str]:
    """Every sentence of a letter."""
    pairs = [*words.facts, *words.links]
    return [
        words.heading,
        words.reason,
        *map(one_line, words.paragraphs),
        *(value for pair in pairs for value in pair),
    ]


def test_every_letter_says_each_of_its_facts_in_both_forms(odd_rows: House) -> None:
    assert set(SAMPLES) == set(letters.LETTERS), "a letter without a sample, or a sample without its letter"
    with odd_rows.app.app_context(), transaction() as unit:
        last_job = unit.execute(sa.select(sa.func.max(outbox.Job.id))).scalar_one()
        for template, (number, sender, facts) in SAMPLES.items():
            words = letters.write(template, {letters.LETTERS[template].about: number or last_job})
            drawn = letters.render(words, "https://discuno.example")
            html, text = readable(drawn.html), " ".join(drawn.text.split())
            for sentence in (*said_by(words), *facts):
                assert " ".join(sentence.split()) in html, (template, sentence)
                assert " ".join(sentence.split()) in text, (template, sentence)
            assert words.sender == sender, template
            assert drawn.subject.isprintable(), template
            assert len(drawn.html.encode()) < 40_000, f"{template}: some readers show no more than 102 kB"
            assert not re.search("<script|<b>“Zoë”", drawn.html), template
            assert "\nBcc" not in drawn.text, template
            assert "9801547" not in html + text, f"{template}: what somebody typed was reckoned out"
            assert "$" not in html, f"{template}: yen have no dollars"


def test_the_readers_zone_comes_first_and_the_other_beside_it(odd_rows: House) -> None:
    note = "Hello.\r\nPaid by the attendee: ¥1"
    with odd_rows.app.app_context(), transaction() as unit:
        theirs = dict(letters.write("booking_confirmed", {"booking_id": 1}).facts)
        unit.get_one(Booking, 1).note = note
        to_mentor = letters.write("booking_confirmed_mentor", {"booking_id": 1})
        open_, closed = (letters.write("case_admin", {"dispute_id": number}) for number in (2, 3))
        text = letters.render(to_mentor, "").text
    assert theirs["When"] == dict(to_mentor.facts)["In the other time zone"] == THERE
    assert theirs["In the other time zone"] == dict(to_mentor.facts)["When"] == HERE
    # What somebody typed cannot pass for a line of ours.
    assert "They would like to talk about: Hello.\n    Paid by the attendee: ¥1\n" in text
    assert "\nPaid by the attendee: ¥6,000\n" in text
    # The admin is led to the page on which it is decided.
    assert [letter.action for letter in (open_, closed)] == [
        ("Look at this case", f"/admin/disputes/{number}") for number in (2, 3)
    ]


CANCELLED = {
    "the attendee in time": (
        "attendee",
        timedelta(days=2),
        "requested",
        "We are returning $60.00 to your card",
    ),
    "the attendee late": (
        "attendee",
        timedelta(hours=2),
        None,
        "nothing is returned, for the mentor has kept it",
    ),
    "the mentor": ("mentor", timedelta(hours=2), "succeeded", "We have returned $60.00 to your card"),
    "the calendar late": (
        "calendar",
        timedelta(hours=2),
        None,
        "so a person decides about the money. We will write",
    ),
    "us, with a chargeback": ("admin", timedelta(days=2), None, "Your bank has taken the payment back"),
}


def test_a_cancellation_says_exactly_what_comes_back_or_why_nothing_does(house: House) -> None:
    paid(house)
    house.settle_down()
    for who, (by, before, refund, sentence) in CANCELLED.items():
        with house.app.app_context(), transaction() as unit:
            booking = unit.get_one(Booking, 1)
            booking.cancelled_by, booking.cancelled_at = Party(by), booking.starts_at - before
            if refund is not None:
                add_refund(unit, "booking_cancelled", refund)
            told = letters.write("booking_cancelled", {"booking_id": 1}).paragraphs
            assert sentence in " ".join(told), who
            unit.rollback()
    with house.app.app_context(), transaction() as unit:  # returned by hand, before it could be booked
        add_refund(unit, "made_at_stripe", "succeeded")
        words = letters.write("booking_refused", {"booking_id": 1})
        told = words.paragraphs
    assert "because your payment was returned before the time could be booked." in told[0]
    assert ("Nothing is kept of it." in told[1], dict(words.facts)["Returned"]) == (True, "$60.00")


ITS_FORM = re.compile(r"To (the|one of the) [^:]+: [^ ].*\.")


def test_the_first_line_of_each_letters_docstring_says_to_whom_it_goes_and_what_it_tells() -> None:
    odd = {
        name: known.says for name, known in letters.LETTERS.items() if not ITS_FORM.match(first_line(known))
    }
    assert odd == {}


def first_line(known: letters.Template) -> str:
    """As the admins' pages read it."""
    return (getdoc(known.write) or "").partition("\n")[0]


def test_there_is_no_letter_without_an_event() -> None:
    source = "".join(
        path.read_text() for path in (ROOT / "discuno").rglob("*.py") if not path.name.endswith("letters.py")
    )
    assert [name for name in letters.LETTERS if f'"{name}"' not in source] == []


def add_refund(unit: Session, reason: str, status: str) -> None:
    """All of the payment, on its way back or returned."""
    unit.execute(
        sa.insert(Refund).values(
            payment_id=1,
            amount=6000,
            currency="usd",
            reason=reason,
            status=status,
            epoch=1,
            created_at=STARTS,
            nonce=reason,
            unknown_count=0,
            next_try_at=STARTS,
        )
    )
