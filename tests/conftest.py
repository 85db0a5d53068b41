"""One house a test process, emptied before each test that asks for it."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.catalogue import AMARA, OWEN
from tests.house import House, running_house


@pytest.fixture(scope="session")
def built_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def house(built_house: House) -> House:
    """The house with two mentors in it: Amara on the built-in calendar, Owen on Cal.com."""
    built_house.empty()
    for entry in (AMARA, OWEN):
        built_house.plant(entry)
    return built_house


@pytest.fixture
def client(house: House) -> FlaskClient:
    """A browser without JavaScript."""
    return house.app.test_client()
