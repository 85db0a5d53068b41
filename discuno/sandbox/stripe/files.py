"""Files for Stripe: uploaded in parts as browsers do it, kept by name and size alone, looked at by lists."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import FileStorage, MultiDict

from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

EVIDENCE = "dispute_evidence"
LARGEST = 5 * 1024 * 1024  # bytes of evidence, one file or all of a dispute's
KINDS = {b"%PDF-": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}  # how each begins


@dataclass(frozen=True)
class Sent:
    """A file of a request. As text it is its name and what it holds: the same key must bring the same file."""

    name: str
    content: bytes

    def __str__(self) -> str:
        return f"{self.name} {hashlib.sha256(self.content).hexdigest()}"


def received(files: MultiDict[str, FileStorage]) -> Iterator[tuple[str, Any]]:
    """The files of a request, as parameters beside the others."""
    return ((name, Sent(each.filename or "", each.stream.read())) for name, each in files.items(multi=True))


def create(desk: Desk, ask: Ask) -> Record:
    """Take a file."""
    sent, purpose = ask.params["file"], ask.params["purpose"]
    if not isinstance(sent, Sent):
        raise Refusal("Invalid hash", param="file")
    kind = next((kind for begins, kind in KINDS.items() if sent.content.startswith(begins)), None)
    if purpose == EVIDENCE and kind is None:
        raise Refusal("Files of this purpose must be a PDF, JPEG or PNG.", param="file")
    if purpose == EVIDENCE and len(sent.content) > LARGEST:
        raise Refusal("The file is larger than the 5 MB that this purpose allows.", param="file")
    made = desk.new(
        "file_",
        "file",
        expires_at=None,
        filename=sent.name,
        links={"object": "list", "data": [], "has_more": False, "url": "/v1/file_links"},
        purpose=purpose,
        size=len(sent.content),
        title=None,
        type=kind,
        url=None,
    )
    return desk.save(made)


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One file."""
    return desk.load("file", ask.ids["id"])


def listed(desk: Desk, ask: Ask) -> Record:
    """Files, by purpose where asked."""
    return page(desk.pick("file", ask.params, "purpose"), ask.params, "/v1/files")
