"""What we tell the bank about a dispute, through Stripe: files, evidence staged or submitted, or that we accept it.

After an unknown outcome Stripe is asked first: the dispute itself says what it has, and a file is found by its name.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import stripe

from discuno.edges.stripe.client import call
from discuno.edges.stripe.money import PAGE
from discuno.edges.stripe.payouts import EARLIER

PURPOSE = "dispute_evidence"
ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}  # what Stripe takes as evidence


@dataclass(frozen=True)
class AnswerRequest:
    """One answer, from our frozen row: Stripe's fields, with a text or the id of a file in each.

    `submitted_before` is how often evidence for this dispute was submitted before.
    """

    stripe_dispute_id: str
    evidence: Mapping[str, str]
    submitted_before: int
    key: str


@dataclass(frozen=True)
class AnswerFacts:
    """A dispute as far as it tells what we have answered. `evidence` has the fields that are filled."""

    id: str
    status: str
    submissions: int
    evidence: Mapping[str, str]


def _facts(found: stripe.Dispute) -> AnswerFacts:
    given = found.evidence.to_dict()
    texts = {name: value for name, value in given.items() if isinstance(value, str) and value}
    return AnswerFacts(found.id, str(found.status), found.evidence_details.submission_count, texts)


def look_at_answer(stripe_dispute_id: str) -> AnswerFacts:
    """What Stripe has of us about a dispute, now."""
    with call() as client:
        return _facts(client.v1.disputes.retrieve(stripe_dispute_id))


# Evidence


def stage(wanted: AnswerRequest) -> AnswerFacts:
    """Lay evidence down at Stripe; the bank sees nothing of it yet."""
    return _update(wanted, submit=False)


def submit(wanted: AnswerRequest) -> AnswerFacts:
    """Hand the evidence to the bank: as a rule only once."""
    return _update(wanted, submit=True)


def _update(wanted: AnswerRequest, *, submit: bool) -> AnswerFacts:
    told: Any = {"evidence": dict(wanted.evidence), "submit": submit}
    with call() as client:
        return _facts(
            client.v1.disputes.update(wanted.stripe_dispute_id, told, {"idempotency_key": wanted.key})
        )


def find_staged(wanted: AnswerRequest) -> AnswerFacts | None:
    """The dispute, if it has all that was to be staged."""
    found = look_at_answer(wanted.stripe_dispute_id)
    return found if wanted.evidence.items() <= found.evidence.items() else None


def find_submitted(wanted: AnswerRequest) -> AnswerFacts | None:
    """The dispute, if evidence was submitted since."""
    found = look_at_answer(wanted.stripe_dispute_id)
    return found if found.submissions > wanted.submitted_before else None


# Not contested


def close(wanted: AnswerRequest) -> AnswerFacts:
    """Accept the dispute: it is lost, and there is no way back."""
    with call() as client:
        return _facts(client.v1.disputes.close(wanted.stripe_dispute_id, {}, {"idempotency_key": wanted.key}))


def find_closed(wanted: AnswerRequest) -> AnswerFacts | None:
    """The dispute, if it is lost."""
    found = look_at_answer(wanted.stripe_dispute_id)
    return found if found.status == "lost" else None


# Files


@dataclass(frozen=True)
class UploadRequest:
    """One file, from our row, which is as old as `since`. It has no name of anybody's, only our number."""

    file_id: int
    media_type: str
    content: bytes
    since: datetime
    key: str

    @property
    def name(self) -> str:
        """What it is called at Stripe, where files carry no metadata."""
        return f"evidence-{self.file_id}.{ENDINGS[self.media_type]}"


class _Named(io.BytesIO):
    """Bytes with a name, which the SDK sends along."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def upload(wanted: UploadRequest) -> str:
    """Hand a file to Stripe; its id there."""
    file = _Named(wanted.content, wanted.name)
    with call() as client:
        made = client.v1.files.create({"purpose": PURPOSE, "file": file}, {"idempotency_key": wanted.key})
    return made.id


def find_upload(wanted: UploadRequest) -> str | None:
    """The file handed over for our row, if it was."""
    created: Any = {"gte": int((wanted.since - EARLIER).timestamp())}
    with call() as client:
        found = client.v1.files.list({"purpose": PURPOSE, "created": created, "limit": PAGE})
        mine = (wanted.name, len(wanted.content))
        return next(
            (each.id for each in found.auto_paging_iter() if (each.filename, each.size) == mine), None
        )
