"""Session types: what a mentor may sell at which price, when it may be switched on, and what is never touched."""

import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from discuno import journey, policy
from discuno.accounts.models import AuditEntry
from discuno.bookings.models import Booking
from discuno.kit import money
from discuno.kit.db import transaction
from discuno.mentors.forms import TypeForm
from discuno.mentors.models import EventType
from discuno.payments.models import Payment
from tests.catalogue import AMARA, OWEN
from tests.factories import all_of, change, dump, paid, someone
from tests.house import House
from tests.people import while_it_is_open
from tests.settings import NOBODY_YET, TYPE, post, send
from tests.signing import signed_in

pytestmark = pytest.mark.story

PAGE = "/dashboard/event-types"
STRIPE = '<a class="btn push" href="/dashboard/stripe">Set up Stripe</a>'


def mine(house: House, title: str) -> EventType:
    return next(t for t in all_of(house, EventType) if t.title == title)


def restricted(house: House, mentor: str = "amara") -> None:
    """Stripe has stopped transfers to a mentor."""
    change(
        house,
        "UPDATE discuno_mentor_stripe_account SET transfers = 'inactive', status = 'restricted' WHERE mentor_id = "
        "(SELECT id FROM discuno_mentor WHERE username = :mentor)",
        mentor=mentor,
    )


def test_a_new_type_is_the_last_on_the_mentors_page_and_written_down(house: House) -> None:
    amara = signed_in(house, AMARA["email"])
    answer = post(amara, f"{PAGE}/new", **TYPE, enabled="on")
    assert answer.status_code == 303
    made = mine(house, "Career chat")
    assert (made.price, made.currency, made.duration_minutes, made.enabled) == (4000, "usd", 30, True)
    page = house.app.test_client().get("/mentor/amara").text
    assert page.index("First hello") < page.index("Career chat")
    [entry] = all_of(house, AuditEntry)
    assert (entry.actor, entry.action, entry.about) == (
        AMARA["email"],
        "event_type_saved",
        f"event_type:{made.id}",
    )
    assert entry.before is None
    assert entry.after is not None
    assert entry.after["price"] == 4000


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"title": "  "}, "Please give it a title of at most 120 characters."),
        ({"title": "x" * 121}, "Please give it a title of at most 120 characters."),
        ({"description": "x" * 4001}, "Please use at most 4,000 characters."),
        ({"duration_minutes": "4"}, "Please give a number of minutes from 5 to 480."),
        ({"duration_minutes": "481"}, "Please give a number of minutes from 5 to 480."),
        ({"duration_minutes": "-30"}, "Please give a number of minutes from 5 to 480."),
        ({"duration_minutes": "half an hour"}, "Please give a number of minutes from 5 to 480."),
        ({"duration_minutes": "٣٠"}, "Please give a number of minutes from 5 to 480."),
        ({"buffer_minutes": "481"}, "Please give a break of 0 to 480 minutes."),
        ({"notice_minutes": "43201"}, "Please choose a notice of at most 30 days."),
        ({"price": ""}, "Type an amount."),
        ({"price": "0.49"}, "Stripe charges $0.50 or more. Type 0 for a free session."),
        ({"price": "10000.01"}, "A session can cost $10,000.00 at most."),
        ({"price": "-1"}, "Type the amount in USD as a number, such as 1250.50."),
        ({"price": "60.005"}, "An amount in USD has at most 2 digits after the point."),
        ({"price": "49", "currency": "jpy"}, "Stripe charges ¥50 or more. Type 0 for a free session."),
        ({"price": "60.5", "currency": "jpy"}, "An amount in JPY has no digits after the point."),
        ({"currency": "huf"}, "Please choose a currency from the list."),
        ({"currency": ""}, "Please choose a currency from the list."),
        ({"currency": "dollars"}, "Please choose a currency from the list."),
    ],
)
def test_what_cannot_be_sold_is_refused_with_one_sentence(
    built_house: House, wrong: dict[str, str], sentence: str
) -> None:
    with built_house.app.test_request_context(PAGE, method="POST", data={**TYPE, **wrong}):
        form = TypeForm(None)
        assert not form.validate()
        assert form.sentences()[next(iter(wrong))] == sentence


