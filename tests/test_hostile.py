"""What strangers type is shown as they typed it, on every page, in every letter and file, and does nothing there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest
import requests
import sqlalchemy as sa
from flask import url_for
from flask.testing import FlaskClient
from icalendar import Calendar
from werkzeug.routing import Rule

from discuno.admin.machines import sealed
from discuno.bookings import feed, links
from discuno.bookings.models import Booking
from discuno.disputes.models import DisputeFile
from discuno.kit import security
from discuno.kit.db import one_or_none, transaction
from discuno.kit.text import one_line
from discuno.notifications.addresses import path_for
from tests.addresses import first_of
from tests.attendee import Attendee
from tests.factories import ADMIN, JUN, all_of, someone
from tests.house import House
from tests.reporting import AMARA, PNG, Holder, answering, mentor
from tests.signing import staff

BREAKS_OUT = "\"'><hostile-tag hostile-attribute=1><script>alert(1)</script><img src=x onerror=alert(1)>"
SPEAKS = '{{ 7*7 }} ${7*7} {% raw %} %s =HYPERLINK("x") -- javascript:alert(1) \\N;,:'
PICTURES = "\u202egnp.exe \u2067x \U0001f469\u200d\U0001f680 \U0001d4b5 é"
LINES = "\r\nBcc: all@example.com\r\n\r\nPaid: $0.00\x07\u2028X-EVIL: 1"


def typed(what: str) -> str:
    """A long text of a stranger that ends in a word by which it is found again."""
    return f"{BREAKS_OUT} {SPEAKS} {PICTURES}{LINES} {'W' * 200} mark-{what}"


# A name has one line, 200 characters, and nothing that prints nothing: mail headers and calendars hold it too.
NAME = f'{BREAKS_OUT} {{{{ 7*7 }}}} =HYPERLINK("x") \u202e{LINES[:26]} mark-name'
FILE = "=1+1;'><hostile-tag>\u202e{{ 7*7 }} mark-file.png"  # browsers send no quotation mark here
SAID = {
    "note": typed("note"),
    "report": typed("report"),
    "answer": typed("answer"),
    "cancel": typed("cancel"),
}
SHOWN = {"name": one_line(NAME), "file": one_line(FILE), **SAID}


def as_read(text: str) -> str:
    """As a reader sees it: without the characters that steer printers, and any white space as one space."""
    return " ".join("".join(c for c in text if c.isspace() or ord(c) > 31).split())


@dataclass
class Page(HTMLParser):
    """What a browser makes of a page: tags, attributes and text."""

    tags: set[str] = field(default_factory=set)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One tag."""
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Text; what stands in a script or a style is no text."""
        self.text += data
        if self.cdata_elem == "script":
            self.scripts.append(data)


def read(html: str) -> Page:
    """The page, of which nothing of a stranger's has become a part."""
    page = Page()
    page.feed(html.replace(sealed.NOWHERE, "<head>", 1))  # which is ours
    names = {name for name, _ in page.attributes}
    assert not {"hostile-tag", "base", "object", "embed"} & page.tags
    assert not {n for n in names if n.startswith(("on", "hx-on", "hostile"))}
    assert not "".join(page.scripts).strip()
    for name, value in page.attributes:
        assert name not in ("href", "src", "action") or not value.lower().strip().startswith("javascript"), (
            value
        )
    return page


def whole(texts: list[str], where: str) -> set[str]:
    """Which of the strangers' texts are found, each of them as it was typed wherever it is."""
    found = set()
    for what, value in SHOWN.items():
        for text in texts:
            if f"mark-{what}" in text:
                assert as_read(value) in as_read(text), f"{where}: {what} is not shown as it was typed"
                found.add(what)
    return found


def shown(html: str, where: str) -> set[str]:
    """Which of the strangers' texts a page shows."""
    page = read(html)
    return whole([page.text, *(value for _, value in page.attributes)], where)


# A session of somebody like that


def holders(house: House, client: FlaskClient) -> tuple[Holder, Holder]:
    """The attendee at their link, and the mentor at the session's page."""
    return Holder(client, house.read(lambda: links.manage_path(the_one()))), mentor(house)


def the_one() -> Booking:
    found = one_or_none(sa.select(Booking))
    assert found is not None
    return found


# Every page there is


def addresses(house: House, session_id: str) -> Iterator[tuple[str, str]]:
    """Every address that can be read, by its endpoint; a page that asks for more than is known here must be added."""
    with house.app.test_request_context(), transaction() as unit:
        booking = the_one()
        token = links.manage_token(booking)
        calendar = feed.address(booking.mentor).rsplit("/", 1)[1].removesuffix(".ics")
        letters = path_for(booking.attendee_email or "").rsplit("/", 1)[1]
        tokens = {"feed": calendar, "letters": letters, "one_click": letters}
        file = unit.execute(sa.select(DisputeFile.public_id)).scalars().first()
        known = {
            "username": "amara",
            "type_id": booking.event_type_id,
            "public_id": booking.public_id,
            "case_id": 1,
            "payout_id": 1,
            "name": "2026",  # of a statement
            "kind": "day_before",
        }
        for rule in house.app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and not _is_left_out(rule):
                is_ours = security.ENTRANCES[rule.endpoint.rpartition(".")[0]] == "admin"
                values = {**known, "token": tokens.get(rule.endpoint.partition(".")[0], token)}
                values |= first_of(rule) if is_ours else {}
                if "file" in rule.endpoint and file is not None:
                    values["public_id"] = file
                wanted = {name: values[name] for name in rule.arguments}
                yield rule.endpoint, url_for(rule.endpoint, **wanted, session_id=session_id)


