"""docs/letters.md, written from the registry: `python -m tests.letter_list --write` after a letter has changed."""

import sys
from collections import defaultdict

from discuno.notifications.letters import LETTERS, Template
from tests.house import ROOT
from tests.test_letter_words import SAMPLES

PUBLISHED = ROOT / "docs" / "letters.md"
HEAD = """# Letters

Every letter that the house sends, by who reads it; `python -m tests.letter_list --write` writes this list from the
registry in `discuno/notifications`. Each is owed once per event and reader, is written from the rows as they are when
it is sent, and is sent in HTML and plain text. One that can be overtaken is dropped when what it tells is no longer
so. Optional ones may be declined by their reader, and are not sent to an address that has bounced or complained.
"""
TABLE = """
## To {reader}

| Letter | What it says | From | Besides |
|---|---|---|---|
"""


def published() -> str:
    """The list as it has to stand in docs."""
    by_reader = defaultdict(list)
    for name, template in LETTERS.items():
        by_reader[template.reader].append(_row(name, template))
    readers = sorted(by_reader, key=lambda reader: (-len(by_reader[reader]), reader))
    tables = (TABLE.format(reader=reader) + "\n".join(sorted(by_reader[reader])) + "\n" for reader in readers)
    return HEAD + "".join(tables)


def _row(name: str, template: Template) -> str:
    besides = [
        f"optional: {template.optional.label.lower()}" if template.optional is not None else "",
        "calendar file" if template.attaches else "",
        "can be overtaken" if template.unless is not None else "",
    ]
    return f"| `{name}` | {template.says} | {SAMPLES[name][1]}@ | {', '.join(filter(None, besides))} |"


def main(arguments: list[str]) -> int:
    """Write the file, or say whether it is as it has to be; the exit code."""
    if "--write" in arguments:
        PUBLISHED.write_text(published())
    return 0 if PUBLISHED.read_text() == published() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
