"""The Resend stand-in and its mailbox, driven by the real SDK and by HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import resend
from resend.exceptions import ResendError

from discuno.sandbox import faults
from discuno.sandbox import resend as stand_in
from tests.sandbox.stand import Stand, standing

LETTER: resend.Emails.SendParams = {
    "from": "Discuno <hello@discuno.test>",
    "to": ["ana@example.com"],
    "subject": "Your session is booked",
    "html": "<html><head></head><body><p>See you on <a href='/x'>Tuesday</a></p></body></html>",
    "text": "See you on Tuesday",
}


class Stage(Stand):
    """Resend's stand-in with its mailbox."""

    def get(self, path: str) -> requests.Response:
        """Read a page of the mailbox."""
        return requests.get(f"{self.url}{path}", timeout=5)

    def lever(self, **change: Any) -> None:
        """Change how the stand-in behaves."""
        requests.post(f"{self.url}/control/resend", json=change, timeout=5).raise_for_status()

    def types(self) -> list[str]:
        """The types of the webhooks so far."""
        return [event["type"] for event in self.told()]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The stand-in on a free port, the SDK pointed at it, the rate limit off."""
    with standing(Stage, "resend", stand_in.signer, stand_in.blueprint) as stage:
        monkeypatch.setattr(resend, "api_url", f"{stage.url}/resend")
        monkeypatch.setattr(resend, "api_key", stage.settings.resend_api_key)
        stage.lever(requests_per_second=0)
        yield stage


def send(key: str | None = None, **change: Any) -> str:
    """Send the letter, changed, and return its id."""
    options: resend.Emails.SendOptions = {"idempotency_key": key} if key else {}
    params: Any = {k: v for k, v in {**LETTER, **change}.items() if v is not None}
    return resend.Emails.send(params, options)["id"]


def test_a_letter_is_accepted_delivered_and_told_of(stage: Stage) -> None:
    letter_id = send(tags=[{"name": "kind", "value": "booked"}], reply_to="help@discuno.test")
    letter = resend.Emails.get(letter_id)
    assert letter["last_event"] == "delivered"
    assert (letter["to"], letter["reply_to"]) == (["ana@example.com"], ["help@discuno.test"])
    sent, delivered = stage.told()
    assert (sent["type"], delivered["type"]) == ("email.sent", "email.delivered")
    assert sent["data"]["email_id"] == letter_id
    assert sent["data"]["tags"] == {"kind": "booked"}


def test_the_sdk_accepts_the_signature_and_a_retry_keeps_the_id(stage: Stage) -> None:
    send()
    stage.courier.deliver_due()
    stage.courier.resend(stage.world.all("delivery")[0]["id"])
    stage.courier.deliver_due()
    ids = []
    for headers, body in stage.hooks:
        named = {
            k.lower().removeprefix("svix-"): v for k, v in headers.items() if k.lower().startswith("svix-")
        }
        ids.append(named["id"])
        resend.Webhooks.verify(
            {
                "payload": body.decode(),
                "headers": named,
                "webhook_secret": stage.settings.resend_webhook_secret,
            }
        )
    assert len(ids) == 3
    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize(
    ("address", "events"),
    [
        ("delivered@resend.dev", ["email.sent", "email.delivered"]),
        ("bounced@resend.dev", ["email.sent", "email.bounced"]),
        ("Bob <bounced+label@resend.dev>", ["email.sent", "email.bounced"]),
        ("complained@resend.dev", ["email.sent", "email.delivered", "email.complained"]),
        ("suppressed@resend.dev", ["email.suppressed"]),
    ],
)
def test_the_documented_test_addresses_have_their_documented_fate(
    stage: Stage, address: str, events: list[str]
) -> None:
    letter_id = send(to=address)
    assert stage.types() == events
    assert f"email.{resend.Emails.get(letter_id)['last_event']}" == events[-1]


def test_a_bounce_says_why(stage: Stage) -> None:
    send(to=["ana@example.com", "bounced@resend.dev"])
    bounce = next(event for event in stage.told() if event["type"] == "email.bounced")
    assert bounce["data"]["to"] == ["bounced@resend.dev"]
    assert bounce["data"]["bounce"]["type"] == "Permanent"


def test_the_same_key_and_body_is_one_letter_for_a_day(stage: Stage) -> None:
    first = send("receipt:1")
    assert send("receipt:1") == first
    assert len(stage.get("/mailbox.json").json()) == 1
    stage.world.advance(24 * 3600)
    assert send("receipt:1") != first


def test_the_same_key_with_another_body_is_refused(stage: Stage) -> None:
    send("receipt:1")
    with pytest.raises(ResendError) as caught:
        send("receipt:1", subject="Another")
    assert (caught.value.code, caught.value.error_type) == (409, "invalid_idempotent_request")
    with pytest.raises(ResendError) as caught:
        send("k" * 257)
    assert (caught.value.code, caught.value.error_type) == (400, "invalid_idempotency_key")


def test_the_same_key_twice_at_once_is_one_letter_and_one_refusal(stage: Stage) -> None:
    stage.lever(accept_seconds=0.5)

    def attempt(_: int) -> str:
        try:
            return send("receipt:1") and "sent"
        except ResendError as error:
            return error.error_type

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(attempt, range(2)))
    assert outcomes == ["concurrent_idempotent_requests", "sent"]
    assert len(stage.get("/mailbox.json").json()) == 1


def test_a_refused_letter_does_not_use_up_its_key(stage: Stage) -> None:
    with pytest.raises(ResendError):
        send("receipt:1", subject=None)
    assert send("receipt:1")


def test_a_letter_whose_answer_was_lost_is_sent_once_when_tried_again(stage: Stage) -> None:
    faults.add(stage.world, path="POST /resend/emails", action="drop_after")
    with pytest.raises(ResendError):
        send("receipt:1")
    assert send("receipt:1") == stage.get("/mailbox.json").json()[0]["id"]
    assert stage.types() == ["email.sent", "email.delivered"]


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"to": None}, "missing_required_field", "Missing `to` field."),
        ({"from": None}, "missing_required_field", "Missing `from` field."),
        ({"subject": None}, "missing_required_field", "Missing `subject` field."),
        ({"html": None, "text": None}, "missing_required_field", "Missing `html` or `text` field."),
        ({"from": "Discuno"}, "validation_error", "Invalid `from` field."),
        ({"to": "ana@example.com\nBcc: eve@example.com"}, "validation_error", "Invalid `to` field."),
        ({"to": [f"a{n}@example.com" for n in range(51)]}, "validation_error", "more than 50"),
        ({"subject": "Hello\r\nBcc: eve@example.com"}, "validation_error", "`subject`"),
        ({"headers": {"X-Note": "a\r\nBcc: eve@example.com"}}, "validation_error", "X-Note"),
        ({"tags": [{"name": "kind", "value": "päid"}]}, "validation_error", "Tags"),
        ({"attachments": [{"filename": "a.ics"}]}, "invalid_attachment", "Attachment"),
        ({"attachments": [{"filename": "a.ics", "content": "%%"}]}, "invalid_attachment", "base64"),
        ({"scheduled_at": "in 1 hour"}, "validation_error", "scheduled_at"),
    ],
)
def test_a_letter_that_is_not_right_is_refused_in_resends_shape(
    stage: Stage, change: dict[str, Any], name: str, words: str
) -> None:
    with pytest.raises(ResendError) as caught:
        send(**change)
    assert (caught.value.code, caught.value.error_type) == (422, name)
    assert words in caught.value.message
    assert stage.get("/mailbox.json").json() == []


def test_a_missing_and_a_wrong_key_are_told_apart(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = requests.post(f"{stage.url}/resend/emails", json={}, timeout=5)
    assert (bare.status_code, bare.json()["name"]) == (401, "missing_api_key")
    monkeypatch.setattr(resend, "api_key", "re_other")
    with pytest.raises(ResendError) as caught:
        send()
    assert (caught.value.code, caught.value.error_type) == (403, "invalid_api_key")


def test_more_than_the_limit_in_one_second_is_refused_with_headers(stage: Stage) -> None:
    stage.lever(requests_per_second=1)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: attempt_raw(stage), range(12)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json()["name"] == "rate_limit_exceeded"
    assert refused[0].headers["retry-after"] == "1"
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"1"}
    stage.world.clear()
    assert attempt_raw(stage).headers["ratelimit-limit"] == "5"


def attempt_raw(stage: Stage) -> requests.Response:
    """Ask for a letter that is not there."""
    headers = {"Authorization": f"Bearer {stage.settings.resend_api_key}"}
    return requests.get(f"{stage.url}/resend/emails/none", headers=headers, timeout=5)


def test_a_batch_is_all_or_none_unless_it_may_be_some(stage: Stage) -> None:
    good: Any = {**LETTER}
    bad: Any = {**LETTER, "to": "nobody"}
    with pytest.raises(ResendError):
        resend.Batch.send([good, bad])
    assert stage.get("/mailbox.json").json() == []
    some = resend.Batch.send([good, bad], {"batch_validation": "permissive"})
    assert len(some["data"]) == 1
    assert some["errors"][0]["index"] == 1
    both = resend.Batch.send([good, good], {"idempotency_key": "reminders:1"})
    assert resend.Batch.send([good, good], {"idempotency_key": "reminders:1"})["data"] == both["data"]
    assert len(stage.get("/mailbox.json").json()) == 3


def test_the_mailbox_lists_the_newest_first_and_finds_by_recipient(stage: Stage) -> None:
    send(subject="First")
    send(subject="Second", to="bob@example.com")
    page = stage.get("/mailbox").text
    assert page.index("Second") < page.index("First")
    assert 'http-equiv="refresh"' not in page
    assert "First" not in stage.get("/mailbox?to=BOB@").text
    assert stage.get("/mailbox.json?to=na@example.com").json() == []
    assert 'http-equiv="refresh"' in stage.get("/mailbox?follow=1").text
    assert [mail["subject"] for mail in stage.get("/mailbox.json?to=ana@example.com").json()] == ["First"]


def test_opening_a_letter_counts_once_and_reading_the_json_does_not(stage: Stage) -> None:
    letter_id = send()
    stage.get("/mailbox.json")
    assert stage.types() == ["email.sent", "email.delivered"]
    for _ in range(2):
        assert "Your session is booked" in stage.get(f"/mailbox/{letter_id}").text
    assert stage.types() == ["email.sent", "email.delivered", "email.opened"]
    assert stage.get("/mailbox.json").json()[0]["state"] == "opened"


def test_a_letter_that_bounced_is_never_opened(stage: Stage) -> None:
    stage.get(f"/mailbox/{send(to='bounced@resend.dev')}")
    assert stage.types() == ["email.sent", "email.bounced"]


def test_the_html_of_a_letter_is_locked_in(stage: Stage) -> None:
    letter_id = send(
        html="<html><head></head><body><script>alert(1)</script></body></html>", subject="<b>x</b>"
    )
    page = stage.get(f"/mailbox/{letter_id}")
    assert "<b>x</b>" not in page.text
    assert "alert" not in page.text
    assert "script" not in page.headers["Content-Security-Policy"]
    body = stage.get(f"/mailbox/{letter_id}/html")
    policy = body.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert '<head><base target="_blank">' in body.text


def test_attachments_come_back_as_they_went(stage: Stage) -> None:
    kind = "text/calendar; charset=utf-8; method=CANCEL"
    files = [{"filename": "session.ics", "content": list(b"BEGIN:VCALENDAR"), "content_type": kind}]
    letter_id = send(attachments=files)
    meta = stage.get("/mailbox.json").json()[0]["attachments"][0]
    assert (meta["filename"], meta["size"], meta["content_type"]) == ("session.ics", 15, kind)
    assert kind in stage.get(f"/mailbox/{letter_id}").text
    back = stage.get(meta["url"])
    assert (back.content, back.headers["Content-Type"]) == (b"BEGIN:VCALENDAR", kind)
    assert back.headers["Content-Disposition"] == "attachment; filename=session.ics"
    assert stage.get(f"/mailbox/{letter_id}/attachments/1").status_code == 404
    assert "session.ics" in stage.get(f"/mailbox/{letter_id}?view=source").text
    assert "BEGIN:VCALENDAR" in stage.get(f"/mailbox/{letter_id}?view=file&file=0").text
    assert stage.get(f"/mailbox/{letter_id}?view=file&file=1").status_code == 404


def befall(stage: Stage, letter_id: str, event: str, **headers: str) -> requests.Response:
    """Press a button under a letter."""
    where = f"{stage.url}/mailbox/{letter_id}/happen"
    return requests.post(where, data={"event": event}, headers=headers, timeout=5)


@pytest.mark.parametrize("event", ["bounced", "complained"])
def test_what_may_become_of_a_letter_is_tried_out_under_it_and_told_once(stage: Stage, event: str) -> None:
    letter_id = send(tags=[{"name": "letter", "value": "7"}])
    assert f'value="{event}"' in stage.get(f"/mailbox/{letter_id}").text
    page = befall(stage, letter_id, event)
    assert (page.status_code, f'<span class="tag bad">{event}</span>' in page.text) == (200, True)
    assert 'name="event"' not in page.text, "nothing more can become of it"
    assert befall(stage, letter_id, event).status_code == 409
    assert stage.types() == ["email.sent", "email.delivered", "email.opened", f"email.{event}"]
    assert stage.told()[-1]["data"]["tags"] == {"letter": "7"}


def test_no_other_site_lets_anything_become_of_a_letter(stage: Stage) -> None:
    letter_id = send()
    assert befall(stage, letter_id, "bounced", **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert befall(stage, "none", "bounced").status_code == 404
    assert stage.types() == ["email.sent", "email.delivered"]


def test_a_letter_of_the_mail_server_says_so_and_nothing_more_becomes_of_it(stage: Stage) -> None:
    letter = stage.world.get("resend_email", send()) or {}
    own = {"Message-ID": "<1@discuno.test>"}
    stage.world.put("resend_email", {**letter, "carrier": "smtp", "last_event": "sent", "headers": own})
    assert "by mail server" in stage.get("/mailbox").text
    page = stage.get(f"/mailbox/{letter['id']}").text
    assert "A mail server does not tell" in page
    assert befall(stage, letter["id"], "bounced").status_code == 409
    source = stage.get(f"/mailbox/{letter['id']}?view=source").text
    assert ("&lt;1@discuno.test&gt;" in source, "resend.dev" in source) == (True, False)
    assert stage.get("/mailbox.json").json()[0]["carrier"] == "smtp"


@pytest.mark.parametrize(
    ("asked", "frame"), [("", "letter"), ("width=phone&light=dark", "letter phone dark")]
)
def test_the_html_is_looked_at_as_on_a_desk_or_a_phone_by_day_or_night(
    stage: Stage, asked: str, frame: str
) -> None:
    page = stage.get(f"/mailbox/{send()}?{asked}").text
    assert f'<iframe class="{frame}"' in page
    assert page.count('aria-current="true"') == 2