def test_a_form_that_is_refused_is_shown_again_as_it_was_typed(house: House) -> None:
    before = dump(house, "discuno_event_type", "discuno_audit_entry")
    wrong = {**TYPE, "title": "<b>Kept</b>", "price": "0.49"}
    answer = post(signed_in(house, AMARA["email"]), f"{PAGE}/1", **wrong)
    assert answer.status_code == 422
    assert "Stripe charges $0.50 or more." in answer.text
    assert "&lt;b&gt;Kept&lt;/b&gt;" in answer.text
    assert dump(house, "discuno_event_type", "discuno_audit_entry") == before


@given(st.sampled_from(sorted(policy.MINIMUM_CHARGE)), st.data())
def test_every_price_that_a_field_shows_is_read_back_and_its_parts_add_up(currency: str, data: Any) -> None:
    price = data.draw(st.integers(policy.MINIMUM_CHARGE[currency], policy.largest_price(currency)))
    assert money.parse(money.typed(price, currency), currency) == price
    parts = policy.split(price, policy.terms.fee_bps)
    assert parts.mentor_amount + parts.platform_fee == price
    assert parts.mentor_amount > 0


@pytest.mark.parametrize(
    ("price", "fee_bps", "words"),
    [
        (6000, 1000, "You get $54.00 of $60.00; our fee is 10 %."),
        (55, 1000, "You get $0.49 of $0.55; our fee is 10 %."),
        (6000, 1250, "You get $52.50 of $60.00; our fee is 12.5 %."),
    ],
)
def test_the_mentors_share_stands_under_the_price(
    house: House, monkeypatch: pytest.MonkeyPatch, price: int, fee_bps: int, words: str
) -> None:
    monkeypatch.setattr(policy, "terms", policy.Terms(fee_bps=fee_bps))
    change(house, "UPDATE discuno_event_type SET price = :price WHERE id = 1", price=price)
    assert words in signed_in(house, AMARA["email"]).get(f"{PAGE}/1").text


# Stripe first


def test_a_paid_type_cannot_be_switched_on_before_stripe_can_pay(house: House) -> None:
    house.plant(NOBODY_YET)
    nia = signed_in(house, NOBODY_YET["email"])
    answer = post(nia, f"{PAGE}/new", **TYPE, enabled="on")
    assert answer.status_code == 409
    assert STRIPE in answer.text
    assert 'value="Career chat"' in answer.text  # nothing typed is lost
    assert "Career chat" not in [t.title for t in all_of(house, EventType)]

    assert send(nia, f"{PAGE}/new", **TYPE) == 303  # switched off it may be kept
    kept = mine(house, "Career chat")
    answer = post(nia, f"{PAGE}/{kept.id}/on")
    assert (answer.status_code, STRIPE in answer.text) == (409, True)
    assert not mine(house, "Career chat").enabled

    assert send(nia, f"{PAGE}/{kept.id}", **{**TYPE, "price": "0"}, enabled="on") == 303
    answer = post(nia, f"{PAGE}/{kept.id}", **TYPE, enabled="on")  # a free one that gets a price
    assert answer.status_code == 409
    assert (mine(house, "Career chat").price, mine(house, "Career chat").enabled) == (0, True)


def test_a_type_that_is_on_waits_for_stripe_in_words_when_stripe_stops_the_mentor(house: House) -> None:
    restricted(house)
    page = signed_in(house, AMARA["email"]).get(PAGE).text
    assert "Waits for Stripe" in page
    assert page.count("Bookable") == 1  # the free one
    assert send(signed_in(house, AMARA["email"]), f"{PAGE}/1/off") == 303  # and may always be switched off


