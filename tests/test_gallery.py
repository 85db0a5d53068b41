"""Every template draws every state, with ordinary and with hostile data, and keeps the rules of parts."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from discuno import gallery
from tests.gallery import ROOT, create_gallery, specimens

NAMES = sorted(specimens())
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "path", "circle", "rect"}
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "letters" not in path.parts)
FORBIDDEN = re.compile(
    r"\|\s*safe\b|<style|\sstyle=|<script(?![^>]*\ssrc=)|hx-on|js:|\sonclick=", re.IGNORECASE
)


class Outline(HTMLParser):
    """The open elements of a page as it is read: roots, ids, and anything closed out of turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.roots: list[str] = []
        self.ids: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a root, an id, and that the element is open."""
        known = dict(attrs)
        if not self.open:
            self.roots.append(known.get("id") or tag)
        if known.get("id"):
            self.ids.append(str(known["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Shapes of a drawing close themselves."""

    def handle_endtag(self, tag: str) -> None:
        """Only the innermost open element may close."""
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """A browser without JavaScript, before the gallery."""
    return create_gallery().test_client()


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_whole_and_has_one_heading(client: FlaskClient, name: str) -> None:
    html = client.get(f"/specimen/{name}").text
    outline = Outline(html)
    assert (outline.wrong, outline.open) == ([], [])
    assert len(outline.ids) == len(set(outline.ids))
    assert html.count("<h1") == 1
    assert html.count("hx-history-elt") == 1


@pytest.mark.parametrize("name", [name for name in NAMES if "/_" in specimens()[name].part])
def test_every_part_has_one_root_named_after_its_path(client: FlaskClient, name: str) -> None:
    part = specimens()[name].part
    outline = Outline(client.get(f"/specimen/{name}", headers={"HX-Request": "true"}).text)
    assert outline.roots == [part.removesuffix(".html").replace("/_", "-")]


@pytest.mark.parametrize("name", NAMES)
def test_what_people_typed_stays_text(client: FlaskClient, name: str) -> None:
    html = client.get(f"/specimen/{name}").text
    assert "<script>" not in html
    assert "<b>&" not in html
    assert "<bakery>" not in html


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_needs_inline_code_or_unescaped_text(path: Path) -> None:
    assert FORBIDDEN.findall(path.read_text()) == []


@pytest.mark.parametrize("name", NAMES)
def test_whatever_htmx_does_a_browser_can_do_without_it(client: FlaskClient, name: str) -> None:
    html = client.get(f"/specimen/{name}").text
    for tag in re.findall(r"<(?:a|form)\s[^>]*hx-(?:get|post)=[^>]*>", html):
        assert re.search(r"\s(?:href|action)=", tag), tag


def test_a_free_session_shows_no_payment_step(client: FlaskClient) -> None:
    assert "Payment</span>" not in client.get("/specimen/odd-details").text
    assert "Confirm booking" in client.get("/specimen/odd-details").text
    assert "Continue to payment" in client.get("/specimen/plain-details").text


def test_only_a_waiting_state_asks_again(client: FlaskClient) -> None:
    assert 'hx-trigger="every 2s"' in client.get("/specimen/plain-done-checking").text
    assert 'hx-trigger="every 2s"' not in client.get("/specimen/plain-done-confirmed").text


def test_wrong_fields_are_named_and_keep_what_was_typed(client: FlaskClient) -> None:
    html = client.get("/specimen/plain-details-wrong").text
    assert 'href="#field-email"' in html
    assert html.count('aria-invalid="true"') == 2
    assert 'value="jun@"' in html
    assert "&lt;/textarea&gt;" in html


def test_the_page_of_components_shows_every_status_and_is_whole() -> None:
    html = gallery.create_gallery(str(ROOT)).test_client().get("/").text
    outline = Outline(html)
    assert (outline.wrong, outline.open) == ([], [])
    assert len(outline.ids) == len(set(outline.ids))
    for _, kind in gallery.GROUPS:
        assert [status.label for status in kind if f">{status.label}<" not in html] == []
