"""Tables for a spreadsheet: RFC 4180, numbers that stay numbers, and words that can never become a formula.

A file begins with a byte order mark: without it Excel takes names like Zoë for another alphabet's.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from unicodedata import normalize
from zoneinfo import ZoneInfo

from flask import Response

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
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return file.getvalue()


def download(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """The file as an answer that a browser saves; nobody keeps a copy on the way."""
    response = Response(table(header, rows).encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
