"""One Stripe bench for all tests, emptied before each."""

from collections.abc import Iterator

import pytest

from tests.sandbox.stripe_bench import Bench


@pytest.fixture(scope="session")
def running_bench() -> Iterator[Bench]:
    with Bench() as bench:
        yield bench


@pytest.fixture
def bench(running_bench: Bench) -> Bench:
    running_bench.reset()
    return running_bench
