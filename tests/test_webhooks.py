"""The inbox: nothing unsigned gets in, nothing is lost or counts twice, and what cannot be explained is told."""

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import pytest

from discuno.kit import failpoints, outbox
from discuno.kit.outbox import Job
from discuno.notifications.models import Alert
from discuno.policy import EVENT_FAILS
from discuno.webhooks.models import WebhookEvent
from tests.factories import (
    ADMIN,
    all_of,
    change,
    dump,
    event,
    paid,
    signature,
    someone,
    standing,
    subjects,
    tell_us,
    the,
    when_reached,
    work_until_done,
)
from tests.house import House

SECRET, CONNECT_SECRET = "whsec_sandbox_platform", "whsec_sandbox_connect"
BODY = json.dumps(event()).encode()
TAMPERED = BODY.replace(b"evt_1", b"evt_2")


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (BODY, ""),
        (BODY, "t=1,v1=abc"),
        (BODY, "t=x,v1="),
        (BODY, signature(BODY, "whsec_somebody_else")),
        (BODY, signature(BODY, CONNECT_SECRET)),
        (BODY, signature(BODY, SECRET, time.time() - 3000)),
        (BODY, signature(BODY, SECRET, time.time() + 3000)),
        (TAMPERED, signature(BODY, SECRET)),
        (b"[]", signature(b"[]", SECRET)),
        (b"\xff\xfe", signature(b"\xff\xfe", SECRET)),
        (b"{", signature(b"{", SECRET)),
    ],
    ids=[
        "none", "made up", "senseless", "another secret", "the other scope's secret", "stale", "of the future",
        "one byte changed", "no event", "not text", "not JSON",
    ],
)  # fmt: skip
def test_what_stripe_did_not_sign_is_refused_and_not_stored(bare: House, body: bytes, header: str) -> None:
    assert tell_us(bare, body, **{"Stripe-Signature": header}).status_code == 400
    assert all_of(bare, WebhookEvent) == []


def test_an_event_of_the_other_scope_or_mode_is_not_stored(bare: House) -> None:
    of_mentor = json.dumps({**event(), "account": "acct_1"}).encode()
    assert tell_us(bare, of_mentor).status_code == 400
    signed = {"Stripe-Signature": signature(BODY, CONNECT_SECRET)}
    assert tell_us(bare, BODY, "stripe/connect", **signed).status_code == 400
    assert tell_us(bare, {**event(), "livemode": True}).status_code == 200
    assert all_of(bare, WebhookEvent) == []
    signed = {"Stripe-Signature": signature(of_mentor, CONNECT_SECRET)}
    assert tell_us(bare, of_mentor, "stripe/connect", **signed).status_code == 200
    assert the(bare, WebhookEvent).account == "acct_1"


def test_a_body_too_large_is_refused(bare: House) -> None:
    assert tell_us(bare, b"{" + b" " * 300_000 + b"}").status_code == 413
    assert all_of(bare, WebhookEvent) == []


def test_an_event_is_stored_once_and_worked_on_later(bare: House) -> None:
    began = time.monotonic()
    answers = [tell_us(bare, event()) for _ in range(3)]
    assert time.monotonic() - began < 3
    assert [(a.status_code, a.text) for a in answers] == [
        (200, "stored\n"),
        (200, "known\n"),
        (200, "known\n"),
    ]
    stored = the(bare, WebhookEvent)
    assert (stored.attempts, stored.handled_at, stored.payload) == (0, None, event())


class Killed(BaseException):
    """The process is gone; nothing of ours catches it."""


def die() -> None:
    raise Killed


def test_killed_before_it_has_stored_an_event_it_stores_it_when_told_again(bare: House) -> None:
    when_reached("commit:webhooks.routes._store:before", die)
    try:
        with pytest.raises(Killed):
            tell_us(bare, event())
    finally:
        failpoints.arm(None)
    assert tell_us(bare, event()).text == "stored\n"
    assert [job.task for job in all_of(bare, Job)] == ["handle_event"]


