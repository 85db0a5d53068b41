"""What every browser story has: a house at work, and people with browsers of their own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.house import House
from tests.stories.attendee import Attendee

Invite = Callable[..., Attendee]
expect.set_options(timeout=15_000)  # milliseconds; a busy machine is slow, not wrong


@contextmanager
def working(house: House) -> Iterator[None]:
    """Let jobs run while a browser waits, as a worker would; what a worker stumbles over fails the story."""
    over, trouble = threading.Event(), []

    def work() -> None:
        while not over.wait(0.03):
            try:
                house.work()
            except Exception as error:
                trouble.append(error)
                return

    worker = threading.Thread(target=work, name="worker")
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()
    assert trouble == []


@pytest.fixture
def busy_house(house: House) -> Iterator[House]:
    """The house with somebody at work in it, and news of every kind."""
    house.hear_of_letters()
    with working(house):
        yield house


@pytest.fixture
def invite(busy_house: House, browser: Browser) -> Iterator[Invite]:
    """Invite somebody with a browser of their own; nobody's browser may have complained in the end."""
    with ExitStack() as doors:
        people: list[Attendee] = []

        def arrive(**options: Any) -> Attendee:
            given = {
                "locale": "en-US",
                "timezone_id": "Europe/Paris",
                "viewport": {"width": 1280, "height": 900},
            }
            context = browser.new_context(**{**given, **options})
            context.set_default_timeout(15_000)
            doors.callback(context.close)
            people.append(Attendee(busy_house, context))
            return people[-1]

        yield arrive
        complaints = [said for person in people for said in person.complaints]
    assert complaints == []


@pytest.fixture
def jun(invite: Invite) -> Attendee:
    """Jun, in Paris, at a desk."""
    return invite()