# What was sold


def test_a_new_price_touches_nothing_that_was_sold_or_is_being_paid(house: House) -> None:
    paid(house)
    house.settle_down()
    lena = someone(house)
    session_id = lena.reach_payment("amara")  # has seen the old price
    sold = dump(house, "discuno_payment", "discuno_transfer", "discuno_ledger_entry")
    assert (
        send(signed_in(house, AMARA["email"]), f"{PAGE}/1", **{**TYPE, "price": "75.50"}, enabled="on") == 303
    )
    assert dump(house, "discuno_payment", "discuno_transfer", "discuno_ledger_entry") == sold
    lena.pay(session_id)
    house.settle_down()
    assert [(b.price, b.title, b.duration_minutes) for b in all_of(house, Booking)] == [
        (6000, "Application review", 45)
    ] * 2
    assert [p.mentor_amount for p in all_of(house, Payment)] == [5400, 5400]


def test_a_type_that_was_chosen_stays_and_one_that_never_was_can_go(house: House) -> None:
    someone(house).reach_payment("amara")
    amara = signed_in(house, AMARA["email"])
    assert "It cannot be removed." in amara.get(f"{PAGE}/1").text
    answer = post(amara, f"{PAGE}/1/remove")
    assert (answer.status_code, "the books keep what was chosen" in answer.text) == (409, True)
    assert send(amara, f"{PAGE}/2/remove") == 303
    assert [t.id for t in all_of(house, EventType) if t.mentor_id == 1] == [1]
    assert all_of(house, AuditEntry)[-1].action == "event_type_removed"
    assert send(amara, f"{PAGE}/2/remove") == 404


def test_a_type_that_is_removed_while_somebody_chooses_it_is_not_offered_any_more(house: House) -> None:
    jun = someone(house)
    start = jun.times("amara", 2)[0]
    with house.app.app_context(), transaction() as unit:
        unit.execute(sa.text("DELETE FROM discuno_event_type WHERE id = 2"))
        answer = while_it_is_open(lambda: jun.choose("amara", 2, start))
    assert (answer.status_code, "does not offer that session" in answer.text) == (404, True)


def test_a_type_that_somebody_chooses_while_it_is_removed_stays(house: House) -> None:
    amara, start = signed_in(house, AMARA["email"]), someone(house).times("amara", 2)[0]
    amara.get(PAGE)
    with house.app.app_context(), transaction() as unit:
        journey.choose_time(unit.get_one(EventType, 2), start, visitor="jun", zone="Europe/Paris")
        answer = while_it_is_open(lambda: post(amara, f"{PAGE}/2/remove"))
    assert (answer.status_code, "the books keep what was chosen" in answer.text) == (409, True)


# The list


def test_types_are_switched_and_moved_and_attendees_see_it_at_once(house: House) -> None:
    amara, anybody = signed_in(house, AMARA["email"]), house.app.test_client()
    assert send(amara, f"{PAGE}/2/up") == 303
    page = anybody.get("/mentor/amara").text
    assert page.index("First hello") < page.index("Application review")
    assert send(amara, f"{PAGE}/2/up") == 303  # it is the first already
    assert send(amara, f"{PAGE}/2/off") == 303
    assert "First hello" not in anybody.get("/mentor/amara").text
    assert send(amara, f"{PAGE}/2/off") == 303  # twice-clicked does once
    assert [e.action for e in all_of(house, AuditEntry)] == ["event_type_changed"] * 2


def test_a_form_sent_twice_makes_one_type(house: House) -> None:
    amara = signed_in(house, AMARA["email"])
    assert [send(amara, f"{PAGE}/new", **TYPE) for _ in range(2)] == [303, 303]
    assert [t.title for t in all_of(house, EventType)].count("Career chat") == 1


