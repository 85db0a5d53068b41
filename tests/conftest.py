"""One house a test process, emptied before each test that asks for it."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, sync_playwright
from pydantic import SecretStr

from discuno.edges import smtp
from discuno.kit import failpoints
from discuno.sandbox.processes import free_port
from tests import chromium, witness
from tests.bank import at_fault, sold
from tests.catalogue import AMARA, OWEN
from tests.house import House, running_house


@pytest.fixture(scope="session")
def built_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def bare(built_house: House) -> House:
    """The house with nobody in it, where no work waits but the test's own."""
    built_house.empty()
    return built_house


@pytest.fixture
def house(built_house: House) -> House:
    """The house with two mentors in it: Amara on the built-in calendar, Owen on Cal.com."""
    built_house.begin_with(AMARA, OWEN)
    return built_house


@pytest.fixture
def held(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A confirmed, paid session; whatever becomes of it, no failpoint outlives its test and the books stay sound."""
    monkeypatch.setattr(house.app.extensions["settings"], "payout_mode", "on_request")  # shares stay there
    house.begin_sold(lambda: sold(house))
    yield house
    failpoints.arm(None)
    assert at_fault(house) == []


@pytest.fixture
def letters_told_of(house: House) -> None:
    """Resend tells what becomes of letters."""
    house.hear_of_letters()


@pytest.fixture(scope="session")
def mail_port(built_house: House) -> int:
    """Where a mail server listens, in a test process that needs one."""
    port = free_port()
    built_house.sandbox.open_post("127.0.0.1", port)
    return port


@pytest.fixture
def post(bare: House, mail_port: int) -> Iterator[House]:
    """The house with nobody in it, and a mail server beside Resend."""
    settings = bare.app.extensions["settings"]
    smtp.configure(settings.model_copy(update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{mail_port}")}))
    yield bare
    smtp.configure(settings)


@pytest.fixture
def client(house: House) -> FlaskClient:
    """A browser without JavaScript."""
    return house.app.test_client()


@pytest.fixture(autouse=True)
def _audited() -> Iterator[None]:
    """In no test has an admin or a mentor changed something of which the audit log knows nothing."""
    witness.unaudited.clear()
    yield
    assert witness.unaudited == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium a test process; tests open contexts of their own in it."""
    program = chromium.find()  # before the driver runs: finding may need one itself
    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=quiet)
        yield launched
        launched.close()
