"""What an address takes: its reader's choices, one click, and what the carrier tells of letters that come back."""

import re
from datetime import timedelta
from html import unescape

import pytest

from discuno.accounts.models import AuditEntry
from discuno.bookings import links as booking_links
from discuno.bookings.models import Booking
from discuno.kit import links, logs, outbox
from discuno.kit.db import transaction
from discuno.notifications import addresses, delivery
from discuno.notifications import service as notifications
from discuno.notifications.models import Alert, Email, EmailStatus, MailAddress, OptionalKind
from discuno.webhooks import handlers
from discuno.webhooks.handlers import News
from tests import bank, catalogue
from tests.factories import JUN, advance_to, all_of, change, subjects, the
from tests.house import House
from tests.plans import asked_by, plan
from tests.reporting import Holder
from tests.signing import ADMIN, AMARA, SUPPORT, signed_in, staff

pytestmark = pytest.mark.story

WHY = "They telephoned: the mailbox is emptied."
AGAIN = "I want letters again"


LATER = (
    "UPDATE discuno_booking SET during = r, keeps = r FROM "
    "(SELECT tstzrange(discuno_now() + interval '72 hours', discuno_now() + interval '73 hours') r) AS later"
)


@pytest.fixture
def sold(built_house: House) -> House:
    """A session sold, three days ahead whatever the hour is."""

    def sell() -> None:
        built_house.begin_with(catalogue.AMARA, catalogue.OWEN)
        bank.sold(built_house)

    built_house.begin_sold(sell)
    change(built_house, LATER)
    return built_house


def path_of(house: House, address: str) -> str:
    """The path of an address's page, as a letter to it has it."""
    with house.app.app_context(), transaction():
        return addresses.path_for(address)


def reader(house: House, address: str = JUN) -> Holder:
    """Somebody with a link from a letter, and nothing else."""
    return Holder(house.app.test_client(), path_of(house, address))


def acts(house: House) -> list[tuple[str, str]]:
    return [(e.actor, e.action) for e in all_of(house, AuditEntry) if e.about.startswith("address:")]


def known(house: House, address: str = JUN) -> MailAddress:
    [found] = [each for each in all_of(house, MailAddress) if each.address == address]
    return found


def ticked(page: str) -> dict[str, bool]:
    """The boxes of the page."""
    found = re.findall(r'name="kind" value="(\w+)"( checked)?', page)
    return {kind: bool(checked) for kind, checked in found}


def remind(house: House, before: timedelta) -> None:
    """The hour of a reminder comes; sessions were moved behind the app's back, so it is asked for once more."""
    advance_to(house, the(house, Booking).starts_at - before)
    with house.app.app_context(), transaction():
        for lead in ("day", "hour"):
            outbox.add("remind", unique_key=f"remind:1:{lead}", booking_id=1, lead=lead)
    house.settle_down()


def what_became(house: House, address: str = JUN) -> dict[str, str]:
    return {e.template: str(e.status) for e in all_of(house, Email) if e.recipient == address}


# The reader's choices


def test_an_attendee_declines_a_reminder_and_gets_all_other_letters(sold: House) -> None:
    with sold.app.app_context():
        booking_page = booking_links.manage_path(the(sold, Booking))
    client = sold.app.test_client()
    assert f"{booking_page}/letters" in client.get(booking_page).text
    led_to = client.get(f"{booking_page}/letters")
    assert (led_to.status_code, led_to.location) == (303, path_of(sold, JUN))
    page = Holder(client, led_to.location)
    shown = page.reads()
    assert ticked(shown) == {"day_before": True, "hour_before": True}, "nothing about money: they get none"
    assert "j…@example.com" in shown
    assert JUN not in shown
    for _ in range(2):
        answer = page.sends("", kind="hour_before")
        assert answer.status_code == 303
    assert "Saved." in client.get(answer.location).text
    assert ticked(page.reads()) == {"day_before": False, "hour_before": True}
    assert acts(sold) == [("reader", "choose letters")], "twice is once"
    remind(sold, timedelta(hours=24))
    remind(sold, timedelta(hours=1))
    became = what_became(sold)
    assert (became["reminder_day"], became["reminder_hour"]) == ("dropped", "sent")
    assert what_became(sold, AMARA)["reminder_day_mentor"] == "sent"
    assert [s.split(":")[0] for s in subjects(sold, JUN)] == ["Confirmed", "In an hour"]


