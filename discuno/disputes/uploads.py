"""Files that somebody sends with a report: told apart by their first bytes, whatever they are called."""

import re
from collections.abc import Sequence

from werkzeug.datastructures import FileStorage

from discuno import policy
from discuno.disputes.reports import Upload
from discuno.kit.text import one_line

KINDS = (
    ("application/pdf", re.compile(rb"%PDF-"), (".pdf",)),
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), (".png",)),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff"), (".jpg", ".jpeg")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), (".webp",)),
)
TEXT = ("text/plain", (".txt",))
ACCEPT = ",".join(end for _, *_, ends in (*KINDS, TEXT) for end in ends)  # what the browser offers to choose
MAX_BODY = (policy.MAX_FILES + 1) * policy.MAX_FILE_SIZE  # bytes; a little too much is answered at the field
MAX_NAME = 120  # characters
MEGABYTES = policy.MAX_FILE_SIZE // 1024**2


class NotAccepted(ValueError):
    """Why a file is not taken, in a sentence for whoever sent it."""


def checked(sent: Sequence[FileStorage]) -> list[Upload]:
    """Every file that was chosen, or none of them. Raises NotAccepted."""
    chosen = [file for file in sent if file.filename]
    if len(chosen) > policy.MAX_FILES:
        raise NotAccepted(f"Please send at most {policy.MAX_FILES} files at once; these are {len(chosen)}.")
    return [_checked(file) for file in chosen]


def _checked(file: FileStorage) -> Upload:
    called = _bare(file.filename or "")
    content = file.stream.read(policy.MAX_FILE_SIZE + 1)
    if len(content) > policy.MAX_FILE_SIZE:
        raise NotAccepted(f"“{called}” is larger than {MEGABYTES} MB.")
    if not content:
        raise NotAccepted(f"“{called}” is empty.")
    kind = kind_of(content)
    if kind is None:
        raise NotAccepted(f"“{called}” is not a PDF, a PNG, JPEG or WebP picture, or plain text.")
    return Upload(name=with_suffix(called, kind[1]), media_type=kind[0], content=content)


def kind_of(content: bytes) -> tuple[str, tuple[str, ...]] | None:
    """The media type that the bytes themselves show, and the endings it may have; None for all that we refuse."""
    for media_type, begins, suffixes in KINDS:
        if begins.match(content):
            return media_type, suffixes
    return TEXT if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _bare(name: str) -> str:
    """A name on one line, without the folders that some browsers send."""
    return one_line(re.split(r"[/\\]", name)[-1]) or "file"


def with_suffix(name: str, suffixes: tuple[str, ...]) -> str:
    """A name of at most 120 characters that ends as its content does: what is text does not end in .exe."""
    known = next((len(end) for end in suffixes if name.lower().endswith(end)), None)
    stem, end = (name[:-known], name[-known:]) if known else (name, suffixes[0])
    return (stem[: MAX_NAME - len(end)] or "file") + end
