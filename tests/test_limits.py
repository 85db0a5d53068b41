"""How often somebody may ask: counted for an address and for a browser, in Redis, and without it too."""

import re
from collections.abc import Iterator

import pytest
import redis
from flask import Flask
from werkzeug.exceptions import TooManyRequests

from discuno import policy
from discuno.bookings.models import LinkRequest
from discuno.edges import queue
from discuno.kit import limits, security
from tests.factories import all_of
from tests.house import House


@limits.at_most("test", "6 per minute", "2 per minute")
def ask() -> str:
    return "yes"


@pytest.fixture
def app(bare: House) -> Flask:
    return bare.app


@pytest.fixture
def without_redis(app: Flask) -> Iterator[Flask]:
    """The app, whose limits find nobody at Redis's address."""
    counted = app.extensions[limits.HERE]
    limits.install(app, "redis://127.0.0.1:1", redis.ConnectionPool(host="127.0.0.1", port=1))
    yield app
    app.extensions[limits.HERE] = counted


def answers(app: Flask, times: int, address: str = "192.0.2.1", visitor: str = "") -> str:
    """A letter for each time somebody asks: y for yes, n for "too often"."""
    told = ""
    for _ in range(times):
        with app.test_request_context("/", environ_base={"REMOTE_ADDR": address}) as context:
            context.session["visitor"] = visitor
            try:
                told += ask()[0]
            except TooManyRequests:
                told += "n"
    return told


def test_an_address_may_ask_so_often_and_another_one_again(app: Flask) -> None:
    assert answers(app, 8) == "yyyyyynn"
    assert answers(app, 1, "192.0.2.2") == "y"


def test_a_browser_may_ask_less_often_than_its_address(app: Flask) -> None:
    assert answers(app, 3, visitor="jun") == "yyn"
    assert answers(app, 3, visitor="ada") == "yyn"


def test_a_household_is_one_address_however_many_it_has(app: Flask) -> None:
    assert answers(app, 6, "2001:db8:1:2::1") == "yyyyyy"
    assert answers(app, 1, "2001:db8:1:2:ffff::9") == "n"
    assert answers(app, 1, "2001:db8:1:3::1") == "y"


def test_losing_redis_does_not_open_the_doors(without_redis: Flask) -> None:
    assert answers(without_redis, 8) == "yyyyyynn"


def test_the_counts_are_kept_in_redis_for_all_processes(app: Flask) -> None:
    answers(app, 1)
    with app.app_context():
        assert any(b"discuno" in key for key in queue.connection().keys("*")), queue.connection().keys("*")


def test_every_page_that_changes_something_has_its_rate(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        writes = (rule.methods or set()) - security.SAFE
        entrance = security.ENTRANCES.get(rule.endpoint.rpartition(".")[0])
        if writes and entrance == "anybody":
            assert "rate" in app.view_functions[rule.endpoint].__dict__, rule
    for reads in ("bookings.choose_time", "bookings.calendar", "reschedule.calendar"):
        assert app.view_functions[reads].__dict__["rate"] == policy.SLOTS.name


def test_who_asks_too_often_is_told_how_long_to_wait_and_nothing_is_done(bare: House) -> None:
    client = bare.app.test_client()
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/booking/find").text)
    assert found
    form = {"email": "jun@example.com", "csrf_token": found[1]}
    answers = [client.post("/booking/find", data=form) for _ in range(21)]
    assert [a.status_code for a in answers[:20]] == [303] * 20
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3601
    assert "Too many at once" in answers[-1].text
    minutes = -(-int(answers[-1].headers["Retry-After"]) // 60)
    assert f"Please try again in {minutes} minutes." in answers[-1].text
    assert len(all_of(bare, LinkRequest)) == 20