def _is_left_out(rule: Rule) -> bool:
    """Static files, machines, and Stripe's own pages: none of them knows an attendee."""
    others = ("cron", "health", "onboarding", "onboarding_link", "host_link")
    return rule.endpoint == "static" or rule.endpoint.partition(".")[0] in others


def seen_on_pages(house: House, mallory: Attendee, mentors: Holder, session_id: str) -> dict[str, set[str]]:
    """Which texts were seen at which endpoint."""
    seen: dict[str, set[str]] = {}
    admin = staff(house)
    for endpoint, url in list(addresses(house, session_id)):  # first: a request inside another shares its `g`
        whose = {"dashboard": mentors.client, "admin": admin}.get(
            url.split("/")[1].split("?")[0], mallory.client
        )
        answer = whose.get(url)
        assert answer.status_code < 500, url
        if answer.mimetype == "text/html":
            seen[endpoint] = shown(answer.text, url)
        elif answer.mimetype == "text/calendar":
            seen[endpoint] = file_holds(answer.data)
        else:
            assert answer.headers["X-Content-Type-Options"] == "nosniff", url
            assert answer.mimetype != "image/png" or "attachment" in answer.headers["Content-Disposition"], (
                url
            )
    return seen


def file_holds(content: bytes) -> set[str]:
    """Which texts a calendar file tells; no line of it is theirs."""
    lines = content.decode().split("\r\n")
    assert not [
        line for line in lines if line.startswith(("X-EVIL", "Bcc", "Paid")) or len(line.encode()) > 75
    ]
    [event] = Calendar.from_ical(content).walk("VEVENT")
    return whole([event["SUMMARY"], event["DESCRIPTION"]], "the calendar file")


# Every letter, and the mailbox that shows it


def seen_in_letters(house: House) -> set[str]:
    """Which texts were seen in letters, in every form of them."""
    found: set[str] = set()
    for letter in (one for to in (JUN, AMARA, ADMIN) for one in house.letters(to)):
        where = f"{letter['tags'][0]['value']} to {letter['to']}"
        for header in ("subject", "from", *("to", "reply_to")):
            assert not re.search(r"[\x00-\x1f\x7f\u2028\u202e]", str(letter[header])), where
        assert not letter["cc"] + letter["bcc"], where
        assert not re.search(r"^(Bcc|Paid|X-EVIL):(?! \$60)", letter["text"], re.MULTILINE), where
        found |= shown(letter["html"], where) | whole([letter["text"]], where)
        for file in letter["attachments"]:
            file_holds(requests.get(f"{house.sandbox.url}{file['url']}", timeout=5).content)
        for view in ("", "?view=text", "?view=source"):
            read(requests.get(f"{house.sandbox.url}/mailbox/{letter['id']}{view}", timeout=5).text)
    read(requests.get(f"{house.sandbox.url}/mailbox", timeout=5).text)
    return found


def look_back(pages: dict[str, set[str]]) -> None:
    """After the mentor has cancelled."""
    assert pages["manage.calendar_file"] == pages["feed.calendar"] == {"name"}
    assert pages["hosting.page"] >= {"name", "note", "cancel"}
    assert pages["cases.page"] >= {"name", "report", "answer", "file"}


def look_around(pages: dict[str, set[str]]) -> None:
    """While the report is open: who is shown what of it."""
    assert "name" in pages["manage.show_booking"]
    assert pages["reports.page"] >= {"report", "answer", "file"}
    assert pages["admin_cases.case_page"] >= {"name", "report", "answer", "file"}
    for lists in ("admin_cases.listing", "admin_payments.listing", "admin_payments.show"):
        assert "name" in pages[lists], lists
    assert pages["manage.calendar_file"] == pages["feed.calendar"] == pages["hosting.listing"] == {"name"}


@pytest.mark.story
def test_nothing_that_strangers_type_does_anything_anywhere(house: House) -> None:
    mallory = someone(house)
    details = mallory.hold("amara")
    wrong = mallory.fill_in(details, name=NAME, note=SAID["note"], email="nobody")
    assert shown(wrong.text, "the form") == {"name", "note"}
    payment = mallory.client.get(mallory.fill_in(details, name=NAME, note=SAID["note"]).location).text
    session_id = re.search(r"session_id=(cs_\w+)", payment)
    assert session_id
    assert "name" in shown(payment, "the payment")
    assert "name" in shown(mallory.client.get(details).text, "the form again")
    mallory.pay(session_id[1])
    house.settle_down()

    theirs, mentors = holders(house, mallory.client)
    wrong = theirs.sends("/report", reason="", text=SAID["report"])
    assert (wrong.status_code, "report" in shown(wrong.text, "the report")) == (422, True)
    theirs.sends("/report", reason="other", text=SAID["report"], files=((FILE, PNG),))
    answers = answering(house)
    wrong = answers.sends("/answer", text=SAID["answer"], files=((FILE, b"\x00"),))
    assert shown(wrong.text, "the answer") >= {"answer", "file"}
    answers.sends("/answer", text=SAID["answer"])
    house.settle_down()
    look_around(seen_on_pages(house, mallory, mentors, session_id[1]))
    mentors.sends("/cancel", reason=SAID["cancel"])
    house.settle_down()
    assert all_of(house, Booking)[0].status == "cancelled"

    look_back(seen_on_pages(house, mallory, mentors, session_id[1]))
    assert seen_in_letters(house) == set(SHOWN)
