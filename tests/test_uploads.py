"""Files of strangers: what they are is what their bytes say, and their names do no harm."""

from io import BytesIO

import pytest
from werkzeug.datastructures import FileStorage

from discuno import policy
from discuno.disputes import uploads

MOST = policy.MAX_FILE_SIZE
PNG = b"\x89PNG\r\n\x1a\n"


def sent(content: bytes, name: str = "a.txt") -> FileStorage:
    return FileStorage(BytesIO(content), filename=name, content_type="image/png")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7 ...", "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0..", "image/jpeg"),
        (b"RIFF\n\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("Grüße, 你好\r\n".encode(), "text/plain"),
        (b"<script>alert(1)</script>", "text/plain"),  # served as text, and never drawn
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"GIF89a\x00", None),
        (b"MZ\x90\x00", None),
        (b"PK\x03\x04\xff", None),
        (b"caf\xe9", None),
        (b"with a \x00 in it", None),
    ],
)
def test_what_a_file_is_follows_from_its_bytes(content: bytes, kind: str | None) -> None:
    found = uploads.kind_of(content)
    assert (found and found[0]) == kind


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("notes.txt", "notes.txt"),
        ("NOTES.TXT", "NOTES.TXT"),
        ("C:\\Users\\jun\\notes.txt", "notes.txt"),
        ("../../etc/passwd", "passwd.txt"),
        ("run.exe", "run.exe.txt"),
        ("page.html", "page.html.txt"),
        ("two\r\nlines\t.txt", "two lines .txt"),
        ("txt.\u202eexe.txt", "txt.exe.txt"),
        ("/", "file.txt"),
        (".txt", "file.txt"),
        ("é" * 200 + ".txt", "é" * 116 + ".txt"),
        ('"quoted"; x=y.txt', '"quoted"; x=y.txt'),
    ],
)
def test_a_name_is_one_line_without_a_path_and_ends_as_its_content_does(name: str, kept: str) -> None:
    [made] = uploads.checked([sent(b"hello", name)])
    assert (made.name, made.media_type, made.content) == (kept, "text/plain", b"hello")


def test_a_picture_may_have_any_of_its_endings() -> None:
    assert [f.name for f in uploads.checked([sent(b"\xff\xd8\xff", n) for n in ("a.JPEG", "a.jpg", "a.png")])] == [
        "a.JPEG", "a.jpg", "a.png.jpg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([sent(b"x" * (MOST + 1), "big.txt")], "“big.txt” is larger than 5 MB."),
        ([sent(PNG), sent(b"", "none.txt")], "“none.txt” is empty."),
        (
            [sent(PNG), sent(b"MZ\0", "x.png")],
            "“x.png” is not a PDF, a PNG, JPEG or WebP picture, or plain text.",
        ),
        ([sent(PNG)] * 6, "Please send at most 5 files at once; these are 6."),
    ],
    ids=["too large", "empty", "of another kind", "too many"],
)
def test_one_file_that_is_not_taken_refuses_all_and_says_why(files: list[FileStorage], why: str) -> None:
    with pytest.raises(uploads.NotAccepted) as refused:
        uploads.checked(files)
    assert str(refused.value) == why


def test_the_largest_is_taken_and_a_choice_of_nothing_is_no_file() -> None:
    assert [len(f.content) for f in uploads.checked([sent(b"x" * MOST), sent(b"", "")])] == [MOST]
