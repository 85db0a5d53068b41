"""A table for a spreadsheet: words never become formulas, numbers stay numbers, and reading gives back what was."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discuno.kit import money, sheets

HOSTILE = [
    ("=1+1", "'=1+1"),
    ("+49 30 1234", "'+49 30 1234"),
    ("-2+3", "'-2+3"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'=1"),
    ("\r\n=1", "'=1"),
    ("\0=1", "'=1"),
    ("  =1", "'=1"),
    ("\N{ZERO WIDTH SPACE}=1", "'=1"),
    ("\N{FULLWIDTH EQUALS SIGN}1", "'\N{FULLWIDTH EQUALS SIGN}1"),
    ("\N{FULLWIDTH PLUS SIGN}1", "'\N{FULLWIDTH PLUS SIGN}1"),
    ("\N{FULLWIDTH HYPHEN-MINUS}1", "'\N{FULLWIDTH HYPHEN-MINUS}1"),
    ("\N{FULLWIDTH COMMERCIAL AT}x", "'\N{FULLWIDTH COMMERCIAL AT}x"),
    ("\N{SMALL EQUALS SIGN}1", "'\N{SMALL EQUALS SIGN}1"),
    ("\N{MINUS SIGN}1", "'\N{MINUS SIGN}1"),
    ('"=1', "\"'=1"),
    ("Jun;=HYPERLINK(1)", "Jun;'=HYPERLINK(1)"),
    ("Jun, =1", "Jun, '=1"),
    ('",=cmd|/c calc', "\",'=cmd|/c calc"),
]


@pytest.mark.parametrize(("typed", "kept"), HOSTILE)
def test_what_somebody_typed_never_becomes_a_formula(typed: str, kept: str) -> None:
    [[found]] = csv.reader(io.StringIO(sheets.table(["x"], [[typed]]).split("\r\n", 1)[1], newline=""))
    assert found == kept


@pytest.mark.parametrize(
    "name", ["Jun Tanaka", "Zoë", "Anne-Marie O’Neil", "田中 純", "a@b.example", "'til", ""]
)
def test_an_honest_name_is_kept_as_it_is(name: str) -> None:
    assert sheets.cell(name) == name


@given(st.text(max_size=40))
def test_no_cell_of_words_begins_with_a_sign_however_it_is_cut(text: str) -> None:
    kept = sheets.cell(text)
    for separator in (",", ";", "\t", "|", "\n", "\r"):
        for piece in kept.split(separator):
            assert not piece.strip(' "').startswith(tuple("=+-@＝＋－＠"))


@given(st.integers(-(10**12), 10**12), st.sampled_from(["usd", "jpy", "kwd"]))
def test_an_amount_is_read_back_as_the_same_integer_and_is_a_number(amount: int, currency: str) -> None:
    kept = sheets.cell(money.major(amount, currency))
    assert int(Decimal(kept).scaleb(money.minor_digits(currency))) == amount
    assert not kept.startswith("'")
    assert "E" not in kept


def test_a_table_is_as_rfc_4180_says() -> None:
    rows = [['say "hello", Jun', 3, None, Decimal("-0.50")]]
    assert sheets.table(["a", "b", "c", "d"], rows) == 'a,b,c,d\r\n"say ""hello"", Jun",3,,-0.50\r\n'


def test_a_file_says_what_it_is_and_that_nobody_may_keep_it() -> None:
    answer = sheets.download("discuno-payouts", ["a"], [["Zoë"]])
    assert answer.data == b"\xef\xbb\xbfa\r\nZo\xc3\xab\r\n"
    assert answer.content_type == "text/csv; charset=utf-8"
    kept = {
        name: answer.headers[name]
        for name in ("Content-Disposition", "Cache-Control", "X-Content-Type-Options")
    }
    assert kept == {
        "Content-Disposition": 'attachment; filename="discuno-payouts.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


def test_a_time_says_its_offset() -> None:
    at = datetime(2026, 11, 25, 13, 30, 0, 5, tzinfo=UTC)
    assert sheets.instant(at, "Europe/Paris") == "2026-11-25T14:30:00+01:00"
