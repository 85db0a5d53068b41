"""How letters are drawn: the plain text to the letter, and what mail programs need of the HTML."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discuno.kit.text import apart, one_line
from discuno.notifications import plain
from discuno.notifications.letters import ADMIN_REASON, ATTENDEE_REASON, Drawn, Letter, render
from tests import letter_list
from tests.house import House

BASE = "https://discuno.example"
KEY = "eyJpZCI6MX0." + "aZ0-_" * 14
LETTER = Letter(
    subject="Moved: Application review with Zoë O'Neil",
    sender="bookings",
    heading="Your session was moved",
    paragraphs=["You have moved the session to another time. The calendar file with this letter moves it too.", ""],
    facts=[
        ("Session", "Application review, 45 minutes"),
        ("Where", f"https://meet.example/{'a' * 70}"),
        ("Words", "Hello.  \n\n\n\nPaid: $1 " + "and so on " * 8 + "\n<b>bold</b>"),
    ],
    links=[("Tue 5 Jan 2027, 13:00 (America/New_York)", "/mentor/amara/book/1?day=2027-01-05&zone=Asia%2FTokyo")],
    action=("See or change your booking", f"/booking/{KEY}"),
    reason=ATTENDEE_REASON,
)  # fmt: skip
AS_TEXT = f"""\
Your session was moved

You have moved the session to another time. The calendar file with this
letter moves it too.

Session: Application review, 45 minutes
Where:
    https://meet.example/{"a" * 70}
Words: Hello.

    Paid: $1 and so on and so on and so on and so on and so on and so on
    and so on and so on
    <b>bold</b>

Tue 5 Jan 2027, 13:00 (America/New_York)
{BASE}/mentor/amara/book/1?day=2027-01-05&zone=Asia%2FTokyo

See or change your booking:
{BASE}/booking/{KEY}

---

You get this letter because you booked a session at Discuno. Answer this
letter to reach a person.

You can choose which of these letters you get:
{BASE}/letters/{KEY}

Discuno
{BASE}
"""


def draw(house: House, letter: Letter = LETTER, choices: str | None = None) -> Drawn:
    with house.app.app_context():
        return render(letter, BASE, choices)


def test_the_plain_text_is_laid_out_like_this(built_house: House) -> None:
    assert draw(built_house, choices=f"/letters/{KEY}").text == AS_TEXT


def test_a_letter_of_a_sentence_is_no_more_than_that(built_house: House) -> None:
    text = draw(built_house, Letter("s", "alerts", "A job was given up", ["Why."], reason=ADMIN_REASON)).text
    foot = "---\n\nYou get this letter because you look after payments at Discuno.\n\nDiscuno\n" + BASE
    assert text == f"A job was given up\n\nWhy.\n\n{foot}\n"


TYPED = st.text(st.sampled_from("aé漢ع:\n\t \u2028-https//x.y0"), max_size=200)


@given(TYPED)
def test_a_sentence_keeps_its_words_and_never_begins_a_line_with_a_name_of_a_fact(typed: str) -> None:
    sentence = one_line(f"Dear {typed}")
    lines = plain.wrapped(sentence).split("\n")
    assert " ".join(lines) == sentence
    for line in lines:
        assert len(line) <= plain.WIDTH or all(word.endswith(":") for word in line.split(" ")[1:]), line
    assert not any(re.match(r"\S+:(\s|$)", line) for line in lines[1:])


@given(TYPED)
def test_every_further_line_of_a_fact_stands_in(typed: str) -> None:
    first, *more = plain.tidy(plain.fact("Words", typed)).rstrip("\n").split("\n")
    assert first.startswith("Words:")
    assert all(line == "" or line.startswith("    ") for line in more)


def test_mail_programs_find_what_they_need(built_house: House) -> None:
    html = draw(built_house, choices=f"/letters/{KEY}").html
    tables = re.findall(r"<table\b[^>]*>", html)
    assert [table for table in tables if 'role="presentation"' not in table] == re.findall(
        r'<table class="facts"[^>]*>', html
    ), "only facts are a table to those who listen"
    assert html.count('<th scope="row"') == len(LETTER.facts)
    assert html.count("<style") == html.count("<!--[if mso]><xml>") + 1, (
        "of ours, only what cannot be in tags"
    )
    kept = html[html.rindex("<style") : html.rindex("</style>")]
    assert re.findall(r"@media [^{]+", kept) == [
        "@media (max-width: 480px) ",
        "@media (prefers-color-scheme: dark) ",
    ]
    assert 'content="light dark"' in html
    assert len(re.findall(r'<html lang="en"', html)) == 1
    assert not re.search(r"<(img|script|link|form)\b|url\(|@import", html), "nothing is fetched"


def test_what_an_inbox_shows_beside_the_subject_is_the_first_sentence_alone(built_house: House) -> None:
    html = draw(built_house).html
    words = unescape(re.sub(r"<(style|title)\b.*?</\1>|<!--.*?-->|<[^>]+>", "", html, flags=re.DOTALL))
    shown = words.split()[: len(LETTER.paragraphs[0].split())]
    assert " ".join(shown).startswith(LETTER.paragraphs[0])
    assert len(re.findall("\u034f\u200c", html)) >= 80


def test_addresses_stand_in_words_too_and_what_was_typed_is_no_markup(built_house: House) -> None:
    html = draw(built_house, choices=f"/letters/{KEY}").html
    for path in (f"/booking/{KEY}", f"/letters/{KEY}", ""):
        assert f'href="{BASE}{path}"' in html
        assert f">{BASE}{path}</a>" in html
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert 'href="https://meet.example' not in html, "what others typed is no link of ours"


@pytest.mark.parametrize(
    ("sender", "reason", "is_sober", "is_answered"),
    [("alerts", ADMIN_REASON, True, False), ("refunds", ATTENDEE_REASON, False, True)],
)
def test_alerts_are_sober_and_do_not_ask_the_admins_to_write_to_themselves(
    built_house: House, sender: str, reason: str, is_sober: bool, is_answered: bool
) -> None:
    drawn = draw(built_house, Letter("s", sender, "h", ["p"], reason=reason))
    assert ('class="sheet sober"' in drawn.html) == is_sober
    assert f"· {sender.capitalize()}" in drawn.html
    for form in (drawn.html, drawn.text):
        assert ("Answer this letter to reach a person." in " ".join(form.split())) == is_answered


def test_words_from_right_to_left_do_not_turn_ours_round() -> None:
    assert apart("Application review") == "Application review"
    assert f"{apart('مراجعة')}, 45 minutes" == "\u2068مراجعة\u2069, 45 minutes"


def test_the_list_of_letters_in_docs_is_the_registrys() -> None:
    assert letter_list.PUBLISHED.read_text() == letter_list.published(), "python -m tests.letter_list --write"
