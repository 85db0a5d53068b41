"""When Resend does not take letters: by the mail server, once or not at all; and within what Resend allows."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from discuno import policy
from discuno.edges import resend
from discuno.kit import outbox
from discuno.kit.outbox import Job
from discuno.notifications.models import Alert
from tests.factories import all_of, change, subjects
from tests.house import House
from tests.mailing import (
    ADMIN,
    ANY,
    MANY,
    REFUSALS,
    SOON,
    begin,
    owe,
    places,
    received,
    states,
    stop,
    theirs,
    work,
)
from tests.signing import staff

NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture
def unreachable(bare: House) -> Iterator[None]:
    """Nobody listens where Resend should be."""
    settings = bare.app.extensions["settings"]
    resend.configure(settings.model_copy(update={"resend_api_base": NOBODY}))
    yield
    resend.configure(settings)


# The other carrier


@pytest.mark.parametrize("why", REFUSALS)
@pytest.mark.parametrize("number", [1, MANY], ids=["alone", "together"])
def test_what_resend_refuses_goes_by_the_mail_server_and_an_admin_is_told_once(
    post: House, why: str, number: int
) -> None:
    post.fault(ANY, "error", times=-1, **REFUSALS[why])
    people = owe(post, number)
    work(post, 2)
    assert received(post) == Counter(people)
    assert {(str(e.status), str(e.carrier), e.resend_id, e.error) for e in theirs(post)} == {
        ("sent", "smtp", None, None)
    }
    [alert] = [alert for alert in all_of(post, Alert) if alert.kind == "email"]
    assert (alert.cause, alert.times, alert.ended_at) == ("closed:resend", number + 1, None)
    assert len([why for why in subjects(post, ADMIN) if "Resend takes no letters of ours: 403" in why]) == 1
    post.control("DELETE", "faults")
    owe(post, event="something else")
    work(post)
    assert [alert for alert in all_of(post, Alert) if alert.kind == "email" and alert.ended_at is None] == []


def test_a_letter_that_resend_refuses_for_itself_goes_by_the_mail_server_and_is_no_alert(post: House) -> None:
    post.fault(
        ANY, "error", status=422, body={"statusCode": 422, "name": "validation_error", "message": "no"}
    )
    [to] = owe(post)
    work(post, 2)
    assert received(post) == {to: 1}
    assert [alert for alert in all_of(post, Alert) if alert.kind == "email"] == []


def test_a_letter_by_the_mail_server_reads_like_the_other(post: House) -> None:
    owe(post)
    post.fault(ANY, "error", times=-1, **REFUSALS["the key is wrong"])
    work(post)
    letter = next(letter for letter in post.letters("") if ADMIN not in letter["to"])
    assert (letter["from"], letter["reply_to"]) == (
        "Discuno <alerts@discuno.example>",
        ["admin@discuno.example"],
    )
    assert "Something is to be told." in letter["text"]
    assert "Something is to be told." in letter["html"]
    assert letter["headers"]["Message-ID"].startswith("<letter/1/")


def test_what_both_refuse_is_not_sent_and_an_admin_has_to_know(post: House) -> None:
    post.control("POST", "smtp", {"mood": "refuses"})
    post.fault(ANY, "error", times=-1, **REFUSALS["the key is wrong"])
    owe(post)
    work(post, 2)
    [email] = theirs(post)
    assert (email.status, email.error) == ("failed", "550 No such mailbox")
    assert f"letter:{email.id}" in {alert.cause for alert in all_of(post, Alert)}


def test_a_mail_server_that_is_busy_is_asked_again(post: House) -> None:
    post.control("POST", "smtp", {"mood": "busy"})
    post.fault(ANY, "error", times=-1, **REFUSALS["the key is wrong"])
    [to] = owe(post)
    work(post, 2)
    assert received(post) == {}
    post.control("POST", "smtp", {"mood": "takes"})
    work(post, 2)
    assert received(post) == {to: 1}
    assert states(post) == {"sent": 1}


def test_a_mail_server_that_takes_a_letter_and_does_not_say_so_never_gets_it_again(post: House) -> None:
    post.control("POST", "smtp", {"mood": "silent"})
    post.fault(ANY, "error", times=-1, **REFUSALS["the key is wrong"])
    [to] = owe(post)
    work(post, 3)
    assert received(post) == {to: 1}
    [email] = theirs(post)
    assert (email.status, "may have arrived" in (email.error or "")) == ("failed", True)


@pytest.mark.usefixtures("unreachable")
def test_when_resend_cannot_be_reached_for_minutes_the_mail_server_takes_over(post: House) -> None:
    people = owe(post, MANY)
    work(post, 2)
    assert received(post) == {}, "a short silence is waited for"
    work(post, 2, policy.LETTER_FALLBACK)
    assert received(post) == Counter(people)
    assert {str(email.carrier) for email in theirs(post)} == {"smtp"}
    [alert] = [alert for alert in all_of(post, Alert) if alert.kind == "email"]
    assert alert.cause == "closed:resend"


@pytest.mark.usefixtures("unreachable")
def test_without_a_mail_server_they_wait_for_resend(bare: House) -> None:
    people = owe(bare)
    work(bare, 3, policy.LETTER_FALLBACK)
    resend.configure(bare.app.extensions["settings"])
    work(bare, 2, outbox.LONGEST_RETRY)
    assert received(bare) == Counter(people)
    assert theirs(bare)[0].asked_at is None


@pytest.mark.parametrize("number", [1, MANY], ids=["alone", "together"])
def test_what_resend_may_have_is_never_given_to_the_mail_server_as_well(post: House, number: int) -> None:
    post.fault(ANY, "drop_after", times=-1)
    people = owe(post, number)
    change(post, "UPDATE discuno_job SET attempts = :n", n=outbox.MAX_ATTEMPTS - 2)
    work(post, 3, outbox.LONGEST_RETRY)
    change(post, "UPDATE discuno_job SET attempts = :n", n=outbox.MAX_ATTEMPTS - 1)
    work(post, 2, outbox.LONGEST_RETRY)
    assert received(post) == Counter(people)
    assert states(post) == {"failed": number}
    assert {str(email.carrier) for email in theirs(post)} == {"resend"}


# What an admin sees


def test_what_went_by_the_mail_server_is_counted_apart_and_lowers_no_share(post: House) -> None:
    post.hear_of_letters()
    post.fault(
        ANY, "error", status=422, body={"statusCode": 422, "name": "validation_error", "message": "no"}
    )
    owe(post, 2)
    work(post, 3)
    page = " ".join(staff(post).get("/admin/emails").text.split())
    assert re.search(r"<dt>Handed over</dt><dd class=\"num\">2</dd>", page)
    assert re.search(r"<dt>By the mail server</dt><dd class=\"num\">1</dd>", page)
    assert "100.0% of those that Resend took" in page
    assert page.count('<span class="tag plain">Mail server</span>') == 1


# Stopped anywhere


def test_stopped_anywhere_a_letter_by_the_mail_server_is_sent_once_or_told_of(post: House) -> None:
    for point, hit in places(post, 1, 1):
        begin(post)
        owe(post)
        stop(post, point, hit)
        [state] = states(post)
        sent = received(post).total()
        assert (sent, state) in ((1, "sent"), (1, "failed"), (0, "failed")), (point, hit)


# Limits


QUOTA = {
    "status": 429,
    "body": {"statusCode": 429, "name": "daily_quota_exceeded", "message": "no more today"},
}


def test_when_the_quota_is_spent_letters_wait_without_being_given_up_and_an_admin_sees_it(
    bare: House,
) -> None:
    bare.fault(ANY, "error", times=-1, **QUOTA)
    [to] = owe(bare)
    for _ in range(outbox.MAX_ATTEMPTS + 5):
        bare.work()
        bare.advance(policy.QUOTA_RESTS + SOON)
    assert states(bare) == {"queued": 1}
    assert [str(alert.cause) for alert in all_of(bare, Alert) if alert.kind == "email"] == ["quota:resend"]
    bare.control("DELETE", "faults")
    work(bare)
    assert received(bare) == {to: 1}
    assert all(alert.ended_at for alert in all_of(bare, Alert) if alert.kind == "email")


def test_when_the_quota_is_spent_the_mail_server_takes_over_at_once(post: House) -> None:
    post.fault(ANY, "error", times=-1, **QUOTA)
    people = owe(post, 2)
    work(post)
    assert received(post) == Counter(people)
    [alert] = [alert for alert in all_of(post, Alert) if alert.kind == "email"]
    assert alert.cause == "quota:resend"
    assert "go by the mail server" in post.letters(ADMIN)[-1]["text"]


def test_requests_stay_below_what_resend_allows(bare: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bare.app.config, "RESEND_RATE", 4)
    bare.control("POST", "resend", {"requests_per_second": 5})  # its own limit, kept after a rest too
    people = owe(bare, 9)
    bare.work()
    assert all_of(bare, Job) == [], "none was refused and has to be tried again"
    assert received(bare) == Counter(people)
