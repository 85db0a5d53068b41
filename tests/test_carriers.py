"""The two carriers of letters, each at the other end of a wire: what they are given, and what their answers mean."""

from typing import Any

import pytest
import requests
from icalendar import Calendar

from discuno import config
from discuno.edges import mail, resend, smtp
from discuno.edges.mail import Attachment, OutgoingLetter
from tests.house import House, settings_for

INVITATION = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
STOP = "https://discuno.example/letters/x/stop/day_before"
LETTER = OutgoingLetter(
    sender="Discuno <bookings@discuno.example>",
    to="zoë@example.com",
    reply_to="admin@discuno.example",
    subject="Confirmed: عائشة with O’Neil",
    html="<p>Grüße</p>",
    text="Grüße\n",
    headers={"List-Unsubscribe": f"<{STOP}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    attachments=[Attachment("session.ics", "text/calendar; charset=utf-8; method=REQUEST", INVITATION)],
)


def send(house: House, letter: OutgoingLetter = LETTER) -> str:
    with house.app.app_context():
        return resend.send(letter, key="letter/1")


def test_the_mail_server_is_given_both_forms_an_invitation_beside_them_and_the_file(post: House) -> None:
    with post.app.app_context():
        smtp.send(LETTER, message_id="<letter/1@discuno.example>")
    [letter] = post.letters("")
    assert (letter["subject"], letter["to"]) == (LETTER.subject, [LETTER.to])
    assert ("Grüße" in letter["text"], "Grüße" in letter["html"]) == (True, True)
    assert letter["headers"]["List-Unsubscribe"] == f"<{STOP}>"
    assert letter["headers"]["Message-ID"] == "<letter/1@discuno.example>"
    beside, file = letter["attachments"]
    assert "REQUEST" in beside["content_type"]
    assert file["filename"] == "session.ics"
    for each in (beside, file):
        got = requests.get(f"{post.sandbox.url}{each['url']}", timeout=5).content
        assert Calendar.from_ical(got)["METHOD"] == "REQUEST"


@pytest.mark.parametrize("field", ["subject", "sender", "to", "reply_to"])
def test_no_line_can_be_smuggled_into_the_head_of_a_letter(post: House, field: str) -> None:
    given = {**vars(LETTER), field: "x@example.com\r\nBcc: all@example.com"}
    with post.app.app_context(), pytest.raises(mail.CarrierRefused):
        smtp.send(OutgoingLetter(**given), message_id="<1@discuno.example>")
    with pytest.raises(mail.CarrierRefused):
        send(post, OutgoingLetter(**given))
    assert post.letters("") == []


ANSWERS: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"status": 200, "body": {"message": "Something else", "name": "application_error"}}, mail.CarrierUnsure),
    ({"status": 200, "body": {"statusCode": 422, "name": "validation_error", "message": "no"}}, mail.CarrierRefused),
    ({"status": 500, "body": {"statusCode": 500, "name": "application_error"}}, mail.CarrierUnsure),
    ({"status": 503, "body": {"name": "service_unavailable", "message": ""}}, mail.CarrierUnsure),
    ({"status": 409, "body": {"name": "concurrent_idempotent_requests", "message": ""}}, mail.CarrierUnsure),
    ({"status": 409, "body": {"name": "invalid_idempotent_request", "message": ""}}, mail.SentBefore),
    ({"status": 429, "body": {"name": "rate_limit_exceeded", "message": ""}}, mail.CarrierBusy),
    ({"status": 429, "body": {"name": "monthly_quota_exceeded", "message": ""}}, mail.QuotaSpent),
    ({"status": 401, "body": {"name": "missing_api_key", "message": ""}}, mail.CarrierClosed),
    ({"status": 403, "body": {"name": "validation_error", "message": "Not verified"}}, mail.CarrierClosed),
    ({"status": 422, "body": {"name": "validation_error", "message": "Invalid `to`"}}, mail.CarrierRefused),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "means"), ANSWERS, ids=lambda each: str(each)[:70])
def test_what_resend_answers_means(bare: House, answer: dict[str, Any], means: type[Exception]) -> None:
    bare.fault("POST /resend/emails$", "error", **answer)
    with pytest.raises(means) as met:
        send(bare)
    assert type(met.value) is means


def test_a_batch_that_is_answered_with_fewer_ids_than_letters_is_not_believed(bare: House) -> None:
    bare.fault("POST /resend/emails/batch", "error", status=200, body={"data": [{"id": "re_1"}]})
    with bare.app.app_context(), pytest.raises(mail.CarrierUnsure):
        resend.send_batch([LETTER, LETTER], key="batch/1")


@pytest.mark.parametrize(
    "url", ["http://mail.example", "mail.example:25", "smtp://", "smtps://user:sesame@:465"]
)
def test_a_mail_server_that_makes_no_sense_is_named_at_the_start_without_its_password(url: str) -> None:
    with pytest.raises(config.BadSettings) as met:
        config.load(
            **{**dict(settings_for("http://s", "http://a", "postgresql://d", "redis://r")), "smtp_url": url}
        )
    assert "SMTP_URL: " in str(met.value)
    assert "sesame" not in str(met.value)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", smtp.Server("mail.example", 587, False, "", "")),
        ("smtps://a%40b.c:p%2Fw@mail.example", smtp.Server("mail.example", 465, True, "a@b.c", "p/w")),
        ("smtp://user:pw@mail.example:2525", smtp.Server("mail.example", 2525, False, "user", "pw")),
    ],
)  # fmt: skip
def test_a_mail_server_is_named_by_one_address(url: str, server: smtp.Server) -> None:
    assert smtp._read(url) == server