def test_a_mentor_chooses_among_letters_about_money_too(house: House) -> None:
    client = signed_in(house, AMARA)
    assert "/dashboard/letters" in client.get("/dashboard/profile").text
    led_to = client.get("/dashboard/letters")
    page = Holder(client, led_to.location)
    assert ticked(page.reads()) == {"day_before": True, "hour_before": True, "money": True}
    assert page.sends("", kind="money").status_code == 303
    assert known(house, AMARA).declined == ["day_before", "hour_before"]
    assert "/sign-in" in house.app.test_client().get("/dashboard/letters").location


def test_what_the_page_does_not_show_stays_as_it_is(sold: House) -> None:
    page = reader(sold)
    change(sold, "UPDATE discuno_mail_address SET declined = '{money}'")
    assert page.sends("", kind="day_before").status_code == 303
    assert known(sold).declined == ["hour_before", "money"]


# One click


def test_one_click_of_a_mail_program_declines_one_kind_without_cookie_or_token(sold: House) -> None:
    path = f"{path_of(sold, JUN)}/stop/hour_before"
    change(sold, "UPDATE discuno_mail_address SET declined = '{day_before}'")
    for _ in range(2):
        machine = sold.app.test_client(use_cookies=False)
        answer = machine.post(path, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert known(sold).declined == ["day_before", "hour_before"], "what was declined before stays so"
    assert acts(sold) == [("reader", "choose letters")]
    remind(sold, timedelta(hours=1))
    assert what_became(sold)["reminder_hour"] == "dropped"


def test_a_scanner_that_follows_the_link_of_one_click_changes_nothing(sold: House) -> None:
    page = reader(sold)
    shown = page.reads("/stop/day_before")
    assert "Send me no more of these" in shown
    assert known(sold).declined == []
    answer = page.sends("/stop/day_before")
    assert answer.status_code == 303
    assert ticked(page.client.get(answer.location).text)["day_before"] is False
    assert "You have declined these letters" in page.reads("/stop/day_before")


def test_the_link_of_a_reminder_declines_it(sold: House) -> None:
    remind(sold, timedelta(hours=24))
    [sent] = [each for each in sold.letters(JUN) if "List-Unsubscribe" in each["headers"]]
    url = sent["headers"]["List-Unsubscribe"].strip("<>").removeprefix(sold.url)
    assert sent["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert path_of(sold, JUN) in sent["text"], "the page is linked to in words as well"
    assert sold.app.test_client().post(url, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert known(sold).declined == ["day_before"]


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_a_link_that_is_not_ours_opens_nothing(sold: House, verb: str) -> None:
    page = reader(sold)
    with sold.app.app_context():
        of_another_kind = links.seal(booking_links.ATTENDEE, {"id": 1})
        of_nobody = links.seal(addresses.SALT, {"id": 99})
    token = page.path.rpartition("/")[2]
    for path in (of_another_kind, of_nobody, f"{token}x", f"{token}x/stop/money", f"{token}/stop/everything"):
        there = Holder(page.client, f"/letters/{path}")
        answer = there.sends("") if verb == "POST" else there.client.get(there.path)
        assert answer.status_code == 404, path
    assert known(sold).declined == []


def test_the_link_is_a_key_and_is_kept_out_of_logs_caches_and_search_engines(sold: House) -> None:
    page = reader(sold)
    for path in ("", "/stop/day_before"):
        headers = page.client.get(f"{page.path}{path}").headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert page.path not in logs.SECRET.sub("…", f"GET {page.path}{path} failed")


# What the carrier tells


def tell(house: House, email: Email, what: str, **more: object) -> None:
    """The carrier's news of a letter."""
    about = {"email_id": email.resend_id, "tags": {"letter": str(email.id)}, **more}
    with house.app.app_context():
        handlers.letter(News(f"email.{what}", {"data": about}, None))


def letter_to(house: House, recipient: str = JUN) -> Email:
    return next(email for email in all_of(house, Email) if email.recipient == recipient)


@pytest.mark.parametrize(
    ("what", "more", "because"),
    [
        ("bounced", {"bounce": {"type": "Permanent"}}, "bounced"),
        ("bounced", {"bounce": {"type": "Transient"}}, None),
        ("bounced", {"bounce": {"type": "Undetermined"}}, None),
        ("bounced", {"bounce": None}, "bounced"),
        ("bounced", {}, "bounced"),
        ("suppressed", {"suppressed": {"type": "OnAccountSuppressionList"}}, "bounced"),
        ("complained", {}, "complained"),
        ("failed", {}, None),
        ("delivered", {}, None),
    ],
)
def test_what_stops_an_address(sold: House, what: str, more: dict[str, object], because: str | None) -> None:
    tell(sold, letter_to(sold), what, **more)
    found = [(a.stopped_because, a.stopped_by_id) for a in all_of(sold, MailAddress)]
    assert found == ([(because, letter_to(sold).id)] if because else [])


def test_an_address_that_takes_nothing_gets_no_optional_letters_and_all_others(sold: House) -> None:
    tell(sold, letter_to(sold), "bounced")
    remind(sold, timedelta(hours=24))
    with sold.app.app_context(), transaction():
        notifications.tell("x", JUN, "booking_link", booking_id=1)
    sold.settle_down()
    became = what_became(sold)
    assert (became["reminder_day"], became["booking_link"]) == ("dropped", "sent")
    assert what_became(sold, AMARA)["reminder_day_mentor"] == "sent"


@pytest.mark.parametrize(("what", "ends"), [("bounced", True), ("complained", False)])
def test_a_later_letter_that_arrives_ends_it_unless_its_reader_complained(
    sold: House, what: str, ends: bool
) -> None:
    first = letter_to(sold)
    with sold.app.app_context(), transaction():
        for event in ("x", "y"):
            notifications.tell(event, JUN, "booking_link", booking_id=1)
    sold.settle_down()
    second, third = [email for email in all_of(sold, Email) if email.template == "booking_link"]
    tell(sold, second, what)
    tell(sold, first, "delivered")
    assert known(sold).stopped_because == what, "an earlier letter is no news"
    tell(sold, third, "delivered")
    assert (known(sold).stopped_because is None) == ends
    tell(sold, third, "bounced")
    assert known(sold).stopped_because == what, "a complaint stays"


def test_letters_to_the_admin_go_on_whatever_becomes_of_one(bare: House) -> None:
    change(
        bare,
        "INSERT INTO discuno_email (event, recipient, template, about, status, created_at) "
        "VALUES ('x', 'admin', 'alert', '{\"alert_id\": 1}', 'sent', discuno_now())",
    )
    with bare.app.app_context(), transaction() as unit:
        delivery.record_delivery(unit.get_one(Email, 1), "email.bounced")
    assert all_of(bare, MailAddress) == []


@pytest.mark.parametrize("what", ["bounced", "complained"])
def test_a_reader_can_have_letters_again(sold: House, what: str) -> None:
    page = reader(sold)
    assert AGAIN not in page.reads()
    tell(sold, letter_to(sold), what)
    assert AGAIN in page.reads()
    for _ in range(2):
        answer = page.sends("/again")
        assert answer.status_code == 303
    assert "gets our letters again" in page.client.get(answer.location).text
    assert AGAIN not in page.reads()
    assert acts(sold) == [("reader", "resume letters")]
    assert sold.read(lambda: addresses.why_not(JUN, OptionalKind.DAY_BEFORE)) is None


# The admin


@pytest.fixture
def stopped(sold: House) -> House:
    tell(sold, letter_to(sold), "bounced", bounce={"type": "Permanent"})
    return sold


def test_an_admin_sees_which_addresses_are_stopped_and_by_which_letter(stopped: House) -> None:
    admin, email = staff(stopped), letter_to(stopped)
    one = f"/admin/emails/addresses/{known(stopped).id}"
    figures = unescape(admin.get("/admin/emails").text)
    assert re.search(r'"/admin/emails/addresses">.*?</a></dt><dd class="num">1<', figures)
    listed = unescape(admin.get("/admin/emails/addresses").text)
    for said in (JUN, one, "letters to this address come back", f"<bdi>{email.subject}</bdi>"):
        assert said in listed
    assert JUN in admin.get("/admin/emails/addresses?q=JUN").text
    assert "No address like that" in admin.get("/admin/emails/addresses?q=nobody").text
    for page in (f"/admin/emails/{email.id}", "/admin/payments/1"):
        assert f'href="{one}">No optional letters' in admin.get(page).text, page
    assert admin.get("/admin/emails/addresses/99").status_code == 404


def test_an_admin_lets_an_address_have_letters_again_with_a_reason_and_once(stopped: House) -> None:
    page = Holder(staff(stopped), f"/admin/emails/addresses/{known(stopped).id}")
    assert page.sends("", reason=" ").status_code == 422
    assert known(stopped).stopped_because == "bounced"
    for _ in range(2):
        assert page.sends("", reason=WHY).status_code == 303
    assert "Takes letters" in page.reads()
    [entry] = [each for each in all_of(stopped, AuditEntry) if each.about.startswith("address:")]
    assert (entry.actor, entry.action, entry.reason) == (ADMIN, "resume letters", WHY)
    assert entry.before == {"stopped": "bounced"}
    assert "Every address takes our letters" in page.client.get("/admin/emails/addresses").text


def test_support_looks_and_changes_nothing(stopped: House) -> None:
    page = Holder(staff(stopped, SUPPORT), f"/admin/emails/addresses/{known(stopped).id}")
    assert "Send it optional letters again" not in page.reads()
    assert page.sends("", reason=WHY).status_code == 403
    assert known(stopped).stopped_because == "bounced"


def test_a_long_list_of_stopped_addresses_comes_in_pages(bare: House) -> None:
    admin = staff(bare)
    change(
        bare,
        "INSERT INTO discuno_mail_address (address, declined, stopped_at, stopped_because) "
        "SELECT n || '@example.com', '{}', discuno_now(), 'bounced' FROM generate_series(1, 60) n",
    )
    change(
        bare,
        "INSERT INTO discuno_mail_address (address, declined) "
        "SELECT 'well' || n || '@example.com', '{}' FROM generate_series(1, 3000) n",
    )
    change(bare, "ANALYZE discuno_mail_address")
    page = admin.get("/admin/emails/addresses").text
    assert len(re.findall(r'href="/admin/emails/addresses/\d+"', page)) == 50
    asked = [each for each in asked_by(bare, admin, "/admin/emails/addresses") if "mail_address" in each.sql]
    assert len(asked) == 1, "the letters come with them"
    assert "ix_discuno_mail_address_stopped" in plan(bare, asked[0])
    older = admin.get(unescape(re.findall(r'href="(/admin/emails/addresses\?[^"]+)"', page)[0])).text
    assert len(re.findall(r'href="/admin/emails/addresses/\d+"', older)) == 10


def test_a_letter_that_came_back_for_a_while_only_is_told_to_an_admin_all_the_same(sold: House) -> None:
    tell(sold, letter_to(sold), "bounced", bounce={"type": "Transient"})
    assert letter_to(sold).status == EmailStatus.BOUNCED
    assert the(sold, Alert).cause == f"address:{JUN}"
