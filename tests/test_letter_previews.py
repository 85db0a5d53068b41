"""Every letter as it would look: told of people whom there are not, and no row of the house is read or written."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from discuno.accounts.models import User
from discuno.admin.machines import templates_page
from discuno.admin.machines.samples import EMPTY, NOBODY, SAMPLES, world
from discuno.admin.machines.stage import stage
from discuno.bookings.models import Booking
from discuno.kit import clock
from discuno.kit.db import Base, db, rows, session
from discuno.notifications import addresses, letters
from discuno.notifications.letters import LETTERS, Letter
from discuno.notifications.models import MailAddress
from discuno.payments.models import LedgerEntry
from tests.catalogue import AMARA as CATALOGUE_AMARA
from tests.catalogue import OWEN
from tests.factories import change, dump, paid
from tests.house import House
from tests.plans import asked_by, plan
from tests.signing import AMARA, SUPPORT, signed_in, staff

pytestmark = pytest.mark.story

TEMPLATES = "/admin/emails/templates"
# Pages that letters lead to and that are nobody's: what they show depends on who is signed in.
GENERAL = {
    *("", "/admin/people", "/admin/reconciliation", "/admin/alerts", "/admin/mentors", "/dashboard/bookings"),
    *("/dashboard/stripe", "/dashboard/payouts", "/dashboard/money", "/dashboard/calendar"),
}
DEAD = "This link does not work"


@pytest.fixture(scope="module")
def lived(built_house: House) -> House:
    """A session was sold: there are rows that a preview must not see, with letters about them."""
    built_house.begin_with(CATALOGUE_AMARA, OWEN)
    paid(built_house)
    built_house.settle_down()
    return built_house


@contextmanager
def on_stage(house: House) -> Iterator[list[Base]]:
    """The samples, in a request of nobody's."""
    with house.app.test_request_context():
        made = world(clock.now())
        with stage(made, EMPTY):
            yield made


def written() -> dict[str, Letter]:
    """All letters, on the stage."""
    return {name: letters.write(name, {LETTERS[name].about: number}) for name, number in SAMPLES.items()}


# The stage


def test_nothing_of_the_house_is_seen_on_the_stage_and_nothing_of_the_stage_stays(lived: House) -> None:
    before = dump(lived)
    for _ in range(6):  # a statement that was prepared for the one must not answer for the other
        with on_stage(lived) as made:
            seen = {user.id for user in rows(sa.select(User))}
            assert seen == {row.id for row in made if isinstance(row, User)}
            assert session().get(Booking, 1) is None
        mentors = lived.read(lambda: {user.email for user in rows(sa.select(User))})
        assert AMARA in mentors
        assert "lucia@discuno.example" not in mentors
    assert dump(lived) == before
    temporary = "SELECT count(*) FROM pg_class WHERE relpersistence = 't'"
    assert lived.read(lambda: session().execute(sa.text(temporary)).scalar_one()) == 0


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("INSERT INTO public.discuno_link_request (email, asked_at) VALUES ('x', now())", "read-only"),
        ("UPDATE public.discuno_booking SET title = 'x'", "read-only"),
        ("DELETE FROM public.discuno_email", "read-only"),
        ("SELECT count(*) FROM discuno_email", "does not exist"),
        ("SELECT nextval('public.discuno_user_id_seq')", "read-only"),
        ("SELECT ahead FROM discuno_clock", "does not exist"),
        ("SELECT version_num FROM alembic_version", "does not exist"),
    ],
)  # fmt: skip
def test_no_row_of_the_house_can_be_written_or_named_on_the_stage(lived: House, sql: str, why: str) -> None:
    before = dump(lived)
    with pytest.raises(sa.exc.DBAPIError, match=why), on_stage(lived):
        session().execute(sa.text(sql))
    assert dump(lived) == before


def test_the_stage_hides_the_house_also_where_the_search_path_puts_it_first(lived: House) -> None:
    def put_first(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET LOCAL search_path = public, pg_temp")

    with lived.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "begin", put_first)
    try:
        with on_stage(lived):
            assert session().get(Booking, 1) is None
            assert len(written()) == len(SAMPLES)
    finally:
        sa.event.remove(engine, "begin", put_first)


def test_what_goes_wrong_on_the_stage_leaves_the_request_as_it_was(lived: House) -> None:
    with lived.app.test_request_context():
        asked = session()
        with pytest.raises(ZeroDivisionError), stage(world(clock.now()), EMPTY):
            raise ZeroDivisionError
        assert session() is asked
        assert asked.get(Booking, 1) is not None
        asked.rollback()


# The samples


def test_every_letter_has_a_sample_which_would_be_sent_and_tells_of_nobody_real(lived: House) -> None:
    assert set(SAMPLES) == set(LETTERS), "a letter without a sample, or a sample without its letter"
    with on_stage(lived) as made:
        real = re.compile("Amara|Owen|Jun Tanaka|jun@")
        for name, words in written().items():
            about = {LETTERS[name].about: SAMPLES[name]}
            assert not letters.is_outdated(name, about, clock.now()), f"{name} would not be sent"
            assert (words.calendar is not None) == LETTERS[name].attaches, name
            text = templates_page.drawn(name, words).text
            assert not real.search(text), name
            assert "None" not in text, name
        sums = [(e.kind, e.source, e.currency) for e in made if isinstance(e, LedgerEntry)]
        for posting in set(sums):
            legs = [e.amount for e in made if isinstance(e, LedgerEntry)]
            assert sum(a for a, about in zip(legs, sums, strict=True) if about == posting) == 0, posting


