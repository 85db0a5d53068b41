"""One Stripe bench for all tests, emptied before each; a shop for a file, and a page in a browser."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page

from tests.sandbox.calcom_stage import Stage, running_stage
from tests.sandbox.storefront import Shop, open_shop
from tests.sandbox.stripe_bench import Bench


@pytest.fixture(scope="session")
def running_bench() -> Iterator[Bench]:
    with Bench() as bench:
        yield bench


@pytest.fixture
def bench(running_bench: Bench) -> Bench:
    running_bench.reset()
    return running_bench


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Cal.com's stand-in on a free port, with one mentor who works 9 to 17 UTC, every day."""
    with running_stage() as stage:
        yield stage


@pytest.fixture
def day() -> datetime:
    """Ten in the morning, a week from now."""
    return (datetime.now(UTC) + timedelta(days=7)).replace(hour=10, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 900, "height": 900}, locale="en-US")
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()