def test_an_event_about_nobody_is_tried_until_it_is_explained_and_then_an_admin_is_told(bare: House) -> None:
    tell_us(bare, event())
    for _ in range(outbox.MAX_ATTEMPTS + 1):
        bare.work()
        bare.advance(outbox.LONGEST_RETRY)
    stored = all_of(bare, WebhookEvent)[0]
    assert (stored.attempts, stored.handled_at) == (outbox.MAX_ATTEMPTS, None)
    assert "no payment for cs_test_nobody" in str(stored.error)
    [subject] = subjects(bare, ADMIN)  # one cause, one letter
    assert subject.startswith("Webhook failing: checkout.session.completed")
    assert (the(bare, Alert).times, the(bare, Alert).ended_at) == (
        outbox.MAX_ATTEMPTS - EVENT_FAILS + 2,
        None,
    )


def test_an_event_that_came_before_our_row_knew_its_session_is_explained_later(house: House) -> None:
    house.control("POST", "weather/stripe", {"lose": -1})
    _, session_id = paid(house)
    change(house, "UPDATE discuno_payment SET stripe_checkout_session_id = 'cs_other' WHERE id = 1")
    tell_us(house, event(id=session_id))  # without our metadata there is only the id
    house.work()
    change(house, "UPDATE discuno_payment SET stripe_checkout_session_id = :s WHERE id = 1", s=session_id)
    work_until_done(house, 1, timedelta(seconds=10))
    assert standing(house) == ("confirmed", "SUCCEEDED")


@pytest.mark.parametrize(
    "claim", [{"payment_status": "paid", "status": "complete"}, {"amount_total": 1}], ids=str
)
def test_what_a_signed_event_claims_is_not_believed_only_looked_up(
    house: House, claim: dict[str, Any]
) -> None:
    session_id = someone(house).reach_payment("amara")
    tell_us(house, event(id=session_id, metadata={"payment_id": "1"}, **claim))
    house.settle_down()
    assert standing(house) == ("held", "PENDING")


def test_an_event_that_means_nothing_to_us_is_kept_and_done_with(bare: House) -> None:
    tell_us(bare, event("customer.created"))
    bare.work()
    assert the(bare, WebhookEvent).outcome == "nothing to do"
    assert all_of(bare, Job) == []


def svix(body: bytes, *, secret: str, at: float | None = None) -> dict[str, str]:
    stamp = str(int(at or time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, b"msg_1." + stamp.encode() + b"." + body, hashlib.sha256).digest()
    return {
        "svix-id": "msg_1",
        "svix-timestamp": stamp,
        "svix-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def test_resends_signature_is_required(bare: House) -> None:
    secret = bare.sandbox.app.extensions["sandbox_settings"].resend_webhook_secret
    body = b'{"type": "email.opened", "data": {"email_id": "x"}}'
    good = svix(body, secret=secret)
    stale, others = svix(body, secret=secret, at=time.time() - 3000), svix(body, secret="whsec_b3RoZXI=")
    for headers in ({}, stale, others, {**good, "svix-id": "msg_2"}):
        assert tell_us(bare, body, "resend", **headers).status_code == 400
    assert tell_us(bare, body + b" ", "resend", **good).status_code == 400
    assert all_of(bare, WebhookEvent) == []
    assert tell_us(bare, body, "resend", **good).status_code == 200
    assert the(bare, WebhookEvent).external_id == "msg_1"


def test_calcoms_signature_is_required(bare: House) -> None:
    secret = bare.sandbox.app.extensions["sandbox_settings"].calcom_webhook_secret
    body = b'{"triggerEvent": "BOOKING_CREATED", "payload": {}}'
    good = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    for wrong in ("", "abc", good[:-1] + ("0" if good[-1] != "0" else "1"), "é"):
        assert tell_us(bare, body, "calcom", **{"X-Cal-Signature-256": wrong}).status_code == 401
    before = dump(bare)
    assert tell_us(bare, body + b"\n", "calcom", **{"X-Cal-Signature-256": good}).status_code == 401
    assert dump(bare) == before
    assert tell_us(bare, body, "calcom", **{"X-Cal-Signature-256": good}).text == "stored\n"
    assert tell_us(bare, body, "calcom", **{"X-Cal-Signature-256": good}).text == "known\n"
