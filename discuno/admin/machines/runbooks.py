"""What to do about an alert, as docs/runbooks/ says it: read for the pages, a heading or a paragraph at a time."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from discuno.notifications.models import AlertKind

PLACE = Path(__file__).parents[3] / "docs" / "runbooks"
MARKS = {"# ": "title", "## ": "heading", "- ": "point"}


@dataclass(frozen=True)
class Block:
    """A title, a heading, a point of a list or a paragraph; `parts` are words, every second of them to be typed."""

    kind: str
    parts: list[str]


@cache
def read(kind: AlertKind) -> list[Block]:
    """The runbook of a kind of alert."""
    return [_block(line) for line in (PLACE / f"{kind}.md").read_text().splitlines() if line.strip()]


def _block(line: str) -> Block:
    mark = next((mark for mark in MARKS if line.startswith(mark)), "")
    return Block(MARKS.get(mark, "paragraph"), line.removeprefix(mark).split("`"))
