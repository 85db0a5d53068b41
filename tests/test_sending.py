"""How letters leave: each once, whatever breaks on the way, and many that are due at once together."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from discuno import policy
from discuno.accounts.audit import Actor
from discuno.edges import queue
from discuno.kit import outbox
from discuno.kit.db import locked, transaction
from discuno.kit.outbox import Job
from discuno.notifications import again, delivery
from discuno.notifications.letters import LETTERS
from discuno.notifications.models import Alert, Email
from tests.factories import all_of, change
from tests.house import House
from tests.mailing import (
    BATCH,
    MANY,
    SEND,
    TROUBLE,
    begin,
    keys,
    owe,
    places,
    received,
    states,
    stop,
    theirs,
    work,
)

# Many at once


def test_many_letters_due_at_once_are_handed_over_in_one_request(bare: House) -> None:
    people = owe(bare, MANY)
    work(bare)
    assert received(bare) == Counter(people)
    assert keys(bare) == ["batch"]
    emails = theirs(bare)
    assert len({email.resend_id for email in emails}) == MANY
    by_id = {letter["id"]: letter["to"] for letter in bare.letters("")}
    assert all(by_id[email.resend_id] == [email.recipient] for email in emails), "each has its own id"
    assert all_of(bare, Job) == []


def test_a_few_letters_go_each_alone(bare: House) -> None:
    owe(bare, 3)
    work(bare)
    assert keys(bare) == ["letter"] * 3


def test_more_than_a_batch_takes_are_more_batches_and_the_letter_that_began_is_in_one(
    bare: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "LETTERS_IN_BATCH", 12)
    people = owe(bare, 25)
    with bare.app.app_context():
        queue.run(all_of(bare, Job)[-1].id)  # not the oldest one
    work(bare)
    assert received(bare) == Counter(people)
    assert keys(bare) == ["batch", "batch", "letter"]


@pytest.mark.parametrize("fault", TROUBLE, ids=lambda fault: fault["action"])
def test_a_batch_that_met_trouble_is_sent_once(bare: House, fault: dict[str, Any]) -> None:
    bare.fault(BATCH, times=2, **fault)
    people = owe(bare, MANY)
    work(bare, 3)
    assert received(bare) == Counter(people)
    assert states(bare) == {"sent": MANY}
    assert all(email.resend_id for email in theirs(bare))


def test_a_batch_whose_words_moved_on_while_its_answer_was_lost_is_sent_once_and_the_news_bring_the_ids(
    bare: House,
) -> None:
    bare.hear_of_letters()
    bare.fault(BATCH, "drop_after")
    people = owe(bare, MANY)
    bare.work()
    change(bare, "UPDATE discuno_alert SET words = 'In other words.'")
    work(bare, 3)
    assert received(bare) == Counter(people)
    assert all(email.resend_id for email in theirs(bare))


def test_one_letter_that_is_refused_does_not_keep_the_others_of_its_batch(bare: House) -> None:
    people = owe(bare, MANY)
    change(bare, "UPDATE discuno_email SET recipient = 'no address' WHERE id = 3")
    work(bare, 2)
    assert received(bare) == Counter(people) - Counter([people[2]])
    assert states(bare) == {"sent": MANY - 1, "failed": 1}
    assert {str(email.status) for email in theirs(bare) if email.recipient == "no address"} == {"failed"}


def test_what_can_wait_goes_last_and_has_no_calendar_file() -> None:
    assert outbox.QUEUES[-2:] == ("mail", "news")
    for name, template in LETTERS.items():
        assert not (template.attaches and template.optional), name


@pytest.mark.parametrize("is_unsure", [False, True])
def test_one_letter_that_cannot_be_written_keeps_none_of_the_others(bare: House, is_unsure: bool) -> None:
    people = owe(bare, MANY)
    if is_unsure:  # under the key of all of them, which nobody can use again
        bare.fault(BATCH, "drop_after")
        bare.work()
    change(bare, "UPDATE discuno_email SET about = '{\"alert_id\": 99}' WHERE id = 4")
    work(bare, 3)
    assert received(bare) == Counter(people) - Counter([] if is_unsure else [people[3]])
    known = {"failed": MANY} if is_unsure else {"sent": MANY - 1, "queued": 1}
    assert states(bare) == known


# Killed anywhere


@pytest.mark.parametrize(("number", "hits"), [(1, 2), (MANY, 1)], ids=["alone", "together"])
def test_stopped_anywhere_each_letter_is_sent_once(bare: House, number: int, hits: int) -> None:
    for point, hit in places(bare, number, hits):
        begin(bare)
        people = owe(bare, number)
        stop(bare, point, hit)
        assert (received(bare), states(bare)) == (Counter(people), {"sent": number}), (point, hit)
        assert all_of(bare, Job) == [], (point, hit)


# What nobody knows


def test_a_letter_handed_over_without_an_answer_a_day_ago_is_not_sent_again_but_told(bare: House) -> None:
    [to] = owe(bare)
    bare.fault(SEND, "drop_after")
    bare.work()
    bare.advance(timedelta(hours=25))  # Resend has forgotten the key
    bare.work()
    assert received(bare) == {to: 1}
    [email] = theirs(bare)
    assert (email.status, email.error) == ("failed", "It was handed over, and the answer was lost: it may have "
                                           "arrived. Send it again if it did not.")  # fmt: skip
    assert [alert.cause for alert in all_of(bare, Alert) if alert.kind == "email"] == [f"letter:{email.id}"]


def test_the_carriers_news_of_a_letter_that_we_gave_up_are_believed(bare: House) -> None:
    owe(bare)
    bare.fault(SEND, "drop_after")
    bare.work()
    bare.advance(timedelta(hours=25))
    bare.work()
    [email] = theirs(bare)
    with bare.app.app_context(), transaction():
        found = delivery.of_carrier("re_found", str(email.id))
        assert found is not None
        delivery.record_delivery(found, "email.delivered")
    [email] = theirs(bare)
    assert (email.status, email.resend_id, email.error) == ("delivered", "re_found", None)


def test_a_person_who_sends_such_a_letter_again_sends_a_second_one(bare: House) -> None:
    [to] = owe(bare)
    bare.fault(SEND, "drop_after")
    bare.work()
    bare.advance(timedelta(hours=25))
    bare.work()
    with bare.app.app_context(), transaction():
        again.send_again(locked(Email, 1), Actor("ada@example.com"), "They have not got it.")
    work(bare)
    assert received(bare)[to] == 2
    assert theirs(bare)[0].status == "replaced"


def test_what_is_no_longer_true_is_dropped_says_why_and_leaves_nothing_to_do(bare: House) -> None:
    owe(bare, MANY)
    change(bare, "UPDATE discuno_alert SET ended_at = discuno_now()")
    work(bare)
    assert states(bare) == {"dropped": MANY}
    assert {email.error for email in theirs(bare)} == {"what it tells is no longer so"}
    assert received(bare) == Counter()
    assert all_of(bare, Job) == []


@pytest.mark.parametrize("number", [1, MANY], ids=["alone", "together"])
def test_a_letter_that_resend_took_and_then_failed_at_goes_again_as_another_one(
    bare: House, number: int
) -> None:
    people = owe(bare, number)
    work(bare)
    with bare.app.app_context(), transaction():
        delivery.record_delivery(locked(Email, 1), "email.failed")
    with bare.app.app_context(), transaction():  # its key would only bring the old answer once more
        assert again.never_left(locked(Email, 1)) is False
        again.send_again(locked(Email, 1), Actor("ada@example.com"), "They have not got it.")
    work(bare)
    assert received(bare)[people[0]] == 2
    assert states(bare) == {"replaced": 1, "sent": number}, "and nobody sends it a third time with others"
    assert [bool(alert.ended_at) for alert in all_of(bare, Alert) if alert.cause == "letter:1"] == [True]
