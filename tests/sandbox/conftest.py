"""One Stripe bench for all tests, emptied before each."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.calcom_stage import Stage, running_stage
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
