"""What stands above a mentor's pages while something needs them: one sentence and one button."""

import html as text
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from discuno.kit import clock
from discuno.kit.db import transaction
from discuno.payouts.models import MentorStripeAccount
from tests.bank import let_it_end
from tests.factories import change, paid
from tests.house import House
from tests.mentors import NIA, do, end_payout, look, open_account, share_arrives, steer
from tests.reporting import after_the_start, answering, attendee, sell_at_once
from tests.signing import AMARA, signed_in

pytestmark = pytest.mark.story

DAY = timedelta(days=1)
PAGE = "/dashboard/bookings"
STOPPED = {"transfers": "inactive", "requirements": {"currently_due": ["individual.id_number"]}}
ASKS = {"currently_due": ["individual.address.city", "external_account"]}


def said(house: House, email: str = AMARA, page: str = PAGE) -> list[tuple[str, str, str]]:
    """Tone, words and link of what stands above a page."""
    answer = signed_in(house, email).get(page)
    assert answer.status_code == 200
    above = answer.text.partition('class="stack notices"')[2].partition("</main>")[0]
    found = re.findall(r'banner (\w+)"[^>]*><p>(.*?)</p><a class="btn push" href="([^"]+)"', above, re.S)
    return [(tone, text.unescape(words), url) for tone, words, url in found]


def one(house: House, tone: str, words: str, url: str = "/dashboard/stripe", email: str = AMARA) -> None:
    """Exactly this is said, on another page; and on the page it leads to, it is not said twice."""
    found = said(house, email)
    assert [(t, u) for t, _, u in found] == [(tone, url)], found
    assert re.search(words, found[0][1]), found
    assert url not in [u for _, _, u in said(house, email, url)]


@pytest.fixture
def due(house: House) -> House:
    """A paid session whose dispute period is about to end."""
    paid(house)
    house.settle_down()
    return house


def test_nothing_is_said_while_nothing_is_wanted(house: House) -> None:
    assert said(house) == []


def test_a_suspended_mentor_reads_why(house: House) -> None:
    change(
        house,
        "UPDATE discuno_mentor SET suspended_at = discuno_now(), suspended_reason = 'Two <b>reports</b>.'",
    )
    assert said(house, page="/dashboard/stripe")[0][1].endswith("Two <b>reports</b>.")


def test_an_account_that_was_never_begun_is_asked_for_when_something_costs_money(bare: House) -> None:
    email = str(NIA["email"])
    bare.plant(NIA)
    one(bare, "wait", "Until you have set that up, your paid session types cannot be booked", email=email)
    open_account(bare)
    one(bare, "wait", r"^Stripe still needs details before you can be paid\.", email=email)
    change(bare, "UPDATE discuno_mentor_stripe_account SET status = 'closed'")
    one(bare, "bad", "no longer connected with us. Your paid sessions cannot be booked", email=email)
    change(bare, "DELETE FROM discuno_mentor_stripe_account; UPDATE discuno_event_type SET price = 0")
    assert said(bare, email) == []


def test_a_restricted_account_says_how_much_waits_for_it_until_it_is_mended(due: House) -> None:
    steer(due, "", STOPPED)
    one(
        due,
        "bad",
        r"Stripe has stopped transfers until you give more details\. What you earn is kept for you",
    )
    let_it_end(due)
    one(due, "bad", r"\$54\.00 waits for it and goes on its way by itself")
    steer(due, "/onboard")
    assert said(due) == []


def test_a_deadline_is_said_with_what_is_asked_for_and_its_hour(house: House) -> None:
    soon = int((do(house, clock.now) + 5 * DAY).timestamp())
    steer(house, "", {"requirements": {**ASKS, "current_deadline": soon}})
    one(
        house,
        "wait",
        r"^Stripe needs your address and 1 more by .* \(America/New_York\), or it stops your transfers\.",
    )
    change(house, "UPDATE discuno_mentor_stripe_account SET deadline = discuno_now()")
    one(house, "bad", r"^Stripe needed your address")
    change(house, "UPDATE discuno_mentor_stripe_account SET deadline = NULL")
    one(house, "note", r"there is no deadline yet")


@pytest.mark.parametrize(
    ("column", "value", "tone", "words"),
    [
        ("status", "rejected", "bad", "Please write to us"),
        ("status", "restricted", "wait", "Stripe is looking at what you have given it"),
        ("is_ours", False, "wait", "You need not do anything"),
        ("payouts_enabled", False, "bad", "until it has what it asks for. Your money is safe there."),
    ],
)
def test_every_state_of_an_account_that_stops_money_is_said(
    house: House, column: str, value: str | bool, tone: str, words: str
) -> None:
    with house.app.app_context(), transaction() as unit:
        unit.execute(sa.update(MentorStripeAccount).values({column: value}))
    one(house, tone, words)


def test_an_account_that_is_being_set_up_needs_nobody(house: House) -> None:
    change(house, "UPDATE discuno_mentor_stripe_account SET manual_payouts_configured_at = NULL")
    assert said(house) == []
    assert "We are setting up your payouts" in signed_in(house, AMARA).get("/dashboard/stripe").text


def test_a_payout_that_came_back_is_said_with_what_the_bank_said(house: House) -> None:
    share_arrives(house)
    look(house)
    end_payout(house, "failed", failure_code="account_closed")
    one(house, "bad", r"The last payout came back\. The bank account was closed\. .* The money is safe")


def test_an_unanswered_report_is_said_with_its_deadline_and_no_more_once_answered(house: House) -> None:
    sell_at_once(house)
    after_the_start(house)
    attendee(house).reports("cut_short")
    one(
        house,
        "bad",
        r"^Jun Tanaka has reported a problem\. Answer by .* \(America/New_York\)\.$",
        "/dashboard/disputes/1",
    )
    house.advance(2 * DAY)
    one(house, "bad", "The time to answer is over; .* you can still say", "/dashboard/disputes/1")
    answering(house).sends("/answer", text="I was in the room, see the log.")
    assert said(house) == []


OWED = """INSERT INTO discuno_ledger_entry (kind, source, account, amount, currency, mentor_id, posted_at)
VALUES ('refund', 're_1', 'debt', :owed, :currency, 1, now()),
('refund', 're_1', 'stripe', -:owed, :currency, 1, now())"""


def test_a_debt_is_said_by_currency(house: House) -> None:
    for currency, owed in (("usd", 1200), ("eur", 500)):
        change(house, OWED, currency=currency, owed=owed)
    one(
        house, "note", r"^€5\.00 and \$12\.00 that went back to an attendee will be taken", "/dashboard/money"
    )


def test_nobody_else_is_told(house: House) -> None:
    change(house, "UPDATE discuno_mentor_stripe_account SET status = 'restricted' WHERE mentor_id = 1")
    assert len(said(house)) == 1
    assert said(house, "owen@discuno.example") == []
