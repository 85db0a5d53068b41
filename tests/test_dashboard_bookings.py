"""A mentor's bookings: the three lists, page by page and searched, and one session that is theirs alone."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from discuno.accounts.models import AuditEntry
from discuno.bookings import agenda
from discuno.bookings import links as paths
from discuno.bookings.agenda import Show
from discuno.bookings.models import Booking
from discuno.kit import links as signed
from discuno.kit.db import db
from tests.factories import all_of, change, the
from tests.house import House
from tests.reporting import after_the_start, answering, attendee, mentor, sell_at_once
from tests.signing import AMARA, OWEN, signed_in

pytestmark = pytest.mark.story

LIST = "/dashboard/bookings"


@pytest.fixture
def held(house: House) -> House:
    """A confirmed, paid session in two days."""
    return sell_at_once(house)


def reads(house: House, query: str = "", email: str = AMARA) -> str:
    answer = signed_in(house, email).get(LIST + query)
    assert answer.status_code == 200
    return answer.text


def more(house: House, number: int) -> None:
    """So many copies of the one booking, an hour apart each, with names that tell them apart."""
    change(
        house,
        """INSERT INTO discuno_booking SELECT (json_populate_record(b, json_build_object(
           'id', nextval(pg_get_serial_sequence('discuno_booking', 'id')), 'public_id', 'copy-' || n,
           'attendee_name', 'Ada ' || n, 'attendee_email', 'ada' || n || '@example.com',
           'during', tstzrange(lower(during) + n * interval '1 hour', upper(during) + n * interval '1 hour'),
           'keeps', tstzrange(lower(during) + n * interval '1 hour', upper(during) + n * interval '1 hour')
           ))).* FROM discuno_booking b, generate_series(1, :number) n WHERE b.id = 1""",
        number=number,
    )


def shown(html: str) -> list[str]:
    """Whose bookings a page lists, in its order."""
    return re.findall(r"<b><bdi>([^<]+)</bdi></b></a>", html)


def test_a_line_says_who_when_in_both_zones_what_and_where_the_money_is(held: House) -> None:
    html = reads(held)
    for words in ("Jun Tanaka", "Application review", "(Europe/Paris) for them", "Times in New York (UTC−"):
        assert words in html
    assert re.search(r"\$54\.00 held until \w+ \d+ \w+ \d{4}, \d+:\d\d \(America/New_York\)", html)
    assert shown(reads(held, "?show=past")) == shown(reads(held, "?show=cancelled")) == []
    after_the_start(held, 10)
    attendee(held).reports()
    assert "Answer the report" in reads(held)
    assert "$54.00 held until it is decided" in reads(held)
    answering(held).sends("/answer", stand="not_there", text="")
    after_the_start(held, 60)
    assert "On its way back to the attendee" in reads(held, "?show=past")


def test_a_cancelled_session_moves_to_its_own_list(held: House) -> None:
    mentor(held).sends("/cancel", reason="I am ill.")
    assert shown(reads(held)) == []
    assert "No sessions to come" in reads(held)
    assert shown(reads(held, "?show=cancelled")) == ["Jun Tanaka"]


@pytest.mark.parametrize(("show", "order"), [("upcoming", 1), ("past", -1), ("cancelled", -1)])
def test_pages_follow_each_other_without_a_gap_and_without_repeating(
    held: House, show: str, order: int
) -> None:
    more(held, 44)
    if show == "past":
        held.advance(timedelta(days=10))
    if show == "cancelled":
        change(held, "UPDATE discuno_booking SET status = 'cancelled'")
    client, url, seen = signed_in(held, AMARA), f"{LIST}?show={show}", []
    while url:
        html = client.get(url).text
        seen.append(shown(html))
        found = re.search(r'href="([^"]+)">Show more', html)
        url = found[1].replace("&amp;", "&") if found else ""
    names = ["Jun Tanaka", *(f"Ada {n}" for n in range(1, 45))]
    assert [name for page in seen for name in page] == names[::order]
    assert [len(page) for page in seen] == [20, 20, 5]


def test_a_search_finds_every_word_in_name_or_address_and_takes_signs_as_they_are(held: House) -> None:
    more(held, 3)
    for query, found in (("ada 2", ["Ada 2"]), ("JUN@example", ["Jun Tanaka"]), ("%", []), ("_", [])):
        assert shown(client_reads(held, query)) == found
    assert "No upcoming booking has “&lt;b&gt;” in" in client_reads(held, "<b>")


def client_reads(house: House, query: str) -> str:
    return signed_in(house, AMARA).get(LIST, query_string={"q": query}).text


def questions(house: House, client: FlaskClient) -> int:
    """How often the database is asked for one page."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    with house.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    client.get(LIST)
    sa.event.remove(engine, "before_cursor_execute", note)
    return len(asked)


