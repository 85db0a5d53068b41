"""The stand-in takes files and evidence as Stripe does: files first, submitted once, within its limits."""

import io

import pytest
import stripe

from tests.sandbox.stripe_bench import Bench
from tests.sandbox.test_stripe_disputes import disputed

pytestmark = pytest.mark.story

PDF = b"%PDF-1.7 and so on"


class Named(io.BytesIO):
    """Bytes that are called something."""

    name = "proof.pdf"


def upload(
    bench: Bench, content: bytes = PDF, purpose: str = "dispute_evidence", **options: str
) -> stripe.File:
    return bench.v1.files.create({"purpose": purpose, "file": Named(content)}, options or None)


def test_a_file_is_kept_by_its_name_and_found_in_lists(bench: Bench) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="PDF, JPEG or PNG"):
        upload(bench, b"<html>")
    with pytest.raises(stripe.InvalidRequestError, match="5 MB"):
        upload(bench, PDF + b"0" * 5 * 1024 * 1024)
    made = upload(bench)
    assert (made.filename, made.size, made.type, made.purpose) == ("proof.pdf", 18, "pdf", "dispute_evidence")
    upload(bench, purpose="customer_signature")
    assert [f.id for f in bench.v1.files.list({"purpose": "dispute_evidence"})] == [made.id]
    assert bench.v1.files.retrieve(made.id).filename == "proof.pdf"


def test_the_same_key_brings_the_same_file_and_no_other(bench: Bench) -> None:
    made = upload(bench, idempotency_key="evidence:1:1")
    assert upload(bench, idempotency_key="evidence:1:1").id == made.id
    with pytest.raises(stripe.IdempotencyError):
        upload(bench, PDF + b"!", idempotency_key="evidence:1:1")


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({"receipt": "file_nobody"}, "No such file"),
        ({"receipt": "just words"}, "No such file"),
        ({"uncategorized_text": "x" * 20_001}, "too many characters"),
        ({"customer_name": ""}, "empty string"),
        ({"colour": "red"}, "unknown parameter"),
    ],
    ids=str,
)
def test_what_is_no_evidence_is_refused(bench: Bench, evidence: dict[str, str], words: str) -> None:
    dispute = disputed(bench)
    with pytest.raises(stripe.InvalidRequestError, match=words):
        bench.v1.disputes.update(dispute["id"], {"evidence": evidence})  # type: ignore[typeddict-item]  # on purpose
    assert bench.v1.disputes.retrieve(dispute["id"]).evidence_details.submission_count == 0


def test_evidence_is_staged_as_often_as_one_likes_and_submitted_once(bench: Bench) -> None:
    dispute, file = disputed(bench), upload(bench)
    for name in ("Jun", "Jun T."):
        bench.v1.disputes.update(dispute["id"], {"evidence": {"customer_name": name}, "submit": False})
    found = bench.v1.disputes.update(dispute["id"], {"evidence": {"receipt": file.id}})
    assert (found.status, found.evidence.customer_name, found.evidence.receipt) == (
        "under_review",
        "Jun T.",
        file.id,
    )
    with pytest.raises(stripe.InvalidRequestError, match="submitted already"):
        bench.v1.disputes.update(dispute["id"], {"evidence": {"customer_name": "Jun"}})


def test_files_together_are_at_most_so_large(bench: Bench) -> None:
    dispute = disputed(bench)
    half = PDF + b"0" * (5 * 1024 * 1024 // 2)
    one, other = upload(bench, half).id, upload(bench, half).id
    with pytest.raises(stripe.InvalidRequestError, match="5 MB together"):
        bench.v1.disputes.update(
            dispute["id"], {"evidence": {"receipt": one, "service_documentation": other}, "submit": False}
        )
