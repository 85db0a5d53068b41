"""The letters page: what became of every letter, how it would read now, and sending one again."""

import re
from datetime import timedelta

import pytest

from discuno.accounts.models import AuditEntry
from discuno.kit.db import locked, transaction
from discuno.kit.outbox import Job
from discuno.notifications import delivery
from discuno.notifications.models import Alert, Email
from tests.catalogue import AMARA, OWEN
from tests.factories import all_of, change, paid, subjects, the
from tests.house import House
from tests.reporting import Holder
from tests.signing import ADMIN, SUPPORT, staff

pytestmark = pytest.mark.story

JUN = "jun@example.com"
WHY = "They telephoned, and have not got it."
SEND = "POST /resend/emails$"


@pytest.fixture
def sold(house: House, letters_told_of: None) -> House:
    paid(house)
    house.settle_down()
    return house


def letter_to(house: House, recipient: str) -> Email:
    return next(email for email in all_of(house, Email) if email.recipient == recipient)


def page_of(house: House, email: Email) -> Holder:
    return Holder(staff(house), f"/admin/emails/{email.id}")


def stored(house: House, what: str, email: Email) -> None:
    """The carrier tells what became of a letter."""
    change(
        house,
        "WITH told AS (INSERT INTO discuno_webhook_event (provider, external_id, type, livemode, payload, "
        "received_at, attempts) VALUES ('resend', :id, :type, false, jsonb_build_object('data', "
        "jsonb_build_object('email_id', CAST(:letter AS text))), now(), 0) RETURNING id) "
        "INSERT INTO discuno_job (task, args, queue, run_at, created_at, attempts, again) "
        "SELECT 'handle_event', jsonb_build_object('event_id', id), 'mail', "
        "discuno_now(), discuno_now(), 0, false FROM told",
        id=f"{what}:{email.id}",
        type=f"email.{what}",
        letter=email.resend_id,
    )
    house.work()


# What became of it


def test_a_letter_that_was_opened_and_one_that_came_back_say_so_with_their_times(sold: House) -> None:
    email = letter_to(sold, JUN)
    assert (email.status, email.settled_at is not None, email.opened_at) == ("delivered", True, None)
    stored(sold, "opened", email)
    opened = letter_to(sold, JUN).opened_at
    assert opened is not None
    sold.advance(timedelta(hours=1))
    stored(sold, "opened", Email(id=email.id + 1000, resend_id=email.resend_id))
    assert letter_to(sold, JUN).opened_at == opened, "the first time counts"
    page = page_of(sold, email).reads()
    assert "First opened" in page
    assert "Delivered" in page


@pytest.mark.parametrize("what", ["bounced", "suppressed"])
def test_a_letter_that_came_back_is_an_alert_and_one_to_the_address_that_arrives_ends_it(
    sold: House, what: str
) -> None:
    email = letter_to(sold, JUN)
    stored(sold, what, email)
    assert letter_to(sold, JUN).status == "bounced"
    assert the(sold, Alert).cause == f"address:{JUN}"
    assert the(sold, Alert).path == f"/admin/emails/{email.id}"
    change(sold, "UPDATE discuno_email SET status = 'sent' WHERE id = :id", id=email.id)
    stored(sold, "delivered", email)
    assert the(sold, Alert).ended_at is not None


def test_a_letter_that_somebody_asks_for_on_a_page_is_no_alert_when_it_comes_back(sold: House) -> None:
    email = letter_to(sold, JUN)
    change(sold, "UPDATE discuno_email SET template = 'booking_link' WHERE id = :id", id=email.id)
    stored(sold, "bounced", email)
    assert all_of(sold, Alert) == []


def test_a_refused_letter_to_the_admin_is_an_alert_on_the_page_and_no_letter_about_letters(
    bare: House,
) -> None:
    change(
        bare,
        "INSERT INTO discuno_email (event, recipient, template, about, status, created_at) "
        "VALUES ('x', 'admin', 'payment_attention', '{\"payment_id\": 1}', 'queued', now())",
    )
    with bare.app.app_context(), transaction():
        delivery.record_failed(locked(Email, 1), "422 no")
    assert the(bare, Alert).cause == "letter:1"
    assert [email.template for email in all_of(bare, Email)] == ["payment_attention"]


# Sent again


@pytest.mark.usefixtures("letters_told_of")
def test_a_letter_that_was_not_sent_goes_out_by_its_own_row_and_its_alert_is_over(house: House) -> None:
    house.fault(SEND, "error", status=422, body={"name": "validation_error", "message": "no"})
    paid(house)
    house.settle_down()
    [failed] = [email for email in all_of(house, Email) if email.status == "failed"]
    assert the(house, Alert).cause == f"letter:{failed.id}"
    number = len(all_of(house, Email))
    page = page_of(house, failed)
    assert page.sends("/again", reason="").status_code == 422
    assert page.sends("/again", reason=WHY).status_code == 303
    assert page.sends("/again", reason=WHY).status_code == 409, "it waits to be sent already"
    house.settle_down()
    assert letter_to(house, failed.recipient).status == "delivered"
    assert [each.template for each in all_of(house, Email)].count(failed.template) == 1
    assert len(all_of(house, Email)) == number
    ended = [alert for alert in all_of(house, Alert) if alert.cause == f"letter:{failed.id}"]
    assert all(alert.ended_at for alert in ended)
    [act] = [entry for entry in all_of(house, AuditEntry) if entry.action == "send letter again"]
    assert (act.actor, act.about, act.reason) == (ADMIN, f"letter:{failed.id}", WHY)