def test_two_tabs_saving_at_once_leave_one_of_them_whole(house: House) -> None:
    wanted = [
        {**TYPE, "title": f"Title {n}", "price": f"{n}0", "duration_minutes": f"{n}5", "enabled": "on"}
        for n in (3, 4)
    ]
    codes: list[int] = []

    def save(form: dict[str, str]) -> None:
        codes.append(send(signed_in(house, AMARA["email"]), f"{PAGE}/1", **form))

    tabs = [threading.Thread(target=save, args=(form,)) for form in wanted]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(30)
    assert codes == [303, 303]
    saved = all_of(house, EventType)[0]
    assert (saved.title, saved.price, saved.duration_minutes) in {
        ("Title 3", 3000, 35),
        ("Title 4", 4000, 45),
    }
    assert all_of(house, AuditEntry)[1].before == all_of(house, AuditEntry)[0].after  # one after the other


@pytest.mark.parametrize("act", ["", "/on", "/off", "/up", "/down", "/remove"])
def test_another_mentors_type_is_not_there(house: House, act: str) -> None:
    before = dump(house, "discuno_event_type", "discuno_audit_entry")
    amara = signed_in(house, AMARA["email"])
    assert send(amara, f"{PAGE}/3{act}", **TYPE) == 404
    assert amara.get(f"{PAGE}/3").status_code == 404
    assert dump(house, "discuno_event_type", "discuno_audit_entry") == before


# Cal.com


def test_what_comes_from_calcom_is_shown_and_not_taken_from_the_form(house: House) -> None:
    owen = signed_in(house, OWEN["email"])
    page = owen.get(f"{PAGE}/3").text
    assert "These come from Cal.com" in page
    assert not re.search(r'name="(title|description|duration_minutes)"', page)
    changed = {**TYPE, "title": "Mine", "duration_minutes": "5", "price": "80", "currency": "gbp"}
    assert send(owen, f"{PAGE}/3", **changed, enabled="on") == 303
    saved = next(t for t in all_of(house, EventType) if t.id == 3)
    assert (saved.title, saved.duration_minutes, saved.price) == ("Oxbridge interview", 60, 8000)
    assert "Make it at Cal.com" in owen.get(f"{PAGE}/new").text
    assert send(owen, f"{PAGE}/new", **TYPE) == 409
    assert send(owen, f"{PAGE}/3/remove") == 409


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE discuno_event_type SET calcom_gone_at = now() WHERE id = 3", "Not bookable at Cal.com"),
        ("UPDATE discuno_event_type SET calcom_event_type_id = NULL WHERE id = 3", "Not at Cal.com"),
        ("UPDATE discuno_mentor SET calendar = 'builtin' WHERE username = 'owen'", "At Cal.com"),
        ("UPDATE discuno_event_type SET enabled = false WHERE id = 3", "Off"),
        ("UPDATE discuno_mentor SET suspended_at = now() WHERE username = 'owen'", "Suspended"),
    ],
)
def test_each_state_has_its_words(house: House, sql: str, words: str) -> None:
    change(house, sql)
    page = signed_in(house, OWEN["email"]).get(PAGE).text
    assert f">{words}</span>" in page


def test_a_currency_that_stripe_settles_in_another_says_that_transfers_wait(house: House) -> None:
    owen = signed_in(house, OWEN["email"])
    assert "Stripe may settle payments in GBP" in owen.get(f"{PAGE}/3").text  # paid in dollars
    assert "Stripe may settle" not in signed_in(house, AMARA["email"]).get(f"{PAGE}/1").text
    paid(house, "owen")
    house.settle_down()
    change(house, "UPDATE discuno_payment SET settlement_currency = 'gbp'")
    assert "settle" not in owen.get(f"{PAGE}/3").text
    change(house, "UPDATE discuno_payment SET settlement_currency = 'usd'")
    assert "Stripe settles payments in GBP as USD." in owen.get(f"{PAGE}/3").text
