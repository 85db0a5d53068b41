"""What every answer carries, who is turned away, and what never stands in a log."""

import json
import re

import pytest
import structlog
from flask import Flask

from discuno.kit import security
from tests.attendee import FORM
from tests.factories import paid, someone, tell_us
from tests.house import House

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


@pytest.mark.parametrize(
    "path",
    ["/", "/mentor/amara/book/1", "/mentor/amara/avatar.svg", "/livez", "/readyz", "/nowhere", "/webhooks/stripe",
     "/static/discuno.css", "/static/none.css", "/?q=%00"],
)  # fmt: skip
def test_every_answer_carries_its_headers_whatever_it_is(house: House, path: str) -> None:
    answer = house.app.test_client().get(path)
    for name, value in EVERYWHERE.items():
        assert answer.headers.get(name) == value, name
    rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "*" not in rules["script-src"].replace("https://*.js.stripe.com", "")
    assert "Strict-Transport-Security" not in answer.headers  # there is no TLS here


def test_behind_tls_browsers_are_told_to_stay_there() -> None:
    origins = security.Origins(stripe_js="https://js.stripe.com", stripe_api="https://api.stripe.com")
    app = Flask("another")
    security.install(app, security.headers_for(origins, https=True), own_origin="https://discuno.example")
    assert "max-age=31536000" in app.test_client().get("/").headers["Strict-Transport-Security"]


def test_the_cookie_is_for_us_alone(house: House) -> None:
    jun = someone(house)
    jun.client.get("/mentor/amara/book/1")
    answer = jun.client.get("/mentor/amara/book/1")
    cookies = answer.headers.getlist("Set-Cookie") or [str(jun.client.get_cookie("discuno"))]
    assert cookies
    fresh = house.app.test_client().get("/mentor/amara/book/1").headers.getlist("Set-Cookie")
    assert all("HttpOnly" in c and "SameSite=Lax" in c for c in fresh)
    assert house.app.config["SESSION_COOKIE_SECURE"] is False  # plain http in tests; see test_config


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 303),  # our own forms, under no-referrer
    ],
    ids=str,
)
def test_a_form_sent_from_another_site_is_refused_even_with_a_token(
    house: House, headers: dict[str, str], status: int
) -> None:
    jun = someone(house)
    details = jun.hold()
    form = {**FORM, "csrf_token": jun.token(details)}
    assert jun.client.post(details, data=form, headers=headers).status_code == status


def test_a_token_is_good_in_its_own_browser_only(house: House) -> None:
    jun, other = someone(house), someone(house)
    details = jun.hold()
    stolen = other.token("/mentor/amara/book/1")
    for token in ("", "x", stolen):
        assert jun.client.post(details, data={**FORM, "csrf_token": token}).status_code == 400


def test_what_a_browser_must_not_keep_is_not_kept(house: House) -> None:
    jun = someone(house)
    details = jun.hold()
    assert jun.client.get(details).headers["Cache-Control"] == "no-store"
    part = jun.client.get(details, headers={"HX-Request": "true"})
    assert "HX-Request" in part.headers["Vary"]
    assert "<html" not in part.text
    assert "max-age=31536000" in jun.client.get("/static/discuno.css").headers["Cache-Control"]


def test_no_secret_and_nobodys_address_stands_in_a_log(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    jun, session_id = paid(house, "owen")
    house.fault("POST /calcom/v2/bookings$", "drop_before")
    house.fault(
        "POST /resend/emails$",
        "error",
        status=401,
        body={"statusCode": 401, "name": "x", "message": "re_sandbox"},
    )
    house.settle_down()
    tell_us(house, b"{}", **{"Stripe-Signature": "t=1,v1=whsec_sandbox_platform"})
    jun.complete_page("owen", session_id)
    jun.client.get("/boom?session_id=" + session_id)
    written = capfd.readouterr()
    lines = written.out + written.err
    assert '"event": "request"' in lines
    settings = house.app.extensions["settings"]
    secrets = [v.get_secret_value() for v in vars(settings).values() if hasattr(v, "get_secret_value")]
    found = [s for s in secrets if len(s) > 8 and re.search(rf"\b{re.escape(s)}\b", lines)]
    assert found == []
    assert "jun@example.com" not in lines
    assert session_id not in lines
    assert "_secret_" not in lines


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_" + "a1B2" * 6,
        "rk_test_" + "x" * 20,
        "whsec_" + "y" * 20,
        "Bearer abc.def",
        "postgres://u:pw@host/db",
    ],
)
def test_what_looks_like_a_key_is_taken_out_of_a_line_wherever_it_stands(
    built_house: House, secret: str, capfd: pytest.CaptureFixture[str]
) -> None:
    log = structlog.get_logger()  # as the house has set it up
    log.error("trouble", why=f"it said {secret}!", deep={"list": [secret]})
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        log.exception("worse")
    written = capfd.readouterr().out
    assert [json.loads(line)["event"] for line in written.splitlines()] == ["trouble", "worse"]
    assert secret not in written
    assert "pw@" not in written