def test_a_page_asks_the_database_as_often_for_twenty_as_for_one(held: House) -> None:
    client = signed_in(held, AMARA)
    client.get(LIST)  # the sign-in was seen
    once = questions(held, client)
    more(held, 19)
    assert questions(held, client) == once


def test_another_mentors_booking_is_not_there(held: House) -> None:
    booking = the(held, Booking)
    owen = signed_in(held, OWEN)
    page = f"{LIST}/{booking.public_id}"
    for path in (page, f"{page}/cancel"):
        assert owen.get(path).status_code == 404
    holder = mentor(held)
    holder.client = owen
    for path in ("/cancel", "/absent"):
        assert holder.sends(path, reason="Not mine.").status_code == 404
    assert shown(reads(held, email=OWEN)) == []
    assert shown(reads(held, f"?after={booking.public_id}", OWEN)) == []
    assert held.app.test_client().get(page).location.startswith("/sign-in?next=")
    assert the(held, Booking).status == "confirmed"


def test_what_was_never_a_booking_is_not_listed(held: House) -> None:
    for status in ("held", "expired", "released", "refused"):
        change(held, "UPDATE discuno_booking SET status = :status", status=status)
        for show in Show:
            assert held.read(lambda show=show: agenda.listed(the(held, Booking).mentor, show).bookings) == []
        assert mentor(held).client.get(mentor(held).path).status_code == 404


def test_who_did_it_from_where_and_why_is_written_down(held: House) -> None:
    after_the_start(held)
    for _ in range(2):
        assert mentor(held).sends("/absent").status_code == 303
    sell_at_once(held)
    for _ in range(2):
        assert mentor(held, 2).sends("/cancel", reason="I am ill.").status_code == 303
    acts = [e for e in all_of(held, AuditEntry) if e.actor == AMARA]
    assert [(e.address, e.action, e.about, e.reason) for e in acts] == [
        ("127.0.0.1", "attendee absent", "booking:1", "The attendee is said not to have come."),
        ("127.0.0.1", "cancel", "booking:2", "I am ill."),
    ]


MOVED = """INSERT INTO discuno_booking_change (booking_id, at, by, kind, words, before, after)
SELECT 1, discuno_now(), 'attendee', 'moved', '', lower(during), lower(during) FROM discuno_booking"""


def test_the_page_tells_the_history_and_the_path_of_the_money(held: House) -> None:
    change(held, MOVED)
    html = mentor(held).reads()
    for words in ("Jun Tanaka booked it", "Jun Tanaka moved it", "Your share", '<ol class="path">'):
        assert words in html


@pytest.mark.parametrize("rest", ["", "/cancel", "/files/x"])
def test_the_link_of_an_older_letter_leads_to_the_page_and_opens_nothing(held: House, rest: str) -> None:
    client: FlaskClient = held.app.test_client()
    booking = the(held, Booking)

    def link(salt: str, version: int) -> str:
        return held.read(lambda: f"/session/{signed.seal(salt, {'b': booking.public_id, 'v': version})}")

    answer = client.get(link(paths.MENTOR, 1) + rest)
    assert (answer.status_code, answer.location) == (303, f"{LIST}/{booking.public_id}")
    assert client.get(answer.location).status_code == 303
    for wrong in (link(paths.MENTOR, 2), link(paths.ATTENDEE, 1), "/session/x"):
        assert client.get(wrong + rest).status_code == 404