def test_no_link_in_a_preview_opens_anything(lived: House) -> None:
    with on_stage(lived):
        told = written()
        pages = [templates_page.drawn(name, words).html for name, words in told.items()]
        files = [words.calendar.content.replace("\r\n ", "") for words in told.values() if words.calendar]
        theirs = addresses.path(MailAddress(id=NOBODY))
    found = {unescape(url) for page in pages for url in re.findall(r'href="([^"]+)"', page)}
    found |= {url for file in files for url in re.findall(r"http[^\\\s]+", file)}
    paths = {url.removeprefix(lived.url) for url in found if url.startswith(lived.url)}
    assert len(paths) > 25
    assert theirs in paths
    readers = {"/admin": staff(lived), "/dashboard": signed_in(lived, AMARA)}
    anybody = lived.app.test_client()
    for path in paths:
        if urlsplit(path).path not in GENERAL:
            reader = next((c for begins, c in readers.items() if path.startswith(begins)), anybody)
            answer = reader.get(path)
            assert answer.status_code == 404 or DEAD in answer.text, path


# The pages


def test_the_list_tells_of_every_letter_to_whom_it_goes_and_how_often_it_went(lived: House) -> None:
    change(
        lived,
        "INSERT INTO discuno_email (event, recipient, template, about, status, created_at) SELECT 'n:' || n, 'x', "
        "'report_filed', '{}', CASE n WHEN 1 THEN 'failed' WHEN 2 THEN 'bounced' ELSE 'delivered' END, "
        "discuno_now() - CASE n WHEN 3 THEN interval '31 days' ELSE interval '1 day' END "
        "FROM generate_series(1, 4) AS n",
    )
    page = staff(lived).get(TEMPLATES).text
    listed = re.findall(rf'<a href="{TEMPLATES}/(\w+)"', page)
    assert sorted(listed) == sorted(LETTERS)
    for reader in {template.reader for template in LETTERS.values()}:
        assert f"To {reader}</h2>" in unescape(page)
    [filed] = re.findall(r'report_filed">.*?</li>', page, re.S)
    assert "We have your report: Changing careers" in filed
    assert "from disputes@discuno.example" in filed
    assert "2 sent in the last 30 days" in filed
    assert TEMPLATES in staff(lived).get("/admin/emails").text


def test_how_often_letters_went_is_read_off_an_index(lived: House) -> None:
    change(
        lived,
        "INSERT INTO discuno_email (event, recipient, template, about, status, created_at) "
        "SELECT 'old:' || n, 'x', 'sign_in', '{}', 'dropped', discuno_now() - n * interval '1 hour' "
        "FROM generate_series(1, 9000) n",
    )
    change(lived, "ANALYZE discuno_email")
    asked = asked_by(lived, staff(lived), f"{TEMPLATES}/sign_in")
    [counted] = [each for each in asked if "GROUP BY discuno_email.template" in each.sql]
    assert "ix_discuno_email_created_at" in plan(lived, counted)
    asked = asked_by(lived, staff(lived), "/admin/emails?period=12m")
    [unheard] = [each for each in asked if "email.carrier = " in each.sql]
    assert "ix_discuno_email_by_mail_server" in plan(lived, unheard)


def test_a_letter_is_shown_in_sealed_frames_as_text_and_with_its_calendar_file(lived: House) -> None:
    answer = staff(lived, SUPPORT).get(f"{TEMPLATES}/booking_moved_mentor")
    page = unescape(answer.text)
    assert page.count(f'src="{TEMPLATES}/booking_moved_mentor/html" sandbox') == 2
    assert "Maximiliane-Sophie O'Shaughnessy-Whittingstall has moved the session" in " ".join(page.split())
    assert "BEGIN:VCALENDAR" in page
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-src 'self'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    order = re.findall(rf'<a href="{TEMPLATES}/(\w+)"', staff(lived).get(TEMPLATES).text)
    place = order.index("booking_moved_mentor")
    for other in (order[place - 1], order[place + 1]):
        assert f'href="{TEMPLATES}/{other}"' in page


def test_the_letter_itself_can_do_nothing_and_is_framed_by_us_alone(lived: House) -> None:
    answer = staff(lived).get(f"{TEMPLATES}/booking_confirmed/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.endswith("; sandbox")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Cache-Control"] == "no-store"
    assert '<base target="_blank">' in answer.text, "a click opens a window, which a sandbox does not"


@pytest.mark.parametrize("path", ["nothing", "nothing/html", "1"])
def test_there_is_no_page_of_a_letter_that_there_is_not(lived: House, path: str) -> None:
    assert staff(lived).get(f"{TEMPLATES}/{path}").status_code == 404


def test_a_letter_that_nobody_has_made_a_sample_for_says_so(
    lived: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(SAMPLES, "sign_in")
    ada = staff(lived)
    assert "No sample yet" in ada.get(f"{TEMPLATES}/sign_in").text
    assert ada.get(f"{TEMPLATES}/sign_in/html").status_code == 404
    assert "no sample yet" in ada.get(TEMPLATES).text


def test_a_letter_that_was_sent_is_shown_in_such_a_frame_too(lived: House) -> None:
    ada = staff(lived)
    answer = ada.get("/admin/emails/1")
    assert 'src="/admin/emails/1/html" sandbox' in answer.text
    assert "frame-src 'self'" in answer.headers["Content-Security-Policy"]
    assert ada.get("/admin/emails/1/html").headers["X-Frame-Options"] == "SAMEORIGIN"
