"""Tables for a spreadsheet: RFC 4180, numbers that stay numbers, and words that can never become a formula.

A file begins with a byte order mark: without it Excel takes names like Zoë for another alphabet's.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from unicodedata import normalize
from zoneinfo import ZoneInfo

from flask import Response, stream_with_context

from discuno.kit.text import one_line

Cell = str | int | Decimal | None
# Where a cell begins, also in a country whose spreadsheets part cells elsewhere than at the comma.
BEGINNING = re.compile(r"""(^|[,;|"])(\s*)(?=(\S))""")
FORMULA = frozenset("=+-@\N{MINUS SIGN}")


def cell(value: Cell) -> str:
    """One cell. Words that a spreadsheet would compute get an apostrophe in front and show as they were typed."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str):
        return BEGINNING.sub(_disarmed, one_line(value))
    return "" if value is None else str(value)


def _disarmed(found: re.Match[str]) -> str:
    before, gap, first = found.groups()
    computes = normalize("NFKC", first)[0] in FORMULA  # also the wide and the small forms of the signs
    return f"{before}{gap}'" if computes else found[0]


def instant(at: datetime, zone: str) -> str:
    """2026-11-25T14:30:00+01:00: a time in somebody's zone, which says which."""
    return at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The whole file as text, without its mark."""
    return _text([header]) + _text(rows)


def _text(rows: Iterable[Sequence[Cell]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return file.getvalue()


def download(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """The file as an answer that a browser saves; nobody keeps a copy on the way."""
    return _saved(name, table(header, rows).encode("utf-8-sig"))


def stream(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """The same, written while its rows are read: a long file is never in memory as a whole."""
    return _saved(name, stream_with_context(_written(header, rows)))


def _written(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    yield table(header, ()).encode("utf-8-sig")
    for row in rows:
        yield _text([row]).encode()


def _saved(name: str, content: bytes | Iterator[bytes]) -> Response:
    response = Response(content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
