"""Admins' stories, read off their own pages: a case decided by two, a bank answered, money stopped and let go on."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from discuno.accounts.models import AuditEntry
from discuno.bookings.models import Booking
from discuno.disputes.models import Dispute
from discuno.notifications.models import Email
from discuno.payments.models import Refund
from discuno.payouts.models import Transfer, TransferStatus
from discuno.webhooks.models import WebhookEvent
from tests.bank import at_fault, at_stripe, books, dispute, let_it_end, sold
from tests.factories import advance_to, all_of, change, dump, the
from tests.house import House
from tests.reporting import PNG, answering, attendee
from tests.signing import ADMIN, SECOND_ADMIN, staff_cookie
from tests.stories.attendee import Attendee
from tests.stories.conftest import Invite

pytestmark = pytest.mark.story

WHY = "The session ended twenty minutes early, as both sides say."
DEAR = 60_000  # minor units: above the limit for one admin


def staff_at(invite: Invite, house: House, path: str, email: str = ADMIN) -> Attendee:
    """An admin at a page, signed in with both factors."""
    person = invite(timezone_id="UTC")
    person.context.add_cookies([staff_cookie(house, email)])
    person.open(path)
    return person


def press(person: Attendee, label: str | re.Pattern[str]) -> None:
    person.page.get_by_role("button", name=label, exact=True).click()


def follow(person: Attendee, label: str | re.Pattern[str]) -> None:
    person.main.get_by_role("link", name=label).first.click()


def is_clean(person: Attendee) -> None:
    """Nothing that axe minds, and nothing that leaves the screen sideways."""
    assert Axe().run(person.page).response["violations"] == [], person.page.url
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), person.page.url


def reported(house: House, price: int = 6000) -> Dispute:
    """A session was paid and reported by its attendee, and the mentor has answered."""
    change(house, "UPDATE discuno_event_type SET price = :price WHERE price > 0", price=price)
    sold(house)
    booking = the(house, Booking)
    advance_to(house, booking.starts_at + timedelta(minutes=50))
    said = "It ended after twenty-five minutes, and we had forty-five."
    attendee(house).sends("/report", (("chat.png", PNG),), reason="cut_short", text=said)
    house.settle_down()
    answering(house).sends("/answer", text="The line broke. I offered another hour.")
    house.settle_down()
    return the(house, Dispute)


def test_a_report_is_claimed_and_refunded_in_part_when_two_admins_agree(
    invite: Invite, busy_house: House
) -> None:
    house = busy_house
    reported(house, DEAR)
    ada = staff_at(invite, house, "/admin/disputes")
    ada.reads("Disputes")
    is_clean(ada)
    follow(ada, re.compile("Case 1"))
    press(ada, "Claim it")
    expect(ada.main).to_contain_text("Ada Okonkwo")
    for words in ("It ended after twenty-five minutes", "The line broke", "chat.png"):
        expect(ada.main).to_contain_text(words)
    is_clean(ada)
    decide(ada, re.compile("^Refund in part"), "200.00")
    expect(ada.main).to_contain_text("$200.00")
    expect(ada.main).to_contain_text("$360.00")  # nine tenths of what stays
    ada.page.get_by_label("Why").fill(WHY)
    press(ada, "Propose it")
    expect(ada.main).to_contain_text("Waits for a second admin")
    assert (at_stripe(house, "refund"), str(the(house, Dispute).status)) == ([], "open")
    zoe = staff_at(invite, house, "/admin", SECOND_ADMIN)
    zoe.page.get_by_role("region", name="What is stopped and what waits").get_by_role(
        "link", name="Look at the first"
    ).click()
    expect(zoe.main).to_contain_text(WHY)
    is_clean(zoe)
    press(zoe, "Approve it")
    expect(zoe.main).to_contain_text("Refunded in part")
    zoe.gets_to(lambda: [r.status for r in all_of(house, Refund)] == ["succeeded"])
    for who in ("jun@example.com", "amara@discuno.example"):
        zoe.gets_to(lambda who=who: any(WHY in letter["text"] for letter in house.letters(who)))
    let_it_end(house)
    zoe.gets_to(lambda: at_stripe(house) == [36_000])
    assert at_stripe(house, "refund") == [20_000]
    zoe.gets_to(lambda: [books(house, a) for a in ("held", "fees", "mentors")] == [0, -4000, -36_000])
    acts = [(e.actor, e.action) for e in all_of(house, AuditEntry) if e.about == "dispute:1"]
    assert (ADMIN, "propose decide") in acts
    assert (SECOND_ADMIN, "approve decide") in acts
    assert at_fault(house) == []


def decide(person: Attendee, what: re.Pattern[str], refund: str = "", mentor: str = "") -> None:
    """Choose, type the amounts, and ask what would move."""
    person.page.get_by_label(what).check()
    if refund:
        person.page.get_by_label(re.compile("^To the attendee")).fill(refund)
    if mentor:
        person.page.get_by_label(re.compile("^To the mentor")).fill(mentor)
    press(person, "See what would move")


def test_of_two_admins_who_decide_at_once_one_does_and_the_other_is_told(
    invite: Invite, busy_house: House
) -> None:
    house = busy_house
    reported(house)
    ada = staff_at(invite, house, "/admin/disputes/1")
    zoe = staff_at(invite, house, "/admin/disputes/1", SECOND_ADMIN)
    for person, what in ((ada, re.compile("^Refund in full")), (zoe, re.compile("^Release"))):
        decide(person, what)
        person.page.get_by_label("Why").fill(WHY)
    press(ada, "Decide it so")
    expect(ada.main).to_contain_text("Decided")
    press(zoe, "Decide it so")
    expect(zoe.main).to_contain_text("Nothing was done: admin@discuno.example decided this case")
    zoe.gets_to(lambda: at_stripe(house, "refund") == [6000])
    assert (str(the(house, Dispute).decision), len(all_of(house, Refund))) == ("refunded", 1)
    assert at_fault(house) == []


def test_a_chargeback_is_answered_with_evidence_won_and_released(invite: Invite, busy_house: House) -> None:
    house = busy_house
    sold(house)
    let_it_end(house)
    dispute(house, reason="product_not_received")
    ada = staff_at(invite, house, "/admin/disputes")
    follow(ada, re.compile("Case 1"))
    follow(ada, "Answer the bank, or accept")
    ada.reads("Answer the bank")
    is_clean(ada)
    ada.page.get_by_label("Our account of it").fill("winning_evidence")
    press(ada, "Save and stage it at Stripe")
    follow(ada, "Read it and submit it")
    ada.reads("Submit the evidence")
    is_clean(ada)
    ada.page.get_by_label(re.compile("^(Why|Reason)")).fill("All that we know of the session.")
    ada.page.get_by_role("checkbox").check()
    press(ada, "Submit it to the bank")
    ada.gets_to(lambda: str(the(house, Dispute).status) == "won")
    house.control("POST", "deliveries/flush")
    ada.gets_to(lambda: sum(at_stripe(house)) - sum(at_stripe(house, "transfer_reversal")) == 5400)
    ada.page.reload()
    expect(ada.main).to_contain_text("Won")
    assert at_fault(house) == []


def test_while_transfers_are_paused_nothing_moves_and_afterwards_it_does(
    invite: Invite, busy_house: House
) -> None:
    house = busy_house
    sold(house)
    ada = staff_at(invite, house, "/admin/pauses")
    is_clean(ada)
    ada.page.get_by_label(re.compile("^(Why|Reason)")).fill("Stripe reports an incident.")
    press(ada, "Pause all transfers")
    expect(ada.main).to_contain_text("Let transfers go on")
    let_it_end(house)
    ada.gets_to(lambda: the(house, Transfer).blocked_by == "paused")
    assert at_stripe(house) == []
    ada.page.context.clear_cookies()  # three days have gone by: everybody signs in again
    ada.context.add_cookies([staff_cookie(house)])
    ada.open("/admin/transfers")
    expect(ada.main).to_contain_text("All transfers are paused")
    ada.open("/admin/pauses")
    ada.page.get_by_label(re.compile("^(Why|Reason)")).fill("Stripe is well again.")
    press(ada, "Let transfers go on")
    ada.gets_to(lambda: the(house, Transfer).status == TransferStatus.SENT)
    assert at_stripe(house) == [5400]
    assert at_fault(house) == []


def test_an_event_that_was_handled_is_replayed_and_nothing_changes(invite: Invite, busy_house: House) -> None:
    house = busy_house
    sold(house)
    event = next(e for e in all_of(house, WebhookEvent) if e.type == "checkout.session.completed")
    money = (
        "discuno_payment",
        "discuno_booking",
        "discuno_ledger_entry",
        "discuno_email",
        "discuno_transfer",
    )
    ada = staff_at(invite, house, f"/admin/webhooks/{event.id}")
    ada.gets_to(
        lambda: {str(e.status) for e in all_of(house, Email)} == {"delivered"}
    )  # the carrier has told all
    before = dump(house, *money)
    is_clean(ada)
    ada.page.get_by_label(re.compile("^(Why|Reason)")).fill("To see that it does no harm.")
    press(ada, "Replay")
    ada.gets_to(lambda: house.read(lambda: all_of(house, WebhookEvent))[event.id - 1].attempts == 2)
    after = dump(house, *money)
    assert [(a, b) for k in before for a, b in zip(before[k], after[k], strict=True) if a != b] == []
