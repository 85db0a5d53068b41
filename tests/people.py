"""Somebody with an account, or who says so, at the pages by which one comes in and goes out."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import unescape
from typing import Any, TypeVar

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from discuno.kit.db import db, session
from tests.house import House

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Safari/604.1"
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
ALONE: Any = "AUTOCOMMIT"  # in a transaction Postgres shows the first look again and again
Result = TypeVar("Result")
LINK = re.compile(r"http://[^/\s\"]+(/sign-in/[\w.~-]+)")


@dataclass
class Person:
    """One browser, and whoever sits before it."""

    house: House
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        """A browser that has been nowhere."""
        self.client = self.house.app.test_client()
        self.client.environ_base["HTTP_USER_AGENT"] = PHONE

    def reads(self, path: str) -> str:
        """A page that is there, as it is read."""
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return unescape(answer.text)

    def sends(self, path: str, page: str = "/sign-in/sent", **form: str) -> TestResponse:
        """Send a form, with the token of a page that has one."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(page).text)
        token = found[1] if found else self.token()
        return self.client.post(path, data={**form, "csrf_token": token})

    def token(self) -> str:
        """The token against forged forms; any page with a form has it."""
        for page in ("/booking/find", "/sign-in"):
            found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(page).text)
            if found:
                return found[1]
        raise AssertionError("no page has a form")

    def asks(self, email: str, **form: str) -> TestResponse:
        """Ask for a link."""
        return self.sends("/sign-in", email=email, **form)

    def presses(self, link: str) -> TestResponse:
        """Press the button of a link's page."""
        return self.sends(link)

    def signs_in(self, email: str, **form: str) -> TestResponse:
        """All of it, by letter."""
        assert self.asks(email, **form).status_code == 303
        return self.presses(link_to(self.house, email))

    def cookie(self) -> str:
        """What stands in the browser's cookie."""
        kept = self.client.get_cookie("discuno")
        return kept.value if kept is not None else ""

    def bring(self, cookie: str) -> None:
        """Put a copied cookie in place."""
        self.client.set_cookie("discuno", cookie)

    def is_in(self, page: str = "/sign-ins") -> bool:
        """Whether a page of theirs opens."""
        return self.client.get(page).status_code == 200


def while_it_is_open(slower: Callable[[], Result]) -> Result:
    """Begin something in another thread, and commit the caller's unit of work once that waits for it."""
    with ThreadPoolExecutor(1) as hand, db.engine.connect().execution_options(isolation_level=ALONE) as watch:
        waits = hand.submit(slower)
        while not watch.execute(sa.text(WAITS)).scalar_one():
            assert not waits.done(), "it waited for nothing"
        session().commit()
        return waits.result(30)


def link_to(house: House, email: str) -> str:
    """The path of the link in the newest letter to somebody; their mail is sent first."""
    house.work()
    found = LINK.search(house.letters(email)[-1]["text"])
    assert found
    return found[1]
