"""What Sentry is told when something goes wrong: what, and of nobody."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
import sqlalchemy as sa
from pydantic import SecretStr
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from discuno.edges import queue, sentry
from discuno.kit import clock, outbox
from discuno.kit.db import session, transaction
from tests.factories import change
from tests.house import House, settings_for

DSN = "https://0123456789abcdef@sentry.example/7"
TOKEN = "eyJpZCI6IjEyMyJ9." + "a1B2" * 10
KEY = "sk_live_" + "a1B2" * 6
SAID = f"{KEY} of jun@example.com at /booking/{TOKEN} and /calendar/{TOKEN}.ics"
NAME, TYPED = "Jun Sato", "typed by jun (twice)"
ADDRESS = "/booking/find?email=jun%40example.com&name=Jun+Sato"
HIDDEN = (KEY, "a1B2a1B2", "jun", "Jun Sato", "127.0.0.9", "sid-of-jun", "typed by")


class Ear(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """As the SDK hands it over, through JSON."""
        self.heard += [json.loads(item.get_bytes()) for item in envelope.items]


@pytest.fixture
def ear(bare: House) -> Iterator[Ear]:
    """Sentry with a wire of the test's own."""
    ear, settings = Ear(), bare.app.extensions["settings"]
    sentry.configure(settings.model_copy(update={"sentry_dsn": SecretStr(DSN)}), transport=ear)
    yield ear
    sentry_sdk.get_global_scope().set_client(None)


def only(ear: Ear) -> dict[str, Any]:
    """The one event that was sent, in which nobody stands."""
    [event] = ear.heard
    whole = json.dumps(event, ensure_ascii=False)
    assert [text for text in HIDDEN if text in whole] == []
    assert "vars" not in whole
    return event


def bug(*_: object, **__: object) -> None:
    who = f"{NAME} {SAID}"  # a local variable
    raise RuntimeError(who.removeprefix(NAME).strip())


def test_a_bug_in_a_page_is_told_once_and_nothing_of_who_asked(
    bare: House, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bare.app.view_functions, "find.find", bug)
    client = bare.app.test_client()
    client.set_cookie("discuno", "sid-of-jun")
    answer = client.get(
        ADDRESS,
        headers={"Referer": f"http://x/booking/{TOKEN}", "User-Agent": TYPED},
        environ_base={"REMOTE_ADDR": "127.0.0.9"},
    )
    assert answer.status_code == 500
    event = only(ear)
    assert event["exception"]["values"][0]["value"] == "sk_live_a1… of … at … and …"
    assert event["transaction"] == "find.find"
    assert event["environment"] == "test"
    assert event["request"] == {"method": "GET"}
    assert event["tags"]["request_id"] == answer.headers["X-Request-Id"]
    assert "user" not in event


def test_what_was_typed_into_a_form_is_not_told(
    bare: House, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bare.app.view_functions, "webhooks.from_stripe", bug)
    body = {"name": NAME, "why": TYPED}
    assert bare.app.test_client().post("/webhooks/stripe", json=body).status_code == 500
    assert only(ear)["request"] == {"method": "POST"}


def test_a_failed_job_is_told_and_one_that_waits_is_not(
    bare: House, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_yet(**_: object) -> None:
        raise outbox.Later(clock.now(), SAID)

    for task in (not_yet, bug):
        monkeypatch.setitem(outbox.TASKS, "act", ("default", task))
        with bare.app.app_context(), transaction():
            outbox.add("act", number=1)
        change(bare, "UPDATE discuno_job SET attempts = 3")
        with bare.app.app_context():
            queue.run(
                bare.read(lambda: session().execute(sa.select(sa.func.max(outbox.Job.id))).scalar_one())
            )
    event = only(ear)
    assert event["tags"]["task"] == "act"
    assert event["level"] == "error"


def test_an_error_of_the_database_names_no_value_neither_here_nor_in_the_logs(
    bare: House, ear: Ear, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    twice = sa.text("INSERT INTO discuno_mail_address (address, declined) VALUES (:who, '{}'), (:who, '{}')")

    def write(**_: object) -> None:
        with transaction() as unit:
            unit.execute(twice, {"who": TYPED})

    monkeypatch.setitem(outbox.TASKS, "act", ("default", write))
    with bare.app.app_context():
        with transaction():
            outbox.add("act", number=1)
        queue.run_due(1)
    event = only(ear)
    assert "Key (address)=(…) already exists" in event["exception"]["values"][-1]["value"]
    written = capfd.readouterr().out
    assert r"Key (address)=(\u2026) already exists" in written
    assert TYPED not in written


def test_what_led_to_it_is_told_without_queries(ear: Ear) -> None:
    said = {"url": "https://api.cal.com/v2/slots", "http.query": "name=Jun+Sato"}
    sentry_sdk.add_breadcrumb(category="httplib", message=SAID, data=said)
    sentry.capture(RuntimeError("x"))
    [crumb] = [c for c in only(ear)["breadcrumbs"]["values"] if c["category"] == "httplib"]
    assert crumb["data"] == {"url": "https://api.cal.com/v2/slots"}


def test_without_an_address_of_sentry_nothing_is_begun(bare: House) -> None:
    sentry.configure(bare.app.extensions["settings"])
    assert not sentry_sdk.is_initialized()
    sentry.capture(RuntimeError("nobody hears it"))


def test_live_is_told_from_test(bare: House) -> None:
    live = {"stripe_secret_key": SecretStr("sk_live_x"), "sentry_dsn": SecretStr(DSN)}
    ear = Ear()
    sentry.configure(bare.app.extensions["settings"].model_copy(update=live), transport=ear)
    try:
        sentry.capture(RuntimeError("x"))
    finally:
        sentry_sdk.get_global_scope().set_client(None)
    assert only(ear)["environment"] == "live"


def test_no_header_of_sentrys_goes_to_other_houses(house: House, ear: Ear) -> None:
    assert sentry_sdk.get_client().options["trace_propagation_targets"] == []


@pytest.mark.parametrize(
    "dsn", ["sentry.example/7", "https://sentry.example/7", "https://key@sentry.example/"]
)
def test_an_address_that_is_none_is_refused_at_the_start(dsn: str) -> None:
    with pytest.raises(ValueError, match="must look like https://key@host/number"):
        settings_for("http://s", "http://a", "postgres://u@h/d", "redis://h", sentry_dsn=dsn)