def test_a_letter_that_was_sent_goes_out_as_one_more_and_clicked_twice_once(sold: House) -> None:
    email, before = letter_to(sold, JUN), len(subjects(sold, JUN))
    page = page_of(sold, email)
    for _ in range(2):
        assert page.sends("/again", reason=WHY).status_code == 303
    sold.settle_down()
    assert len(subjects(sold, JUN)) == before + 1
    assert all_of(sold, Email)[-1].event == f"{email.event}:again:1"
    again = page_of(sold, all_of(sold, Email)[-1])
    assert again.sends("/again", reason=WHY).status_code == 303
    assert all_of(sold, Email)[-1].event == f"{email.event}:again:2"


def test_nothing_goes_to_an_address_that_came_back_before_somebody_has_checked_it(sold: House) -> None:
    email = letter_to(sold, JUN)
    stored(sold, "bounced", email)
    page, before = page_of(sold, email), len(all_of(sold, Email))
    refused = page.sends("/again", reason=WHY)
    assert refused.status_code == 409
    assert "check the address first" in refused.text
    assert WHY in refused.text, "what was typed is kept"
    assert len(all_of(sold, Email)) == before
    assert page.sends("/again", reason=WHY, checked="y").status_code == 303
    assert len(all_of(sold, Email)) == before + 1


# How it reads


def test_a_letter_is_shown_as_it_would_read_now_and_without_the_link_that_lets_its_reader_in(
    sold: House,
) -> None:
    email = letter_to(sold, JUN)
    page = page_of(sold, email)
    text, drawn = page.reads(), page.client.get(f"/admin/emails/{email.id}/html")
    [sent] = [letter for letter in sold.letters(JUN) if letter["subject"] == email.subject]
    [key] = set(re.findall(r"/booking/([\w.-]+)", sent["text"]))
    assert "Amara Okafor" in text
    assert "/booking/…" in text
    for shown in (text, drawn.text):
        assert key not in shown
    assert drawn.headers["Content-Security-Policy"].endswith("sandbox")
    assert "script-src" not in drawn.headers["Content-Security-Policy"]
    assert drawn.headers["Cache-Control"] == "no-store"


def test_a_letter_with_a_key_and_one_whose_rows_are_gone_are_not_shown(sold: House) -> None:
    email = letter_to(sold, JUN)
    for template, about in (
        ("sign_in", '{"link_id": 1}'),
        ("job_dead_admin", '{"job_id": 999}'),
        ("x", "{}"),
    ):
        change(
            sold,
            "UPDATE discuno_email SET template = :template, about = CAST(:about AS jsonb) WHERE id = :id",
            template=template,
            about=about,
            id=email.id,
        )
        page = page_of(sold, email)
        assert "It is not shown" in page.reads()
        assert page.client.get(f"/admin/emails/{email.id}/html").status_code == 404


# Found


@pytest.mark.parametrize(
    ("query", "number"),
    [("", 2), ("q=JUN@", 1), ("q=nobody", 0), ("status=delivered", 2), ("status=failed", 0),
     ("template=booking_confirmed", 1), ("payment=1", 2), ("payment=99", 0), ("payment=x", 0), ("before=2", 1)],
)  # fmt: skip
def test_letters_are_found_by_what_to_whom_and_about_which_payment(
    lived: House, query: str, number: int
) -> None:
    page = staff(lived).get(f"/admin/emails?{query}").text
    assert len(re.findall(r'<a href="/admin/emails/\d+">', page)) == number


@pytest.fixture(scope="module")
def lived(built_house: House) -> House:
    built_house.begin_with(AMARA, OWEN)
    built_house.hear_of_letters()
    paid(built_house)
    built_house.settle_down()
    return built_house


def test_the_figures_say_how_many_of_what_became_of_them(lived: House) -> None:
    page = staff(lived).get("/admin/emails?period=30d").text
    assert re.search(r"<dt>Handed over</dt><dd class=\"num\">2</dd>", page)
    assert "100.0% of those that Resend took" in page
    assert "By the mail server" not in page
    assert "booking_confirmed_mentor" in page


def test_support_reads_letters_and_sends_none(lived: House) -> None:
    support = Holder(staff(lived, SUPPORT), "/admin/emails/1")
    assert "Send it again" not in support.reads()
    assert support.sends("/again", reason=WHY).status_code == 403
    assert [job for job in all_of(lived, Job) if job.task == "send_letter"] == []
